"""The stage `components`: the groups of near duplicates that pairs form."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..._utils.display import facts_as_html
from ..._utils.docstrings import fill_in_parameters
from ..._utils.kernels import load_kernels
from ..._utils.progress import busy, progress_bar
from ..._utils.validation import check_bool, check_int
from ...duplicates._diameters import SHORTER_CHAINS, warn_of_chains
from ...duplicates._finder import NearDuplicateFinder
from ...exceptions import StageError
from .._executors import as_executor
from .._hash_stage import KIND as HASHES
from .._lineage import check_parts, list_contents
from .._part_directory import PartDirectory, arrow
from .._shared_arrays import forget_arrays
from .._stage_finder import as_finder, finder_of, note_of
from .._stages import Stage, list_differing, show_settings, version_of
from .._task_runner import TaskRunner
from ..pairs._pairs import KIND as PAIRS
from ..pairs._pairs import read_lineage
from ._group_worker import Linkage
from ._linked_groups import LinkedGroups, Numbers, link_components

KIND = "groups"
COMPONENT = "component"  # the column of what stays together in a split, if that is not "group"

_WORK = "_work"
_BEGUN = "_begun.json"
_MEASURES = ("size", "diameter", "exact", "weakest_link")


class GroupsSummary(NamedTuple):
    """The results of a call of `components`.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Attributes
    ----------
    out : str
        The stage directory.
    n_images : int
        The number of images.
    n_groups : int
        The number of groups, including those of one image.
    n_duplicates : int
        The number of images in groups of two or more.

    See Also
    --------
    components : Returns it.

    Examples
    --------
    >>> from hashfeatures.distributed import GroupsSummary
    >>> GroupsSummary("run/groups", n_images=100, n_groups=94, n_duplicates=11)
    GroupsSummary(out='run/groups', n_images=100, n_groups=94, n_duplicates=11)
    """

    out: str
    n_images: int
    n_groups: int
    n_duplicates: int

    def _repr_html_(self) -> str:
        return facts_as_html(type(self).__name__, self._asdict())


@fill_in_parameters
@busy("grouping images")
def components(
    pairs: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    hashes: str | os.PathLike[str],
    finder: Any = None,
    retries: int = 2,
    executor: Any = None,
    progress: bool = False,
) -> GroupsSummary:
    """Group near duplicates, as `NearDuplicateFinder` does.

    The pairs are read part by part, so memory grows with the number of images and not with that of
    pairs. The diameters are measured in tasks, and so is complete linkage.

    Read more in the :doc:`User Guide </user-guide/large-collections>`.

    Parameters
    ----------
    pairs : path-like or URL
        The directory that `find_pairs` wrote.
    out : path-like or URL
        The directory for the groups, with one part of the same rows for each part of `hashes`. The
        columns "image", "key" and "error" are those of `hashes`. "group" is the smallest key of
        the images in the group, which depends neither on the order of images nor on the executor.
        "size" in images, "diameter" in bits, "exact" and "weakest_link" are those of the group in
        `NearDuplicateFinder.groups_`. An image alone has the diameter 0 and no weakest link. With
        complete linkage, "component" is the smallest key of all images that chains connect. If
        there are new pairs, all parts are written again.
    hashes : path-like or URL
        The directory that `hash_dataset` wrote.
    finder : NearDuplicateFinder, default=None
        The finder of the pairs, or one that differs in `linkage` alone. None means the former.
    retries : int, default=2
        How often a task runs again if its worker dies.
    $executor
    $progress

    Returns
    -------
    GroupsSummary
        The numbers of images and groups.

    Raises
    ------
    StageError
        If a directory cannot be used, the pairs are not complete, or they were found by another
        finder.
    EngineError
        If a task kills each worker that runs it.

    Warns
    -----
    ChainingWarning
        If single linkage makes a group of more than 5 % of all images (and more than 20), or one
        whose diameter is above three radii.

    See Also
    --------
    find_pairs : The stage before.
    assign : Assigns the groups to the parts of a split.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from skimage import data
    >>> from hashfeatures.distributed import LocalExecutor, components, find_pairs, hash_dataset
    >>> names = [f"{data.__path__[0]}/{name}.png" for name in ("camera", "coins")]
    >>> here = LocalExecutor(1)
    >>> with TemporaryDirectory() as run:
    ...     hashed = hash_dataset(names, f"{run}/hashes", executor=here)
    ...     paired = find_pairs(hashed.out, f"{run}/pairs", executor=here)
    ...     grouped = components(
    ...         paired.out, f"{run}/groups", hashes=hashed.out, executor=here
    ...     )
    >>> grouped.n_groups, grouped.n_duplicates
    (2, 0)
    """
    check_int("components", "retries", retries, 0)
    check_bool("components", "progress", progress)
    arrow()
    paired, hashed = Stage.open(pairs, PAIRS), Stage.open(hashes, HASHES)
    records = read_lineage(paired)
    check_parts(paired, hashed, records)
    names = [name for each in records for name in each["parts"]]
    finder = _choose_finder(finder, paired, hashed)
    linkage = {} if finder.linkage == "single" else {"linkage": finder.linkage}
    with Stage.create(out, KIND, paired.settings | linkage, note_of(finder)) as stage:
        workers = as_executor(executor, "components")
        joined = _find_components(paired, sum(map(hashed.count, names)))
        comparison, radius = finder._comparison(), int(paired.settings["radius"])
        how = Linkage(finder.linkage, radius, comparison.confirmation)
        version = version_of(
            [*_MEASURES, *list_contents(records)]
        )  # earlier releases measured less
        work = stage.sub(_WORK)
        files = _name_files(work, version)
        with progress_bar(progress, unit="task") as bar:
            runner = TaskRunner(workers, retries, "components", stage.address, bar)
            linked = link_components(
                hashed, names, joined, comparison.computed, how, work, files, runner
            )
        columns = [_Groups.of(hashed, names, linked.labels)]
        columns += [_Groups.of(hashed, names, joined)] if linkage else []
        weakest = _find_weakest_links(paired, linked)
        _write_parts(stage, version, hashed, names, columns, linked, weakest)
        stage.publish(version)
        forget_arrays()
        work.clear()
    sizes = linked.diameters.size
    if not linkage:
        warn_of_chains(
            linked.diameters,
            radius,
            len(joined),
            lambda label: f"group {columns[0].smallest[label]}",
            f'The columns "size" and "diameter" of {stage.address} tell of every group. '
            f"{SHORTER_CHAINS}",
        )
    n_alone = len(joined) - int(sizes.sum())
    n_duplicates = int(sizes[sizes > 1].sum())
    return GroupsSummary(
        stage.address, len(joined), n_alone + int((sizes > 0).sum()), n_duplicates
    )


def _name_files(work: PartDirectory, version: str) -> str:
    """Return how the files of a version begin, which no other run uses for other files."""
    begun = work.read_json(_BEGUN)
    if begun is None or begun["version"] != version:
        work.clear()
        begun = {"version": version, "token": secrets.token_hex(4)}
        work.write_json(_BEGUN, begun)
    return f"{version}-{begun['token']}"


def _choose_finder(finder: Any, paired: Stage, hashed: Stage) -> NearDuplicateFinder:
    """Return the finder of the pairs, with the linkage of the given one."""
    noted = finder_of(paired) if paired.notes else finder_of(hashed)
    if not paired.notes:  # before pairs were confirmed
        noted.set_params(verify=False, color_radius=None)
    if finder is None:
        return noted
    chosen = as_finder(finder, "components")
    ours, theirs = chosen._comparison_params(), noted._comparison_params()
    for params in (ours, theirs):
        if params["radius"] is None:
            params["radius"] = paired.settings["radius"]
    differing = [name for name in list_differing(ours, theirs) if name != "linkage"]
    if differing:
        raise StageError(
            f"The pairs of {paired.address} were found with {show_settings(theirs, differing)}, "
            f"and the finder has {show_settings(ours, differing)}. Pass a finder that differs in "
            f"`linkage` alone, or find the pairs again."
        )
    return chosen


def _find_components(paired: Stage, n_rows: int) -> Numbers:
    """Find the component of each image, from 1 on; 0 stands for images in no pair."""
    parents = np.arange(n_rows, dtype=np.uint32)
    kernels = load_kernels("hamming")
    for name in paired.names():
        for batch in paired.read(name, ["left", "right"]).to_batches():
            left, right = (np.ascontiguousarray(batch.column(place)) for place in (0, 1))
            kernels.unite(parents, left, right)
    kernels.flatten(parents)
    is_root = np.zeros(n_rows, dtype=bool)
    is_root[parents[parents != np.arange(n_rows, dtype=np.uint32)]] = True
    numbers = np.cumsum(is_root, dtype=np.uint32)
    numbers[~is_root] = 0
    components: Numbers = numbers[parents]
    return components


class _Groups(NamedTuple):
    """Groups of images, and the smallest key in each.

    Parameters
    ----------
    labels : ndarray of shape (n_images,), dtype uint32
        The group of each image, from 1 on; 0 stands for images alone.
    smallest : ndarray of shape (n_labels,), dtype uint64
        The smallest key of each group.
    """

    labels: Numbers
    smallest: NDArray[np.uint64]

    @classmethod
    def of(cls, hashed: Stage, names: Sequence[str], labels: Numbers) -> _Groups:
        """Find the smallest keys."""
        none = np.iinfo(np.uint64).max
        smallest = np.full(int(labels.max(initial=0)) + 1, none, dtype=np.uint64)
        first = 0
        for name in names:
            keys = hashed.read(name, ["key"]).column("key").to_numpy()
            np.minimum.at(smallest, labels[first : first + len(keys)], keys)
            first += len(keys)
        return cls(labels, smallest)

    def keys(self, rows: slice, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the smallest keys of the groups of some images, given their own keys."""
        labels = self.labels[rows]
        return np.where(labels > 0, self.smallest[labels], keys)


