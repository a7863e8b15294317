"""The stage `find_pairs`: all pairs of near duplicates among hashed images."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..._utils.display import facts_as_html
from ..._utils.docstrings import fill_in_parameters
from ..._utils.progress import progress_bar
from ..._utils.validation import check_bool, check_int, check_positive
from ...duplicates._comparison import Comparison
from ...duplicates._finder import NearDuplicateFinder
from ...exceptions import StageError
from .._executors import as_executor
from .._hash_stage import KIND as HASHES
from .._hash_stage import LISTING
from .._lineage import check_parts, record_parts
from .._part_directory import PartDirectory, arrow
from .._stage_finder import check_same_hashes, choose_finder, limits_of, note_of
from .._stages import Stage
from .._task_runner import TaskRunner
from ..hashes._hash_worker import Place, check_worker
from ._cross_run import CrossRun, name_copies
from ._pair_phases import GENERATIONS, prefix_of
from ._pair_run import PairRun
from ._paired_sets import KIND as ACROSS
from ._paired_sets import SIDES, copies_of

KIND = "pairs"


class PairsSummary(NamedTuple):
    """The results of a call of `find_pairs`.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Attributes
    ----------
    out : str
        The stage directory.
    n_images : int
        The number of images that have been compared with each other.
    n_new : int
        The number of images that this call compared.
    n_pairs : int
        The number of pairs in the directory.

    See Also
    --------
    find_pairs : Returns it.

    Examples
    --------
    >>> from hashfeatures.distributed import PairsSummary
    >>> PairsSummary("run/pairs", n_images=100, n_new=20, n_pairs=7)
    PairsSummary(out='run/pairs', n_images=100, n_new=20, n_pairs=7)
    """

    out: str
    n_images: int
    n_new: int
    n_pairs: int

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._asdict())


@fill_in_parameters
def find_pairs(
    hashes: str | os.PathLike[str],
    out: str | os.PathLike[str],
    finder: NearDuplicateFinder | None = None,
    *,
    against: str | os.PathLike[str] | None = None,
    part_seconds: float = 5.0,
    retries: int = 2,
    executor: Any = None,
    progress: bool = False,
) -> PairsSummary:
    """Find all pairs of near duplicates among hashed images, or between two sets of them.

    The pairs are those of the finder, with the same values. A second call continues where the
    first one stopped. It compares images that were hashed since with each other and with those
    before.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    hashes : path-like or URL
        The directory that `hash_dataset` wrote.
    out : path-like or URL
        The directory for the pairs, with the columns of ``NearDuplicateFinder.pairs_``: "left",
        "right" and "distance" in bits; over views, "left_view" and "right_view"; and if pixels
        confirm pairs, "agreement" and "relation". The first two are the numbers of images, with
        ``left < right``. Images are numbered in the order of the parts of `hashes` that the file
        "_generations.json" lists. Among images with equal fingerprints, only the first is
        compared, and the others are paired with it. The groups stay the same, and a million
        copies make only a million pairs. Images of low detail are paired if their pixels are
        equal.
    finder : NearDuplicateFinder, default=None
        Defines near duplicates. It must need no more than what the images were hashed for, and
        may differ in `radius`, `min_agreement`, `color_radius`, `verify` and `linkage`. None
        takes the one that `hash_dataset` was called with.
    against : path-like or URL, default=None
        The directory that `hash_dataset` wrote for another set of images. Then only pairs of two
        sets are found, with "left" the number of an image in `hashes` and "right" that of one in
        `against`. Of equal images in a set, only the first is in pairs. The directories
        "_copies_left" and "_copies_right" list the others, with the columns "first" and "copy".
        Both sets may have grown in a later call. `find_leaks` tells what the pairs mean.
    part_seconds : float, default=5.0
        The predicted seconds of work in a part, on one processor. A killed run loses at most one
        part for each worker. A continued run keeps the parts of the run before.
    retries : int, default=2
        How often a part runs again if its worker dies.
    $executor
    $progress

    Returns
    -------
    PairsSummary
        The numbers of images and pairs.

    Raises
    ------
    StageError
        If a directory cannot be used, if the hashes are not finished, or if the images were
        hashed for another finder, or two sets of them with different settings.
    EngineError
        If the workers cannot be used, or if a part kills each of them.

    See Also
    --------
    hash_dataset : The stage before.
    components : Groups the pairs.
    find_leaks : Lists the pairs between two sets.

    Notes
    -----
    One process holds the packed hashes of all images to find equal ones. Each worker maps one
    band of the join into memory. Candidates are confirmed from copies of the fingerprints of the
    images that occur in them, which take 4.5 KB each in `out` while the stage runs. See
    :doc:`/user-guide/large-collections` for figures.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skimage import data
    >>> from hashfeatures.distributed import LocalExecutor, find_pairs, hash_dataset
    >>> names = [f"{data.__path__[0]}/{name}.png" for name in ("camera", "coins")]
    >>> here = LocalExecutor(1)
    >>> with TemporaryDirectory() as run:
    ...     hashed = hash_dataset(names, f"{run}/hashes", executor=here)
    ...     paired = find_pairs(hashed.out, f"{run}/pairs", executor=here)
    >>> paired.n_images, paired.n_pairs
    (2, 0)
    """
    check_int("find_pairs", "retries", retries, 0)
    check_positive("find_pairs", "part_seconds", part_seconds)
    check_bool("find_pairs", "progress", progress)
    arrow()
    hashed = [Stage.open(each, HASHES) for each in (hashes, against) if each is not None]
    names = [_finished_parts(each) for each in hashed]
    chosen = choose_finder(finder, hashed[0], "find_pairs")
    comparison = chosen._comparison()
    for other in hashed[1:]:
        check_same_hashes(hashed[0], other, chosen)
    n_images = sum(sum(map(each.count, some)) for each, some in zip(hashed, names, strict=True))
    radius = limits_of(chosen, n_images, "find_pairs").radius
    kind = KIND if against is None else ACROSS
    settings = _settings_of(comparison, radius, hashed)
    with (
        Stage.create(out, kind, settings, note_of(chosen)) as stage,
        progress_bar(progress, unit="part") as bar,
    ):
        workers = as_executor(executor, "find_pairs")
        for each in hashed:
            workers.check(check_worker, Place(each.address))
        generations = stage.read_json(GENERATIONS) or []
        for each, added in zip(hashed, _added(generations, len(hashed)), strict=True):
            check_parts(stage, each, added)
        before = _count_images([each for each in generations if each["done"]], len(hashed))
        _remove_strays(stage, len(generations))
        _reopen(stage, generations)
        runner = TaskRunner(workers, retries, "find_pairs", stage.address, bar)
        while True:
            for number, generation in enumerate(generations):
                if not generation["done"]:
                    shared = (generations, number, comparison, radius, runner)
                    if against is None:
                        PairRun(stage, hashed[0], *shared).run()
                    else:
                        CrossRun(stage, hashed, *shared).run()
            new = [
                _new_parts(each, some, added)
                for each, some, added in zip(
                    hashed, names, _added(generations, len(hashed)), strict=True
                )
            ]
            if not any(each["parts"] for each in new):
                break
            record: dict[str, Any] = (
                new[0] if against is None else dict(zip(SIDES, new, strict=True))
            )
            record |= {"done": False}
            record |= {"token": secrets.token_hex(4), "part_seconds": part_seconds}
            generations.append(record)
            stage.write_json(GENERATIONS, generations)
        n_images = _count_images(generations, len(hashed))
        n_pairs = sum(each["n_pairs"] for each in generations)
        return PairsSummary(stage.address, n_images, n_images - before, n_pairs)


def read_lineage(stage: Stage) -> list[dict[str, Any]]:
    """Return the records of the parts of hashes, in the order that numbers their images.

    Raises
    ------
    StageError
        If the pairs are not complete.
    """
    generations = stage.read_json(GENERATIONS) or []
    if not generations or not all(each["done"] for each in generations):
        raise StageError(f"The pairs of {stage.address} are not complete. Run find_pairs again.")
    return generations


def _settings_of(comparison: Comparison, radius: int, hashed: Sequence[Stage]) -> dict[str, Any]:
    """Return what determines the pairs, as JSON values."""
    settings = {"radius": radius, "hashes": hashed[0].settings}
    if len(hashed) > 1:
        settings["against"] = hashed[1].settings
    if comparison.min_agreement is not None:
        settings["min_agreement"] = comparison.min_agreement
    if comparison.color_radius is not None:
        settings["color_radius"] = comparison.color_radius
    return settings


def _added(generations: Sequence[dict[str, Any]], n_sets: int) -> list[list[dict[str, Any]]]:
    """Return what each generation added to one set of images, or to each of two."""
    if n_sets == 1:
        return [list(generations)]
    return [[each[side] for each in generations] for side in SIDES]


def _count_images(generations: Sequence[dict[str, Any]], n_sets: int) -> int:
    return sum(each["n_rows"] for added in _added(generations, n_sets) for each in added)


def _new_parts(
    hashed: Stage, names: Sequence[str], added: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return the parts of hashes that no generation has, and the number of their images."""
    seen = {name for each in added for name in each["parts"]}
    new = [name for name in names if name not in seen]
    return record_parts(hashed, new)


