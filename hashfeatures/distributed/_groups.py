"""The stage `components`: the groups that pairs connect."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._utils.display import facts_as_html
from .._utils.kernels import load_kernels
from .._utils.progress import busy
from ._hash_stage import KIND as HASHES
from ._pairs import KIND as PAIRS
from ._pairs import row_order
from ._part_directory import arrow
from ._stages import Stage, version_of

KIND = "groups"


class GroupsSummary(NamedTuple):
    """The results of `components`.

    Parameters
    ----------
    out : str
        The stage directory.
    n_images : int
        The number of images.
    n_groups : int
        The number of groups, including those of one image.
    n_duplicates : int
        The number of images in groups of two or more.
    """

    out: str
    n_images: int
    n_groups: int
    n_duplicates: int

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._asdict())


@busy("numbering groups")
def components(
    pairs: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    hashes: str | os.PathLike[str],
) -> GroupsSummary:
    """Group the images that chains of near duplicates connect.

    The groups are those of ``NearDuplicateFinder(linkage="single")``. The pairs are read part by
    part, so memory grows with the number of images and not with that of pairs.

    Parameters
    ----------
    pairs : path or URL
        The directory that `find_pairs` wrote.
    out : path or URL
        The directory for the groups, with one part of the same rows for each part of `hashes`. The
        columns are "image", "key" and "error" as there, "group", and "size" in images. The group
        is the smallest key of its images, which depends neither on the order of images nor on the
        executor. If there are new pairs, all parts are written again.
    hashes : path or URL
        The directory that `hash_dataset` wrote.

    Returns
    -------
    GroupsSummary
        The numbers of images and groups.

    Raises
    ------
    StageError
        If a directory cannot be used, or the pairs are not complete.
    """
    arrow()
    paired, hashed = Stage.open(pairs, PAIRS), Stage.open(hashes, HASHES)
    names = row_order(paired)
    with Stage.create(out, KIND, paired.settings) as stage:
        version = version_of(names)
        tables = [hashed.read(name, ["key"]).column("key").to_numpy() for name in names]
        keys = np.concatenate([np.zeros(0, np.uint64), *tables])
        roots = _find_roots(paired, len(keys))
        smallest = np.full(len(keys), np.iinfo(np.uint64).max, dtype=np.uint64)
        np.minimum.at(smallest, roots, keys)
        sizes = np.bincount(roots, minlength=len(keys)).astype(np.uint32)
        present = set(stage.names(version))
        first = 0
        for number, (name, part) in enumerate(zip(names, tables, strict=True)):
            rows = roots[first : first + len(part)]
            first += len(part)
            written = f"{version}-{number:08d}.parquet"
            if written not in present:
                _write_part(
                    stage,
                    written,
                    hashed.read(name, ["image", "key", "error"]),
                    smallest,
                    sizes,
                    rows,
                )
        stage.publish(version)
        shared = sizes[sizes > 1]
        return GroupsSummary(
            stage.address, len(keys), int((sizes > 0).sum()), int(shared.sum(dtype=np.int64))
        )


def _find_roots(paired: Stage, n_rows: int) -> NDArray[np.uint32]:
    """Return the first image of each image's group."""
    parents = np.arange(n_rows, dtype=np.uint32)
    kernels = load_kernels("hamming")
    for name in paired.names():
        table = paired.read(name, ["left", "right"])
        for batch in table.to_batches():
            left, right = (np.ascontiguousarray(batch.column(place)) for place in (0, 1))
            kernels.unite(parents, left, right)
    kernels.flatten(parents)
    return parents


def _write_part(
    stage: Stage,
    name: str,
    images: Any,
    smallest: NDArray[np.uint64],
    sizes: NDArray[np.uint32],
    roots: NDArray[np.uint32],
) -> None:
    table = images.add_column(2, "group", arrow().array(smallest[roots]))
    table = table.add_column(3, "size", arrow().array(sizes[roots]))
    stage.write(name, [table], table.schema)
