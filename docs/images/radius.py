"""Figures of the choice of a radius."""

from __future__ import annotations

import numpy as np
import sklearn.datasets
from _themes import save
from PIL import Image

from hashfeatures import calibrate


def draw_calibration() -> None:
    """Draw the recall and the false matches of handwritten digits, which look alike."""
    digits = [
        Image.fromarray((255 - 15 * digit).astype(np.uint8)).resize(
            (96, 96), Image.Resampling.BICUBIC
        )
        for digit in sklearn.datasets.load_digits().images
    ]
    save(calibrate(digits, target=100).plot().figure, "calibration")
