"""Images for every test: made here, or taken from the wheels of scikit-learn and scikit-image."""

import io
from pathlib import Path

import numpy as np
import pytest
import skimage
import sklearn.datasets
from PIL import Image


def photo_paths():
    """Return the photos and drawings that ship in the wheels."""
    folders = [Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent]
    kinds = {".jpg", ".png", ".gif"}
    return sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in kinds)


def noise_image(seed, size=(40, 30), mode="RGB"):
    """Return an image of blurred noise: structure at every scale, and no two alike."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


@pytest.fixture(scope="session")
def photos():
    return photo_paths()


@pytest.fixture(scope="session")
def png_bytes():
    buffer = io.BytesIO()
    noise_image(0).save(buffer, "PNG")
    return buffer.getvalue()
