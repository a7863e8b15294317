"""Everyday edits that turn an image into a near duplicate, with parameters and seeds.

An edit takes an image and returns an edited copy in mode RGB. With the same seed it always returns
the same pixels. Shares refer to the width (left and right) or to the height (top and bottom).
"""

from __future__ import annotations

import inspect
import io
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from ._utils.descriptions import describe_value
from .exceptions import ParameterError
from .images._flatten import flatten

_LANCZOS = Image.Resampling.LANCZOS


# ---- Size ----


def resize(image: Image.Image, scale: float = 0.5) -> Image.Image:
    """Scale both sides."""
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), _LANCZOS)


def thumbnail(image: Image.Image, side: int = 64) -> Image.Image:
    """Shrink until the longer side has `side` pixels."""
    return resize(image, side / max(image.size))


def squeeze(image: Image.Image, width: int = 256, height: int = 256) -> Image.Image:
    """Resize to a given size and ignore the aspect ratio."""
    return image.resize((width, height), _LANCZOS)


def screenshot(image: Image.Image, scale: float = 0.73, margin: float = 0.01) -> Image.Image:
    """Resize with a bilinear filter, and include a strip of the gray surroundings.

    The strip, `margin` wide, is on the left and at the top.
    """
    width, height = (max(1, round(side * scale)) for side in image.size)
    shown = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round(margin * width), round(margin * height)
    canvas = Image.new("RGB", (width + left, height + top), (236, 236, 236))
    canvas.paste(shown, (left, top))
    return canvas


# ---- Quality ----


def recompress(image: Image.Image, quality: int = 50) -> Image.Image:
    """Save as JPEG and read it again."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as read:
        return read.convert("RGB")


def blur(image: Image.Image, radius: float = 2.0) -> Image.Image:
    """Blur with a Gaussian whose standard deviation is `radius` pixels."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def sharpen(image: Image.Image, percent: int = 150, radius: float = 2.0) -> Image.Image:
    """Sharpen with an unsharp mask."""
    return image.filter(ImageFilter.UnsharpMask(radius, percent))


def noise(image: Image.Image, sigma: float = 10.0, *, seed: int = 0) -> Image.Image:
    """Add Gaussian noise of standard deviation `sigma`, of 255, to each channel."""
    levels = np.asarray(image, dtype=np.float32)
    rng = np.random.default_rng(seed)
    return _from_levels(levels + sigma * rng.standard_normal(levels.shape, dtype=np.float32))


# ---- Tone and color ----


def gamma(image: Image.Image, value: float = 0.6) -> Image.Image:
    """Raise each channel, from 0 to 1, to a power. A power above 1 darkens."""
    return _from_levels(255 * (np.asarray(image, dtype=np.float32) / 255) ** value)


def contrast(image: Image.Image, factor: float = 1.5) -> Image.Image:
    """Move every pixel away from the mean (a factor above 1) or toward it."""
    return ImageEnhance.Contrast(image).enhance(factor)


def brightness(image: Image.Image, factor: float = 0.7) -> Image.Image:
    """Multiply every pixel by a factor."""
    return ImageEnhance.Brightness(image).enhance(factor)


def grayscale(image: Image.Image) -> Image.Image:
    """Remove the color."""
    return image.convert("L").convert("RGB")


def saturation(image: Image.Image, factor: float = 2.0) -> Image.Image:
    """Move every pixel away from its gray (a factor above 1) or toward it."""
    return ImageEnhance.Color(image).enhance(factor)


def hue(image: Image.Image, shift: int = 25) -> Image.Image:
    """Rotate the hue circle by `shift` of 256 steps."""
    hues, *others = image.convert("HSV").split()
    turned = hues.point([(level + shift) % 256 for level in range(256)])
    return Image.merge("HSV", [turned, *others]).convert("RGB")


def recolor(
    image: Image.Image, red: float = 1.2, green: float = 1.05, blue: float = 0.75
) -> Image.Image:
    """Multiply each channel by a factor, for a warmer, colder or tinted picture."""
    return _from_levels(
        np.asarray(image, dtype=np.float32) * np.array([red, green, blue], dtype=np.float32)
    )


def vignette(image: Image.Image, strength: float = 0.5) -> Image.Image:
    """Darken toward the corners, which lose the share `strength` of their light."""
    rows, columns = np.ogrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    light = 1 - strength * (rows**2 + columns**2) / 2
    return _from_levels(np.asarray(image, dtype=np.float32) * light[..., None])