def _remove_strays(stage: Stage, n_generations: int) -> None:
    """Delete the parts of generations that the record of this directory does not know."""
    places: list[PartDirectory] = [stage, *(stage.sub(copies_of(side)) for side in SIDES)]
    for place in places:
        names = place.names()
        known = {
            name
            for number in range(n_generations)
            for name in names
            if name.startswith(prefix_of(number)) or name == name_copies(number)
        }
        place.remove(name for name in names if name not in known)


def _reopen(stage: Stage, generations: list[dict[str, Any]]) -> None:
    """Mark generations of which parts were deleted, so that these are made again."""
    for number, each in enumerate(generations):
        is_short = len(stage.names(prefix_of(number))) < each.get("n_parts", 0)
        for side in SIDES:
            is_short |= side in each and not stage.sub(copies_of(side)).has(name_copies(number))
        if each["done"] and is_short:
            each |= {"done": False, "token": secrets.token_hex(4)}


def _finished_parts(hashed: Stage) -> list[str]:
    names = hashed.names()
    left = set(hashed.sub(LISTING).names()) - set(names)
    if left or not names:
        raise StageError(
            f"{hashed.address} is not finished: {len(left)} of {len(left) + len(names)} parts are "
            f"not hashed yet. Run hash_dataset again. It hashes only the missing parts."
        )
    return names
