"""Any images of a stage of hashes come back from a store as they are in its parts."""

import numpy as np
import pytest

import hashfeatures.distributed.pairs._row_store as row_store
from hashfeatures import NearDuplicateFinder
from hashfeatures.distributed import hash_dataset, read_stage
from hashfeatures.distributed._hash_stage import KIND, HashPlan
from hashfeatures.distributed._stages import Stage
from hashfeatures.distributed._task_runner import TaskRunner
from hashfeatures.distributed.hashes._stored_fingerprints import read_fingerprints
from hashfeatures.distributed.pairs._row_store import RowStore, gather
from hashfeatures.duplicates.fingerprints._fingerprints import Fingerprints

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")


class Bar:
    def update(self):
        pass


@pytest.mark.parametrize(
    "finder",
    [
        NearDuplicateFinder(verify=False),
        NearDuplicateFinder("phash", color_radius=20, views="flips"),
        NearDuplicateFinder(views="segments"),
    ],
    ids=["hashes", "views", "segments"],
)
def test_images_are_read_back_in_any_order(finder, tmp_path, noise_image, monkeypatch, in_process):
    """Files that exist are kept, and a deleted one is written again."""
    monkeypatch.setattr(row_store, "_ROWS_PER_FILE", 3)
    paths = [tmp_path / f"{number:02}.png" for number in range(13)]
    for number, path in enumerate(paths[:-1]):
        noise_image(number, size=(64, 40 + number)).save(path)
    paths[-1].write_bytes(b"no image")
    hash_dataset(paths, tmp_path / "out", finder, part_size=3, executor=in_process)
    hashed = Stage.open(tmp_path / "out", KIND)
    names = hashed.names()
    computed = HashPlan.of_settings(hashed.settings).computed
    store = RowStore(str(tmp_path / "work"), "rows", computed)
    rows = np.array([1, 2, 6, 8, 9, 10, 11, 12])
    in_process.ran.clear()
    runner = TaskRunner(in_process, 0, "find_pairs", "out", Bar())
    parts = [(name, hashed.count(name)) for name in names]
    gather(hashed, parts, rows, store, runner)
    assert len(in_process.ran) == 4
    (tmp_path / "work" / in_process.ran[1]).unlink()
    gather(hashed, parts, rows, store, runner)
    assert in_process.ran[4:] == in_process.ran[1:2]

    expected = Fingerprints.join([read_fingerprints(hashed, name) for name in names])
    asked = np.array([9, 1, 12, 6, 9, 2, 8])
    found = store.read(asked)
    shape = read_stage(tmp_path / "out")[["width", "height"]].fillna(0).prod(axis=1)
    np.testing.assert_array_equal(found.n_pixels, shape.to_numpy()[asked])
    expected = expected.take(asked)
    for field in ("words", "comparable", "low_detail", "pixel_digests", "colors", "n_bits"):
        np.testing.assert_array_equal(getattr(found.fingerprints, field), getattr(expected, field))
    np.testing.assert_array_equal(found.fingerprints.keys(), expected.keys())
    if finder.verify:
        thumbnails = found.fingerprints.thumbnails
        np.testing.assert_array_equal(thumbnails.read(), expected.thumbnails.read())
    if finder.views != "identity":
        left, right = expected.take([0, 1, 3]), expected.take([3, 5, 6])
        images = found.fingerprints.take([0, 1, 3])
        np.testing.assert_array_equal(images.distances(right), left.distances(right))
    assert len(store.read(np.zeros(0, dtype=int)).n_pixels) == 0
