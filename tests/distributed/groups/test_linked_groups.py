"""Groups by tasks of a few components are those that the finder makes of all images at once."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

import hashfeatures.distributed.groups._linked_groups as linked_groups
import hashfeatures.distributed.pairs._row_store as row_store
import hashfeatures.duplicates._linkage as linkage
import hashfeatures.duplicates.fingerprints._linkage as view_linkage
from hashfeatures import EngineError, NearDuplicateFinder
from hashfeatures.distributed import hash_dataset
from hashfeatures.distributed._executors import Outcome, ThisProcess
from hashfeatures.distributed._hash_stage import KIND
from hashfeatures.distributed._part_directory import PartDirectory
from hashfeatures.distributed._stages import Stage
from hashfeatures.distributed._task_runner import TaskRunner
from hashfeatures.distributed.groups._group_worker import Linkage
from hashfeatures.distributed.groups._linked_groups import link_components

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read", "ignore:Among the groups")

FINDERS = {
    "single": NearDuplicateFinder(verify=False, radius=24),
    "complete": NearDuplicateFinder(verify=False, radius=24, linkage="complete"),
    "confirmed": NearDuplicateFinder(linkage="complete", color_radius=60),
    "views": NearDuplicateFinder(views="flips", linkage="complete"),
    "segments": NearDuplicateFinder(views="segments", linkage="complete"),
}


@pytest.fixture(scope="module")
def images(tmp_path_factory, noise_image):
    """Make two pans, whose frames form chains, with equal and blank images and a broken file."""
    folder = tmp_path_factory.mktemp("images")
    pictures = []
    for seed in range(2):
        long = noise_image(seed, size=(64, 48)).resize((200, 90))
        pictures += [long.crop((left, 0, left + 120, 90)) for left in range(0, 80, 8)]
    pictures += [noise_image(seed, size=(120, 90)) for seed in range(2, 8)]
    pictures += [pictures[row] for row in (3, 3, 21)]
    pictures += [Image.new("RGB", (120, 90), "white")] * 3
    paths = []
    for number in np.random.default_rng(0).permutation(len(pictures)):
        paths.append(str(folder / f"{number:02}.png"))
        pictures[number].save(paths[-1])
    paths.insert(5, str(folder / "broken.png"))
    (folder / "broken.png").write_bytes(b"no image")
    return paths


class Bar:
    def update(self):
        pass


def link(finder, hashed, components, work, workers=None):
    names = hashed.names()
    comparison = finder._comparison()
    how = Linkage(finder.linkage, finder.radius_, comparison.confirmation)
    runner = TaskRunner(workers or ThisProcess(), 0, "components", "out", Bar())
    return link_components(
        hashed, names, components, comparison.computed, how, PartDirectory(work), "v", runner
    )


def number_components(finder):
    """Return the component of each image from 1 on, and 0 for images alone, as pairs give them."""
    labels = finder.graph_.labels()
    shared = np.bincount(labels) > 1
    return np.where(shared[labels], np.cumsum(shared)[labels], 0).astype(np.uint32)


def assert_as_the_finder(images, folder, finder):
    """Compare the groups of tasks with those of the finder, and return the number of tasks."""
    finder.fit(images)
    hash_dataset(images, folder / "hashes", finder, part_size=7, executor=ThisProcess())
    hashed = Stage.open(folder / "hashes", KIND)
    found = link(finder, hashed, number_components(finder), folder / "work")
    n_tasks = len(list((folder / "work").glob("groups-*")))
    is_grouped = found.labels > 0
    labels = np.where(is_grouped, found.labels, found.labels.max() + 1 + np.arange(len(images)))
    _, ours = np.unique(labels, return_inverse=True)
    pairs = set(zip(ours.tolist(), finder.labels_.tolist(), strict=True))
    assert len(pairs) == len(set(ours)) == finder.n_groups_
    size, at_least, at_most = finder._diameters
    for given, expected in zip(found.diameters, (size, at_least, at_most), strict=True):
        rows = np.flatnonzero(is_grouped)
        np.testing.assert_array_equal(given[found.labels[rows]], expected[finder.labels_[rows]])
    return n_tasks


@pytest.mark.parametrize("most", [2, 1 << 20])
@pytest.mark.parametrize("name", FINDERS)
def test_groups_are_those_of_the_finder(images, tmp_path, monkeypatch, name, most):
    """However many members a task or a file has, and with equal images counted in the sizes."""
    for module, bound in (
        (linked_groups, "_MOST_MEMBERS"),
        (linked_groups, "_MOST_MEASURED"),
        (linked_groups, "_MOST_ALIGNED"),
        (row_store, "_ROWS_PER_FILE"),
    ):
        monkeypatch.setattr(module, bound, most)
    n_tasks = assert_as_the_finder(images, tmp_path, FINDERS[name])
    assert n_tasks == 1 if most > 2 else n_tasks > 1


@pytest.mark.parametrize("name", FINDERS)
def test_groups_too_large_to_be_compared_as_a_whole_are_the_same_too(
    images, tmp_path, monkeypatch, name
):
    """Their diameters are bounds, which depend on the order of images, and so do their parts."""
    monkeypatch.setattr(view_linkage, "_MOST_COMPARED", 3)
    for function, bound in (("measure_diameters", "most_exact"), ("split_chains", "most_linked")):
        bounded = partial(getattr(linkage, function), **{bound: 3})
        monkeypatch.setattr(linkage, function, bounded)
    assert_as_the_finder(images, tmp_path, FINDERS[name])


class Losing:
    """Loses the first task, and then all others that come after some."""

    def __init__(self, n_done):
        self.left = n_done

    def run(self, function, tasks, retries):
        for task in tasks:
            if not self.left:
                yield Outcome(task, lost="it killed 1 worker processes")
            else:
                self.left -= 1
                yield Outcome(task, function(task))


def test_a_run_that_was_stopped_is_continued(images, tmp_path, monkeypatch):
    """Files that are there are kept, and the result is the same."""
    monkeypatch.setattr(linked_groups, "_MOST_MEMBERS", 2)
    finder = FINDERS["single"].fit(images)
    hash_dataset(images, tmp_path / "hashes", finder, part_size=7, executor=ThisProcess())
    hashed = Stage.open(tmp_path / "hashes", KIND)
    components = number_components(finder)
    expected = link(finder, hashed, components, tmp_path / "whole")
    with pytest.raises(EngineError, match=r"Run components again with fewer workers"):
        link(finder, hashed, components, tmp_path / "work", Losing(2))
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "work").iterdir()}
    assert len(before) == 4
    found = link(finder, hashed, components, tmp_path / "work")
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    np.testing.assert_array_equal(found.labels, expected.labels)
    for ours, theirs in zip(found.diameters, expected.diameters, strict=True):
        np.testing.assert_array_equal(ours, theirs)
