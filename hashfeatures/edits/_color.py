"""Edits of tone and color."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageEnhance

from .._utils.docstrings import fill_in_parameters
from ._levels import image_from_levels


@fill_in_parameters
def gamma(image: Image.Image, value: float = 0.6) -> Image.Image:
    """Raise each channel, from 0 to 1, to a power. A power above 1 darkens.

    Parameters
    ----------
    $edited_image
    value : float, default=0.6
        The power.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import gamma
    >>> image = Image.linear_gradient("L").convert("RGB")
    >>> gamma(image, value=2).getpixel((0, 128))
    (64, 64, 64)
    """
    return image_from_levels(255 * (np.asarray(image, dtype=np.float32) / 255) ** value)


@fill_in_parameters
def contrast(image: Image.Image, factor: float = 1.5) -> Image.Image:
    """Move every pixel away from the mean (a factor above 1) or toward it.

    Parameters
    ----------
    $edited_image
    factor : float, default=1.5
        The factor by which pixels are farther from the mean.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import contrast
    >>> image = Image.linear_gradient("L").convert("RGB")
    >>> contrast(image, factor=0.5).getextrema()[0]
    (64, 191)
    """
    return ImageEnhance.Contrast(image).enhance(factor)


@fill_in_parameters
def brightness(image: Image.Image, factor: float = 0.7) -> Image.Image:
    """Multiply every pixel by a factor.

    Parameters
    ----------
    $edited_image
    factor : float, default=0.7
        The factor. Values above 255 become 255.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import brightness
    >>> image = Image.linear_gradient("L").convert("RGB")
    >>> brightness(image, factor=0.5).getpixel((0, 100))
    (50, 50, 50)
    """
    return ImageEnhance.Brightness(image).enhance(factor)


@fill_in_parameters
def grayscale(image: Image.Image) -> Image.Image:
    """Remove the color.

    Parameters
    ----------
    $edited_image

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import grayscale
    >>> image = Image.new("RGB", (60, 40), "orange")
    >>> grayscale(image).getpixel((0, 0))
    (173, 173, 173)
    """
    return image.convert("L").convert("RGB")


@fill_in_parameters
def saturation(image: Image.Image, factor: float = 2.0) -> Image.Image:
    """Move every pixel away from its gray (a factor above 1) or toward it.

    Parameters
    ----------
    $edited_image
    factor : float, default=2.0
        The factor by which pixels are farther from their gray. 0 removes the color.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import saturation
    >>> image = Image.new("RGB", (60, 40), "orange")
    >>> saturation(image, factor=0).getpixel((0, 0))
    (173, 173, 173)
    """
    return ImageEnhance.Color(image).enhance(factor)


@fill_in_parameters
def hue(image: Image.Image, shift: int = 25) -> Image.Image:
    """Rotate the hue circle by `shift` of 256 steps.

    Parameters
    ----------
    $edited_image
    shift : int, default=25
        The rotation in steps, of which the circle has 256.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import hue
    >>> image = Image.new("RGB", (60, 40), "orange")
    >>> hue(image, shift=128).getpixel((0, 0))
    (0, 90, 255)
    """
    hues, *others = image.convert("HSV").split()
    turned = hues.point([(level + shift) % 256 for level in range(256)])
    return Image.merge("HSV", [turned, *others]).convert("RGB")


@fill_in_parameters
def recolor(
    image: Image.Image, red: float = 1.2, green: float = 1.05, blue: float = 0.75
) -> Image.Image:
    """Multiply each channel by a factor, for a warmer, colder or tinted picture.

    Parameters
    ----------
    $edited_image
    red : float, default=1.2
        The factor of the red channel. Values above 255 become 255.
    green : float, default=1.05
        The factor of the green channel. Values above 255 become 255.
    blue : float, default=0.75
        The factor of the blue channel. Values above 255 become 255.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import recolor
    >>> image = Image.new("RGB", (60, 40), "orange")
    >>> recolor(image, red=0.5, green=1, blue=2).getpixel((0, 0))
    (128, 165, 0)
    """
    return image_from_levels(
        np.asarray(image, dtype=np.float32) * np.array([red, green, blue], dtype=np.float32)
    )


@fill_in_parameters
def vignette(image: Image.Image, strength: float = 0.5) -> Image.Image:
    """Darken toward the corners, which lose the share `strength` of their light.

    Parameters
    ----------
    $edited_image
    strength : float, default=0.5
        The share of the light that the corners lose.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import vignette
    >>> image = Image.new("RGB", (60, 40), "white")
    >>> vignette(image, strength=0.5).getpixel((0, 0))
    (128, 128, 128)
    """
    rows, columns = np.ogrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    light = 1 - strength * (rows**2 + columns**2) / 2
    return image_from_levels(np.asarray(image, dtype=np.float32) * light[..., None])
