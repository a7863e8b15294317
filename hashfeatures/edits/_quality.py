"""Edits that lose detail, or add noise."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageFilter

from .._utils.docstrings import fill_in_parameters
from ._levels import image_from_levels


@fill_in_parameters
def recompress(image: Image.Image, quality: int = 50) -> Image.Image:
    """Save as JPEG and read it again.

    Parameters
    ----------
    $edited_image
    quality : int, default=50
        The quality of the JPEG file, 1 to 95.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import recompress
    >>> image = Image.new("RGB", (200, 100))
    >>> recompress(image, quality=30).size
    (200, 100)
    """
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as read:
        return read.convert("RGB")


@fill_in_parameters
def blur(image: Image.Image, radius: float = 2.0) -> Image.Image:
    """Blur with a Gaussian whose standard deviation is `radius` pixels.

    Parameters
    ----------
    $edited_image
    radius : float, default=2.0
        The standard deviation in pixels.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import blur
    >>> image = Image.linear_gradient("L").convert("RGB")
    >>> blur(image, radius=8).size
    (256, 256)
    """
    return image.filter(ImageFilter.GaussianBlur(radius))


@fill_in_parameters
def sharpen(image: Image.Image, percent: int = 150, radius: float = 2.0) -> Image.Image:
    """Sharpen with an unsharp mask.

    Parameters
    ----------
    $edited_image
    percent : int, default=150
        The strength in percent.
    radius : float, default=2.0
        The standard deviation of the blurred image, in pixels.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import sharpen
    >>> image = Image.linear_gradient("L").convert("RGB")
    >>> sharpen(image).size
    (256, 256)
    """
    return image.filter(ImageFilter.UnsharpMask(radius, percent))


@fill_in_parameters
def noise(image: Image.Image, sigma: float = 10.0, *, seed: int = 0) -> Image.Image:
    """Add Gaussian noise of standard deviation `sigma`, of 255, to each channel.

    Parameters
    ----------
    $edited_image
    sigma : float, default=10.0
        The standard deviation, of 255.
    seed : int, default=0
        The seed of the noise.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import noise
    >>> image = Image.linear_gradient("L").convert("RGB")
    >>> noise(image, sigma=20, seed=1) == noise(image, sigma=20, seed=1)
    True
    """
    levels = np.asarray(image, dtype=np.float32)
    rng = np.random.default_rng(seed)
    return image_from_levels(levels + sigma * rng.standard_normal(levels.shape, dtype=np.float32))
