"""Identities of images, to recognize unchanged ones without decoding them again.

A file has its path, size, times and inode as identity, and an image in memory a content digest.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .._utils.frames import is_missing
from ._references import ImageReference
from ._sources import is_remote, local_path


def identify(sources: Sequence[Any]) -> NDArray[np.uint64]:
    """Return the identity of each image in its current state.

    Parameters
    ----------
    sources : sequence of image sources
        The images.

    Returns
    -------
    ndarray of shape (n_images, 2), dtype uint64
        Equal for images that have not changed. Zeros where changes cannot be detected.
    """
    identities = np.zeros((len(sources), 2), dtype=np.uint64)
    for row, source in enumerate(sources):
        facts = _facts_of(source)
        if facts is not None:
            digest = blake2b(digest_size=16)
            for fact in facts:
                part = fact if isinstance(fact, bytes) else repr(fact).encode()
                digest.update(b"%d:" % len(part))
                digest.update(part)
            identities[row] = np.frombuffer(digest.digest(), dtype=np.uint64)
    return identities


def weak_references(sources: Sequence[Any]) -> NDArray[np.object_]:
    """Return weak references to the images in memory."""
    held = np.full(len(sources), None, dtype=object)
    for row, source in enumerate(sources):
        if isinstance(source, np.ndarray | Image.Image):
            held[row] = weakref.ref(source)
    return held


def _facts_of(source: Any) -> tuple[Any, ...] | None:
    """Return the facts that identify an image, or None if none do so reliably."""
    if isinstance(source, Mapping):
        encoded = source.get("bytes")
        return _facts_of(source.get("path") if encoded is None else encoded)
    if isinstance(source, ImageReference):
        known = source.identify()
        return None if known is None else ("reference", *known)
    if is_missing(source):
        return ("missing",)
    if isinstance(source, bytes | bytearray | memoryview):
        return "bytes", bytes(source)
    if isinstance(source, np.ndarray):
        whole = None if source.dtype.hasobject else source.tobytes()
        return None if whole is None else ("array", source.dtype.str, source.shape, whole)
    if isinstance(source, Image.Image):
        return _pillow_facts(source)
    if isinstance(source, str) and is_remote(source):
        return "address", source
    path = local_path(source) if isinstance(source, str | os.PathLike) else None
    if path is None:
        return ("text", source) if isinstance(source, str) else None
    try:
        now = os.stat(path)
    except (OSError, ValueError):
        return "absent", path
    return "file", path, now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino, now.st_dev


def _pillow_facts(image: Image.Image) -> tuple[Any, ...] | None:
    if getattr(image, "fp", None) is not None:  # not loaded yet, and this must not load it
        return None
    try:
        palette = None if image.palette is None else (image.palette.mode, image.palette.palette)
        facts = (image.mode, image.size, palette, image.info.get("transparency"))
        return "pillow", facts, image.getexif().tobytes(), image.tobytes()
    except Exception:  # a third-party plugin may raise anything
        return None
