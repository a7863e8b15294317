"""Sequences by the numbers in file names.

Names with the same texts around their numbers have one template. In each template, one number may
be a counter: the others stay fixed while it counts. Names of one folder that differ in the counter
alone are one sequence.

A template of several numbers, of which one before the counter tells sequences apart, is strong
evidence, and so is a path that names a recording with its number (``patient12``). A folder with
one single run, as of a camera or of a class, is weak evidence: its names only give the order.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...duplicates._labels import Labels, relabel
from ._paths import SplitPath, join_part_folders, split_numbers, split_path

# A run holds at least this share of the values between its ends. Arbitrary ids hold fewer.
_LEAST_DENSITY = 0.2
# A template has a counter if so many of its images, and of the values that count, agree.
_MOST = 0.5
# A number counts if its runs have at least this many images on average.
_LEAST_RUN = 1.5
# The last number that counts is the counter, unless another one makes runs so many times longer.
_MUCH_LONGER = 4

_WORDS_OF_COUNTERS = re.compile(r"(frame|slice)[^a-z0-9]*$", re.IGNORECASE)
_WORDS_OF_CLASSES = re.compile(r"(class|cls|label|category)[^a-z0-9]*$", re.IGNORECASE)
_RECORDING = re.compile(
    r"(?<![a-z])(patient|subject|case|person|participant|video|vid|clip|track|seq|sequence|scene"
    r"|scan|series|session|recording|drive|flight|trip)[ _-]?[0-9]",
    re.IGNORECASE,
)


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
    paths = [split_path(name) if name is not None else SplitPath("", "") for name in names]
    folders = relabel(np.array(join_part_folders(paths), dtype=object))
    rows_of: dict[tuple[str, ...], list[int]] = defaultdict(list)
    numbers: list[tuple[int, ...]] = []
    for row, path in enumerate(paths):
        texts, found = split_numbers(path.stem)
        numbers.append(found)
        if found:
            rows_of[texts].append(row)
    runs = NameRuns.without_runs(len(names))
    counter_of: dict[tuple[str, ...], int] = {}
    for texts, listed in rows_of.items():
        rows = np.array(listed)
        values = np.array([numbers[row] for row in listed], dtype=np.int64)
        counter = _find_counter(texts, folders[rows], values)
        if counter is not None:
            counter_of[texts] = counter
            _set_runs(runs, paths, rows, texts, folders[rows], values, counter)
    _add_variants(runs, paths, folders, counter_of)
    return runs


def _find_counter(
    texts: tuple[str, ...], folders: Labels, values: NDArray[np.int64]
) -> int | None:
    """Return which number of a template counts, or None."""
    sizes = {}
    for place in range(values.shape[1]):
        if (values[:, place] == values[0, place]).all():
            continue
        size = _mean_run(_group(folders, np.delete(values, place, axis=1)), values[:, place])
        if size >= _LEAST_RUN:
            sizes[place] = size
    if not sizes:
        return None
    longest = max(sizes.values())
    long = [place for place, size in sizes.items() if _MUCH_LONGER * size >= longest]
    named = [place for place in sizes if _WORDS_OF_COUNTERS.search(texts[place])]
    return (named or long)[-1]


def _group(folders: Labels, numbers: NDArray[np.int64]) -> Labels:
    """Return a group for each distinct row of a folder and numbers."""
    groups = folders
    for column in numbers.T:
        codes = relabel(column)
        groups = relabel(groups * (int(codes.max(initial=0)) + 1) + codes)
    return relabel(groups)


def _mean_run(groups: Labels, values: NDArray[np.int64]) -> float:
    """Return in how large a group an image is on average; 0 if most groups do not count."""
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
    return float((n_images**2).sum() / n_images.sum())


def _set_runs(
    runs: NameRuns,
    paths: list[SplitPath],
    rows: Labels,
    texts: tuple[str, ...],
    folders: Labels,
    values: NDArray[np.int64],
    counter: int,
) -> None:
    """Enter the runs of one template."""
    groups = _group(folders, np.delete(values, counter, axis=1))
    steps = pd.DataFrame({"group": groups, "value": values[:, counter]}).drop_duplicates()
    is_run = np.bincount(steps["group"]) > 1
    kept = is_run[groups]
    if not kept.any():
        return
    varies = (values != values[0]).any(axis=0)
    pattern = _describe(texts, values[0], varies, counter, len(np.unique(folders)) > 1)
    first = int(runs.labels.max(initial=-1)) + 1
    runs.labels[rows[kept]] = first + relabel(groups[kept])
    runs.counters[rows[kept]] = values[kept, counter]
    runs.patterns[rows[kept]] = pattern
    strong = _is_restarted(texts, values[kept], counter)
    named = [
        strong or _names_recording(paths[row], texts, numbers, counter)
        for row, numbers in zip(rows[kept].tolist(), values[kept].tolist(), strict=True)
    ]
    runs.is_strong[rows[kept]] = named


def _is_restarted(texts: tuple[str, ...], values: NDArray[np.int64], counter: int) -> bool:
    """Return whether a number tells runs apart, and the counter restarts in most of them."""
    end = values.shape[1] if _WORDS_OF_COUNTERS.search(texts[counter]) else counter
    telling = [
        place
        for place in range(end)
        if place != counter and not _WORDS_OF_CLASSES.search(texts[place])
    ]
    runs = _group(np.zeros(len(values), dtype=np.intp), values[:, telling])
    if runs.max() == 0:
        return False
    places = pd.DataFrame({"run": runs, "value": values[:, counter]}).drop_duplicates()
    recurs = places["value"].duplicated(keep=False)
    return bool(recurs.mean() >= _MOST)


def _names_recording(
    path: SplitPath, texts: tuple[str, ...], numbers: list[int], counter: int
) -> bool:
    """Return whether a path names a recording with its number, before the counter."""
    before = "".join(f"{text}{n}" for text, n in zip(texts[:counter], numbers, strict=False))
    return _RECORDING.search(f"{path.folder}/{before}") is not None


def _describe(
    texts: tuple[str, ...],
    numbers: NDArray[np.int64],
    varies: NDArray[np.bool_],
    counter: int,
    has_folders: bool,
) -> str:
    """Return a template as `pattern` takes it, with a name for each number that varies."""
    words, used = "{folder}/" if has_folders else "", {"frame", "folder"}
    for place, text in enumerate(texts[:-1]):
        word = re.search(r"([A-Za-z]+)[^A-Za-z]*$", text)
        name = base = "frame" if place == counter else word[1].lower() if word else "track"
        number = 2
        while place != counter and name in used:
            name, number = f"{base}{number}", number + 1
        used.add(name)
        words += text + (f"{{{name}}}" if varies[place] else str(numbers[place]))
    return words + texts[-1]


def _add_variants(
    runs: NameRuns,
    paths: list[SplitPath],
    folders: Labels,
    counter_of: dict[tuple[str, ...], int],
) -> None:
    """Add images whose names differ from those of one run only behind the counter.

    Such as an edited copy, ``IMG_0002-edited.jpg`` beside ``IMG_0001.jpg`` to ``IMG_0800.jpg``.
    """
    missing = np.flatnonzero(runs.labels < 0)
    if not len(missing) or len(missing) == len(paths):
        return
    ends: dict[tuple[int, str], dict[int, list[int]]] = defaultdict(dict)
    for row in np.flatnonzero(runs.labels >= 0).tolist():
        texts, numbers = split_numbers(paths[row].stem)
        before = _prefix(texts, numbers, counter_of[texts])
        value, of_run = int(runs.counters[row]), ends[int(folders[row]), before]
        low, high, _ = of_run.get(int(runs.labels[row]), [value, value, row])
        of_run[int(runs.labels[row])] = [min(low, value), max(high, value), row]
    for row in missing.tolist():
        texts, numbers = split_numbers(paths[row].stem)
        for place, value in enumerate(numbers):
            runs_here = ends.get((int(folders[row]), _prefix(texts, numbers, place)), {})
            if len(runs_here) != 1:
                continue
            ((label, (low, high, member)),) = runs_here.items()
            if low <= value <= high:
                runs.labels[row], runs.counters[row] = label, value
                runs.is_strong[row] = runs.is_strong[member]
                runs.patterns[row] = runs.patterns[member]
                break


def _prefix(texts: tuple[str, ...], numbers: tuple[int, ...], place: int) -> str:
    """Return what comes before a number of a name."""
    before = "".join(f"{text}{n}" for text, n in zip(texts[:place], numbers, strict=False))
    return before + texts[place]
