"""Trying a finder out on a user's own images: on those that differ, and on edited copies.

Two samples come of a trial: the distances of different images, the true duplicates among them
recognised and set aside, and the distances of copies to their originals. What they say of a radius
is in `tabulate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import clone

from ..._utils.display import facts_as_html, facts_as_text
from ..._utils.jobs import choose_backend
from ..._utils.progress import busy, progress_bar
from ...edits import EVERYDAY_EDITS, Edit
from ...exceptions import CalibrationWarning, warn_user
from ...hamming._pairs import Pairs
from ...hashing._pickling import to_picklable
from ...images._errors import describe_error
from ...images._process_state import ProcessState
from ...images._read import read_image
from ...images._sources import list_sources
from .._labels import label_components
from ..fingerprints._fingerprints import Fingerprints
from ..fingerprints._search import build_graph
from ._error_rates import NearCounts, count_near, estimate_rates, estimate_shares
from ._pixel_match import correlate, make_thumbnail

EditLike = Callable[..., Image.Image]

# What a trial is like unless it is said otherwise: images that are compared, images that are
# edited, and the false matches in a million pairs that a radius may have.
N_SAMPLED = 5000
N_EDITED = 100
TARGET = 10.0

# Pairs are looked at up to this share of the bits, 24 of 128, and then in steps of a third as
# many, until there are enough to tell how their number falls towards the lower distances.
_REACH = 3 / 16
_ENOUGH = 200
# Pixels that agree so well are those of one picture. Chosen by looking: among the photos of
# Caltech 101, pairs above it are copies and recoloured drawings, and pairs below begin to be other
# objects of the same kind in the same pose.
SAME_PICTURE = 0.99
# Fewer different images than this say nothing of false matches.
LEAST_IMAGES = 20


@dataclass(frozen=True, repr=False)
class Trial:
    """What a finder says of a sample of images.

    Parameters
    ----------
    rows : ndarray of shape (n_sampled,), dtype intp
        Which of the images were looked at: those that can be read and have detail.
    n_different : int
        How many different pictures they show.
    apart : NearCounts
        How many pairs of different pictures are within each radius in bits.
    near : pandas.DataFrame
        The near pairs, nearest first: "left" and "right", their rows among the images;
        "distance" in bits; "correlation" of their pixels; "same", whether they were taken for one
        picture and set aside.
    copies : ndarray of shape (n_edited, n_edits), dtype int64
        The distance in bits of each copy to its original; more bits than there are where the copy
        has too little detail, or colours too far from it.
    edits : list of str
        What the copies went through.
    failed_edits : dict of str to str
        The edits that raised, and what.
    """

    rows: NDArray[np.intp]
    n_different: int
    apart: NearCounts
    near: pd.DataFrame
    copies: NDArray[np.int64]
    edits: list[str]
    failed_edits: dict[str, str]

    def __repr__(self) -> str:
        return facts_as_text("Trial", self._told())

    def _repr_html_(self) -> str:
        return facts_as_html("Trial", self._told())

    def _told(self) -> dict[str, int]:
        n_edited, n_edits = self.copies.shape
        return {
            "n_sampled": len(self.rows),
            "n_different": self.n_different,
            "n_pairs": self.apart.n_pairs,
            "n_edited": n_edited,
            "n_edits": n_edits,
        }


def try_out(
    finder: Any,
    images: Any,
    edits: Sequence[EditLike] = EVERYDAY_EDITS,
    *,
    n_sampled: int = N_SAMPLED,
    n_edited: int = N_EDITED,
    seed: int = 0,
    progress: bool = False,
) -> Trial:
    """Try a finder out.

    Parameters
    ----------
    finder : NearDuplicateFinder
        What says how near images are. It is not fitted.
    images : container of image sources
        The user's own.
    edits : sequence of callable
        Each an `Edit`, or any function from an image to the edited image.
    n_sampled, n_edited : int
        How many images are compared with each other, and how many are edited, at the most.
    seed : int
        Chooses both, and what is random in an edit.
    progress : bool
        Whether to show a bar for each step, rather than say in a line what takes long.

    Returns
    -------
    Trial
        What came of it.

    Raises
    ------
    ValueError
        If no image can be read and has detail.
    """
    sources = list_sources(images, "calibrate")
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(sources))[:n_sampled])
    sampled = [sources[row] for row in chosen]
    with _saying(f"hashing a sample of {len(sampled)} images", progress):
        images = clone(finder).set_params(progress=progress).fingerprint(sampled)
    fingerprints = images.fingerprints
    hashed = np.flatnonzero(fingerprints.comparable)
    if not len(hashed):
        n_failed = len(images.failures)
        raise ValueError(
            f"There is nothing to calibrate on: of {len(sampled)} images {n_failed} could not be "
            f"read and {len(sampled) - n_failed} have less detail than min_detail="
            f"{finder.min_detail}, so that they are compared by their pixels alone."
        )
    reach, near = _find_near(fingerprints.take(hashed), finder)
    with _saying(f"looking at {len(near.left)} near pairs of the sample", progress):
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
    with _saying(f"looking for copies of {len(edited)} images, edited in all ways", progress):
        copies, names, failed = _try_edits(
            finder, originals, fingerprints.take(edited), edits, seed, progress
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


def _saying(doing: str, progress: bool) -> AbstractContextManager[None]:
    """Say in a line what takes long, unless a bar shows it."""
    return nullcontext() if progress else busy(f"calibrating: {doing}")


def _find_near(fingerprints: Fingerprints, finder: Any) -> tuple[int, Pairs]:
    """Return how far pairs were looked for, in bits, and the pairs within."""
    n_images, n_bits = len(fingerprints.comparable), fingerprints.n_bits
    enough = min(_ENOUGH, n_images * (n_images - 1) // 4)
    reach, step = int(n_bits * _REACH), max(1, n_bits // 16)
    while True:
        graph = build_graph(fingerprints, reach, finder.n_jobs, finder.color_radius)
        apart = sum(len(block.left) for block in graph.edges.blocks())
        if apart >= enough or reach + step > n_bits // 2:
            return reach, graph.pairs()
        reach += step


def _correlate(
    sources: Sequence[Any], near: Pairs, finder: Any, progress: bool
) -> NDArray[np.float64]:
    """Return how well the pixels of near images agree; NaN where they cannot be read again."""
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


def _try_edits(
    finder: Any,
    sources: Sequence[Any],
    originals: Any,
    edits: Sequence[EditLike],
    seed: int,
    progress: bool,
) -> tuple[NDArray[np.int64], list[str], dict[str, str]]:
    decoding = finder._comparison().decoding
    images = [read_image(source, decoding).image for source in sources]
    hasher = clone(finder).set_params(cache=None, progress=False)
    distances, names, failed = [], [], {}
    bar = progress_bar(progress, iterable=edits, desc="looking for edited copies", unit="edit")
    for place, edit in enumerate(bar):
        name = name_edit(edit)
        if name in names or name in failed:
            name = f"{name} ({place})"
        try:
            copies = Parallel(n_jobs=finder.n_jobs, require="sharedmem")(
                delayed(_apply)(edit, image, seed + number) for number, image in enumerate(images)
            )
        except Exception as error:  # whatever an edit of the user's leads to
            failed[name] = describe_error(error)
            continue
        try:
            edited = hasher.fingerprint(copies).fingerprints
        except (TypeError, ValueError) as error:  # what an edit has made is no image
            failed[name] = describe_error(error)
            continue
        found = originals.distances(edited)
        rows = np.arange(len(images))
        is_alike = originals.agree_in_color(edited, Pairs(rows, rows, found), finder.color_radius)
        distances.append(np.where(edited.comparable & is_alike, found, originals.n_bits + 1))
        names.append(name)
    if failed:
        told = "\n".join(f"  {name}: {cause}" for name, cause in failed.items())
        warn_user(
            f"{len(failed)} of {len(edits)} edits raised and were left out:\n{told}",
            CalibrationWarning,
        )
    empty = np.empty((len(images), 0), dtype=np.int64)
    return (np.stack(distances, axis=1) if distances else empty), names, failed


def _apply(edit: EditLike, image: Image.Image, seed: int) -> Image.Image:
    return edit(image, seed) if isinstance(edit, Edit) else edit(image)


def name_edit(edit: EditLike) -> str:
    """Return what an edit is called in tables."""
    return getattr(edit, "__name__", None) or str(edit)


def tabulate(trial: Trial, n_images: int) -> pd.DataFrame:
    """Say what a trial tells of each radius.

    Parameters
    ----------
    trial : Trial
        The samples.
    n_images : int
        How many images there are in the whole set.

    Returns
    -------
    pandas.DataFrame
        See `hashfeatures.Calibration`.
    """
    reach = len(trial.apart.within)
    rates, extrapolated = estimate_rates(_comparable(trial))
    found = trial.copies <= np.arange(reach)[:, None, None]
    recall: dict[str, Any] = {"recall": np.nan, "recall_low": np.nan, "recall_high": np.nan}
    if trial.copies.size:
        recall = dict(zip(recall, estimate_shares(found), strict=True))
    columns = {**recall}
    for name, estimate in zip(("", "_low", "_high"), rates, strict=True):
        columns[f"false_per_million{name}"] = 1e6 * estimate
    for name, estimate in zip(("", "_low", "_high"), rates, strict=True):
        columns[f"false_in_set{name}"] = estimate * (n_images * (n_images - 1) / 2)
    columns["extrapolated"] = extrapolated
    by_edit = found.mean(axis=1)
    columns |= {name: by_edit[:, place] for place, name in enumerate(trial.edits)}
    return pd.DataFrame(columns, index=pd.RangeIndex(reach, name="radius"))


def _comparable(trial: Trial) -> NearCounts:
    """Return the counts, of no pairs if there are too few images to say anything."""
    return trial.apart if trial.n_different >= LEAST_IMAGES else trial.apart._replace(n_pairs=0)


def choose_end(table: pd.DataFrame, target: float) -> str:
    """Return the column by which a radius is recommended.

    That is the upper end of the false matches, which few samples are wrong about. Where the images
    are too few to prove so low a rate even of 0 bits, it is the estimate.
    """
    upper = "false_per_million_high"
    return upper if table[upper].iloc[0] <= target else "false_per_million"


def recommend(trial: Trial, table: pd.DataFrame, target: float = TARGET, *, default: int) -> int:
    """Return the greatest radius that keeps to a rate of false matches, see `choose_end`.

    Parameters
    ----------
    trial : Trial
        The samples.
    table : pandas.DataFrame
        What `tabulate` makes of it.
    target : float
        The most false matches in a million pairs of different images.
    default : int
        What is returned, with a warning, if there are too few different images.

    Returns
    -------
    int
        The radius in bits; 0 if no radius keeps to the rate.
    """
    if trial.n_different < LEAST_IMAGES:
        warn_user(
            f"Of the images {trial.n_different} differ from each other, and {LEAST_IMAGES} are "
            f"needed to say anything of false matches: the radius stays at {default} bits.",
            CalibrationWarning,
        )
        return default
    rates = table["false_per_million"].to_numpy()
    allowed = np.flatnonzero(table[choose_end(table, target)].to_numpy() <= target)
    if not len(allowed):
        warn_user(
            f"No radius keeps to {target:g} false matches in a million pairs: at 0 bits there are "
            f"{rates[0]:.3g}. The hashes are alike for images that are not; others, or more of "
            f"them, tell more.",
            CalibrationWarning,
        )
        return 0
    return int(allowed[-1])
