"""Run a finder on a sample of the user's images, and on edited copies of some of them.

A trial yields two samples. One is the pairs of different images that are near each other, with the
true duplicates among them recognized and set aside. The other is the copies and their originals.
Of both it tells the distance of the hashes and the agreement of the pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone

from ..._utils.display import facts_as_html, facts_as_text
from ..._utils.progress import busy, progress_bar
from ...edits import EVERYDAY_EDITS
from ...hamming._pairs import Pairs
from ...images._sources import list_sources
from .._components import Labels, label_components
from ..fingerprints._fingerprints import Fingerprints
from ..fingerprints._search import build_graph
from ._edited_copies import EditLike, measure_copies

if TYPE_CHECKING:
    from .._finder import NearDuplicateFinder

# The default numbers of images that are compared with each other and that are edited.
N_SAMPLED = 5000
N_EDITED = 100

# Without pixels, pairs are searched up to this share of the bits, 24 of 128. The radius then grows
# in steps of a third of it, until enough pairs show how their number falls towards smaller
# distances. With pixels, they are searched up to the radius that nominates pairs by default, and
# their number falls towards greater agreements.
_REACH = 3 / 16
_ENOUGH = 200
# The greatest number of near pairs that are aligned, which takes about half a minute. A sample of
# look-alikes with more pairs is cut down to fewer images.
_MOST_PAIRS = 100_000
# Pairs that are aligned between two steps of a progress bar.
_ALIGNED = 8192
# Pairs that agree at least so well show the same picture. Chosen by looking at pairs of MRI slices
# and of photos of Caltech 101: above it are copies, slices in other tones, and studio shots in
# other colors. Below it begin neighboring slices and other objects of one kind in one pose.
# Pairs that agree to 0.95 are not aligned, so it cannot be greater.
SAME_PICTURE = 0.92


@dataclass(frozen=True, repr=False)
class Trial:
    """What a finder measures of pairs in a sample of images, and of edited copies of some.

    Parameters
    ----------
    rows : ndarray of shape (n_sampled,), dtype intp
        The sampled images: those that can be read and have enough detail.
    pictures : ndarray of shape (n_sampled,), dtype intp
        The number of the picture that each shows, from 0 on.
    near : pandas.DataFrame
        The near pairs, nearest first: "left" and "right", their rows among the images;
        "distance" in bits; "agreement" of their pixels; "same", whether they were taken for the
        same picture and set aside.
    reach : int
        The distance in bits up to which pairs were searched.
    copies : ndarray of shape (n_edited, n_edits), dtype int64
        The distance in bits of each copy to its original. It is above the number of bits if the
        copy has too little detail, or colors too far from the original's.
    copy_agreements : ndarray of shape (n_edited, n_edits), dtype float32, or None
        The agreement of the pixels of each copy and its original; 0 beyond the reach. None if the
        finder looks at no pixels.
    min_agreement : float or None
        The least agreement of near duplicates that the finder was given. None if it looks at no
        pixels.
    edits : list of str
        The names of the edits.
    failed_edits : dict of str to str
        The edits that raised an error, and the error.
    """

    rows: NDArray[np.intp]
    pictures: Labels
    near: pd.DataFrame
    reach: int
    copies: NDArray[np.int64]
    copy_agreements: NDArray[np.float32] | None
    min_agreement: float | None
    edits: list[str]
    failed_edits: dict[str, str]

    @property
    def n_different(self) -> int:
        """The number of different pictures that the sampled images show."""
        return int(self.pictures.max(initial=-1)) + 1

    @property
    def n_pairs(self) -> int:
        """The number of pairs of sampled images that show different pictures."""
        sizes = np.bincount(self.pictures)
        return int((sizes * (len(self.pictures) - sizes)).sum()) // 2

    def show_pictures(self, pairs: pd.DataFrame) -> tuple[Labels, Labels]:
        """Return the pictures that the images of some near pairs show, left and right."""
        places = (np.searchsorted(self.rows, pairs[side]) for side in ("left", "right"))
        left, right = (self.pictures[place] for place in places)
        return left, right

    def confirmed_copies(self, min_agreement: float) -> NDArray[np.int64]:
        """Return the distances of copies, beyond reach where they agree less with originals."""
        assert self.copy_agreements is not None
        return np.where(
            self.copy_agreements >= np.float32(min_agreement), self.copies, self.reach + 1
        )

    def __repr__(self) -> str:
        return facts_as_text("Trial", self._facts())

    def _repr_html_(self) -> str:
        return facts_as_html("Trial", self._facts())

    def _facts(self) -> dict[str, int]:
        n_edited, n_edits = self.copies.shape
        return {
            "n_sampled": len(self.rows),
            "n_different": self.n_different,
            "n_pairs": self.n_pairs,
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
    """Measure pairs of sampled images, and edited copies of some of them.

    Parameters
    ----------
    finder : NearDuplicateFinder
        The finder that measures distances and agreements. It is not fitted.
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
        The measured distances and agreements.

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
        # Thumbnails tell which images show the same picture, whether the finder looks at them or
        # not.
        hasher = clone(finder).set_params(progress=progress, verify=True)
        images = hasher.fingerprint(sampled)
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
    if len(near.left) > _MOST_PAIRS:
        n_kept = int(len(hashed) * np.sqrt(_MOST_PAIRS / len(near.left)))
        kept = np.sort(rng.permutation(len(hashed))[:n_kept])
        hashed, near = hashed[kept], _take_images(near, kept)
    with _log_step(f"aligning {len(near.left)} near pairs of the sample", progress):
        agreement = _align(fingerprints.take(hashed), near, finder, progress)
    same = agreement >= np.float32(SAME_PICTURE)
    pictures = label_components(len(hashed), near.take(same))
    table = pd.DataFrame(
        {
            "left": chosen[hashed[near.left]],
            "right": chosen[hashed[near.right]],
            "distance": near.distance,
            "agreement": agreement,
            "same": pictures[near.left] == pictures[near.right],
        }
    ).sort_values(["distance", "left", "right"], ignore_index=True)
    firsts = np.unique(pictures, return_index=True)[1]
    edited = hashed[np.sort(rng.permutation(firsts)[:n_edited])]
    originals = [sampled[row] for row in edited]
    with _log_step(f"looking for copies of {len(edited)} images, edited in all ways", progress):
        copies = measure_copies(
            finder,
            originals,
            fingerprints.take(edited),
            edits,
            reach,
            seed=seed,
            progress=progress,
        )
    return Trial(
        chosen[hashed],
        pictures,
        table,
        reach,
        copies.distances,
        copies.agreements,
        finder._comparison().min_agreement,
        copies.edits,
        copies.failed,
    )


