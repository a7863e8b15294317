"""A split that stays put: images keep their part when others are added."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..._utils.containers import as_column, check_length, column_of, take_rows
from ..._utils.display import rows_as_html
from ..._utils.docstrings import fill_in_parameters
from ..._utils.quantities import count
from ..._utils.sklearn_internals import count_samples
from ...duplicates._finder_hints import point_to_finder
from ...exceptions import SplitMoveWarning, warn_user
from ...images._gather import gather_images
from ...images._sources import describe_source
from .._groups import are_sequences, read_groups
from .._split_groups import Finder, check_images
from ..allocation._strata import Strata, find_strata
from ._image_keys import ImageKeys, name_for_lock
from ._known_images import know_images, pin_limits
from ._lock import LockFile, SplitLock
from ._locked_split import LockedSplit
from ._request import SplitRequest

_CALLER = "assign_split"


@dataclass(frozen=True, repr=False)
class SplitAssignment:
    """The results of a call of `assign_split`.

    Read more in the :doc:`User Guide </user-guide/splits>`.

    Attributes
    ----------
    sizes : dict of str to int
        The number of images in each part.
    moved : pandas.DataFrame
        One row for each image of the lock that was moved: "image", "row", "from_part", "to_part",
        and "joined_by", the row of the first new image in its group. The row is -1 for an image
        that is in the lock alone, and if no new image is in the group, as after an edit of the
        lock by hand.
    n_new : int
        The number of images that are new in the lock.
    n_absent : int
        The number of images in the lock that are not among the images.
    unreadable : pandas.DataFrame
        The images that could not be read: "position" and "image". Those that are in the lock by
        name keep their part. The others are in no part and not in the lock.
    is_written : bool
        Whether the file of the lock was written.

    See Also
    --------
    assign_split : Returns it with ``return_info=True``.

    Examples
    --------
    >>> from hashfeatures import DuplicateGroups, assign_split
    >>> bits = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0]]
    >>> parts, info = assign_split(bits, finder=DuplicateGroups(radius=1), return_info=True)
    >>> info.sizes, len(info.moved)
    ({'train': 3, 'test': 1}, 0)
    """

    sizes: dict[str, int]
    moved: pd.DataFrame
    n_new: int
    n_absent: int
    unreadable: pd.DataFrame
    is_written: bool

    def __repr__(self) -> str:
        return f"<SplitAssignment: {self}>"

    def __str__(self) -> str:
        sizes = ", ".join(f"{name} {size}" for name, size in self.sizes.items())
        text = f"{sizes}. {count(self.n_new, 'image')} new, {len(self.moved)} moved."
        if self.n_absent:
            text += f" {count(self.n_absent, 'image')} of the lock absent."
        if len(self.unreadable):
            text += f" {count(len(self.unreadable), 'image')} could not be read."
        return text

    def _repr_html_(self) -> str:
        """Show the first moved images in a notebook."""
        columns = {str(name): self.moved[name].tolist() for name in self.moved.columns}
        columns["image"] = [describe_source(image) for image in columns["image"]]
        return rows_as_html(str(self), columns)


@fill_in_parameters
@point_to_finder
def assign_split(
    images: Any,
    *,
    lock: str | os.PathLike[str] | None = None,
    test_size: float | int | None = None,
    validation_size: float | int | None = None,
    train_size: float | int | None = None,
    stratify: Any = None,
    groups: Any = None,
    priority: Any = "train",
    finder: Finder = None,
    random_state: Any = None,
    root: str | os.PathLike[str] | None = None,
    return_info: bool = False,
) -> Any:
    """Assign each image to a part of a split, and keep the part when images are added.

    The first call splits the images as `train_test_split` does and writes the lock. Later calls
    take all images again, with new ones among them. Images in the lock keep their part. A new
    image joins the part of its near duplicates. The other new images fill the parts up to their
    sizes and to their shares of the classes, counted over all images. Where new images connect two
    parts, the group goes as a whole to the part that `priority` names.

    Read more in the :doc:`User Guide </user-guide/splits>`.

    Parameters
    ----------
    $images_or_bits
    lock : path-like, default=None
        The file of the lock, which is created if it does not exist. It is JSON, or Parquet if its
        name ends in ".parquet". None splits without a lock.
    test_size : float or int, default=None
        The share of images, or their number, in the test part. If no size is given, the sizes are
        those in the lock, or 0.25 for the test part of a new lock.
    validation_size : float or int, default=None
        The share of images, or their number, in the validation part.
    train_size : float or int, default=None
        The share of images, or their number, in the training part. If None, the training part
        gets the rest. If the sizes leave a rest, these images are in the part "unused".
    stratify : array-like of shape (n_images,) or (n_images, n_labels), or column, default=None
        Labels that all parts contain in the same proportions, as in `train_test_split`.
    $groups
        A lock holds no groups, so they connect only images that are passed.
    priority : str or sequence of str, default="train"
        The part that keeps a group that new images connect, as in `repair_split`.
    $finder_or_precomputed
        With "precomputed", the images of the lock are found again by their names alone.
    random_state : int, default=None
        Controls the random choices. None takes the number in the lock, or 0.
    root : path-like, default=None
        The folder that the names in the lock are relative to. None means the folder of the lock if
        all images are in it, and their common folder otherwise.
    return_info : bool, default=False
        Whether to return a `SplitAssignment` too.

    Returns
    -------
    parts : pandas.Series of shape (n_images,)
        The name of each image's part: "train", "validation", "test" or "unused". It is missing
        for an image that could not be read and is not in the lock. The index is that of `images`.
    info : SplitAssignment
        The sizes, and the images that were moved. Only if `return_info` is True.

    Raises
    ------
    StoreError
        If the file is not a lock, is damaged, is of a newer release, belongs to other images, or
        was changed by another process in the meantime.
    ParameterError
        If the finder has other settings than the lock.
    ValueError
        If the sizes are impossible, or no image could be read.

    Warns
    -----
    SplitMoveWarning
        If images of the lock were moved.
    SplitSizeWarning
        If whole groups and locked images keep a part from its size, or a class from its share.

    See Also
    --------
    train_test_split : One split, without a lock.

    Notes
    -----
    An image of the lock is recognized by its pixels, by its hashes or by its name, in this order.
    So files can be renamed, and saved again under their name. Images that are not passed any more
    stay in the lock, and do not count for the sizes. A new image joins their part if its hashes
    alone are near, because a lock holds no pixels. To forget an image, delete its line. To move a
    group of near duplicates, edit the parts of all its images.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from hashfeatures import DuplicateGroups, assign_split
    >>> bits = [[0, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0]]
    >>> finder = DuplicateGroups(radius=1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     lock = Path(folder, "split.lock.json")
    ...     before = assign_split(bits, lock=lock, finder=finder)
    ...     after = assign_split([[0, 0, 0, 1], [1, 0, 1, 0], *bits], lock=lock, finder=finder)
    >>> before.tolist() == after.tolist()[2:]
    True
    """
    images = gather_images(images)
    check_images(_CALLER, images, finder)
    file = None if lock is None else LockFile(lock)
    before = SplitLock.empty() if file is None else file.load() or SplitLock.empty()
    given = {"train": train_size, "validation": validation_size, "test": test_size}
    request = SplitRequest.of(
        _CALLER,
        given,
        random_state,
        priority,
        before.settings,
        before.parts,
        is_recorded=file is not None,
    )
    request.count_images(count_samples(images))  # before images are read
    stratify = column_of(stratify, images, _CALLER, "stratify")
    by_sequence = are_sequences(groups, images)
    groups = read_groups(_CALLER, groups, images)
    known = know_images(images, pin_limits(finder, before.settings["finder"]), groups)
    keys = ImageKeys.of(name_for_lock(_CALLER, known.sources, lock, root), known.fingerprints)
    fingerprint = None if known.fingerprints is None else known.fingerprints.take
    shown = describe_source(lock)
    split = LockedSplit.find(request.names, known, keys, before, shown, fingerprint)
    sizes = request.count_images(split.n_images)
    strata = _find_strata(stratify, split)
    parts = split.parts.assign(strata, sizes, request.priority, request.generator(), by_sequence)
    is_written = False
    if file is not None:
        settings = {"sizes": request.sizes, "seed": request.seed, "finder": known.settings}
        is_written = file.save(split.updated(settings, parts))
    moved = split.list_moved(parts)
    if len(moved):
        _warn_of_moves(moved)
    named = np.array([*request.names, None], dtype=object)[split.part_of_rows(parts)]
    index = images.index if isinstance(images, pd.Series | pd.DataFrame) else None
    series = pd.Series(named, index, name="part", dtype=object)
    if not return_info:
        return series
    positions = np.flatnonzero(~known.is_readable)
    unreadable = as_column([known.sources[row] for row in positions])
    return series, SplitAssignment(
        sizes={name: int((named == name).sum()) for name in request.names},
        moved=moved,
        n_new=int((split.before < 0).sum()),
        n_absent=len(parts) - split.n_images,
        unreadable=pd.DataFrame({"position": positions, "image": unreadable}),
        is_written=is_written,
    )


def _find_strata(stratify: Any, split: LockedSplit) -> Strata | None:
    """Return the strata of the images that could be read."""
    if stratify is None:
        return None
    check_length("stratify", stratify, len(split.known.sources))
    return find_strata(take_rows(stratify, split.readable), split.n_images)


def _warn_of_moves(moved: pd.DataFrame) -> None:
    """Warn of the images of the lock that were moved, and name the first ones."""
    listed = "; ".join(
        f"{describe_source(move.image) if move.image is not None else f'row {move.row}'} from "
        f"{move.from_part} to {move.to_part}"
        for move in moved.head(3).itertuples()
    )
    more = f"; and {len(moved) - 3} more" if len(moved) > 3 else ""
    their = "its group" if len(moved) == 1 else "their groups"
    warn_user(
        f"{count(len(moved), 'image')} of the lock moved to another part, which has other images "
        f"of {their}: {listed}{more}. With return_info=True, the result lists all moves.",
        SplitMoveWarning,
    )
