"""What a lock knows images by: their names, their hashes, and digests of their pixels.

An image that was renamed keeps its hashes and its pixels. An image that was saved again keeps its
name, and often its hashes. So images are matched with those of a lock by their pixels first, then
by their hashes, and by their names last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.validation import refuse
from ...duplicates._components import Labels
from ...duplicates._labels import relabel
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
            hashes[comparable] = _hex_of(words[comparable], n_digits)
            pixels[fingerprints.low_detail] = _hex_of(
                fingerprints.pixel_digests[fingerprints.low_detail], _DIGITS
            )
            if fingerprints.thumbnails is not None or fingerprints.colors is not None:
                keys = fingerprints.keys()[comparable]
                pixels[comparable] = _hex_of(digest([row.tobytes() for row in keys]), _DIGITS)
        return cls(names, hashes, pixels)

    def take(self, rows: Any) -> ImageKeys:
        """Return the keys of some images."""
        return ImageKeys(*(column[rows] for column in self))

    def without_content(self) -> ImageKeys:
        """Return the names alone."""
        return self._replace(**{name: np.full_like(self.names, None) for name in _CONTENT})

    def are_known(self) -> NDArray[np.bool_]:
        """Return which images have a name or a content."""
        known: NDArray[np.bool_] = np.any([pd.notna(column) for column in self], axis=0)
        return known

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
        names = self.names.copy()
        is_again = pd.Series(names, dtype=object).duplicated().to_numpy() & pd.notna(names)
        is_present = np.arange(len(names)) < n_present
        names[is_again & ~is_present] = None
        return self._replace(names=names), ~(is_again & is_present)

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
    n_images = len(images.names)
    entry = np.full(n_images, -1, dtype=np.intp)
    is_open = np.ones(len(locked.names), dtype=bool)
    codes = {
        name: _number(np.concatenate([getattr(images, name), getattr(locked, name)]))
        for name in ImageKeys._fields
    }
    for columns, pick in (_CONTENT, np.any), (("hashes",), np.all):
        for named in (True, False):
            if (entry < 0).any() and is_open.any():
                joined = _join(codes, columns, pick, named)
                _match(joined[:n_images], joined[n_images:], entry, is_open, is_shared=named)
    by_content = entry >= 0
    joined = codes["names"]
    _match(joined[:n_images], joined[n_images:], entry, is_open, is_shared=True)
    return KeyMatches(entry, by_content)


def _number(values: Texts) -> Labels:
    """Return the number of each value; -1 for None."""
    codes: Labels = pd.factorize(values)[0]
    return codes


def _join(
    codes: dict[str, Labels], columns: Sequence[str], pick: Callable[..., Any], named: bool
) -> Labels:
    """Return a number for each distinct row of columns; -1 where it does not identify an image."""
    is_known = pick([codes[name] >= 0 for name in columns], axis=0)
    joined = np.zeros(len(is_known), dtype=np.intp)
    for name in [*columns, "names"] if named else columns:
        joined = relabel(joined * (codes[name].max(initial=0) + 2) + codes[name] + 1)
    is_known &= (codes["names"] >= 0) | (not named)
    joined[~is_known] = -1
    return joined


def _match(
    left: Labels, right: Labels, entry: Labels, is_open: NDArray[np.bool_], is_shared: bool
) -> None:
    """Match the images without an entry with the open entries of equal keys, in order."""
    images = np.flatnonzero((entry < 0) & (left >= 0))
    entries = np.flatnonzero(is_open & (right >= 0))
    entries = entries[np.argsort(right[entries], kind="stable")]
    images = images[np.argsort(left[images], kind="stable")]
    starts, ends = (
        np.searchsorted(right[entries], left[images], side) for side in ("left", "right")
    )
    if not is_shared:  # the first image of a key gets the first entry, the second the second
        is_first = np.append(True, np.diff(left[images]) != 0)[: len(images)]
        firsts = np.flatnonzero(is_first)
        starts += np.arange(len(images)) - firsts[np.cumsum(is_first) - 1]
    is_found = starts < ends
    entry[images[is_found]] = entries[starts[is_found]]
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
        path, url = _place_of(source)
        if path is not None:
            paths[row] = os.path.abspath(path)
        elif url is not None and not ("?" in url or "@" in url or "::" in url):
            names[row] = url
    if not paths:
        return names, None
    try:
        common = os.path.commonpath([*{os.path.dirname(path) for path in paths.values()}])
        root = os.path.abspath(folder) if folder is not None else common
        if os.path.commonpath([root, common]) != root:
            root = common
    except ValueError:  # on different drives
        return names, None
    start = len(os.path.join(root, ""))
    for row, path in paths.items():
        names[row] = path[start:].replace(os.sep, "/")
    return names, root


def _place_of(source: Any) -> tuple[str | None, str | None]:
    """Return the path of an image source, or its URL."""
    if type(source) is str:  # most of many millions, which need no closer look
        if ":" not in source:
            return source, None
        scheme, is_url, _ = source.partition("://")
        # One letter is a drive of Windows.
        is_scheme = scheme[:1].isalpha() and scheme[1:].isalnum()
        if is_url and is_scheme and scheme.lower() != "file":
            return None, source
    name = name_source(source)
    path = None if name is None else local_path(name)
    return path, name if path is None and is_remote(name) else None


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


def _hex_of(words: NDArray[np.uint64], n_digits: int) -> list[str]:
    """Return the first hex digits of each row."""
    joined, length = words.tobytes().hex(), 16 * words.shape[1]
    return [joined[start : start + n_digits] for start in range(0, len(joined), length)]
