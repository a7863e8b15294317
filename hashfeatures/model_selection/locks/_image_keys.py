"""What a lock knows images by: their names, their hashes, and digests of their pixels.

An image that was renamed keeps its hashes and its pixels. An image that was saved again keeps its
name, and often its hashes. So images are matched with those of a lock by their pixels first, then
by their hashes, and by their names last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.validation import refuse
from ...duplicates._labels import Labels
from ...duplicates.fingerprints._base import digest
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...duplicates.fingerprints._search import build_graph, find_matches
from ...duplicates.fingerprints._views import ViewCodes
from ...hamming._pairs import Pairs
from ...images._sources import is_remote, local_path, name_source

Texts = NDArray[np.object_]

# Hex digits of a digest. Two of a million images share 64 bits by chance in 1 of 10^7 sets.
_DIGITS = 16
_CONTENT = ("hashes", "pixels")


class ImageKeys(NamedTuple):
    """What images are known by.

    Parameters
    ----------
    names : ndarray of shape (n_images,), dtype object
        Paths relative to a root with forward slashes, or URLs; None for an image without one.
    hashes : ndarray of shape (n_images,), dtype object
        The hashes that images are compared by, as hex digits; None for an image without.
    pixels : ndarray of shape (n_images,), dtype object
        Digests of hashes, colors and thumbnails, or of all pixels of an image of low detail; None
        if hashes alone are known.
    """

    names: Texts
    hashes: Texts
    pixels: Texts

    @classmethod
    def of(cls, names: Texts, fingerprints: Fingerprints | None) -> ImageKeys:
        """Return the keys of images from their names and fingerprints."""
        hashes, pixels = np.full((2, len(names)), None, dtype=object)
        if fingerprints is not None:
            words = fingerprints.words
            if fingerprints.views is not None and not isinstance(fingerprints.views, ViewCodes):
                words = fingerprints.views.digests()  # of all segments
            n_digits = min(-(-fingerprints.n_bits // 4), 16 * words.shape[1])
            comparable = fingerprints.comparable
            hashes[comparable] = [row.tobytes().hex()[:n_digits] for row in words[comparable]]
            pixels[fingerprints.low_detail] = _hex_of(
                fingerprints.pixel_digests[fingerprints.low_detail]
            )
            if fingerprints.thumbnails is not None or fingerprints.colors is not None:
                keys = fingerprints.keys()[comparable]
                pixels[comparable] = _hex_of(digest([row.tobytes() for row in keys]))
        return cls(names, hashes, pixels)

    def take(self, rows: Any) -> ImageKeys:
        """Return the keys of some images."""
        return ImageKeys(*(column[rows] for column in self))

    def without_content(self) -> ImageKeys:
        """Return the names alone."""
        return self._replace(**{name: np.full_like(self.names, None) for name in _CONTENT})

    def are_known(self) -> NDArray[np.bool_]:
        """Return which images have a name or a content."""
        return np.array(
            [any(text is not None for text in row) for row in zip(*self, strict=True)], dtype=bool
        )

    def with_names_once(self, n_present: int) -> tuple[ImageKeys, NDArray[np.bool_]]:
        """Return keys in which no two images have one name.

        Parameters
        ----------
        n_present : int
            The number of images from the first on whose names are those of today. Another image
            of the same name loses it: its file was replaced.

        Returns
        -------
        keys : ImageKeys
            The keys.
        is_first : ndarray of shape (n_images,), dtype bool
            False for an image that is listed again.
        """
        names, is_first = self.names.copy(), np.ones(len(self.names), dtype=bool)
        seen: set[str] = set()
        for row, name in enumerate(names):
            if name is None:
                continue
            if name in seen and row < n_present:
                is_first[row] = False
            elif name in seen:
                names[row] = None
            seen.add(name)
        return self._replace(names=names), is_first

    def sort_keys(self) -> list[tuple[str, ...]]:
        """Return what images are sorted by: their names, and those without a name last."""
        return [
            ("1" if name is None else "0", *(text or "" for text in (name, *others)))
            for name, *others in zip(*self, strict=True)
        ]


class KeyMatches(NamedTuple):
    """The images of a lock that other images are.

    Parameters
    ----------
    entry : ndarray of shape (n_images,), dtype intp
        The row in the lock of each image; -1 for a new one.
    by_content : ndarray of shape (n_images,), dtype bool
        Whether it has the pixels or the hashes of that image, and not its name alone.
    """

    entry: Labels
    by_content: NDArray[np.bool_]


def match_keys(images: ImageKeys, locked: ImageKeys) -> KeyMatches:
    """Match images with those of a lock: by pixels, then by hashes, then by names.

    Among images of equal pixels or hashes, those of equal names match first. No two images match
    the same one, unless both have its name: then a file is listed twice.
    """
    entry = np.full(len(images.names), -1, dtype=np.intp)
    is_open = np.ones(len(locked.names), dtype=bool)
    for columns, pick in (_CONTENT, any), (("hashes",), all):
        for named in (True, False):
            left, right = (_join(keys, columns, pick, named) for keys in (images, locked))
            _match(left, right, entry, is_open, is_shared=named)
    by_content = entry >= 0
    _match(images.names, locked.names, entry, is_open, is_shared=True)
    return KeyMatches(entry, by_content)


def _join(
    keys: ImageKeys, columns: Sequence[str], pick: Callable[..., bool], named: bool
) -> list[tuple[str, ...] | None]:
    """Return the joined columns of each image; None where they do not identify it."""
    rows = zip(*(getattr(keys, name) for name in columns), strict=True)
    contents = [row if pick(text is not None for text in row) else None for row in rows]
    if not named:
        return contents
    return [
        None if name is None or content is None else (name, *content)
        for name, content in zip(keys.names, contents, strict=True)
    ]


def _match(
    left: Iterable[Any],
    right: Iterable[Any],
    entry: Labels,
    is_open: NDArray[np.bool_],
    is_shared: bool,
) -> None:
    """Match the images without an entry with the open entries of equal keys, in order."""
    rows_of: dict[Any, list[int]] = {}
    for row, key in enumerate(right):
        if is_open[row] and key is not None:
            rows_of.setdefault(key, []).append(row)
    for rows in rows_of.values():
        rows.reverse()
    for row, key in enumerate(left):
        rows = rows_of.get(key, [])
        if entry[row] < 0 and rows:
            entry[row] = rows[-1] if is_shared else rows.pop()
    is_open[entry[entry >= 0]] = False


def find_near_locked(
    fingerprints: Fingerprints, locked: ImageKeys, radius: int, n_jobs: int | None = None
) -> Pairs:
    """Find the images of a lock whose hashes are near those of other images.

    A lock holds no pixels that could confirm what hashes nominate.

    Parameters
    ----------
    fingerprints : Fingerprints
        The fingerprints of the images. Over views, each view is compared with the image of the
        lock as it is. Segments are not compared.
    locked : ImageKeys
        The images of the lock.
    radius : int
        The greatest distance in bits.
    n_jobs : int or None
        The number of threads that search.

    Returns
    -------
    Pairs
        Left the image, right the row in the lock.
    """
    n_bits, n_words = fingerprints.n_bits, fingerprints.words.shape[1]
    n_digits = -(-n_bits // 4)
    hashed = [row for row, text in enumerate(locked.hashes) if text and len(text) == n_digits]
    octets = bytes.fromhex("".join(locked.hashes[row].ljust(16 * n_words, "0") for row in hashed))
    words = np.frombuffer(octets, dtype=np.uint64).reshape(len(hashed), n_words)
    graph = build_graph(
        Fingerprints.of_words(words, np.ones(len(hashed), dtype=bool), n_bits), radius, n_jobs
    )
    views = fingerprints.views
    if views is None:
        codes = [fingerprints.words]
    elif isinstance(views, ViewCodes):
        codes = [views.words[:, view] for view in range(views.words.shape[1])]
    else:
        codes = []
    found = [
        find_matches(graph, Fingerprints.of_words(code, fingerprints.comparable, n_bits), n_jobs)
        for code in codes
    ]
    near = Pairs.concatenate(found)
    return Pairs(near.left, np.array(hashed, dtype=np.intp)[near.right], near.distance)


def name_images(sources: Sequence[Any], folder: str | None) -> tuple[Texts, str | None]:
    """Name images relative to a folder, so that no name depends on the machine.

    Parameters
    ----------
    sources : sequence of image sources
        The images.
    folder : str or None
        The folder, if all images are in it. Otherwise their common folder takes its place.

    Returns
    -------
    names : ndarray of shape (n_images,), dtype object
        Relative paths with forward slashes; URLs as they are, but those that may hold a secret or
        a path of this machine; None for other images.
    root : str or None
        The folder that paths are relative to, if there are any.
    """
    names = np.full(len(sources), None, dtype=object)
    paths: dict[int, str] = {}
    for row, source in enumerate(sources):
        name = name_source(source)
        path = None if name is None else local_path(name)
        if path is not None:
            paths[row] = os.path.abspath(path)
        elif is_remote(name) and not any(mark in str(name) for mark in ("?", "@", "::")):
            names[row] = name
    if not paths:
        return names, None
    try:
        common = os.path.commonpath([os.path.dirname(path) for path in paths.values()])
        root = os.path.abspath(folder) if folder is not None else common
        if os.path.commonpath([root, common]) != root:
            root = common
    except ValueError:  # on different drives
        return names, None
    for row, path in paths.items():
        names[row] = os.path.relpath(path, root).replace(os.sep, "/")
    return names, root


def name_for_lock(
    caller: str,
    sources: list[Any],
    lock: str | os.PathLike[str] | None,
    root: str | os.PathLike[str] | None,
) -> Texts:
    """Return the names of images as a lock records them.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    sources : list of image sources
        The images.
    lock : path or None
        The file of the lock.
    root : path or None
        The folder that names are relative to. None takes the folder of the lock if it holds all
        images, and their common folder otherwise.

    Raises
    ------
    ParameterError
        If `root` does not hold all images.
    """
    folder = None if lock is None else os.path.dirname(os.path.abspath(lock))
    names, used = name_images(sources, folder if root is None else os.fspath(root))
    if root is not None and used not in (None, os.path.abspath(root)):
        expected = f"a folder that holds all images, which are in {used!r}"
        raise refuse(caller, "root", expected, os.fspath(root))
    return names


def _hex_of(digests: NDArray[np.uint64]) -> list[str]:
    return [row.tobytes().hex()[:_DIGITS] for row in digests]