def _log_step(doing: str, progress: bool) -> AbstractContextManager[None]:
    """Log the name of a step that takes long, unless a progress bar shows it."""
    return nullcontext() if progress else busy(f"calibrating: {doing}")


def _find_near(fingerprints: Fingerprints, finder: NearDuplicateFinder) -> tuple[int, Pairs]:
    """Return the radius in bits up to which pairs were searched, and the pairs."""
    n_images, n_bits = len(fingerprints.comparable), fingerprints.n_bits
    comparison = finder._comparison()
    confirmation = replace(comparison.confirmation, min_agreement=None)
    if finder.verify:
        reach = comparison.usual_radius
        return reach, build_graph(fingerprints, reach, finder.n_jobs, confirmation).pairs()
    enough = min(_ENOUGH, n_images * (n_images - 1) // 4)
    reach, step = int(n_bits * _REACH), max(1, n_bits // 16)
    while True:
        graph = build_graph(fingerprints, reach, finder.n_jobs, confirmation)
        apart = sum(len(block.left) for block in graph.edges.blocks())
        if apart >= enough or reach + step > n_bits // 2:
            return reach, graph.pairs()
        reach += step


def _align(
    fingerprints: Fingerprints, near: Pairs, finder: NearDuplicateFinder, progress: bool
) -> NDArray[np.float32]:
    """Return how well the pixels of near pairs agree."""
    confirmation, thumbnails = finder._comparison().confirmation, fingerprints.thumbnails
    assert thumbnails is not None
    agreement = np.empty(len(near.left), dtype=np.float32)
    starts = range(0, len(agreement), _ALIGNED)
    for start in progress_bar(progress, iterable=starts, desc="aligning near pairs"):
        block = slice(start, start + _ALIGNED)
        pairs = Pairs(*(column[block] for column in near))
        agreement[block] = confirmation.align(
            thumbnails, thumbnails, pairs, finder.n_jobs
        ).agreement
    return agreement


def _take_images(near: Pairs, kept: NDArray[np.intp]) -> Pairs:
    """Return the pairs of some images, by their places among these."""
    place = np.full(int(max(near.left.max(), near.right.max())) + 1, -1, dtype=np.intp)
    known = kept[kept < len(place)]
    place[known] = np.arange(len(known))
    pairs = Pairs(place[near.left], place[near.right], near.distance)
    return pairs.take((pairs.left >= 0) & (pairs.right >= 0))
