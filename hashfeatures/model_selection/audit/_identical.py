"""Images with equal pixels among near duplicates, which their files prove."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._utils.regular_files import open_regular
from ...duplicates._labels import Labels, relabel
from ...duplicates._pair_graph import Members
from ...hashing._pixel_digest import digest_pixels
from ...images._decoding import Decoding
from ...images._quiet import quiet_decoding
from ...images._read import read_image
from ...images._references import resolve
from ...images._sources import is_remote, local_path
from ...images._undecoded import digest_undecoded
from .._parts import ComparedParts

_BLOCK = 2**20  # bytes read at a time
_UPRIGHT = Decoding("full", background=None)


def label_identical(parts: ComparedParts) -> Labels | None:
    """Label the images of equal pixels.

    Images are candidates if all that they were compared by is equal. Their files are read again,
    and decoded unless their bytes are equal. URLs are not fetched again, and a file may be gone:
    for such images, equal thumbnails and sizes decide.

    Parameters
    ----------
    parts : ComparedParts
        The parts of a split.

    Returns
    -------
    ndarray of shape (n_images,), dtype intp, or None
        A number that images share if their pixels are equal, and no others. None if the parts
        are matrices of bits, which say nothing of pixels.
    """
    if parts.sources and all(source is None for source in parts.sources):
        return None
    nodes = parts.graph.node_of_image
    labels = np.arange(len(nodes))
    shared = np.flatnonzero(parts.graph.n_of_node() > 1)
    rows, starts, sizes = Members(nodes).of(shared)
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        members = np.sort(rows[start : start + size])
        labels[members] = members[_match(parts, members)]
    return relabel(labels)


def _match(parts: ComparedParts, members: Labels) -> list[int]:
    """Return the place of the first image with equal pixels for each of some candidates."""
    sources = [parts.sources[row] for row in members]
    contents = [_digest_content(source) for source in sources]
    if None not in contents and len(set(contents)) == 1:
        return [0] * len(members)
    shown: dict[bytes, bytes | None] = {}
    keys: list[object] = []
    for source, content in zip(sources, contents, strict=True):
        if is_remote(source):
            keys.append(None)
        elif content is None:
            keys.append(_digest_shown(source))
        else:
            if content not in shown:
                shown[content] = _digest_shown(source)
            keys.append(shown[content])
    has_thumbnails = parts.settings is not None and parts.settings["min_agreement"] is not None
    sizes = parts.n_pixels[members].tolist()
    first_of_size: dict[int, int] = {}
    for place, size in enumerate(sizes):
        first_of_size.setdefault(size, place)
    for place, key in enumerate(keys):
        if key is None:
            same = first_of_size[sizes[place]] if has_thumbnails else place
            keys[place] = place if keys[same] is None else keys[same]
    first: dict[object, int] = {}
    return [first.setdefault(key, place) for place, key in enumerate(keys)]


def _digest_content(source: Any) -> bytes | None:
    """Return the digest of the bytes of a file or an encoded image; None for other sources."""
    try:
        source = resolve(source)
    except Exception:  # of what the reference refers to
        return None
    if isinstance(source, Mapping):
        content = source.get("bytes")
        source = source.get("path") if content is None else content
    if isinstance(source, bytes | bytearray | memoryview):
        return hashlib.blake2b(source, digest_size=16).digest()
    path = local_path(source)
    if path is None:
        return None
    try:
        with open_regular(path) as file:
            digest = hashlib.blake2b(digest_size=16)
            while block := file.read(_BLOCK):
                digest.update(block)
            return digest.digest()
    except OSError:
        return None


def _digest_shown(source: Any) -> bytes | None:
    """Return the digest of all that an image shows; None if it cannot be read."""
    try:
        decoded = read_image(source, _UPRIGHT)
        shown = decoded.image if decoded.shown is None else decoded.shown
        more = b"" if decoded.file is None else digest_undecoded(decoded.file)
        with quiet_decoding():
            return digest_pixels(shown, more)
    except Exception:  # of Pillow's plugins
        return None
