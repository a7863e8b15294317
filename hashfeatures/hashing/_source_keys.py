"""Keys of images in the cache: the path and state of a file, a URL, or a content digest."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..images._open import read_orientation
from ..images._quiet import quiet_decoding
from ..images._references import ImageReference
from ..images._sources import is_data_uri, is_url, local_path, read_data_uri


class SourceKey(NamedTuple):
    """The key of an image in the cache.

    Parameters
    ----------
    name : str
        An absolute path, a URL, or ``"blake2b:"`` and the digest of the content, or of what
        identifies an image inside a larger file.
    size : int
        The size in bytes, or 0 for a URL.
    mtime_ns : int
        The time of the last change of the content, or 0 for a URL and for content.
    ctime_ns : int
        The time of the last change of the file itself, which no program can set back.
    inode : int
        The number of the file in its file system. Some network file systems number their files
        anew when they are mounted, so their images are hashed again.
    """

    name: str
    size: int
    mtime_ns: int
    ctime_ns: int = 0
    inode: int = 0


def key_of(source: Any) -> SourceKey | None:
    r"""Return the key of an image source in the cache.

    Make the key of a file before hashing it. If the file changes in between, its entry is
    outdated, not wrong.

    Parameters
    ----------
    source : image source
        See `hashfeatures.images._read.read_image`. Open files have no key.

    Returns
    -------
    SourceKey or None
        None for sources without a lasting identity: a missing value, a missing file, a directory,
        an image that cannot be decoded, or an object that is not an image source.

    Examples
    --------
    >>> from hashfeatures.hashing._source_keys import key_of
    >>> key_of(b"\x89PNG")
    SourceKey(name='blake2b:90797eab8dcb0004f703df94a505122e', size=4, mtime_ns=0, ...)
    """
    if isinstance(source, ImageReference):
        facts = source.identify()
        return None if facts is None else _key_of_content("reference", facts, b"")
    if isinstance(source, Image.Image):
        return _key_of_image(source)
    if isinstance(source, np.ndarray):
        if source.dtype != np.uint8:
            return None
        return _key_of_content("array", source.shape, source.tobytes())
    return _key_of_file(source)


def _key_of_image(image: Image.Image) -> SourceKey | None:
    """Return the digest of everything that determines what the image looks like."""
    try:
        with quiet_decoding():
            image.load()
            facts = (
                image.mode,
                image.size,
                image.palette and image.palette.mode,
                image.getpalette(None),
                "transparency" in image.info,
                image.info.get("transparency"),
                read_orientation(image),
            )
            return _key_of_content("image", facts, image.tobytes())
    except Exception:  # a broken file may raise anything in a plugin of Pillow
        return None


def _key_of_file(source: Any) -> SourceKey | None:
    if is_data_uri(source):
        try:
            return _key_of_content("file", (), read_data_uri(source))
        except ValueError:
            return None
    path = local_path(source)
    if path is not None:
        return _key_of_path(path)
    if is_url(source):
        return _key_of_url(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return _key_of_content("file", (), bytes(source))
    if isinstance(source, Mapping):
        data = source.get("bytes")
        return _key_of_file(source.get("path") if data is None else data)
    return None


def _key_of_url(url: str) -> SourceKey | None:
    """Return the key of a URL. Remote content is assumed not to change, local files may."""
    last = url.rpartition("::")[2]
    if last.lower().startswith("memory://"):  # another process has other files there
        return None
    path = local_path(last)
    if path is None:
        return SourceKey(url, 0, 0)
    key = _key_of_path(path)
    return key and key._replace(name=url)


def _key_of_path(path: str | os.PathLike[str]) -> SourceKey | None:
    try:
        status = os.stat(path)
        name = os.path.abspath(os.fsdecode(path))
    except (OSError, ValueError):  # ValueError: an invalid path, such as one with a NUL
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return SourceKey(
        name,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
    )


def _key_of_content(kind: str, facts: tuple[Any, ...], data: bytes) -> SourceKey:
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=16, person=kind.encode())
    digest.update(data)
    return SourceKey(f"blake2b:{digest.hexdigest()}", len(data), 0)
