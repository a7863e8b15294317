"""The images of a call and those of a lock, the groups that they form, and their parts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..._utils.containers import as_column
from ..._utils.descriptions import describe_value
from ..._utils.quantities import count
from ...duplicates._components import Labels, label_components
from ...duplicates._labels import merge_labels, relabel
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...exceptions import ParameterError, StoreError
from ...hamming._pairs import Pairs
from ._earlier_parts import EarlierParts
from ._image_keys import ImageKeys, find_near_locked, match_keys
from ._known_images import KnownImages
from ._lock import SplitLock

_VERSION = "bits_version"


@dataclass(frozen=True)
class LockedSplit:
    """The images that could be read, followed by those that are in the lock alone.

    Parameters
    ----------
    names : list of str
        The names of the parts.
    known : KnownImages
        All images of the call.
    readable : ndarray of shape (n_readable,), dtype intp
        The rows of those that could be read.
    keys : ImageKeys
        What all images of the call are known by.
    lock : SplitLock
        The lock before the call.
    entry : ndarray of shape (n_readable + n_absent,), dtype intp
        The row in the lock of each image; -1 for a new one.
    groups : ndarray of shape (n_readable + n_absent,), dtype intp
        The group of each image, counted from 0.
    by_content : ndarray of shape (n_readable,), dtype bool
        Whether each image is in the lock with its pixels or its hashes.
    """

    names: list[str]
    known: KnownImages
    readable: Labels
    keys: ImageKeys
    lock: SplitLock
    entry: Labels
    groups: Labels
    by_content: NDArray[np.bool_]

    @classmethod
    def find(
        cls,
        names: list[str],
        known: KnownImages,
        keys: ImageKeys,
        lock: SplitLock,
        shown: str,
        fingerprint: Callable[[Labels], Fingerprints] | None,
    ) -> LockedSplit:
        """Find images in a lock, and group them with those that are in the lock alone.

        Parameters
        ----------
        names, known, keys, lock
            As in the class.
        shown : str
            The name of the file, for messages.
        fingerprint : callable or None
            Returns the fingerprints of some images, whose rows are in order. None if the finder
            makes none.

        Returns
        -------
        LockedSplit
            Before any image is assigned.

        Raises
        ------
        ParameterError
            If the lock has other settings.
        StoreError
            If it holds images, and none of them is among these or near them.
        """
        settings = lock.settings["finder"] or known.settings
        keeps_content = _check_settings(known.settings, settings, shown)
        if not keeps_content:
            lock = replace(lock, images=lock.images.without_content())
        locked = lock.images
        readable = np.flatnonzero(known.is_readable)
        own_keys, n_images = keys.take(readable), len(readable)
        entry, by_content = match_keys(own_keys, locked)
        new = np.flatnonzero(entry < 0)
        is_absent = np.ones(len(locked.names), dtype=bool)
        is_absent[entry[entry >= 0]] = False
        absent = np.flatnonzero(is_absent)
        near = Pairs.concatenate([])
        if fingerprint is not None and len(new) and len(absent):
            near = find_near_locked(fingerprint(readable[new]), locked.take(absent), known.radius)
        has_content = keeps_content and fingerprint is not None
        n_found = int((by_content if has_content else entry >= 0).sum()) + len(near.left)
        if len(locked.names) and not n_found:
            raise StoreError(
                f"{shown} is the lock of other images: none of its {len(locked.names)} images is "
                f"among these {n_images}. Pass all images of the data set, old and new ones, or "
                f"choose another file."
            )
        own = np.concatenate([known.labels[readable], len(known.labels) + np.arange(len(absent))])
        groups = relabel(own)
        if len(near.left):
            across = Pairs(new[near.left], n_images + near.right, near.distance)
            groups = merge_labels(groups, label_components(len(own), across))
        entry = np.concatenate([entry, absent])
        return cls(names, known, readable, keys, lock, entry, groups, by_content)

    @property
    def n_images(self) -> int:
        """The number of images that could be read."""
        return len(self.readable)

    @cached_property
    def before(self) -> Labels:
        """The part of each image in the lock; -1 for a new one."""
        part_of_entry = pd.Index(self.names, dtype=object).get_indexer(pd.Index(self.lock.parts))
        parts = np.full(len(self.entry), -1, dtype=np.intp)
        parts[self.entry >= 0] = part_of_entry[self.entry[self.entry >= 0]]
        return parts

    @cached_property
    def parts(self) -> EarlierParts:
        """The groups and the parts in the lock, of which `assign` makes new ones."""
        return EarlierParts(self.names, self.groups, self.before, self.n_images)

    def list_moved(self, parts: Labels) -> pd.DataFrame:
        """List the images that are in another part than in the lock, see `SplitAssignment`."""
        moved = np.flatnonzero((self.before >= 0) & (self.before != parts))
        rows = np.full(len(parts), -1, dtype=np.intp)
        rows[: self.n_images] = self.readable
        joined_by = self.parts.first_new[self.groups[moved]]
        names = np.array(self.names, dtype=object)
        images = [
            self.lock.images.names[self.entry[image]]
            if rows[image] < 0
            else self.known.sources[rows[image]]
            for image in moved
        ]
        return pd.DataFrame(
            {
                "image": as_column(images),
                "row": rows[moved],
                "from_part": names[self.before[moved]],
                "to_part": names[parts[moved]],
                "joined_by": np.where(joined_by < 0, -1, rows[joined_by]),
            }
        )

    def part_of_rows(self, parts: Labels) -> Labels:
        """Return the number of the part of each image of the call; -1 if it is in no part."""
        of_rows = np.full(len(self.known.is_readable), -1, dtype=np.intp)
        of_rows[self.readable] = parts[: self.n_images]
        unreadable = np.flatnonzero(~self.known.is_readable)
        if len(unreadable):
            absent = self.lock.images.names[self.entry[self.n_images :]]
            part_of_name = dict(zip(absent, parts[self.n_images :].tolist(), strict=True))
            part_of_name.pop(None, None)
            of_rows[unreadable] = [
                part_of_name.get(self.keys.names[row], -1) for row in unreadable
            ]
        return of_rows

    def updated(self, settings: dict[str, Any], parts: Labels) -> SplitLock:
        """Return the lock with all images and their parts.

        Raises
        ------
        ValueError
            If a lock cannot record an image.
        """
        own = self.keys.take(self.readable)
        nameless = np.flatnonzero(~own.are_known())
        if len(nameless):
            raise ValueError(
                f"A lock records names or hashes of images, and {count(len(nameless), 'image')} "
                f"have neither, the first in row {self.readable[nameless[0]]}. Pass paths, or a "
                f"finder that hashes the images."
            )
        old = self.entry >= 0
        columns = []
        for name, now, before in zip(ImageKeys._fields, own, self.lock.images, strict=True):
            column = np.full(len(parts), None, dtype=object)
            column[old] = before[self.entry[old]]
            # Another decoder may change pixels a little. What was recognized stays as it was.
            is_named = np.array([text is not None for text in now], dtype=bool)
            replaced = np.flatnonzero(is_named if name == "names" else ~self.by_content)
            column[replaced] = now[replaced]
            columns.append(column)
        keys, is_first = ImageKeys(*columns).with_names_once(self.n_images)
        kept = np.flatnonzero(is_first & keys.are_known())
        named = np.array(self.names, dtype=object)[parts]
        return SplitLock(settings, keys.take(kept), named[kept])


def _check_settings(now: dict[str, Any], before: dict[str, Any], shown: str) -> bool:
    """Raise if settings differ, and return whether hashes are of the same version."""
    for name in dict.fromkeys([*before, *now]):
        if name != _VERSION and now.get(name) != before.get(name):
            raise ParameterError(
                f"{shown} was made with {name}={describe_value(before.get(name))}, and the finder "
                f"has {name}={describe_value(now.get(name))}. Use the settings of the lock. "
                f"To change one permanently, edit 'finder' in the file."
            )
    return now.get(_VERSION) == before.get(_VERSION)
