"""The lock file of a split, for the images of stages: what it knows them by, and their parts."""

from __future__ import annotations

import os
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from ...duplicates._components import Labels
from ...duplicates.fingerprints._computed import ComputedHashes
from ...duplicates.fingerprints._fingerprints import Fingerprints
from ...exceptions import StageError
from ...images._sources import describe_source
from ...model_selection.locks._image_keys import ImageKeys, Texts, name_for_lock
from ...model_selection.locks._known_images import KnownImages, describe_finder, radius_in_lock
from ...model_selection.locks._lock import LockFile, SplitLock
from ...model_selection.locks._locked_split import LockedSplit
from ...model_selection.locks._request import SplitRequest
from .._hash_stage import KIND as HASHES
from .._stage_finder import finder_of, limits_of
from .._stages import Stage
from ..hashes._stored_fingerprints import read_fingerprints
from ._stage_rows import StageRows


class StageFingerprints:
    """The fingerprints of the images of a directory of groups, read when they are needed.

    Parameters
    ----------
    hashed : Stage
        The directory of hashes.
    rows : StageRows
        The images.
    computed : ComputedHashes
        What of the stored hashes is compared.

    Raises
    ------
    StageError
        If the hashes are of other images.
    """

    def __init__(self, hashed: Stage, rows: StageRows, computed: ComputedHashes) -> None:
        self._hashed, self._rows, self._computed = hashed, rows, computed
        names = {
            _digest(hashed.read(name, ["key"]).column(0).to_numpy()): name
            for name in hashed.names()
        }
        found = [names.get(_digest(rows.keys[part])) for _, part in rows.slices()]
        self._names = [name for name in found if name is not None]
        if len(self._names) < len(found):
            raise StageError(
                f"{hashed.address} holds the hashes of other images than {rows.stage.address}. "
                f"Name the directory of hashes that the groups were made from."
            )

    def take(self, rows: NDArray[np.intp]) -> Fingerprints:
        """Return the fingerprints of some images, whose rows must be in order."""
        taken: list[Fingerprints] = []
        for (_, part), name in zip(self._rows.slices(), self._names, strict=True):
            first, end = np.searchsorted(rows, [part.start, part.stop])
            if first < end or not taken:
                inside = rows[first:end] - part.start
                taken.append(read_fingerprints(self._hashed, name, self._computed, inside))
        return Fingerprints.join(taken)

    def read_keys(self, names: Texts) -> ImageKeys:
        """Return what a lock knows the images by, from their names and fingerprints."""
        keys: list[ImageKeys] = []
        for (_, part), name in zip(self._rows.slices(), self._names, strict=True):
            fingerprints = read_fingerprints(self._hashed, name, self._computed)
            keys.append(ImageKeys.of(names[part], fingerprints))
        return ImageKeys(*map(np.concatenate, zip(*keys, strict=True)))


class StageLock:
    """The lock of a split, and the directory of hashes of its images.

    Parameters
    ----------
    path : path-like
        The file of the lock, which need not exist.
    hashes : path-like or URL
        The directory of hashes.
    root : path or None
        The folder that names in the lock are relative to.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        hashes: str | os.PathLike[str],
        root: str | os.PathLike[str] | None,
    ) -> None:
        self._path, self._root = path, root
        self._file = LockFile(path)
        self._hashed = Stage.open(hashes, HASHES)
        self.content = self._file.load()

    def find(self, caller: str, names: list[str], rows: StageRows, labels: Labels) -> LockedSplit:
        """Find the images of a stage in the lock.

        Parameters
        ----------
        caller : str
            The name of the function, for messages.
        names : list of str
            The names of the parts.
        rows : StageRows
            The images.
        labels : ndarray of shape (n_images,), dtype intp
            The group of each image.
        """
        noted = rows.stage if "finder" in rows.stage.notes else self._hashed
        finder = finder_of(noted)
        if "radius" in rows.stage.settings:  # the one by which the pairs were found
            finder.set_params(radius=rows.stage.settings["radius"])
        limits = limits_of(finder, len(rows), caller)
        fingerprints = StageFingerprints(self._hashed, rows, finder._comparison().computed)
        known = KnownImages(
            rows.read_names(),
            rows.is_readable,
            labels,
            None,
            radius_in_lock(finder, *limits),
            describe_finder(finder, *limits),
        )
        named = name_for_lock(caller, known.sources, self._path, self._root)
        keys = fingerprints.read_keys(named)
        lock = self.content or SplitLock.empty()
        shown = describe_source(self._path)
        return LockedSplit.find(names, known, keys, lock, shown, fingerprints.take)

    def save(self, split: LockedSplit, request: SplitRequest, parts: Labels) -> None:
        """Write the parts of all images, if any of them changed."""
        settings = {"sizes": request.sizes, "seed": request.seed, "finder": split.known.settings}
        self._file.save(split.updated(settings, parts))


def _digest(keys: NDArray[np.uint64]) -> bytes:
    return blake2b(np.ascontiguousarray(keys).tobytes(), digest_size=16).digest()
