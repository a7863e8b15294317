"""Groups of near images by a linkage, with their diameters, from the components that pairs form.

Only images of components with different fingerprints have to be looked at, and of equal ones only
the first. Their fingerprints are copied to files, and tasks of a few components each group them by
the function that the finder calls. A component is never cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...duplicates._diameters import Diameters
from ...duplicates.fingerprints._computed import ComputedHashes
from ...hamming._unique import number_rows
from .._executors import ThisProcess
from .._part_directory import PartDirectory
from .._shared_arrays import map_arrays, share_arrays
from .._stages import Stage
from .._task_runner import TaskRunner
from ..hashes._stored_fingerprints import read_keys
from ..pairs._row_store import RowStore, gather
from ._group_worker import GroupTask, Linkage, group_members

# Members of a task, and pairs of members of one component: so many at the most, or one component.
# If pixels are compared for complete linkage, pairs are aligned, which takes a second or so for
# each ten thousand.
_MOST_MEMBERS = 1 << 14
_MOST_MEASURED = 1 << 28
_MOST_ALIGNED = 1 << 17

Numbers = NDArray[np.uint32]


class LinkedGroups(NamedTuple):
    """The groups of images.

    Parameters
    ----------
    labels : ndarray of shape (n_images,), dtype uint32
        The group of each image, from 1 on, with gaps. 0 stands for images in no pair.
    diameters : Diameters
        The sizes and diameters by label. The entry of 0 is no group's.
    """

    labels: Numbers
    diameters: Diameters


def link_components(
    hashed: Stage,
    names: Sequence[str],
    components: Numbers,
    computed: ComputedHashes,
    how: Linkage,
    work: PartDirectory,
    name: str,
    runner: TaskRunner,
) -> LinkedGroups:
    """Group the images of each component, and measure the groups.

    Parameters
    ----------
    hashed : Stage
        The directory of hashes.
    names : sequence of str
        Its parts in the order that numbers the images.
    components : ndarray of shape (n_images,), dtype uint32
        The component of each image, from 1 on without gaps. 0 stands for images in no pair.
    computed : ComputedHashes
        What images are compared by.
    how : Linkage
        How they are linked.
    work : PartDirectory
        A directory for files, which are kept if they exist.
    name : str
        How the files begin, which stands for these components alone.
    runner : TaskRunner
        It runs the tasks.
    """
    n_components = int(components.max(initial=0))
    counts = list(zip(names, map(hashed.count, names), strict=True))
    rows, numbers, firsts = _find_members(hashed, counts, components, computed)
    first_rows = rows[firsts]
    n_different = np.bincount(components[first_rows], minlength=n_components + 1)
    chosen = np.flatnonzero(n_different[components[first_rows]] > 1)
    chosen = chosen[np.argsort(components[first_rows[chosen]], kind="stable")]
    label_of_number = components[first_rows].astype(np.int64)
    at_least = [np.zeros(n_components + 1, dtype=np.int64)]
    at_most = at_least.copy()
    if len(chosen):
        members = f"members-{name}.store"
        listed = {"rows": first_rows[chosen].astype(np.uint32)}
        listed["components"] = components[first_rows[chosen]]
        if not work.has(members):
            share_arrays(work, members, listed)
        store = RowStore(work.address, f"rows-{name}", computed)
        tasks = list(_cut(listed["components"], store, members, name, how))
        if len(tasks) == 1:
            runner = replace(runner, workers=ThisProcess())
        gather(hashed, counts, np.sort(first_rows[chosen]), store, runner)
        runner.run(group_members, (task for task in tasks if not work.has(task.name)))
        n_labels = n_components + 1
        for task in tasks:
            found = map_arrays(work.address, task.name)
            label_of_number[chosen[task.first : task.last]] = n_labels + found["labels"]
            n_labels += len(found["at_least"])
            at_least.append(found["at_least"])
            at_most.append(found["at_most"])
    labels = components.copy()
    labels[rows] = label_of_number[numbers]
    lower, upper = np.concatenate(at_least), np.concatenate(at_most)
    size = np.bincount(labels, minlength=len(lower))
    size[0] = 0
    return LinkedGroups(labels, Diameters(size, lower, upper))


def _find_members(
    hashed: Stage,
    counts: Sequence[tuple[str, int]],
    components: Numbers,
    computed: ComputedHashes,
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the images of components that are compared by hashes.

    Returns
    -------
    rows : ndarray of shape (n_members,), dtype intp
        Their numbers, ascending.
    numbers : ndarray of shape (n_members,), dtype intp
        The number of each one's fingerprint.
    firsts : ndarray of shape (n_different,), dtype intp
        The place in `rows` of the first image with each fingerprint.
    """
    rows, keys = [np.zeros(0, dtype=np.intp)], [np.zeros((0, 2), dtype=np.uint64)]
    first = 0
    for name, n_images in counts:
        members = np.flatnonzero(components[first : first + n_images])
        if len(members):
            found = read_keys(hashed, name, computed, members)
            is_compared = found.any(axis=1)  # images of low detail are near equal ones alone
            rows.append(first + members[is_compared])
            keys.append(found[is_compared])
        first += n_images
    return np.concatenate(rows), *number_rows(np.concatenate(keys))


def _cut(
    components: Numbers, store: RowStore, members: str, name: str, how: Linkage
) -> Iterator[GroupTask]:
    """Cut the members, ordered by component, into tasks of whole components."""
    aligns = how.linkage == "complete" and how.confirmation.min_agreement is not None
    most_pairs = _MOST_ALIGNED if aligns else _MOST_MEASURED
    ends = np.append(np.flatnonzero(np.diff(components)) + 1, len(components)).tolist()
    start = before = 0
    n_pairs = 0
    number = 0

    def task(last: int) -> GroupTask:
        return GroupTask(store, members, f"groups-{name}-{number:07d}.store", start, last, how)

    for end in ends:
        more = (end - before) ** 2 // 2
        if before > start and (end - start > _MOST_MEMBERS or n_pairs + more > most_pairs):
            yield task(before)
            start, n_pairs, number = before, 0, number + 1
        n_pairs += more
        before = end
    yield task(before)
