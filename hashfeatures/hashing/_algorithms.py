"""The hash algorithms, with bits equal to those of ImageHash (for pdq, of pdqhash).

"colorgrid" is our own. Most hashes are computed in two steps. What is measured of an image is a
small array. From such arrays of many images, stacked, the bits of all are computed at once, which
takes a fraction of the time. Bits have the shape that they have in ImageHash. `ALGORITHMS` lists
the steps, the sizes and the shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
import scipy.fftpack
from numpy.typing import NDArray
from PIL import Image

from .._utils.optional import import_extra
from ._planes import ImagePlanes, Pixels

Bits = NDArray[np.bool_]

# Incremented whenever a bit of any hash changes, so that caches compute it again.
BITS_VERSION = 2

# The same for bits that change with decode="reduced" alone.
REDUCED_VERSION = 2

_CHROMA_THRESHOLDS = 128 + 8 * (np.arange(16) - 7.5)

_DCT_FACTOR = 4  # the side of the transform's input, in sides of the hash
_DCT_VECTOR = 8  # the most lines that a processor transforms at once
_MOST_AT_ONCE = 64  # the largest hash that is computed of many images at once


def _ahash(pixels: Pixels, size: int) -> Bits:
    """Average hash: which pixels of the small image are brighter than their mean.

    Krawetz, "Looks Like It", 2011.
    """
    return np.asarray(pixels > pixels.sum(axis=(1, 2), keepdims=True) / size**2)


def _dct_side(size: int) -> int:
    return _DCT_FACTOR * size


def _dct_size(size: int, side: int) -> tuple[int, int]:
    return _dct_side(size), _dct_side(size)


def _phash(pixels: Pixels, size: int) -> Bits:
    """Perceptual hash: which low frequencies of the DCT lie above their median.

    Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010;
    Krawetz, "Looks Like It", 2011.
    """
    # The remainder of a vector might be rounded otherwise. Large inputs would take much memory.
    if size % _DCT_VECTOR or size > _MOST_AT_ONCE:
        return np.concatenate([_above_median(_dct(each, size)) for each in pixels[:, None]])
    return _above_median(_dct(pixels, size))


def _dct(pixels: Pixels, size: int) -> NDArray[np.float64]:
    # The library and the order of the axes are ImageHash's, as another order rounds differently.
    by_column = scipy.fftpack.dct(pixels, axis=1)
    low: NDArray[np.float64] = scipy.fftpack.dct(by_column[:, :size], axis=2)[..., :size]
    return low


def _above_median(values: NDArray[Any]) -> Bits:
    return values > _medians(values)[:, None, None]


def phash_simple(planes: ImagePlanes, size: int) -> Bits:
    """Perceptual hash from the DCT of the rows alone, against the mean."""
    side = _dct_side(size)
    low = scipy.fftpack.dct(planes.lanczos(side, side))[:size, 1 : size + 1]
    return np.asarray(low > low.mean())


def _dhash(pixels: Pixels, size: int) -> Bits:
    """Difference hash: which pixels are brighter than their left neighbor.

    Krawetz, "Kind of Like That", 2013.
    """
    return pixels[:, :, 1:] > pixels[:, :, :-1]


def _dhash_vertical(pixels: Pixels, size: int) -> Bits:
    """Difference hash by columns: which pixels are brighter than the one above."""
    return pixels[:, 1:] > pixels[:, :-1]


def whash(planes: ImagePlanes, size: int) -> Bits:
    """Wavelet hash: which low-pass Haar coefficients lie above their median.

    The low-pass coefficients of a Haar transform are sums over square blocks of pixels. Removing
    its lowest frequency shifts them all by the same amount. So integer sums give the bits without
    rounding. If a block lies exactly on the median, the rounding of ImageHash's own transform
    determines its bit, and ImageHash computes the hash. An image of a single luma has no
    structure, and its hash is all zeros.

    Petrov, "Wavelet Image Hash in Python", 2016.
    """
    sums = planes.block_sums(_haar_side(size, min(planes.luma.shape)), size)
    median = _medians(sums[None])[0]
    if (sums == median).any():
        if planes.luma.min() == planes.luma.max():
            return np.zeros((size, size), dtype=bool)
        return np.asarray(imagehash.whash(Image.fromarray(planes.luma), hash_size=size).hash)
    return np.asarray(sums > median)


def _haar_side(size: int, side: int) -> int:
    """Return the greatest power of two up to the shorter side of an image, at least `size`."""
    return max(1 << (side.bit_length() - 1), size)


def _colorhash(counts: NDArray[np.int64], size: int) -> Bits:
    """Color hash: the shares of black, of gray, and of six hues, faint and bright.

    `size` is the number of bits of each of the 14 shares.
    """
    levels = float(2**size)
    n_pixels = counts.sum(axis=1, keepdims=True)
    n_colored = np.maximum(1, counts[:, 2:].sum(axis=1, keepdims=True))
    shares = np.hstack([counts[:, :2] / n_pixels, counts[:, 2:-1] / n_colored])
    # As in ImageHash, whose other order of these operations rounds alike: levels are powers of 2.
    values = np.minimum(levels - 1, shares * levels).astype(np.int64)[..., None]
    # ImageHash keeps the higher bits in the remainder, so its later bits are not plain binary.
    place = np.arange(size)
    return np.asarray(values // 2 ** (size - place - 1) % 2 ** (size - place) > 0)


def pdq(planes: ImagePlanes, size: int) -> Bits:
    """PDQ hash: which low frequencies of a DCT of 64 by 64 lie above their median.

    Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019.
    """
    pdqhash = import_extra("pdqhash", "pdq", "The hash 'pdq'")
    bits, _ = pdqhash.compute(planes.rgb)
    return np.asarray(bits, dtype=bool).reshape(size, size)


def colorgrid(planes: ImagePlanes, size: int) -> Bits:
    """Color grid: the mean blueness and redness of each cell of a grid, thermometer-coded.

    `size` is the number of cells a side. Each cell has 16 bits for its mean Cb and 16 for its mean
    Cr (ITU-R 601-2). A bit is set if the mean lies above its threshold. The thresholds are 8
    apart, from 68 to 188. So the Hamming distance of two images is an L1 distance of colors: the
    sum, over cells and channels, of the differences in steps of 8. That of "colorhash" is not.
    """
    cells = Image.fromarray(planes.rgb).resize((size, size), Image.Resampling.BOX)
    chroma = np.asarray(cells.convert("YCbCr"))[..., 1:].reshape(-1, 1)
    return np.asarray(chroma > _CHROMA_THRESHOLDS)


def _medians(values: NDArray[Any]) -> NDArray[Any]:
    """Return the median of each image. `numpy.median` would take longer than the hash itself."""
    ordered = np.sort(values.reshape(len(values), -1), axis=1)
    middle = ordered.shape[1] // 2
    if ordered.shape[1] % 2:
        return ordered[:, middle]
    return np.asarray((ordered[:, middle - 1] + ordered[:, middle]) / 2)


@dataclass(frozen=True)
class Algorithm:
    """A hash algorithm with its sizes and requirements.

    Parameters
    ----------
    measure : callable or None
        From the planes of an image and a size to what the bits depend on, a small array of a shape
        that depends on the size alone. None means the luma as `resized` says.
    decide : callable or None
        From the measured arrays of several images, stacked, and a size to booleans of shape
        ``(n_images, *shape(size))``. None if what is measured are the bits.
    default_size : int
        ImageHash's own.
    shape : callable
        From a size to the shape of the hash, as in ImageHash.
    min_size, max_size : int
        The least and the greatest size.
    power_of_two : bool
        Whether the size must be a power of two.
    reduced_side : callable
        From a size to the least number of pixels that a reduced decode keeps a side. With fewer,
        more than one photo in a hundred would change by more than 2 of 64 bits.
    resized : callable or None
        From a size, and the length of the shorter side of the image, to the width and height of
        the resized luma that the algorithm begins with. None if it begins with colors.
    color : bool
        Whether the algorithm needs more than luma.
    package : tuple of str or None
        The module that the algorithm needs, and the extra that brings it.
    """

    measure: Callable[[ImagePlanes, int], NDArray[Any]] | None = None
    decide: Callable[[NDArray[Any], int], Bits] | None = None
    default_size: int = 8
    shape: Callable[[int], tuple[int, int]] = lambda size: (size, size)
    min_size: int = 2
    max_size: int = 1024
    power_of_two: bool = False
    reduced_side: Callable[[int], int] = lambda size: 32 * size
    resized: Callable[[int, int], tuple[int, int]] | None = None
    color: bool = False
    package: tuple[str, str] | None = None

    def measure_image(self, planes: ImagePlanes, size: int) -> NDArray[Any]:
        """Return what the bits of an image depend on."""
        if self.measure is not None:
            return self.measure(planes, size)
        assert self.resized is not None
        return planes.lanczos(*self.resized(size, min(planes.size)))

    def decide_bits(self, measured: NDArray[Any], size: int) -> Bits:
        """Return the bits of several images, shape (n_images, *shape(size))."""
        return measured if self.decide is None else self.decide(measured, size)

    def compute(self, planes: ImagePlanes, size: int) -> Bits:
        """Return the bits of one image, of shape ``shape(size)``."""
        return np.asarray(self.decide_bits(self.measure_image(planes, size)[None], size)[0])


ALGORITHMS = {
    "ahash": Algorithm(
        decide=_ahash,
        reduced_side=lambda size: 20 * size,
        resized=lambda size, _: (size, size),
    ),
    "phash": Algorithm(decide=_phash, resized=_dct_size),
    "phash_simple": Algorithm(phash_simple, resized=_dct_size),
    "dhash": Algorithm(decide=_dhash, resized=lambda size, _: (size + 1, size)),
    "dhash_vertical": Algorithm(decide=_dhash_vertical, resized=lambda size, _: (size, size + 1)),
    "whash": Algorithm(
        whash, power_of_two=True, resized=lambda size, side: (_haar_side(size, side),) * 2
    ),
    "colorhash": Algorithm(
        lambda planes, _: planes.color_counts,
        _colorhash,
        default_size=3,
        shape=lambda size: (14, size),
        min_size=1,
        max_size=53,  # beyond the precision of floats, the bits of a share would be noise
        reduced_side=lambda size: 256,
        color=True,
    ),
    "colorgrid": Algorithm(
        colorgrid,
        default_size=3,
        shape=lambda size: (2 * size * size, len(_CHROMA_THRESHOLDS)),
        min_size=1,
        max_size=32,
        reduced_side=lambda size: max(256, 32 * size),
        color=True,
    ),
    "pdq": Algorithm(
        pdq,
        default_size=16,
        min_size=16,
        max_size=16,
        reduced_side=lambda size: 1024,
        color=True,
        package=("pdqhash", "pdq"),
    ),
}
