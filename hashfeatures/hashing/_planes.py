"""The planes of one decoded image that the hash algorithms share.

Each plane is computed on first use and kept, so that five hashes convert to luma once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache, cached_property

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image

from .._utils.kernels import KernelsInBackground, load_kernels
from ..images._flatten import convert
from ._pillow_buffer import borrow_memory
from ._pixel_digest import digest_pixels

Pixels = NDArray[np.uint8]
Sizes = tuple[tuple[int, int], ...]  # widths and heights

_LOGGER = logging.getLogger(__name__)

_PILLOW = int(PIL.__version__.partition(".")[0])

# So many pixels are resized by Pillow in the time that loading compiled loops takes: those of a
# hundred photos of 500 by 375. Counting colors with numpy takes several times as long.
_KERNELS = KernelsInBackground("hashing", budget=20_000_000)
_COLORS = 5

# Pixels unpacked at a time, so that a large image is not copied whole.
_BAND_PIXELS = 2**18

# The size of the luma whose structure is measured.
DETAIL_SIZE = (64, 64)

# Pixels a side that are sampled of each cell for its mean chroma.
_CHROMA_SAMPLES = 12

_HUE_EDGES = np.linspace(0, 255, 7)
_BLACK_BELOW = 256 // 8
_GRAY_BELOW = 256 // 3
_BRIGHT_ABOVE = 256 * 2 // 3


class ImagePlanes:
    """The luma, the colors and the resized luma of one image.

    Parameters
    ----------
    image : PIL.Image.Image or ndarray of dtype uint8
        An image of any mode that Pillow can convert to L, or its pixels: the luma, shape (height,
        width), or red, green, blue and an unused byte, shape (height, width, 4).
    color : bool, default=False
        Whether `color_counts` will be needed. Then one pass computes it together with the luma.
    opacity : PIL.Image.Image, optional
        The opacity of each pixel before the image was laid on a background, of mode L. None means
        that the image is opaque.
    sizes : tuple of (int, int)
        The widths and heights to which the luma will be resized. One pass computes them all.
    """

    def __init__(
        self,
        image: Image.Image | Pixels,
        color: bool = False,
        opacity: Image.Image | None = None,
        sizes: Sizes = (),
    ) -> None:
        self._source = image
        self._opacity = opacity
        if isinstance(image, np.ndarray):
            n_pixels, is_color = image.shape[0] * image.shape[1], image.ndim == 3
        else:
            n_pixels, is_color = image.size[0] * image.size[1], image.mode == "RGB"
        self._kernels = _KERNELS.get(n_pixels * _COLORS if color else n_pixels)
        self._in_one_pass = color and is_color and self._kernels is not None
        self._sizes = sizes
        self._resized: dict[tuple[int, int], Pixels] = {}

    @cached_property
    def _image(self) -> Image.Image:
        source = self._source
        if isinstance(source, Image.Image):
            return source
        mode, size = "L" if source.ndim == 2 else "RGBX", source.shape[1::-1]
        return Image.frombuffer(mode, size, source, "raw", mode, 0, 1)  # shares the memory

    @cached_property
    def luma(self) -> Pixels:
        """The luma of every pixel (ITU-R 601-2), shape (height, width)."""
        if self._in_one_pass:
            return self._luma_and_counts[0]
        if isinstance(self._source, np.ndarray) and self._source.ndim == 2:
            return self._source
        # Pillow would copy an image that is luma already, and convert one that has a luma channel.
        image = self._image
        if image.mode != "L":
            image = image.getchannel("Y") if image.mode == "YCbCr" else convert(image, "L")
        memory = borrow_memory(image)
        return np.asarray(image) if memory is None else memory.reshape(image.size[::-1])

    @cached_property
    def rgb(self) -> Pixels:
        """Red, green and blue of every pixel, shape (height, width, 3)."""
        return np.asarray(convert(self._image, "RGB"))

    @property
    def size(self) -> tuple[int, int]:
        """The width and the height in pixels."""
        source = self._source
        return source.size if isinstance(source, Image.Image) else source.shape[1::-1]

    def mean_chroma(self, side: int) -> Pixels:
        """Return the mean Cb and Cr (ITU-R 601-2) of square cells, shape (side, side, 2).

        They are the means of a sample of pixels, which takes a tenth of the time.
        """
        if self._image.mode == "L":
            return np.full((side, side, 2), 128, dtype=np.uint8)
        n_sampled = (side * _CHROMA_SAMPLES, side * _CHROMA_SAMPLES)
        sample = self._image.resize(n_sampled, Image.Resampling.NEAREST)
        if sample.mode != "YCbCr":
            sample = convert(convert(sample, "RGB"), "YCbCr")
        cells = sample.resize((side, side), Image.Resampling.BOX)
        return np.asarray(cells)[..., 1:]

    def mean_opacity(self, side: int) -> Pixels:
        """Return the mean opacity of square cells, 255 for opaque ones, shape (side, side)."""
        if self._opacity is None:
            return _opaque(side)
        return np.asarray(self._opacity.resize((side, side), Image.Resampling.BOX))

    @cached_property
    def color_counts(self) -> NDArray[np.int64]:
        """The number of pixels of each class of colors, see `measure_colors`."""
        if self._in_one_pass:
            return self._luma_and_counts[1]
        image = self._image if self._image.mode != "RGBX" else convert(self._image, "RGB")
        hsv = np.asarray(convert(image, "HSV"))
        hue, saturation = hsv[..., 0], hsv[..., 1]
        black = self.luma < _BLACK_BELOW
        gray = ~black & (saturation < _GRAY_BELOW)
        colored = ~black & ~gray
        faint = colored & (saturation < _BRIGHT_ABOVE)
        bright = colored & (saturation > _BRIGHT_ABOVE)
        hues = [np.histogram(hue[mask], bins=_HUE_EDGES)[0] for mask in (faint, bright)]
        edge = (colored & (saturation == _BRIGHT_ABOVE)).sum()
        return np.concatenate([[black.sum(), gray.sum()], *hues, [edge]])

    @cached_property
    def _luma_and_counts(self) -> tuple[Pixels, NDArray[np.int64]]:
        width, height = self.size
        luma = np.empty((height, width), dtype=np.uint8)
        counts = np.zeros(load_kernels("hashing").N_COLOR_CLASSES, dtype=np.int64)
        first = 0
        for pixels in self._packed_pixels():
            part = luma.ravel()[first : first + len(pixels)]
            load_kernels("hashing").measure_colors(pixels, part, counts)
            first += len(pixels)
        return luma, counts

    def _packed_pixels(self) -> Iterator[NDArray[np.uint32]]:
        """Yield the pixels of an RGB image in a few pieces, with red in the lowest byte."""
        if isinstance(self._source, np.ndarray):
            yield self._source.reshape(-1).view("<u4").astype(np.uint32, copy=False)
            return
        memory = borrow_memory(self._image)
        if memory is not None:
            yield memory.view("<u4").astype(np.uint32, copy=False)
            return
        width, height = self._image.size
        band = max(1, _BAND_PIXELS // width)
        for top in range(0, height, band):
            part = self._image.crop((0, top, width, min(top + band, height)))
            packed = np.frombuffer(part.tobytes("raw", "RGBX"), dtype="<u4")
            yield packed.astype(np.uint32, copy=False)

    def lanczos(self, width: int, height: int) -> Pixels:
        """Return the luma resized by Lanczos' filter, shape (height, width)."""
        size = (width, height)
        if size not in self._resized:
            together = self._sizes if size in self._sizes else (size,)
            resize = _resize_by_pillow if self._kernels is None else _resize
            self._resized.update(zip(together, resize(self.luma, together), strict=True))
        return self._resized[size]

    def block_sums(self, side: int, n_blocks: int) -> NDArray[np.int64]:
        """Return the sums of the luma, resized to a square, over square blocks.

        Parameters
        ----------
        side : int
            The width and height of the resized luma, a multiple of `n_blocks`.
        n_blocks : int
            The number of blocks a side.

        Returns
        -------
        ndarray of shape (n_blocks, n_blocks), dtype int64
            The sums.
        """
        pixels = self.lanczos(side, side)
        sums: NDArray[np.int64]
        if self._kernels is None:
            blocks = pixels.reshape(n_blocks, side // n_blocks, n_blocks, side // n_blocks)
            sums = blocks.sum(axis=(1, 3), dtype=np.int64)
        else:
            sums = self._kernels.sum_blocks(pixels, n_blocks)
        return sums

    def sum_steps(self, width: int, height: int) -> int:
        """Sum the differences of neighboring pixels of the luma, resized, in hundredths."""
        pixels = self.lanczos(width, height)
        if self._kernels is not None:
            return int(self._kernels.sum_steps(pixels))
        levels = pixels.astype(np.int64)
        steps = (np.abs(np.diff(levels, axis=axis)) * 100 // 255 for axis in (0, 1))
        return int(sum(step.sum() for step in steps))

    def digest(self, content: bytes = b"") -> bytes:
        """Return the digest of what the image shows, see `digest_pixels`."""
        return digest_pixels(self._image, content)


@cache
def _opaque(side: int) -> Pixels:
    return np.full((side, side), 255, dtype=np.uint8)


def _resize(luma: Pixels, sizes: Sizes) -> list[Pixels]:
    """Return the luma resized by Lanczos' filter to several sizes."""
    if kernel_agrees_with_pillow():
        return _lanczos(luma, sizes)
    return _resize_by_pillow(luma, sizes)


def _resize_by_pillow(luma: Pixels, sizes: Sizes) -> list[Pixels]:
    image = Image.fromarray(luma)
    return [np.asarray(image.resize(size, Image.Resampling.LANCZOS)) for size in sizes]


def _lanczos(luma: Pixels, sizes: Sizes) -> list[Pixels]:
    vertical_first = {_is_vertical_first(luma.shape, *size) for size in sizes}
    if len(vertical_first) > 1:  # the order of the passes depends on the size
        return [part for size in sizes for part in _lanczos(luma, (size,))]
    resized: list[Pixels] = load_kernels("hashing").lanczos(luma, sizes, vertical_first.pop())
    return resized


def _is_vertical_first(shape: tuple[int, ...], width: int, height: int) -> bool:
    """Return whether the installed Pillow does the vertical pass first."""
    if _PILLOW < 13:
        return False
    rows_lost, columns_lost = shape[0] - height, shape[1] - width
    return rows_lost > 0 and rows_lost > 2 * columns_lost


@cache
def kernel_agrees_with_pillow() -> bool:
    """Return whether our resampling equals that of Pillow on small probes."""
    rng = np.random.default_rng(0)
    sizes = ((8, 8), (9, 8), (32, 32), (64, 64))
    for shape in ((37, 91), (91, 37), (5, 64), (64, 5)):
        noise = rng.integers(0, 256, shape, dtype=np.uint8)
        for pixels in (noise, np.where(noise > 127, 255, 0).astype(np.uint8)):
            theirs = _resize_by_pillow(pixels, sizes)
            for one, other in zip(_lanczos(pixels, sizes), theirs, strict=True):
                if not np.array_equal(one, other):
                    _LOGGER.debug(
                        "Resizing with Pillow %s itself, which is slower", PIL.__version__
                    )
                    return False
    return True


def measure_detail(planes: ImagePlanes) -> int:
    """Measure how much structure an image has.

    Parameters
    ----------
    planes : ImagePlanes
        The image.

    Returns
    -------
    int
        0 (flat) to 100 (the most common value for photos). It is the sum of the differences of
        neighboring pixels of the luma at 64 by 64, in whole hundredths of the range from black to
        white, divided by 90. Smaller differences count as zero, so noise and soft gradients do not
        add up. The measure follows the image quality of the PDQ hash.

    References
    ----------
    Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019.
    """
    return min(100, planes.sum_steps(*DETAIL_SIZE) // 90)
