"""Whether images are those that were read before, told without reading them again.

A file is known by its path, size, times and inode; what is in memory by a digest of its content.
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
from ._sources import is_remote, local_path


def identify(sources: Sequence[Any]) -> NDArray[np.uint64]:
    """Tell images apart by what they are now.

    Parameters
    ----------
    sources : sequence of image sources
        The images.

    Returns
    -------
    ndarray of shape (n_images, 2), dtype uint64
        Equal for images that have not changed; zeros for one of which that cannot be told.
    """
    identities = np.zeros((len(sources), 2), dtype=np.uint64)
    for row, source in enumerate(sources):
        facts = _tell(source)
        if facts is not None:
            digest = blake2b(digest_size=16)
            for fact in facts:
                part = fact if isinstance(fact, bytes) else repr(fact).encode()
                digest.update(b"%d:" % len(part))
                digest.update(part)
            identities[row] = np.frombuffer(digest.digest(), dtype=np.uint64)
    return identities


def weak_references(sources: Sequence[Any]) -> NDArray[np.object_]:
    """Return references to the images in memory, which do not keep them there."""
    held = np.full(len(sources), None, dtype=object)
    for row, source in enumerate(sources):
        if isinstance(source, np.ndarray | Image.Image):
            held[row] = weakref.ref(source)
    return held


def _tell(source: Any) -> tuple[Any, ...] | None:
    """Return what an image is known by; None if nothing is certain."""
    if isinstance(source, Mapping):
        encoded = source.get("bytes")
        return _tell(source.get("path") if encoded is None else encoded)
    if is_missing(source):
        return ("missing",)
    if isinstance(source, bytes | bytearray | memoryview):
        return "bytes", bytes(source)
    if isinstance(source, np.ndarray):
        whole = None if source.dtype.hasobject else source.tobytes()
        return None if whole is None else ("array", source.dtype.str, source.shape, whole)
    if isinstance(source, Image.Image):
        return _tell_pillow(source)
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


def _tell_pillow(image: Image.Image) -> tuple[Any, ...] | None:
    if getattr(image, "fp", None) is not None:  # not read yet, and it shall not be for this
        return None
    try:
        palette = None if image.palette is None else (image.palette.mode, image.palette.palette)
        facts = (image.mode, image.size, palette, image.info.get("transparency"))
        return "pillow", facts, image.getexif().tobytes(), image.tobytes()
    except Exception:  # whatever a plugin of somebody else does
        return None
