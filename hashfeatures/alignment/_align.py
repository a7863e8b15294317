"""Whether pairs of small pictures show the same, and the affine map from one to the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._utils.kernels import load_kernels

ORIENTATION_MAPS = (
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
    (-1.0, 0.0, 1.0, 0.0, 1.0, 0.0),
    (1.0, 0.0, 0.0, 0.0, -1.0, 1.0),
    (-1.0, 0.0, 1.0, 0.0, -1.0, 1.0),
    (0.0, 1.0, 0.0, -1.0, 0.0, 1.0),
    (0.0, -1.0, 1.0, 1.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 1.0, 0.0, 0.0),
    (0.0, -1.0, 1.0, -1.0, 0.0, 1.0),
)
"""The maps from a picture to its eight orientations: as it is, mirrored, flipped, turned by 180°,
90° and 270°, transposed, transposed and turned by 180°."""

# What pads, thick captions and large crops do. Such starts are a last resort.
_STRETCHES = ((0.75, 1.0), (1.0, 0.75), (0.75, 0.75))


class Alignments(NamedTuple):
    """How well the pictures of each pair agree, and how the left one maps to the right one.

    Parameters
    ----------
    agreement : ndarray of shape (n_pairs,), dtype float32
        The correlation of the gradients over the overlap, from 0 to 1.
    maps : ndarray of shape (n_pairs, 6), dtype float32
        A map (a, b, c, d, e, f) takes a point of the left picture to the right one:
        ``x' = a x + b y + c`` and ``y' = d x + e y + f``. The sides of both pictures have length
        1, and the origin is the top left corner.
    """

    agreement: NDArray[np.float32]
    maps: NDArray[np.float32]


def align_pairs(
    pictures: NDArray[np.uint8],
    left: ArrayLike,
    right: ArrayLike,
    starts: ArrayLike = ORIENTATION_MAPS[:1],
    *,
    is_thorough: bool = False,
) -> Alignments:
    """Align pairs of pictures, and measure how well they agree.

    The agreement of a pair is the correlation of the gradients of its pictures over their overlap,
    as they are under the best of the starts, or aligned, whichever is greater. The alignment is an
    affine map that maximizes the enhanced correlation coefficient [1]_ from coarse to fine,
    by inverse compositional steps [2]_. Pixels that differ much weigh little in the steps, and
    strong edges count hardly more than clear ones. Brightness and contrast do not matter, but a
    negative does not agree with its positive.

    Parameters
    ----------
    pictures : ndarray of shape (n_pictures, 64, 64), dtype uint8
        The luma of each image, squeezed to a square.
    left, right : array-like of shape (n_pairs,)
        The positions of each pair's pictures. Swapping them gives the same agreement, exactly, and
        the inverse map.
    starts : array-like of shape (n_starts, 6)
        The maps from left to right at which alignments start, such as `ORIENTATION_MAPS`. Their
        inverses are starts, too. From each, alignments find rotations by 10° and crops by an
        eighth at each side.
    is_thorough : bool, default=False
        Whether to align all pairs, for precise maps. Otherwise, pairs that agree well as they are
        keep the map of their start, and pairs of strangers are left early.

    Returns
    -------
    Alignments
        The agreement and the map of each pair. They depend on the two pictures and the starts
        alone, not on the other pairs.

    References
    ----------
    .. [1] Evangelidis and Psarakis, "Parametric Image Alignment Using Enhanced Correlation
       Coefficient Maximization", 2008.
    .. [2] Baker and Matthews, "Lucas-Kanade 20 Years On: A Unifying Framework", 2004.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.alignment._align import ORIENTATION_MAPS, align_pairs
    >>> x, y = np.meshgrid(np.arange(64), np.arange(64))
    >>> picture = (127 + 60 * np.sin(x / 5) + 60 * np.sin(y / 7)).astype(np.uint8)
    >>> pictures = np.stack([picture, picture[:, ::-1] // 2])
    >>> agreement, maps = align_pairs(pictures, [0], [1], ORIENTATION_MAPS)
    >>> agreement.round(2).tolist()
    [1.0]
    >>> maps.tolist()
    [[-1.0, 0.0, 1.0, 0.0, 1.0, 0.0]]
    """
    indices = [np.ascontiguousarray(side, dtype=np.int64) for side in (left, right)]
    agreement = np.empty(len(indices[0]), dtype=np.float64)
    maps = np.empty((len(indices[0]), 6), dtype=np.float64)
    first = _close_under_inversion(_move_origin(starts, 0.5))
    load_kernels("alignment").align_pairs(
        np.ascontiguousarray(pictures),
        *indices,
        np.concatenate([first, _close_under_inversion(_stretch(first))]),
        len(first),
        is_thorough,
        agreement,
        maps,
    )
    maps = _move_origin(maps, -0.5)
    return Alignments(agreement.astype(np.float32), maps.astype(np.float32))


def _close_under_inversion(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return maps and their inverses, the nearest to identity first.

    The order depends on the maps alone, so that ties are broken alike in both directions.
    """
    matrices = np.zeros((len(maps), 3, 3))
    matrices[:, :2] = maps.reshape(-1, 2, 3)
    matrices[:, 2, 2] = 1
    inverse = np.linalg.inv(matrices)[:, :2].reshape(-1, 6)
    # Rounding merges what is equal but for the last bits, and adding zero drops the sign of zero.
    both = np.unique(np.concatenate([maps, inverse]).round(6) + 0.0, axis=0)
    distance = np.abs(both - ORIENTATION_MAPS[0]).sum(axis=1).round(5)
    return np.ascontiguousarray(both[np.argsort(distance, kind="stable")])


def _stretch(maps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the maps after each of the stretches of the left picture about its center."""
    factors = np.array([[x, y, 1.0, x, y, 1.0] for x, y in _STRETCHES])
    return (factors[:, None] * maps).reshape(-1, 6)


def _move_origin(maps: ArrayLike, by: float) -> NDArray[np.float64]:
    """Return the maps for an origin that lies `by` to the right and down in both pictures."""
    moved = np.array(maps, dtype=np.float64).reshape(-1, 6)
    for k in (0, 3):
        moved[:, k + 2] += by * (moved[:, k] + moved[:, k + 1])
    moved[:, [2, 5]] -= by
    return moved + 0.0
