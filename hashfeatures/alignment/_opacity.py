"""Whether two aligned pictures are transparent in the same places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# The least ratio of what both show, or hide, to what either does.
_LEAST_OVERLAP = 0.6
_OPAQUE = 255


def match_opacity(
    opacity: NDArray[np.uint8],
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    maps: NDArray[np.float32],
) -> NDArray[np.bool_]:
    """Return which pairs of pictures do not differ in their transparency.

    What is drawn in the color of the background cannot be seen on it, and differs in nothing but
    its opacity. A transparent picture and an opaque one may still be copies: one of them was laid
    on a background.

    Parameters
    ----------
    opacity : ndarray of shape (n_pictures, side, side), dtype uint8
        The opacity of the cells of each picture; 255 is opaque.
    left, right : ndarray of shape (n_pairs,), dtype intp
        The pictures of each pair.
    maps : ndarray of shape (n_pairs, 6), dtype float32
        The affine maps of the points on the left to those on the right, see `align_pairs`.

    Returns
    -------
    ndarray of shape (n_pairs,), dtype bool
        False where both are partly transparent, and the opaque or the transparent parts overlap
        in less than 0.6 of their union.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.alignment._opacity import match_opacity
    >>> opacity = np.zeros((2, 16, 16), dtype=np.uint8)
    >>> opacity[0, :8], opacity[1, 8:] = 255, 255
    >>> identity = np.array([[1, 0, 0, 0, 1, 0]] * 2, dtype=np.float32)
    >>> match_opacity(opacity, np.array([0, 0]), np.array([0, 1]), identity)
    array([ True, False])
    """
    is_clear = np.any(opacity < _OPAQUE, axis=(1, 2))
    matches = np.ones(len(left), dtype=bool)
    for pair in np.flatnonzero(is_clear[left] & is_clear[right]):
        matches[pair] = _match(opacity[left[pair]], opacity[right[pair]], maps[pair])
    return matches


def _match(one: NDArray[np.uint8], other: NDArray[np.uint8], mapped: NDArray[np.float32]) -> bool:
    side = len(one)
    down, across = (np.indices((side, side)) + 0.5) / side
    a, b, c, d, e, f = mapped
    x, y = a * across + b * down + c, d * across + e * down + f
    inside = (x >= 0) & (x < 1) & (y >= 0) & (y < 1)
    seen = other[(y[inside] * side).astype(np.intp), (x[inside] * side).astype(np.intp)]
    return all(
        _overlap(shown, theirs) >= _LEAST_OVERLAP
        for shown, theirs in (
            (one[inside], seen),
            (_OPAQUE - one[inside], _OPAQUE - seen),
        )
    )


def _overlap(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the intersection of two fuzzy sets over their union; 1 if both are empty."""
    union = int(np.maximum(one, other).sum(dtype=np.int64))
    # Cells at an edge are never quite equal: what amounts to one cell is not a difference.
    return (int(np.minimum(one, other).sum(dtype=np.int64)) + _OPAQUE) / (union + _OPAQUE)