def _find_weakest_links(paired: Stage, linked: LinkedGroups) -> NDArray[np.float32] | None:
    """Return the least agreement of pairs in each group, or None if no pixels confirmed them."""
    size = linked.diameters.size
    weakest = np.ones(len(size), dtype=np.float32)
    for name in paired.names():
        if "agreement" not in paired.columns(name):
            return None
        for batch in paired.read(name, ["left", "right", "agreement"]).to_batches():
            left, right, agreement = (batch.column(place).to_numpy() for place in range(3))
            labels = linked.labels[left]
            within = labels == linked.labels[right]
            np.minimum.at(weakest, labels[within], agreement[within])
    weakest[size < 2] = np.nan
    return weakest


def _write_parts(
    stage: Stage,
    version: str,
    hashed: Stage,
    names: Sequence[str],
    columns: Sequence[_Groups],
    linked: LinkedGroups,
    weakest: NDArray[np.float32] | None,
) -> None:
    """Write the parts that are missing."""
    pyarrow = arrow()
    size, at_least, at_most = linked.diameters
    measures: dict[str, NDArray[Any]] = {
        "size": np.maximum(size, 1).astype(np.uint32),
        "diameter": at_most.astype(np.int32),
        "exact": at_least == at_most,
    }
    if weakest is not None:
        measures["weakest_link"] = weakest
    present = set(stage.names(version))
    first = 0
    for number, name in enumerate(names):
        table = hashed.read(name, ["image", "key", "error"])
        rows = slice(first, first + len(table))
        first += len(table)
        written = f"{version}-{number:08d}.parquet"
        if written in present:
            continue
        keys = table.column("key").to_numpy()
        for place, (label, groups) in enumerate(zip(("group", COMPONENT), columns, strict=False)):
            table = table.add_column(2 + place, label, pyarrow.array(groups.keys(rows, keys)))
        values = {name: of_label[linked.labels[rows]] for name, of_label in measures.items()}
        for place, (label, of_image) in enumerate(values.items()):
            column = pyarrow.array(of_image, from_pandas=True)  # a NaN is null
            table = table.add_column(2 + len(columns) + place, label, column)
        stage.write(written, [table], table.schema)
