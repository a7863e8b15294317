"""Run a finder on a sample of the user's images, and on edited copies of some of them.

A trial yields two samples. One is the distances between different images, with the true duplicates
among them recognized and set aside. The other is the distances of copies to their originals.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import clone

from ..._utils.display import facts_as_html, facts_as_text
from ..._utils.jobs import choose_backend
from ..._utils.progress import busy, progress_bar
from ...edits import EVERYDAY_EDITS
from ...hamming._pairs import Pairs
from ...hashing._pickling import to_picklable
from ...images._process_state import ProcessState
from ...images._sources import list_sources
from .._labels import label_components
from ..fingerprints._fingerprints import Fingerprints
from ..fingerprints._search import build_graph
from ._edited_copies import EditLike, measure_copies
from ._error_rates import NearCounts, count_near
from ._pixel_match import correlate, make_thumbnail

if TYPE_CHECKING:
    from .._finder import NearDuplicateFinder

# The default numbers of images that are compared with each other and that are edited.
N_SAMPLED = 5000
N_EDITED = 100

# Pairs are searched up to this share of the bits, 24 of 128. The radius then grows in steps of a
# third of it, until enough pairs show how their number falls towards smaller distances.
_REACH = 3 / 16
_ENOUGH = 200
# Pairs whose pixels correlate at least so well show the same picture. Chosen by looking at the
# photos of Caltech 101: pairs above it are copies and recolored drawings. Pairs below it begin to
# show other objects of one kind in one pose.
SAME_PICTURE = 0.99


@dataclass(frozen=True, repr=False)
class Trial:
    """The distances that a finder measures in a sample of images, and to edited copies of some.

    Parameters
    ----------
    rows : ndarray of shape (n_sampled,), dtype intp
        The sampled images: those that can be read and have enough detail.
    n_different : int
        The number of different pictures that they show.
    apart : NearCounts
        The number of pairs of different pictures within each radius in bits.
    near : pandas.DataFrame
        The near pairs, nearest first: "left" and "right", their rows among the images;
        "distance" in bits; "correlation" of their pixels; "same", whether they were taken for the
        same picture and set aside.
    copies : ndarray of shape (n_edited, n_edits), dtype int64
        The distance in bits of each copy to its original. It is above the number of bits if the
        copy has too little detail, or colors too far from the original's.
    edits : list of str
        The names of the edits.
    failed_edits : dict of str to str
        The edits that raised an error, and the error.
    """

    rows: NDArray[np.intp]
    n_different: int
    apart: NearCounts
    near: pd.DataFrame
    copies: NDArray[np.int64]
    edits: list[str]
    failed_edits: dict[str, str]

    def __repr__(self) -> str:
        return facts_as_text("Trial", self._facts())

    def _repr_html_(self) -> str:
        return facts_as_html("Trial", self._facts())

    def _facts(self) -> dict[str, int]:
        n_edited, n_edits = self.copies.shape
        return {
            "n_sampled": len(self.rows),
            "n_different": self.n_different,
            "n_pairs": self.apart.n_pairs,
            "n_edited": n_edited,
            "n_edits": n_edits,
        }


def run_trial(
    finder: NearDuplicateFinder,
    images: Any,
    edits: Sequence[EditLike] = EVERYDAY_EDITS,
    *,
    n_sampled: int = N_SAMPLED,
    n_edited: int = N_EDITED,
    seed: int = 0,
    progress: bool = False,
) -> Trial:
    """Measure distances between sampled images, and to edited copies of some of them.

    Parameters
    ----------
    finder : NearDuplicateFinder
        The finder that measures distances. It is not fitted.
    images : container of image sources
        The user's images.
    edits : sequence of callable
        Each an `Edit`, or any function from an image to the edited image.
    n_sampled, n_edited : int
        The greatest number of images to compare with each other, and to edit.
    seed : int
        Seed of the samples and of random edits.
    progress : bool
        Whether to show a progress bar for each step. Otherwise a log message names a long step.

    Returns
    -------
    Trial
        The measured distances.

    Raises
    ------
    ValueError
        If no image can be read and has enough detail.
    """
    sources = list_sources(images, "calibrate")
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(sources))[:n_sampled])
    sampled = [sources[row] for row in chosen]
    with _log_step(f"hashing a sample of {len(sampled)} images", progress):
        images = clone(finder).set_params(progress=progress).fingerprint(sampled)
    fingerprints = images.fingerprints
    hashed = np.flatnonzero(fingerprints.comparable)
    if not len(hashed):
        n_failed = len(images.failures)
        raise ValueError(
            f"There is nothing to calibrate on. Of {len(sampled)} images, {n_failed} could not be "
            f"read and {len(sampled) - n_failed} have less detail than "
            f"min_detail={finder.min_detail}. Images of so little detail are compared by their "
            f"pixels alone."
        )
    reach, near = _find_near(fingerprints.take(hashed), finder)
    with _log_step(f"looking at {len(near.left)} near pairs of the sample", progress):
        correlations = _correlate([sampled[row] for row in hashed], near, finder, progress)
    same = correlations >= SAME_PICTURE
    pictures = label_components(len(hashed), near.take(same))
    apart = pictures[near.left] != pictures[near.right]
    sizes = np.bincount(pictures)
    of_pair = pictures[near.left[apart]], pictures[near.right[apart]]
    table = pd.DataFrame(
        {
            "left": chosen[hashed[near.left]],
            "right": chosen[hashed[near.right]],
            "distance": near.distance,
            "correlation": correlations,
            "same": ~apart,
        }
    ).sort_values(["distance", "left", "right"], ignore_index=True)
    firsts = np.unique(pictures, return_index=True)[1]
    edited = hashed[np.sort(rng.permutation(firsts)[:n_edited])]
    originals = [sampled[row] for row in edited]
    with _log_step(f"looking for copies of {len(edited)} images, edited in all ways", progress):
        copies, names, failed = measure_copies(
            finder, originals, fingerprints.take(edited), edits, seed=seed, progress=progress
        )
    return Trial(
        chosen[hashed],
        len(sizes),
        count_near(*of_pair, near.distance[apart], sizes, reach + 1),
        table,
        copies,
        names,
        failed,
    )


def _log_step(doing: str, progress: bool) -> AbstractContextManager[None]:
    """Log the name of a step that takes long, unless a progress bar shows it."""
    return nullcontext() if progress else busy(f"calibrating: {doing}")


def _find_near(fingerprints: Fingerprints, finder: NearDuplicateFinder) -> tuple[int, Pairs]:
    """Return the radius in bits up to which pairs were searched, and the pairs."""
    n_images, n_bits = len(fingerprints.comparable), fingerprints.n_bits
    confirmation = replace(finder._comparison().confirmation, min_agreement=None)
    enough = min(_ENOUGH, n_images * (n_images - 1) // 4)
    reach, step = int(n_bits * _REACH), max(1, n_bits // 16)
    while True:
        graph = build_graph(fingerprints, reach, finder.n_jobs, confirmation)
        apart = sum(len(block.left) for block in graph.edges.blocks())
        if apart >= enough or reach + step > n_bits // 2:
            return reach, graph.pairs()
        reach += step


def _correlate(
    sources: Sequence[Any], near: Pairs, finder: NearDuplicateFinder, progress: bool
) -> NDArray[np.float64]:
    """Return the correlation of the pixels of near pairs; NaN if an image cannot be read again."""
    rows = np.unique(np.concatenate([near.left, near.right]))
    process_state, comparison = ProcessState.here(), finder._comparison()
    decoding = comparison.decoding
    thumbnails = Parallel(n_jobs=finder.n_jobs, backend=choose_backend())(
        delayed(process_state.call)(make_thumbnail, to_picklable(sources[row], decoding), decoding)
        for row in progress_bar(progress, iterable=rows, desc="looking at near pairs", unit="img")
    )
    place = np.zeros(len(sources), dtype=np.intp)
    place[rows] = np.arange(len(rows))
    return correlate(thumbnails, place[near.left], place[near.right], comparison.n_orientations)
