"""The stage `find_pairs`: all pairs of near duplicates among hashed images."""

from __future__ import annotations

import os
import secrets
from typing import Any, NamedTuple

from .._utils.display import facts_as_html
from .._utils.docstrings import fill_in_parameters
from .._utils.validation import check_bool, check_int, check_positive, check_radius
from ..duplicates._radius_warnings import warn_of_strangers
from ..exceptions import StageError
from ..hashing._default_radius import default_radius
from ._executors import as_executor
from ._hash_stage import KIND as HASHES
from ._hash_stage import LISTING, HashPlan
from ._hash_worker import Place, check_worker
from ._join import GENERATIONS, Join
from ._part_directory import arrow
from ._stages import Stage

KIND = "pairs"


class PairsSummary(NamedTuple):
    """The results of `find_pairs`.

    Parameters
    ----------
    out : str
        The stage directory.
    n_images : int
        The number of images that have been compared with each other.
    n_new : int
        The number of images that this call compared.
    n_pairs : int
        The number of pairs in the directory.
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
    radius: int | None = None,
    *,
    part_seconds: float = 5.0,
    retries: int = 2,
    executor: Any = None,
    progress: bool = False,
) -> PairsSummary:
    """Find all pairs of near duplicates among hashed images.

    The search is exact. A second call continues where the first one stopped. It compares images
    that were hashed since with each other and with those before.

    Parameters
    ----------
    hashes : path or URL
        The directory that `hash_dataset` wrote.
    out : path or URL
        The directory for the pairs, with the columns "left", "right" and "distance" in bits. The
        first two are the numbers of images, with ``left < right``. Images are numbered in the
        order of the parts of `hashes` that the file "_generations.json" lists. Among images with
        equal hashes, only the first is compared, and the others are paired with it. The groups
        stay the same, and a million copies make only a million pairs. Images of low detail are
        paired if their pixels are equal.
    radius : int, default=None
        The largest Hamming distance of a pair, in bits of all hashes together. None means the
        default for the hashes, as in `NearDuplicateFinder`, which is 12 for "phash" and "dhash".
        A radius above the number of bits raises a `ParameterError`.
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
        If a directory cannot be used, or the hashes are not finished.
    EngineError
        If the workers cannot be used, or if a part kills each of them.

    Notes
    -----
    One process holds the packed hashes of all images to find equal ones. Each worker maps one
    band of the join into memory. See ``docs/large-collections.md`` for figures.
    """
    check_int("find_pairs", "retries", retries, 0)
    check_positive("find_pairs", "part_seconds", part_seconds)
    check_bool("find_pairs", "progress", progress)
    arrow()
    hashed = Stage.open(hashes, HASHES)
    names = _finished_parts(hashed)
    specs = HashPlan.of_settings(hashed.settings).computed.hashes
    default = default_radius(specs)
    if radius is None:
        radius = default.bits
        warn_of_strangers(specs, default, sum(map(hashed.count, names)))
    check_radius("find_pairs", radius, sum(spec.n_bits for spec in specs))
    with Stage.create(out, KIND, {"radius": int(radius), "hashes": hashed.settings}) as stage:
        workers = as_executor(executor, "find_pairs")
        workers.check(check_worker, Place(hashed.address))
        generations = stage.read_json(GENERATIONS) or []
        _check_lineage(stage, hashed, generations, names)
        before = sum(each["n_rows"] for each in generations if each["done"])
        while True:
            if not generations or generations[-1]["done"]:
                seen = {name for each in generations for name in each["parts"]}
                new = [name for name in names if name not in seen]
                if not new:
                    break
                n_rows = sum(map(hashed.count, new))
                generations.append({"parts": new, "n_rows": n_rows, "done": False})
                generations[-1] |= {"token": secrets.token_hex(4), "part_seconds": part_seconds}
                stage.write_json(GENERATIONS, generations)
            join = Join(stage, hashed, generations, int(radius))
            join.run(workers, retries, progress)
        n_images = sum(each["n_rows"] for each in generations)
        n_pairs = sum(each["n_pairs"] for each in generations)
        return PairsSummary(stage.address, n_images, n_images - before, n_pairs)


def row_order(stage: Stage) -> list[str]:
    """Return the parts of hashes in the order in which a finished stage numbers their images."""
    generations = stage.read_json(GENERATIONS) or []
    if not generations or not generations[-1]["done"]:
        raise StageError(f"The pairs of {stage.address} are not complete. Run find_pairs again.")
    return [name for each in generations for name in each["parts"]]


def _finished_parts(hashed: Stage) -> list[str]:
    names = hashed.names()
    left = set(hashed.sub(LISTING).names()) - set(names)
    if left or not names:
        raise StageError(
            f"{hashed.address} is not finished: {len(left)} of {len(left) + len(names)} parts are "
            f"not hashed yet. Run hash_dataset again. It hashes only the missing parts."
        )
    return names


def _check_lineage(
    stage: Stage, hashed: Stage, generations: list[dict[str, Any]], names: list[str]
) -> None:
    """Raise unless the pairs were made from these hashes."""
    missing = {name for each in generations for name in each["parts"]} - set(names)
    if missing:
        raise StageError(
            f"{stage.address} holds the pairs of other hashes than {hashed.address}, which has no "
            f"part {min(missing)}. Name another directory."
        )
