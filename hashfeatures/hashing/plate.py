"""One decoded image, and the views of it that the hash algorithms share.

Each view is made on first use and kept, so that five hashes convert to luma once.
"""

from __future__ import annotations

import hashlib
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


class Plate:
    """The views of one image.

    Parameters
    ----------
    image : PIL.Image.Image
        An image of any mode that Pillow can convert to L.
    """

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._resized: dict[tuple[int, int], Pixels] = {}

    @property
    def short_side(self) -> int:
        """The smaller of width and height, in pixels."""
        return min(self._image.size)

    @cached_property
    def luma_image(self) -> Image.Image:
        """The image in mode L (ITU-R 601-2 luma)."""
        return self._image.convert("L")

    @cached_property
    def luma(self) -> Pixels:
        """The luma of every pixel, shape (height, width)."""
        return np.asarray(self.luma_image)

    @cached_property
    def hue_and_saturation(self) -> tuple[Pixels, Pixels]:
        """Hue and saturation of every pixel, 0 to 255, shape (height, width) each."""
        hsv = np.asarray(self._image.convert("HSV"))
        return hsv[..., 0], hsv[..., 1]

    def digest(self) -> bytes:
        """Return a digest that equal pixels share, and in practice no others."""
        image = self._image
        content = hashlib.blake2b(f"{image.mode} {image.size}".encode(), digest_size=16)
        content.update(image.tobytes())
        return content.digest()

    def lanczos(self, width: int, height: int) -> Pixels:
        """Return the luma resized by Lanczos' filter, shape (height, width)."""
        size = (width, height)
        if size not in self._resized:
            small = self.luma_image.resize(size, Image.Resampling.LANCZOS)
            self._resized[size] = np.asarray(small)
        return self._resized[size]


def measure_detail(plate: Plate) -> int:
    """Measure how much structure an image has.

    Parameters
    ----------
    plate : Plate
        The image.

    Returns
    -------
    int
        0 (flat) to 100 (the most common value for photos): the steps between neighbouring pixels
        of the luma at 64 by 64, in whole hundredths of the way from black to white, summed up and
        divided by 90. Steps of less than one hundredth count as none, so noise and soft gradients
        do not add up. The measure follows the image quality of the PDQ hash.

    References
    ----------
    Facebook, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", 2019.
    """
    luma = plate.lanczos(64, 64).astype(np.int32)
    steps = sum(int((np.abs(np.diff(luma, axis=axis)) * 100 // 255).sum()) for axis in (0, 1))
    return min(100, steps // 90)
