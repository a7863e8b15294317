"""What `find_leaks` found, in the words and numbers of a leakage report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.path_text import read_path
from ..._utils.validation import check_count_or_share, check_int
from ...duplicates._pair_graph import Members, expand
from ...hamming._pairs import Pairs
from ...model_selection._cross_pairs import nearest_of
from ...model_selection.leakage._leak_counts import LeakCounts
from ...report._notebook import show_pairs
from ...report._page import NOTEBOOK_GROUPS
from ..pairs._paired_sets import DETAILS, PairedSet, PairedSets

PARTS = ("train", "test")


@dataclass(frozen=True, repr=False)
class LeaksSummary:
    """Near duplicates between two data sets, "train" and "test".

    `find_leaks` returns it. The numbers are those of a `LeakageReport`.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Attributes
    ----------
    out : str
        The stage directory.
    share : float
        The share of images in "test" that have a near duplicate in "train". Images that could not
        be read count as if they had no near duplicate.
    n_leaking : int
        The number of these images.
    shares : pandas.DataFrame
        The share of images in each part (row) that have a near duplicate in the other (column).
    n_pairs : int
        The number of pairs of near duplicates in different parts, equal images included.
    unreadable : dict of str to int
        The number of images in each part that could not be read.
    leaks : bool
        Whether there are near duplicates in different parts.

    See Also
    --------
    find_leaks : Returns it.
    hashfeatures.LeakageReport : The same in memory.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skimage import data
    >>> from hashfeatures.distributed import LocalExecutor, find_leaks, find_pairs, hash_dataset
    >>> name, here = f"{data.__path__[0]}/coins.png", LocalExecutor(1)
    >>> with TemporaryDirectory() as run:
    ...     train = hash_dataset([name], f"{run}/train", executor=here).out
    ...     test = hash_dataset([name], f"{run}/test", executor=here).out
    ...     pairs = find_pairs(train, f"{run}/pairs", against=test, executor=here).out
    ...     leaks = find_leaks(pairs, f"{run}/leaks", hashes=train, against=test)
    >>> leaks.share, leaks.n_pairs
    (1.0, 1)
    """

    out: str
    _counts: LeakCounts
    _sets: PairedSets

    @property
    def share(self) -> float:
        """The share of images in "test" that have a near duplicate in "train"."""
        return self._counts.share

    @property
    def n_leaking(self) -> int:
        """The number of images in "test" that have a near duplicate in "train"."""
        return self._counts.n_leaking

    @property
    def shares(self) -> pd.DataFrame:
        """The share of images in each part that have a near duplicate in the other one."""
        return pd.DataFrame(self._counts.shares, index=list(PARTS), columns=list(PARTS))

    @property
    def n_pairs(self) -> int:
        """The number of pairs of near duplicates in different parts."""
        return self._counts.n_pairs

    @property
    def unreadable(self) -> dict[str, int]:
        """The number of images in each part that could not be read."""
        return dict(zip(PARTS, self._counts.parts.unreadable, strict=True))

    @property
    def leaks(self) -> bool:
        """Whether there are near duplicates in different parts."""
        return self._counts.leaks

    def why_unchecked(self, allow_unreadable: float | int = 0) -> str | None:
        """Return why too few images were compared to rule out leaks.

        Parameters
        ----------
        allow_unreadable : int or float, default=0
            As in `assert_no_leakage`.

        Returns
        -------
        str or None
            A sentence, or None if enough images were compared.
        """
        allowed = check_count_or_share("why_unchecked", "allow_unreadable", allow_unreadable)
        return self._counts.parts.why_unchecked(allowed)

    def summary(self) -> dict[str, Any]:
        """Summarize the leaks in plain numbers, ready for JSON.

        Returns
        -------
        dict
            As `LeakageReport.summary` returns it.
        """
        return self._counts.summary()

    def worst(self, n: int = 5) -> pd.DataFrame:
        """Return the nearest pairs, which are read from the directories.

        Parameters
        ----------
        n : int, default=5
            The number of pairs.

        Returns
        -------
        pandas.DataFrame
            As `LeakageReport.worst` returns it. "left" and "right" are the numbers of the images
            in the order of the parts of the hashes.
        """
        n = check_int("worst", "n", n, 0)
        pairs = self._nearest(n)
        columns: dict[str, Any] = {}
        sides = (("left", self._sets.left, pairs.left), ("right", self._sets.right, pairs.right))
        for part, (side, images, rows) in zip(PARTS, sides, strict=True):
            columns[f"{side}_part"] = pd.Series(np.full(len(rows), part, dtype=object))
            columns[side] = rows
            columns[f"{side}_image"] = as_column(_names(images, rows))
        columns["distance"] = pairs.distance
        if self._sets.is_confirmed:
            described = self._sets.describe(pairs)
            for name in DETAILS:
                columns[name] = described.column(name).to_pandas()
        return pd.DataFrame(columns)

    def _nearest(self, n: int) -> Pairs:
        """Return the nearest pairs, of equal images too.

        They are among the pairs of the nearest first images, and the first `n` equals of these.
        """
        nearest = nearest_of(self._sets.blocks(), n)
        left, left_firsts, left_nodes = _equals(self._sets.left, nearest.left, n)
        right, right_firsts, right_nodes = _equals(self._sets.right, nearest.right, n)
        nodes = Pairs(
            np.searchsorted(left_firsts, nearest.left),
            np.searchsorted(right_firsts, nearest.right),
            nearest.distance,
        )
        blocks = expand(nodes, Members(left_nodes), Members(right_nodes))
        return nearest_of(
            (Pairs(left[each.left], right[each.right], each.distance) for each in blocks), n
        )

    def _repr_html_(self) -> str:
        """Show the nearest pairs in a notebook."""
        return show_pairs("Leakage", str(self), self.worst(NOTEBOOK_GROUPS))

    def __repr__(self) -> str:
        return f"<LeaksSummary of {self.out}: {self}>"

    def __str__(self) -> str:
        return str(self._counts)


def _equals(
    images: PairedSet, firsts: NDArray[np.intp], n: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the first `n` equals of each of some first images.

    Returns
    -------
    rows : ndarray of shape (n_rows,), dtype intp
        The images, ascending.
    firsts : ndarray of shape (n_firsts,), dtype intp
        The different first images, ascending.
    nodes : ndarray of shape (n_rows,), dtype intp
        The place in `firsts` that belongs to each image.
    """
    firsts = np.unique(firsts)
    rows, heads = [firsts], [firsts]
    for first, copy in images.blocks_of_copies():
        wanted = np.isin(first, firsts)
        rows.append(copy[wanted])
        heads.append(first[wanted])
    row, nodes = np.concatenate(rows), np.searchsorted(firsts, np.concatenate(heads))
    order = np.lexsort((row, nodes))
    row, nodes = row[order], nodes[order]
    is_early = np.arange(len(row)) - np.searchsorted(nodes, nodes) < n
    order = np.argsort(row[is_early])
    return row[is_early][order], firsts, nodes[is_early][order]


def _names(images: PairedSet, rows: NDArray[np.intp]) -> list[str]:
    """Return the names of a few images."""
    return [read_path(name) for name in images.read(rows, ["image"]).column("image").to_pylist()]
