"""Everyday edits that turn an image into a near duplicate, with parameters and seeds.

An edit takes an image and returns an edited copy in mode RGB. With the same seed it always returns
the same pixels. Shares refer to the width (left and right) or to the height (top and bottom).
"""

from ._color import brightness, contrast, gamma, grayscale, hue, recolor, saturation, vignette
from ._edit import EDITS, EVERYDAY_EDITS, Edit
from ._geometry import crop, crop_sides, flip, mirror, rotate, turn, zoom
from ._overlays import badge, bars, caption, overlay_text, pad, watermark
from ._quality import blur, noise, recompress, sharpen
from ._size import resize, screenshot, squeeze, thumbnail

__all__ = [
    "EDITS",
    "EVERYDAY_EDITS",
    "Edit",
    "badge",
    "bars",
    "blur",
    "brightness",
    "caption",
    "contrast",
    "crop",
    "crop_sides",
    "flip",
    "gamma",
    "grayscale",
    "hue",
    "mirror",
    "noise",
    "overlay_text",
    "pad",
    "recolor",
    "recompress",
    "resize",
    "rotate",
    "saturation",
    "screenshot",
    "sharpen",
    "squeeze",
    "thumbnail",
    "turn",
    "vignette",
    "watermark",
    "zoom",
]