# ---- Overlays and borders ----


def watermark(image: Image.Image, text: str = "SAMPLE", opacity: float = 0.5) -> Image.Image:
    """Write a translucent white word across the middle, two thirds of the width long."""
    layer = Image.new("L", image.size)
    font = ImageFont.load_default(size=_font_size(text, 0.66 * image.width))
    middle = (image.width / 2, image.height / 2)
    ImageDraw.Draw(layer).text(middle, text, round(255 * opacity), font, anchor="mm")
    return Image.composite(Image.new("RGB", image.size, "white"), image, layer)


def overlay_text(
    image: Image.Image, text: str = "WHEN YOU SEE IT", share: float = 0.1, color: str = "white"
) -> Image.Image:
    """Write a line of outlined text at the bottom, `share` of the height high."""
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


def caption(
    image: Image.Image, text: str = "When you see it", share: float = 0.12, where: str = "bottom"
) -> Image.Image:
    """Add a white band with black text at the "bottom" or "top", `share` of the height high."""
    band = round(share * image.height)
    canvas = Image.new("RGB", (image.width, image.height + band), "white")
    canvas.paste(image, (0, band if where == "top" else 0))
    middle = band / 2 if where == "top" else image.height + band / 2
    font = ImageFont.load_default(
        size=max(4.0, min(0.6 * band, _font_size(text, 0.9 * image.width)))
    )
    ImageDraw.Draw(canvas).text((image.width / 2, middle), text, "black", font, anchor="mm")
    return canvas


def badge(
    image: Image.Image, share: float = 0.2, corner: str = "bottom right", color: str = "red"
) -> Image.Image:
    """Draw a disc on a corner, with a diameter of `share` of the shorter side."""
    image = image.copy()
    side = max(1.0, share * min(image.size))
    left = image.width - side if "right" in corner else 0
    top = image.height - side if "bottom" in corner else 0
    ImageDraw.Draw(image).ellipse((left, top, left + side - 1, top + side - 1), color)
    return image


def bars(
    image: Image.Image, share: float = 0.05, sides: str = "top and bottom", color: str = "black"
) -> Image.Image:
    """Add bars at "top and bottom", "left and right", or "all" around."""
    across = round(share * image.width) if sides in ("left and right", "all") else 0
    along = round(share * image.height) if sides in ("top and bottom", "all") else 0
    canvas = Image.new("RGB", (image.width + 2 * across, image.height + 2 * along), color)
    canvas.paste(image, (across, along))
    return canvas


def pad(image: Image.Image, color: str = "white") -> Image.Image:
    """Pad to a square."""
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), color)
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas


# ---- Geometry ----


def crop(image: Image.Image, share: float = 0.05) -> Image.Image:
    """Cut off the same share at each side."""
    return crop_sides(image, share, share, share, share)


def crop_sides(
    image: Image.Image,
    left: float = 0.0,
    top: float = 0.0,
    right: float = 0.0,
    bottom: float = 0.0,
) -> Image.Image:
    """Cut off a share at each side."""
    width, height = image.size
    box = (
        *(round(left * width), round(top * height)),
        *(width - round(right * width), height - round(bottom * height)),
    )
    return image.crop(box)


def zoom(image: Image.Image, factor: float = 1.1) -> Image.Image:
    """Enlarge the center to the size of the whole image."""
    return crop(image, (1 - 1 / factor) / 2).resize(image.size, _LANCZOS)


