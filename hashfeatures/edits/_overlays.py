"""Overlays, captions and borders."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from .._utils.docstrings import fill_in_parameters


@fill_in_parameters
def watermark(image: Image.Image, text: str = "SAMPLE", opacity: float = 0.5) -> Image.Image:
    """Write a translucent white word across the middle, two thirds of the width long.

    Parameters
    ----------
    $edited_image
    text : str, default="SAMPLE"
        The word.
    opacity : float, default=0.5
        The opacity, from 0 to 1.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import watermark
    >>> image = Image.new("RGB", (60, 40))
    >>> watermark(image, opacity=0.5).getextrema()[0]
    (0, 127)
    """
    layer = Image.new("L", image.size)
    font = ImageFont.load_default(size=_font_size(text, 0.66 * image.width))
    middle = (image.width / 2, image.height / 2)
    ImageDraw.Draw(layer).text(middle, text, round(255 * opacity), font, anchor="mm")
    return Image.composite(Image.new("RGB", image.size, "white"), image, layer)


@fill_in_parameters
def overlay_text(
    image: Image.Image, text: str = "WHEN YOU SEE IT", share: float = 0.1, color: str = "white"
) -> Image.Image:
    """Write a line of outlined text at the bottom, `share` of the height high.

    Parameters
    ----------
    $edited_image
    text : str, default="WHEN YOU SEE IT"
        The text.
    share : float, default=0.1
        The height of the text, as a share of the height of the image.
    color : str, default="white"
        The color, as a name or a hexadecimal code.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import overlay_text
    >>> image = Image.new("RGB", (200, 100))
    >>> overlay_text(image, text="HELLO").size
    (200, 100)
    """
    image = image.copy()
    size = min(max(4.0, share * image.height), _font_size(text, 0.9 * image.width))
    ImageDraw.Draw(image).text(
        (image.width / 2, image.height * (1 - share / 3)),
        text,
        color,
        ImageFont.load_default(size=size),
        anchor="ms",
        stroke_width=max(1, round(size / 16)),
        stroke_fill="black",
    )
    return image


@fill_in_parameters
def caption(
    image: Image.Image, text: str = "When you see it", share: float = 0.12, where: str = "bottom"
) -> Image.Image:
    """Add a white band with black text at the bottom or at the top.

    Parameters
    ----------
    $edited_image
    text : str, default="When you see it"
        The text.
    share : float, default=0.12
        The height of the band, as a share of the height of the image.
    where : {"bottom", "top"}, default="bottom"
        Where the band is.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import caption
    >>> image = Image.new("RGB", (200, 100))
    >>> caption(image, share=0.2).size
    (200, 120)
    """
    band = round(share * image.height)
    canvas = Image.new("RGB", (image.width, image.height + band), "white")
    canvas.paste(image, (0, band if where == "top" else 0))
    middle = band / 2 if where == "top" else image.height + band / 2
    font = ImageFont.load_default(
        size=max(4.0, min(0.6 * band, _font_size(text, 0.9 * image.width)))
    )
    ImageDraw.Draw(canvas).text((image.width / 2, middle), text, "black", font, anchor="mm")
    return canvas


@fill_in_parameters
def badge(
    image: Image.Image, share: float = 0.2, corner: str = "bottom right", color: str = "red"
) -> Image.Image:
    """Draw a disc on a corner.

    Parameters
    ----------
    $edited_image
    share : float, default=0.2
        The diameter of the disc, as a share of the shorter side.
    corner : {"top left", "top right", "bottom left", "bottom right"}, default="bottom right"
        The corner.
    color : str, default="red"
        The color, as a name or a hexadecimal code.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import badge
    >>> image = Image.new("RGB", (60, 40))
    >>> badge(image, corner="top left").getpixel((4, 4))
    (255, 0, 0)
    """
    image = image.copy()
    side = max(1.0, share * min(image.size))
    left = image.width - side if "right" in corner else 0
    top = image.height - side if "bottom" in corner else 0
    ImageDraw.Draw(image).ellipse((left, top, left + side - 1, top + side - 1), color)
    return image


@fill_in_parameters
def bars(
    image: Image.Image, share: float = 0.05, sides: str = "top and bottom", color: str = "black"
) -> Image.Image:
    """Add bars at two opposite sides, or all around.

    Parameters
    ----------
    $edited_image
    share : float, default=0.05
        The width of a bar, as a share of the width or of the height.
    sides : {"top and bottom", "left and right", "all"}, default="top and bottom"
        Where the bars are.
    color : str, default="black"
        The color, as a name or a hexadecimal code.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import bars
    >>> image = Image.new("RGB", (200, 100))
    >>> bars(image, share=0.1).size
    (200, 120)
    """
    across = round(share * image.width) if sides in ("left and right", "all") else 0
    along = round(share * image.height) if sides in ("top and bottom", "all") else 0
    canvas = Image.new("RGB", (image.width + 2 * across, image.height + 2 * along), color)
    canvas.paste(image, (across, along))
    return canvas


@fill_in_parameters
def pad(image: Image.Image, color: str = "white") -> Image.Image:
    """Pad to a square.

    Parameters
    ----------
    $edited_image
    color : str, default="white"
        The color, as a name or a hexadecimal code.

    Returns
    -------
    $edited_copy

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import pad
    >>> image = Image.new("RGB", (200, 100))
    >>> pad(image).size
    (200, 200)
    """
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), color)
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas


def _font_size(text: str, width: float) -> float:
    """Return the font size at which `text` is `width` pixels long."""
    return max(4.0, 100 * width / ImageFont.load_default(size=100).getlength(text))
