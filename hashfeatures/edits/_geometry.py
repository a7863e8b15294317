"""Crops, rotations and reflections."""

from __future__ import annotations

from PIL import Image

from .._utils.docstrings import fill_in_parameters


@fill_in_parameters
def crop(image: Image.Image, share: float = 0.05) -> Image.Image:
    """Cut off the same share at each side.

    Parameters
    ----------
    $edited_image
    share : float, default=0.05
        The share of the width that is cut off at the left and at the right, and that of the
        height at the top and at the bottom.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import crop
    >>> image = Image.new("RGB", (200, 100))
    >>> crop(image, share=0.1).size
    (160, 80)
    """
    return crop_sides(image, share, share, share, share)


@fill_in_parameters
def crop_sides(
    image: Image.Image,
    left: float = 0.0,
    top: float = 0.0,
    right: float = 0.0,
    bottom: float = 0.0,
) -> Image.Image:
    """Cut off a share at each side, which may differ.

    Parameters
    ----------
    $edited_image
    left, top, right, bottom : float, default=0.0
        The shares of the width or of the height.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import crop_sides
    >>> image = Image.new("RGB", (200, 100))
    >>> crop_sides(image, left=0.5).size
    (100, 100)
    """
    width, height = image.size
    box = (
        *(round(left * width), round(top * height)),
        *(width - round(right * width), height - round(bottom * height)),
    )
    return image.crop(box)


@fill_in_parameters
def zoom(image: Image.Image, factor: float = 1.1) -> Image.Image:
    """Enlarge the center to the size of the whole image.

    Parameters
    ----------
    $edited_image
    factor : float, default=1.1
        The factor, at least 1.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import zoom
    >>> image = Image.new("RGB", (200, 100))
    >>> zoom(image, factor=2).size
    (200, 100)
    """
    return crop(image, (1 - 1 / factor) / 2).resize(image.size, Image.Resampling.LANCZOS)


@fill_in_parameters
def rotate(image: Image.Image, degrees: float = 2.0, color: str = "black") -> Image.Image:
    """Rotate counterclockwise at the same size, and fill the corners with one color.

    Parameters
    ----------
    $edited_image
    degrees : float, default=2.0
        The angle.
    color : str, default="black"
        The color, as a name or a hexadecimal code.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import rotate
    >>> image = Image.new("RGB", (60, 40), "white")
    >>> rotate(image, degrees=45).getpixel((0, 0))
    (0, 0, 0)
    """
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=color)


@fill_in_parameters
def mirror(image: Image.Image) -> Image.Image:
    """Swap left and right.

    Parameters
    ----------
    $edited_image

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import mirror
    >>> image = Image.new("RGB", (200, 100))
    >>> image.putpixel((0, 0), (255, 0, 0))
    >>> mirror(image).getpixel((199, 0))
    (255, 0, 0)
    """
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


@fill_in_parameters
def flip(image: Image.Image) -> Image.Image:
    """Swap top and bottom.

    Parameters
    ----------
    $edited_image

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import flip
    >>> image = Image.linear_gradient("L").convert("RGB")
    >>> flip(image).getpixel((0, 0))
    (255, 255, 255)
    """
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


@fill_in_parameters
def turn(image: Image.Image, quarters: int = 1) -> Image.Image:
    """Rotate counterclockwise by quarter turns.

    Parameters
    ----------
    $edited_image
    quarters : int, default=1
        The number of quarter turns.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import turn
    >>> image = Image.new("RGB", (200, 100))
    >>> turn(image, quarters=1).size
    (100, 200)
    """
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return image.transpose(turns[quarters % 4 - 1]) if quarters % 4 else image.copy()
