"""The hashes of all views of an image, computed from one small square.

Turned and mirrored views cost little. Turning an image exchanges and negates coefficients of its
DCT, and reverses the differences of its pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from ..._utils.kernels import load_kernels
from ...exceptions import ParameterError
from .._algorithms import Algorithm, Bits
from .._planes import ImagePlanes, Sizes
from .._spec import HashSpec
from ._windows import ORIENTATIONS, VIEW_SETS, Orientation, ViewSet, map_windows, orient

Grids = NDArray[np.float32]

# The side of a view, in sides of the largest hash. The square from which views are sampled is
# twice as large.
_GRID_FACTOR = 4
_WORD = 64

# The side at which the detail of an image is measured, see `measure_detail`.
_DETAIL_SIDE = 64


@cache
def _cosines(size: int, side: int) -> Grids:
    """Return the matrix of the first `size` coefficients of a DCT."""
    angles = np.pi * np.arange(size)[:, None] * (2 * np.arange(side) + 1) / (2 * side)
    cosines: Grids = np.cos(angles).astype(np.float32)
    return cosines


@cache
def _resizing(n_out: int, n_in: int) -> Grids:
    """Return the matrix of Lanczos' filter."""
    spans, weights = load_kernels("hashing").lanczos_weights(n_in, n_out)
    matrix = np.zeros((n_out, n_in), dtype=np.float32)
    for row, (start, end) in enumerate(spans):
        matrix[row, start:end] = weights[row, : end - start]
    matrix /= matrix.sum(axis=1, keepdims=True)
    return matrix


