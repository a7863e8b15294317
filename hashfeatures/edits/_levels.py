"""Images of levels that an edit computes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def image_from_levels(levels: NDArray[Any]) -> Image.Image:
    """Return the image of levels, rounded and cut off at 0 and 255."""
    return Image.fromarray(np.rint(levels).clip(0, 255).astype(np.uint8))