def rotate(image: Image.Image, degrees: float = 2.0, color: str = "black") -> Image.Image:
    """Rotate counterclockwise at the same size, and fill the corners with one color."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=color)


def mirror(image: Image.Image) -> Image.Image:
    """Swap left and right."""
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def flip(image: Image.Image) -> Image.Image:
    """Swap top and bottom."""
    return image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)


def turn(image: Image.Image, quarters: int = 1) -> Image.Image:
    """Rotate counterclockwise by quarter turns."""
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return image.transpose(turns[quarters % 4 - 1]) if quarters % 4 else image.copy()


def _from_levels(levels: NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8))


def _font_size(text: str, width: float) -> float:
    """Return the font size at which `text` is `width` pixels long."""
    return max(4.0, 100 * width / ImageFont.load_default(size=100).getlength(text))


EDITS: dict[str, Callable[..., Image.Image]] = {
    function.__name__: function
    for function in (
        *(resize, thumbnail, squeeze, screenshot, recompress, blur, sharpen, noise),
        *(gamma, contrast, brightness, grayscale, saturation, hue, recolor, vignette),
        *(watermark, overlay_text, caption, badge, bars, pad),
        *(crop, crop_sides, zoom, rotate, mirror, flip, turn),
    )
}


class Edit:
    """An edit with its parameters, or a sequence of edits.

    Parameters
    ----------
    name : str
        One of `hashfeatures.edits.EDITS`.
    **parameters
        Parameters of the function of that name. The others keep their defaults.

    Raises
    ------
    ParameterError
        If the edit does not exist, or it has no such parameter.

    Examples
    --------
    >>> from PIL import Image
    >>> from hashfeatures.edits import Edit
    >>> cut = Edit("crop", share=0.1)
    >>> cut
    Edit('crop', share=0.1)
    >>> cut(Image.new("L", (200, 100))).size
    (160, 80)
    >>> smaller = cut.then("resize", scale=0.5)
    >>> print(smaller)
    crop share=0.1, resize scale=0.5
    >>> smaller(Image.new("L", (200, 100))).size
    (80, 40)
    """

    def __init__(self, name: str, **parameters: Any) -> None:
        function = EDITS.get(name)
        if function is None:
            close = get_close_matches(str(name), EDITS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise ParameterError(
                f"There is no edit {describe_value(name)}.{hint} The edits are {', '.join(EDITS)}."
            )
        known = [key for key in inspect.signature(function).parameters if key != "image"]
        for key in parameters:
            if key not in known or key == "seed":
                listed = ", ".join(key for key in known if key != "seed") or "none"
                raise ParameterError(
                    f"The edit {name!r} has no parameter {key!r}. Its parameters: {listed}."
                )
        self._steps: tuple[tuple[str, dict[str, Any]], ...] = ((name, parameters),)

    def then(self, name: str, **parameters: Any) -> Edit:
        """Return this edit followed by another.

        Parameters
        ----------
        name : str
            The other edit.
        **parameters
            Its parameters.

        Returns
        -------
        Edit
            Both edits, one after the other.
        """
        both = Edit(name, **parameters)
        both._steps = (*self._steps, *both._steps)
        return both

    def __call__(self, image: Image.Image, seed: int = 0) -> Image.Image:
        """Return the edited image.

        Parameters
        ----------
        image : PIL.Image.Image
            An image of any mode. Transparent pixels are composed onto white first.
        seed : int, default=0
            The seed of random edits such as noise.

        Returns
        -------
        PIL.Image.Image
            A new image of mode RGB.
        """
        image = flatten(image).convert("RGB")
        for name, parameters in self._steps:
            function = EDITS[name]
            is_random = "seed" in inspect.signature(function).parameters
            image = function(image, **parameters, **({"seed": seed} if is_random else {}))
        return image

    def __str__(self) -> str:
        words = []
        for name, parameters in self._steps:
            words.append(
                " ".join([name, *(f"{key}={value}" for key, value in parameters.items())])
            )
        return ", ".join(words)

    def __repr__(self) -> str:
        (name, parameters), *others = self._steps
        text = f"Edit({_arguments_of(name, parameters)})"
        return text + "".join(f".then({_arguments_of(*step)})" for step in others)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edit) and self._steps == other._steps

    def __hash__(self) -> int:
        return hash(repr(self))


def _arguments_of(name: str, parameters: dict[str, Any]) -> str:
    return ", ".join([repr(name), *(f"{key}={value!r}" for key, value in parameters.items())])


EVERYDAY_EDITS = (
    Edit("resize", scale=0.5),
    Edit("thumbnail", side=64),
    Edit("squeeze", width=256, height=256),
    Edit("recompress", quality=50),
    Edit("recompress", quality=10),
    Edit("blur", radius=2),
    Edit("noise", sigma=10),
    Edit("noise", sigma=40),
    Edit("gamma", value=0.6),
    Edit("gamma", value=2),
    Edit("contrast", factor=1.5),
    Edit("brightness", factor=0.7),
    Edit("grayscale"),
    Edit("saturation", factor=2),
    Edit("hue", shift=25),
    Edit("watermark"),
    Edit("crop", share=0.01),
    Edit("crop", share=0.025),
    Edit("crop", share=0.05),
    Edit("bars", share=0.05),
    Edit("rotate", degrees=1),
    Edit("rotate", degrees=2),
    Edit("rotate", degrees=4),
    Edit("mirror"),
    Edit("turn", quarters=1),
)
"""Edits that people apply every day, one at a time. Views and radii were chosen by them."""
