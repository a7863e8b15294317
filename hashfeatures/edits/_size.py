"""Edits of the size."""

from __future__ import annotations

from PIL import Image

from .._utils.docstrings import fill_in_parameters


@fill_in_parameters
def resize(image: Image.Image, scale: float = 0.5) -> Image.Image:
    """Scale both sides.

    Parameters
    ----------
    $edited_image
    scale : float, default=0.5
        The factor.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import resize
    >>> image = Image.new("RGB", (200, 100))
    >>> resize(image, scale=0.25).size
    (50, 25)
    """
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


@fill_in_parameters
def thumbnail(image: Image.Image, side: int = 64) -> Image.Image:
    """Shrink until the longer side has `side` pixels.

    Parameters
    ----------
    $edited_image
    side : int, default=64
        The number of pixels of the longer side.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import thumbnail
    >>> image = Image.new("RGB", (200, 100))
    >>> thumbnail(image, side=64).size
    (64, 32)
    """
    return resize(image, side / max(image.size))


@fill_in_parameters
def squeeze(image: Image.Image, width: int = 256, height: int = 256) -> Image.Image:
    """Resize to a given size and ignore the aspect ratio.

    Parameters
    ----------
    $edited_image
    width, height : int, default=256
        The size in pixels.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import squeeze
    >>> image = Image.new("RGB", (200, 100))
    >>> squeeze(image, width=64, height=64).size
    (64, 64)
    """
    return image.resize((width, height), Image.Resampling.LANCZOS)


@fill_in_parameters
def screenshot(image: Image.Image, scale: float = 0.73, margin: float = 0.01) -> Image.Image:
    """Resize with a bilinear filter, and include a strip of the gray surroundings.

    The strip, `margin` wide, is on the left and at the top.

    Parameters
    ----------
    $edited_image
    scale : float, default=0.73
        The factor of both sides.
    margin : float, default=0.01
        The width of the strip, as a share of the width and of the height.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import screenshot
    >>> image = Image.new("RGB", (200, 100))
    >>> screenshot(image, scale=0.5, margin=0.1).size
    (110, 55)
    """
    width, height = (max(1, round(side * scale)) for side in image.size)
    shown = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round(margin * width), round(margin * height)
    canvas = Image.new("RGB", (width + left, height + top), (236, 236, 236))
    canvas.paste(shown, (left, top))
    return canvas
