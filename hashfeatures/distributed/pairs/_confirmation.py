"""The confirmation of candidates, in parts of even work that do not depend on those of the search.

The candidates of all parts, one after the other, are cut into stretches of equal length. So what a
part of near pairs is made from is fixed by the candidates alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates.fingerprints._confirmation import Confirmation
from .._part_directory import PartDirectory
from ._confirm_worker import ConfirmTask, PairColumns, Stretch
from ._row_store import RowStore

COPIES = "copies.parquet"  # the end of the name of a part of candidates that are not candidates


class Candidates(NamedTuple):
    """Candidates for near pairs.

    Parameters
    ----------
    directory : PartDirectory
        The directory of their parts.
    parts : sequence of (str, int)
        The parts, and the number of candidates in each.
    """

    directory: PartDirectory
    parts: Sequence[tuple[str, int]]

    @classmethod
    def of(cls, directory: PartDirectory, prefix: str) -> Candidates:
        """Return the candidates in the parts whose names have a prefix."""
        names = directory.names(prefix)
        return cls(directory, [(name, directory.count(name)) for name in names])

    def rows(self, side: str, n_images: int) -> NDArray[np.intp]:
        """Return the images that occur on a side, ascending."""
        occurs = np.zeros(n_images, dtype=bool)
        for name, _ in self.parts:
            occurs[self.directory.read(name, [side]).column(side).to_numpy()] = True
        return np.flatnonzero(occurs)

    def cut(self, n_pairs: int) -> Iterator[tuple[Stretch, ...]]:
        """Yield stretches that hold so many candidates together."""
        held: list[Stretch] = []
        room = n_pairs
        for name, n_rows in self.parts:
            first = 0
            while first < n_rows:
                last = min(n_rows, first + room)
                held.append(Stretch(name, first, last, name.endswith(COPIES)))
                room -= last - first
                first = last
                if not room:
                    yield tuple(held)
                    held, room = [], n_pairs
        if held:
            yield tuple(held)


def confirmation_tasks(
    candidates: Candidates,
    n_pairs: int,
    out: PartDirectory,
    prefix: str,
    left: RowStore,
    right: RowStore,
    confirmation: Confirmation,
    columns: PairColumns,
) -> Iterator[ConfirmTask]:
    """Yield the parts of near pairs that are still to be written.

    Parameters
    ----------
    candidates : Candidates
        The candidates.
    n_pairs : int
        The number of candidates of a part.
    out : PartDirectory
        The directory of the parts.
    prefix : str
        What their names begin with.
    left, right, confirmation, columns
        As for `ConfirmTask`.
    """
    done = set(out.names(prefix))
    for number, stretches in enumerate(candidates.cut(n_pairs)):
        name = f"{prefix}-{number:07d}.parquet"
        if name not in done:
            yield ConfirmTask(
                out.address,
                name,
                candidates.directory.address,
                stretches,
                left,
                right,
                confirmation,
                columns,
            )
