"""Linkage of a few components of near images, and the diameters of their groups, in workers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates.fingerprints._confirmation import Confirmation
from .._part_directory import PartDirectory
from .._shared_arrays import map_arrays, share_arrays
from ..pairs._row_store import RowStore


class Linkage(NamedTuple):
    """How the components of near images become groups.

    Parameters
    ----------
    linkage : str
        "single" or "complete", as in `NearDuplicateFinder`.
    radius : int
        The radius in bits.
    confirmation : Confirmation
        What near images share beside their hashes.
    """

    linkage: str
    radius: int
    confirmation: Confirmation


class GroupTask(NamedTuple):
    """A range of the members of components, as `members` lists them, and the file of its groups.

    Parameters
    ----------
    store : RowStore
        The fingerprints of all members.
    members : str
        The file with the arrays "rows", the numbers of images, ordered by component and then by
        number, and "components", the component of each.
    name : str
        The file to write: the group of each member, counted from 0 in this range, and the bounds
        of the diameter of each group.
    first, last : int
        The range, which holds whole components.
    how : Linkage
        How they are linked.
    """

    store: RowStore
    members: str
    name: str
    first: int
    last: int
    how: Linkage


def group_members(task: GroupTask) -> None:
    """Group the members of a few components, and measure the groups."""
    work = task.store.work
    listed = map_arrays(work, task.members)
    rows = listed["rows"][task.first : task.last].astype(np.int64)
    components = np.cumsum(np.diff(listed["components"][task.first : task.last], prepend=0) != 0)
    images = task.store.read(rows).fingerprints
    linkage, radius, confirmation = task.how
    agreement = confirmation.as_agreement(images, None) if linkage == "complete" else None
    labels, diameters = images.group(components - components[0], radius, linkage, None, agreement)
    written: dict[str, NDArray[Any]] = {
        "labels": labels.astype(np.uint32),
        "at_least": diameters.at_least,
        "at_most": diameters.at_most,
    }
    share_arrays(PartDirectory(work), task.name, written)
