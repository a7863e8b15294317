"""Sequences by the numbers in file names.

A path that names a recording with its number belongs to it, see `find_recordings`. Among the other
names, those with the same texts around their numbers have one template. In each template, one
number may be a counter: what comes before it stays fixed while it counts. Names of one folder with
the same beginning are one sequence. What follows the counter is another view of the frame.

Several runs in a folder, which a number before the counter tells apart, are strong evidence. A
folder with one single run, as of a camera or of a class, is weak evidence: its names only give the
order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...duplicates._labels import Labels, relabel
from ._paths import SplitPath, join_part_folders, natural_key, split_numbers, split_path
from ._recordings import find_recordings

# A run holds at least this share of the values between its ends. Arbitrary ids hold fewer.
_LEAST_DENSITY = 0.2
# A template has a counter if so many of its images, and of the values that count, agree.
_MOST = 0.5
# A number counts if its runs have at least this many values on average.
_LEAST_RUN = 1.5
_WORDS_OF_COUNTERS = re.compile(r"(frame|slice)[^a-z0-9]*$", re.IGNORECASE)
# A tile of a picture is not another sequence.
_WORDS_OF_PLACES = re.compile(
    r"(?<![a-z])(x|y|row|col|column|tile|patch)[^a-z0-9]*$", re.IGNORECASE
)
_WORDS_OF_CLASSES = re.compile(r"(class|cls|label|category)[^a-z0-9]*$", re.IGNORECASE)


@dataclass(frozen=True)
class NameRuns:
    """Runs of images whose names count.

    Parameters
    ----------
    labels : ndarray of shape (n_images,), dtype intp
        The run of each image, or -1.
    counters : ndarray of shape (n_images,), dtype int64
        The place of each image in its run, by the values of the counter.
    is_strong : ndarray of shape (n_images,), dtype bool
        Whether the names alone tell that the run is one recording.
    patterns : ndarray of shape (n_images,), dtype object
        The pattern of each image's run in words, or "".
    """

    labels: Labels
    counters: NDArray[np.int64]
    is_strong: NDArray[np.bool_]
    patterns: NDArray[np.object_]

    @classmethod
    def without_runs(cls, n_images: int) -> NameRuns:
        """Return the result for images in no run."""
        return cls(
            np.full(n_images, -1, dtype=np.intp),
            np.zeros(n_images, dtype=np.int64),
            np.zeros(n_images, dtype=bool),
            np.full(n_images, "", dtype=object),
        )


def find_name_runs(names: Sequence[str | None]) -> NameRuns:
    """Find the runs of images whose file names count.

    Parameters
    ----------
    names : sequence of str or None
        Paths and URLs in any order; None for an image without a name.

    Returns
    -------
    NameRuns
        The runs.

    Examples
    --------
    >>> from hashfeatures.model_selection.sequences._names import find_name_runs
    >>> runs = find_name_runs(["a/1_00.png", "a/1_01.png", "a/2_00.png", "a/2_01.png", "a/x.png"])
    >>> runs.labels
    array([ 0,  0,  1,  1, -1])
    >>> runs.patterns[0]
    '{track}_{frame}'
    """
    named = [row for row, name in enumerate(names) if name is not None]
    runs = NameRuns.without_runs(len(names))
    found = _find_runs([split_path(names[row] or "") for row in named])
    runs.labels[named], runs.counters[named] = found.labels, found.counters
    runs.is_strong[named], runs.patterns[named] = found.is_strong, found.patterns
    return runs


def _find_runs(paths: list[SplitPath]) -> NameRuns:
    joined = join_part_folders(paths)
    folders = relabel(np.array(joined, dtype=object))
    rows_of: dict[tuple[str, ...], list[int]] = defaultdict(list)
    numbers: list[tuple[int, ...]] = []
    for row, path in enumerate(paths):
        texts, found = split_numbers(path.stem)
        numbers.append(found)
        if found:
            rows_of[texts].append(row)
    families: dict[tuple[str, ...], _Family] = defaultdict(_Family)
    places = np.full(len(paths), -1)
    for texts, listed in rows_of.items():
        values = np.array([numbers[row] for row in listed], dtype=np.int64)
        counter = _find_counter(texts, folders[listed], values)
        if counter is not None:
            places[listed] = counter
            family = families[texts[: counter + 1]]
            family.rows.extend(listed)
            family.numbers.extend(map(tuple, values[:, : counter + 1].tolist()))
            family.ends.add(_describe_end(texts[counter + 1 :], values[:, counter + 1 :]))
    runs = NameRuns.without_runs(len(paths))
    for texts, family in families.items():
        _set_runs(runs, folders, texts, family)
    _add_variants(runs, paths, folders, numbers, places)
    _add_recordings(runs, paths, joined)
    return runs


@dataclass
class _Family:
    """Images whose names have the same texts up to the counter."""

    rows: list[int] = field(default_factory=list)
    numbers: list[tuple[int, ...]] = field(default_factory=list)
    ends: set[str] = field(default_factory=set)


def _find_counter(
    texts: tuple[str, ...], folders: Labels, values: NDArray[np.int64]
) -> int | None:
    """Return which number of a template counts, or None."""
    sizes = {}
    for place in range(values.shape[1]):
        if (values[:, place] == values[0, place]).all() or _are_dates(values[:, place]):
            continue
        size = _mean_run(_group(folders, values[:, :place]), values[:, place])
        if size >= _LEAST_RUN:
            sizes[place] = size
    named = [place for place in sizes if _WORDS_OF_COUNTERS.search(texts[place])]
    ranked = named or list(sizes)
    return ranked[-1] if ranked else None


def _are_dates(values: NDArray[np.int64]) -> bool:
    """Return whether numbers are dates such as 20240501."""
    years, days = np.divmod(values, 10_000)
    months, days = np.divmod(days, 100)
    is_date = (years >= 1900) & (years < 2100) & (months >= 1) & (months <= 12) & (days <= 31)
    return bool(is_date.all())


def _group(folders: Labels, numbers: NDArray[np.int64]) -> Labels:
    """Return a group for each distinct row of a folder and numbers."""
    groups = folders
    for column in numbers.T:
        codes = relabel(column)
        groups = relabel(groups * (int(codes.max(initial=0)) + 1) + codes)
    return relabel(groups)


def _mean_run(groups: Labels, values: NDArray[np.int64]) -> float:
    """Return how many values the group of an image has on average; 0 if most are sparse."""
    order = np.lexsort((values, groups))
    groups, values = groups[order], values[order]
    steps = np.diff(values)
    is_step = (np.diff(groups) == 0) & (steps > 0)
    if not is_step.any():
        return 0.0
    n_images = np.bincount(groups)
    n_steps = np.bincount(groups[1:][is_step], minlength=len(n_images))
    spans = np.bincount(groups[1:][is_step], steps[is_step], minlength=len(n_images))
    # Every tenth frame may be there, say. Few steps may have a common divisor by chance.
    stride = int(np.gcd.reduce(steps[is_step])) if is_step.sum() > 2 else 1
    has_steps = n_steps > 0
    counts = has_steps & (n_steps * stride >= _LEAST_DENSITY * spans)
    if n_images[counts].sum() < _MOST * n_images[has_steps].sum():
        return 0.0
    return float((n_images * (n_steps + 1)).sum() / n_images.sum())


def _set_runs(
    runs: NameRuns,
    folders: Labels,
    texts: tuple[str, ...],
    family: _Family,
) -> None:
    """Enter the runs of a family of names."""
    rows, values = np.array(family.rows), np.array(family.numbers, dtype=np.int64)
    is_place = [_WORDS_OF_PLACES.search(text) is not None for text in texts[:-1]]
    telling = values[:, :-1][:, ~np.array(is_place, dtype=bool)]
    groups = _group(folders[rows], telling)
    steps = pd.DataFrame({"group": groups, "value": values[:, -1]}).drop_duplicates()
    kept = (np.bincount(steps["group"]) > 1)[groups]
    rows, values, groups = rows[kept], values[kept], groups[kept]
    if not len(rows):
        return
    runs.labels[rows] = int(runs.labels.max(initial=-1)) + 1 + relabel(groups)
    runs.counters[rows] = values[:, -1]
    runs.patterns[rows] = _describe(texts, values, folders[rows], family.ends)
    runs.is_strong[rows] = _are_restarted(texts, groups, folders[rows], values)


def _are_restarted(
    texts: tuple[str, ...], groups: Labels, folders: Labels, values: NDArray[np.int64]
) -> bool:
    """Return whether a number tells runs of a folder apart, and most counter values recur."""
    if all(_WORDS_OF_CLASSES.search(text) or _WORDS_OF_PLACES.search(text) for text in texts[:-1]):
        return False
    places = pd.DataFrame({"run": groups, "folder": folders, "value": values[:, -1]})
    recurs = places.drop_duplicates().duplicated(["folder", "value"], keep=False)
    return bool(recurs.mean() >= _MOST)


def _describe(
    texts: tuple[str, ...], values: NDArray[np.int64], folders: Labels, ends: set[str]
) -> str:
    """Return a template as `pattern` takes it, with a name for each number that varies."""
    has_folders = (folders != folders[0]).any()
    words, used = "{folder}/" if has_folders else "", {"frame", "folder"}
    for place, text in enumerate(texts[:-1]):
        if (values[:, place] == values[0, place]).all():
            words += f"{text}{values[0, place]}"
            continue
        if _WORDS_OF_PLACES.search(text):
            words += f"{text}*"
            continue
        word = re.search(r"([A-Za-z]+)[^A-Za-z]*$", text)
        name = base = word[1].lower() if word else "track"
        number = 2
        while name in used:
            name, number = f"{base}{number}", number + 1
        used.add(name)
        words += f"{text}{{{name}}}"
    return f"{words}{texts[-1]}{{frame}}{ends.copy().pop() if len(ends) == 1 else '*'}"


def _describe_end(texts: tuple[str, ...], values: NDArray[np.int64]) -> str:
    """Return what follows the counter, with "*" for numbers that vary."""
    ends = [str(column[0]) if (column == column[0]).all() else "*" for column in values.T]
    return _join(texts, ends) + texts[-1]


def _join(texts: Sequence[str], numbers: Sequence[object]) -> str:
    """Return texts with a number after each; the last text may have none."""
    return "".join(f"{text}{n}" for text, n in zip(texts, numbers, strict=False))


def _before(path: SplitPath, place: int) -> str:
    """Return what comes before a number of a file name."""
    texts, numbers = split_numbers(path.stem)
    return _join(texts[:place], numbers) + texts[place]


def _add_variants(
    runs: NameRuns,
    paths: list[SplitPath],
    folders: Labels,
    numbers: list[tuple[int, ...]],
    places: Labels,
) -> None:
    """Add images whose names differ from those of one run only behind the counter.

    Such as a single edited copy, ``IMG_0002-edited.jpg`` beside ``IMG_0001.jpg`` to
    ``IMG_0800.jpg``.
    """
    missing = [row for row in np.flatnonzero(runs.labels < 0).tolist() if numbers[row]]
    found = np.flatnonzero(runs.labels >= 0)
    if not missing or not len(found):
        return
    # A run is known by its folder and the beginning of the name of its first image.
    first = found[np.unique(runs.labels[found], return_index=True)[1]].tolist()
    counters = pd.Series(runs.counters[found]).groupby(runs.labels[found])
    low, high = counters.min().to_numpy(), counters.max().to_numpy()
    run_of = {
        (int(folders[row]), _before(paths[row], int(places[row]))): run
        for run, row in enumerate(first)
    }
    for row in missing:
        for place, value in enumerate(numbers[row]):
            run = run_of.get((int(folders[row]), _before(paths[row], place)), -1)
            if run >= 0 and low[run] <= value <= high[run]:
                runs.labels[row], runs.counters[row] = run, value
                runs.is_strong[row] = runs.is_strong[first[run]]
                runs.patterns[row] = runs.patterns[first[run]]
                break


def _add_recordings(runs: NameRuns, paths: list[SplitPath], folders: list[str]) -> None:
    """Enter the recordings that paths name."""
    found = find_recordings(paths, folders)
    rows = np.array([row for row, each in enumerate(found) if each is not None], dtype=np.intp)
    if not len(rows):
        return
    keys = relabel(np.array([each.key for each in found if each], dtype=object))
    sizes = np.bincount(runs.labels + 1)
    is_run = pd.DataFrame({"run": runs.labels[rows], "size": 1}).groupby(keys)
    facts = is_run.agg(low=("run", "min"), high=("run", "max"), n=("size", "sum")).to_numpy()
    low, high, n_images = facts.T
    as_run = (low >= 0) & (low == high) & (n_images == sizes[low + 1])
    runs.is_strong[rows] = True
    # Without a counter, the names give the order.
    rest = np.flatnonzero(~as_run[keys])
    order = [natural_key(f"{folders[row]}/{paths[row].stem}") for row in rows[rest].tolist()]
    place_of = {key: place for place, key in enumerate(sorted(set(order)))}
    runs.labels[rows[rest]] = int(runs.labels.max()) + 1 + keys[rest]
    runs.counters[rows[rest]] = [place_of[key] for key in order]
    patterns = np.array([each.pattern for each in found if each], dtype=object)
    runs.patterns[rows[rest]] = patterns[rest]
