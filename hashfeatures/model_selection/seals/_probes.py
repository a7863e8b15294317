"""Fixed images whose pixels and bits show whether two installations compute the same fingerprints.

Few images have other bits under another release of Pillow or of another package, and which
releases differ cannot be known beforehand. So a seal records what becomes of these images. Bits
seldom show that pixels were resized or decoded in another way. So the digest is of both.
"""

from __future__ import annotations

import hashlib
import io
from importlib import resources
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...duplicates._finder import NearDuplicateFinder
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...images._quiet import quiet_decoding

# What decodes, resizes and transforms images.
PACKAGES = ("Pillow", "ImageHash", "numpy", "scipy", "simplejpeg", "pdqhash")

_FILES = ("baseline.jpg", "progressive.jpg")
_SIZES = ((8, 8), (9, 8), (32, 32))
_MAX_PIXELS = 1_000_000  # whatever a user allows for images


def hash_probes(finder: NearDuplicateFinder) -> Fingerprints:
    """Return the fingerprints of the probes, as a finder computes them here."""
    probe = NearDuplicateFinder(**finder.get_params())
    probe.set_params(max_pixels=_MAX_PIXELS, n_jobs=None, cache=None, progress=False)
    return probe.fingerprint([*_make_arrays(), *_read_files()]).fingerprints


def digest_probes(probes: Fingerprints) -> str:
    """Return hex digits that are equal where the pixels and the bits of the probes are."""
    arrays = [probes.words, probes.comparable, probes.pixel_digests, probes.low_detail]
    arrays += [] if probes.views is None else [probes.views.words]
    arrays += [] if probes.colors is None else [probes.colors]
    digest = hashlib.blake2b(digest_size=16)
    for array in [*arrays, *_resize_noise(), *_decode_files()]:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def list_releases() -> dict[str, str]:
    """Return the installed releases of the packages that decide the bits of images."""
    releases = {}
    for package in PACKAGES:
        try:
            releases[package] = version(package)
        except PackageNotFoundError:
            continue
    return releases


def _make_arrays() -> list[NDArray[np.uint8]]:
    """Return a wide, a tall and a gray image, and one with transparent pixels."""
    shades = _draw(25, 20, 4)
    cells = [shades[:8, :, :3], shades[:, :8, :3], shades[..., 0], shades]
    return [each.repeat(20, axis=0).repeat(20, axis=1) for each in cells]


def _resize_noise() -> list[NDArray[np.uint8]]:
    """Return noise, wide and tall, that Pillow resized as hashes need it."""
    noises = [Image.fromarray(_draw(*shape)) for shape in ((90, 400), (400, 90))]
    return [
        np.asarray(noise.resize(size, Image.Resampling.LANCZOS))
        for noise in noises
        for size in _SIZES
    ]


def _decode_files() -> list[NDArray[np.uint8]]:
    """Return the pixels of JPEG files as Pillow decodes them, whole and at half their size."""
    decoded = []
    with quiet_decoding(_MAX_PIXELS):
        for data in _read_files():
            for mode, scale in (("RGB", 1), ("L", 2)):
                with Image.open(io.BytesIO(data)) as image:
                    image.draft(mode, (image.width // scale, image.height // scale))
                    decoded.append(np.asarray(image))
    return decoded


def _read_files() -> list[Any]:
    folder = resources.files(__package__).joinpath("probes")
    return [folder.joinpath(name).read_bytes() for name in _FILES]


def _draw(*shape: int) -> NDArray[np.uint8]:
    """Return random values, which are the same in all releases of numpy."""
    return np.random.RandomState(0).randint(0, 256, shape).astype(np.uint8)
