"""Small versions of images, and how alike two of them are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from ...duplicates._labels import Labels
from ...hamming._join import in_threads
from ...hashing._thumbnail import LUMA_SIDE

Floats = NDArray[np.float32]

SIDE = 16  # of the luma that is compared
_MAX_SHIFT = 4  # pixels of that luma by which two images may be shifted against each other
_RING = 2  # the width of the border that often shows the background

_BLOCK = 2048  # images or pairs at a time
_NOISE = 2.0  # the variance, in levels of 8 bits, below which luma is flat

# Two images that agree so well show the same picture, whatever other images look like.
_SAME_CORRELATION = 0.9
_SAME_LEVELS = 3.0

# The difference, in the unit of each measure, below which two images do not differ.
_FLOORS = np.array([0.02, 0.02, 0.02, 0.05, 0.5, 0.01, 0.02, 0.02, 0.01, 0.02, 0.02])


@dataclass(frozen=True)
class Pictures:
    """Small versions of images, row by row.

    Parameters
    ----------
    luma : ndarray of shape (n_images, SIDE, SIDE), dtype float32
        The luma of the whole image.
    chroma : ndarray of shape (n_images, 18), dtype float32
        The mean Cb and Cr of nine cells.
    traits : ndarray of shape (n_images, 6), dtype float32
        The mean and the standard deviation of the luma; then logarithms: the sharpness, the share
        of the finest structure in it, the size and the aspect ratio.
    """

    luma: Floats
    chroma: Floats
    traits: Floats

    @classmethod
    def of(cls, records: NDArray[np.void], sizes: NDArray[np.int64], rows: Labels) -> Pictures:
        """Reduce the thumbnails of some images.

        Parameters
        ----------
        records : ndarray of shape (n_records,), dtype THUMBNAIL
            The thumbnails, which may be mapped from a file.
        sizes : ndarray of shape (n_records, 2), dtype int64
            The width and the height of each image.
        rows : ndarray of shape (n_images,), dtype intp
            The images, as rows of both.

        Returns
        -------
        Pictures
            In the order of `rows`, of 1.1 kB per image.
        """
        n_images = len(rows)
        pictures = cls(
            np.empty((n_images, SIDE, SIDE), dtype=np.float32),
            np.empty((n_images, 18), dtype=np.float32),
            np.empty((n_images, 6), dtype=np.float32),
        )
        for start in range(0, n_images, _BLOCK):
            block = slice(start, start + _BLOCK)
            thumbnails = records[rows[block]]
            luma = thumbnails["luma"].astype(np.float32)
            cell = LUMA_SIDE // SIDE
            small = luma.reshape(-1, SIDE, cell, SIDE, cell).mean((2, 4))
            pictures.luma[block] = small
            pictures.chroma[block] = thumbnails["chroma"].reshape(len(small), -1)
            pictures.traits[block] = _measure_traits(luma, small, sizes[rows[block]])
        return pictures

    def __len__(self) -> int:
        return len(self.luma)


@dataclass(frozen=True)
class Likeness:
    """How alike the images of pairs are.

    Parameters
    ----------
    measures : ndarray of shape (n_pairs, 11), dtype float32
        Minus the logarithms of differences: of the luma, shifted and in place, of its logarithm,
        of its border, of the chroma and of the six traits.
    correlation : ndarray of shape (n_pairs,), dtype float32
        The correlation of the luma at the best shift.
    is_same : ndarray of shape (n_pairs,), dtype bool
        Whether both show the same picture in place.
    """

    measures: Floats
    correlation: Floats
    is_same: NDArray[np.bool_]


def compare_pictures(
    pictures: Pictures, left: Labels, right: Labels, n_jobs: int | None = None
) -> Likeness:
    """Measure how alike two images are, pair by pair.

    Parameters
    ----------
    pictures : Pictures
        The images.
    left, right : ndarray of shape (n_pairs,), dtype intp
        Their rows.
    n_jobs : int, optional
        The number of threads.

    Returns
    -------
    Likeness
        Row by row.
    """
    blocks = [slice(start, start + _BLOCK) for start in range(0, max(len(left), 1), _BLOCK)]
    tasks: list[Callable[[], Likeness]] = [
        partial(_compare, pictures, left[block], right[block]) for block in blocks
    ]
    parts = list(in_threads(tasks, n_jobs))
    return Likeness(
        np.concatenate([part.measures for part in parts]),
        np.concatenate([part.correlation for part in parts]),
        np.concatenate([part.is_same for part in parts]),
    )


def _measure_traits(luma: Floats, small: Floats, sizes: NDArray[np.int64]) -> Floats:
    steps = _mean_step(luma)
    curve = 4 * luma[:, 1:-1, 1:-1] - luma[:, :-2, 1:-1] - luma[:, 2:, 1:-1]
    curve -= luma[:, 1:-1, :-2] + luma[:, 1:-1, 2:]
    width, height = np.maximum(sizes, 1).astype(np.float32).T
    traits: Floats = np.column_stack(
        [
            small.mean((1, 2)),
            small.std((1, 2)),
            np.log(steps + 0.5),
            np.log(np.abs(curve).mean((1, 2)) + 0.5) - np.log(steps + 0.5),
            np.log(width * height) / 2,
            np.log(width / height),
        ]
    )
    return traits


def _mean_step(luma: Floats) -> Floats:
    """Return the mean absolute difference of neighboring pixels of each image."""
    across, down = np.abs(np.diff(luma, axis=2)), np.abs(np.diff(luma, axis=1))
    steps: Floats = across.mean((1, 2)) + down.mean((1, 2))
    return steps


def _compare(pictures: Pictures, left: Labels, right: Labels) -> Likeness:
    one, other = pictures.luma[left], pictures.luma[right]
    chroma = _distance(pictures.chroma[left], pictures.chroma[right])
    traits, other_traits = pictures.traits[left], pictures.traits[right]
    shifted = _correlate_shifted(_center(one), _center(other))
    middle = (slice(None), _MAX_SHIFT, _MAX_SHIFT)
    in_place = shifted[middle]
    correlation = shifted.max(axis=(1, 2))
    brightness = np.abs(traits[:, 0] - other_traits[:, 0])
    brightness /= traits[:, 0] + other_traits[:, 0] + 8
    contrast = np.abs(np.log((traits[:, 1] + 2) / (other_traits[:, 1] + 2)))
    differences = np.column_stack(
        [
            1 - np.minimum(correlation, 1),
            1 - np.minimum(in_place, 1),
            _distance(np.log(one + 16), np.log(other + 16)),
            _distance(_border(one), _border(other)),
            chroma,
            brightness,
            contrast,
            np.abs(traits[:, 2:] - other_traits[:, 2:]),
        ]
    )
    is_equal = (_distance(one, other) < _SAME_LEVELS) & (chroma < _SAME_LEVELS)
    return Likeness(
        -np.log(differences + _FLOORS).astype(np.float32),
        correlation.astype(np.float32),
        (in_place > _SAME_CORRELATION) | is_equal,
    )


def _center(luma: Floats) -> Floats:
    centered: Floats = luma - luma.mean((1, 2), keepdims=True)
    return centered


def _border(luma: Floats) -> Floats:
    """Return the border of images of equal brightness and contrast."""
    is_border = np.ones((SIDE, SIDE), dtype=bool)
    is_border[_RING:-_RING, _RING:-_RING] = False
    contrast = luma.std((1, 2))[:, None] + 2
    border: Floats = (luma[:, is_border] - luma.mean((1, 2))[:, None]) / contrast
    return border


def _distance(one: Floats, other: Floats) -> Floats:
    """Return the root of the mean square of differences, row by row."""
    n_rows = len(one)
    difference = (one - other).reshape(n_rows, -1)
    distance: Floats = np.sqrt((difference * difference).mean(axis=1))
    return distance


def _correlate_shifted(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Correlate luma over the overlap at every shift of at most `_MAX_SHIFT` pixels.

    Parameters
    ----------
    one, other : ndarray of shape (n_pairs, SIDE, SIDE), dtype float32
        Images with a mean of 0.

    Returns
    -------
    ndarray of shape (n_pairs, n_shifts, n_shifts), dtype float64
        The correlation; the middle one is without a shift. Flat overlaps have none.

    References
    ----------
    Padfield, "Masked object registration in the Fourier domain", IEEE Transactions on Image
    Processing 21, 2012.
    """
    padded = (SIDE + _MAX_SHIFT, SIDE + _MAX_SHIFT)
    spectra = [scipy.fft.rfft2(luma, padded) for luma in (one, other)]
    products = scipy.fft.irfft2(np.conj(spectra[0]) * spectra[1], padded)
    shifts = np.arange(-_MAX_SHIFT, _MAX_SHIFT + 1)
    products = products[:, shifts[:, None], shifts]
    kept = SIDE - np.abs(shifts)
    n_pixels = np.outer(kept, kept)
    sums = [_sum_overlaps(one, -shifts), _sum_overlaps(other, shifts)]
    squares = [_sum_overlaps(one * one, -shifts), _sum_overlaps(other * other, shifts)]
    variances = [
        np.maximum(square - total * total / n_pixels, 0) + _NOISE * n_pixels
        for square, total in zip(squares, sums, strict=True)
    ]
    covariance = products - sums[0] * sums[1] / n_pixels
    correlation: NDArray[np.float64] = covariance / np.sqrt(variances[0] * variances[1])
    return correlation


def _sum_overlaps(values: Floats, shifts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum what stays of each image when its start moves by every two of the shifts."""
    table = np.zeros((len(values), SIDE + 1, SIDE + 1))
    table[:, 1:, 1:] = values.cumsum(axis=1, dtype=np.float64).cumsum(axis=2)
    start, end = np.maximum(0, shifts), SIDE + np.minimum(0, shifts)
    rows = table[:, end] - table[:, start]
    sums: NDArray[np.float64] = rows[:, :, end] - rows[:, :, start]
    return sums