def _phash(grids: Grids, size: int, orientations: Sequence[Orientation]) -> Bits:
    """Return ``phash`` of grids, shape (n_grids, n_orientations, size, size)."""
    cosines = _cosines(size, grids.shape[-1])
    low = cosines @ grids @ cosines.T
    # Reversing the rows of an image negates every other row of its DCT.
    signs = 1 - 2 * (np.arange(size) % 2)
    oriented = []
    for orientation in orientations:
        spectrum = low.swapaxes(-1, -2) if orientation.transposed else low
        if orientation.rows_reversed:
            spectrum = spectrum * signs[:, None]
        if orientation.columns_reversed:
            spectrum = spectrum * signs
        oriented.append(spectrum)
    spectra = np.stack(oriented, axis=1)
    ordered = np.sort(spectra.reshape(*spectra.shape[:2], size * size), axis=-1)
    middle = size * size // 2
    median = (ordered[..., middle] + ordered[..., (size * size - 1) // 2]) / 2
    return np.asarray(spectra > median[..., None, None])


def _dhash(grids: Grids, size: int, orientations: Sequence[Orientation]) -> Bits:
    """Return ``dhash`` of grids, shape (n_grids, n_orientations, size, size)."""
    side = grids.shape[-1]
    short, long = _resizing(size, side), _resizing(size + 1, side)
    upright = short @ grids @ long.T
    lying = (
        long @ grids @ short.T
        if any(orientation.transposed for orientation in orientations)
        else upright
    )
    oriented = [
        orient(lying if orientation.transposed else upright, orientation)
        for orientation in orientations
    ]
    pixels = np.stack(oriented, axis=1)
    return np.asarray(pixels[..., 1:] > pixels[..., :-1])


_ORIENTED_HASHES: dict[str, Callable[[Grids, int, Sequence[Orientation]], Bits]] = {
    "phash": _phash,
    "dhash": _dhash,
}


def measure_grids(grids: Grids) -> NDArray[np.int64]:
    """Measure how much structure grids have, on the scale of `measure_detail`.

    A grid of half as many pixels a side has a quarter of the differences, and they are twice as
    large where an image is smooth. The measure accounts for both.

    Parameters
    ----------
    grids : ndarray of shape (n_grids, side, side), dtype float32
        Luma from 0 to 255.

    Returns
    -------
    ndarray of shape (n_grids,), dtype int64
        0 (flat) to 100.
    """
    scale = grids.shape[-1] / _DETAIL_SIDE
    total = np.zeros(len(grids))
    for axis in (1, 2):
        steps = np.abs(np.diff(np.rint(grids), axis=axis)) * (100 * scale / 255)
        total += np.floor(steps).sum(axis=(1, 2))
    detail: NDArray[np.int64] = np.minimum(100, total / scale**2 // 90).astype(np.int64)
    return detail


@dataclass(frozen=True)
class ViewsSpec(HashSpec):
    """The hashes of all views of an image, combined into one hash.

    Its bits are those of the views one after the other, each padded with zeros to whole words of
    64 bits. The first view is the image itself, and its bits equal those of the hashes. The hashes
    of windows without detail are alike and carry no information. So such a window has the bits of
    the whole image and adds no matches.

    Parameters
    ----------
    name : str
        The name of a set in `hashfeatures.hashing.views._windows.VIEW_SETS`.
    size : int
        The greatest size of the hashes.
    hashes : tuple of HashSpec
        The hashes of each view.
    min_detail : int
        The least detail of a window that is compared, 0 to 100, see `measure_grids`.

    Examples
    --------
    >>> from hashfeatures.hashing._spec import parse_hashes
    >>> from hashfeatures.hashing.views._view_hashes import ViewsSpec
    >>> spec = ViewsSpec.of(parse_hashes(["phash", "dhash"]), "dihedral")
    >>> str(spec), spec.n_bits
    ('dihedral views of phash, dhash', 1024)
    """

    hashes: tuple[HashSpec, ...] = ()
    min_detail: int = 0

    @classmethod
    def of(cls, hashes: tuple[HashSpec, ...], views: str, min_detail: int = 0) -> ViewsSpec:
        """Return the spec of `hashes` of the views in the set named `views`.

        Raises
        ------
        ParameterError
            If a hash does not support views.
        """
        for spec in hashes:
            if spec.name not in _ORIENTED_HASHES:
                names = " and ".join(map(repr, _ORIENTED_HASHES))
                raise ParameterError(
                    f"Only {names} support views={views!r}. Got {str(spec)!r} instead."
                )
        if len(VIEW_SETS[views].windows) == 1:
            min_detail = 0  # the whole image is always compared
        return cls(views, max(spec.size for spec in hashes), hashes, min_detail)

    @cached_property
    def _text(self) -> str:
        detail = f", of detail {self.min_detail}" if self.min_detail else ""
        return f"{self.name} views of {', '.join(map(str, self.hashes))}{detail}"

    @property
    def views(self) -> ViewSet:
        """The views."""
        return VIEW_SETS[self.name]

    @property
    def n_words(self) -> int:
        """The number of words of 64 bits for the hashes of one view."""
        return -(-sum(spec.n_bits for spec in self.hashes) // _WORD)

    @property
    def shape(self) -> tuple[int, int]:
        """The number of views, and the number of bits of each."""
        return self.views.n_views, _WORD * self.n_words

    @property
    def algorithm(self) -> Algorithm:
        """The algorithm with its requirements."""
        return Algorithm(self._compute, reduced_side=lambda size: 8 * _GRID_FACTOR * size)

    def luma_sizes(self, side: int) -> Sizes:
        """Return the sizes of the resized luma that the hashes of all views need."""
        grid = _GRID_FACTOR * self.size
        of_hashes = [size for spec in self.hashes for size in spec.luma_sizes(side)]
        windows = [(2 * grid, 2 * grid)] if len(self.views.windows) > 1 else []
        return ((grid, grid), *windows, *of_hashes)

    def _compute(self, planes: ImagePlanes, size: int) -> Bits:
        side = _GRID_FACTOR * size
        orientations = ORIENTATIONS[: self.views.n_orientations]
        grids = self._sample(planes, side)
        bits = np.zeros((len(grids), len(orientations), self.shape[1]), dtype=bool)
        start = 0
        for spec in self.hashes:
            part = bits[..., start : start + spec.n_bits]
            part[...] = _ORIENTED_HASHES[spec.name](grids, spec.size, orientations).reshape(
                part.shape
            )
            part[0, 0] = spec.algorithm.compute(planes, spec.size).ravel()
            start += spec.n_bits
        if self.min_detail:
            lacks_detail = measure_grids(grids) < self.min_detail
            bits[lacks_detail] = bits[0]
        return bits.reshape(self.shape)

    def _sample(self, planes: ImagePlanes, side: int) -> Grids:
        """Sample the windows, shape (n_windows, side, side)."""
        whole = planes.lanczos(side, side).astype(np.float32)[None]
        windows = self.views.windows[1:]
        if not windows:
            return whole
        maps = map_windows(windows, planes.luma)
        sampled = load_kernels("hashing.views").sample_views(
            planes.lanczos(2 * side, 2 * side), maps, side
        )
        return np.concatenate([whole, sampled / 4])  # each pixel is a sum of four samples
