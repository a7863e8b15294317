"""The pairs of the stage are those of the finder, with the same values."""

import shutil
import tempfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageFilter, ImageOps
from skimage import data

from hashfeatures import NearDuplicateFinder
from hashfeatures.distributed import LocalExecutor, find_pairs, hash_dataset, read_stage

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")

SEARCHED = {
    "pixels": NearDuplicateFinder(),
    "colors": NearDuplicateFinder("phash", color_radius=20, radius=20),
    "colors alone": NearDuplicateFinder(color_radius=40, verify=False, min_detail=0),
    "views": NearDuplicateFinder("phash", views="dihedral", trim_borders=True),
    "views alone": NearDuplicateFinder(views="flips", verify=False),
    "segments": NearDuplicateFinder(views="segments"),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Make photos, edited copies, equal copies, blank pages, and a broken file, in two parts."""
    place = tmp_path_factory.mktemp("images")
    photos = [Image.fromarray(getattr(data, name)()) for name in ("astronaut", "coffee", "rocket")]
    photos.append(Image.fromarray(data.camera()).convert("RGB"))
    images = []
    for photo in photos:
        photo = photo.resize((160, 120))
        images += [photo, photo.filter(ImageFilter.GaussianBlur(1)), ImageOps.mirror(photo), photo]
        images += [photo.crop((0, 0, 150, 115)), *(ImageOps.expand(photo, w, 0) for w in (12, 9))]
    images += [Image.new("RGB", (160, 120), "white")] * 3 + [Image.new("RGB", (160, 120), "gray")]
    order = np.random.default_rng(0).permutation(len(images))
    paths = []
    for number, image in enumerate(images[place] for place in order.tolist()):
        # Two frames of different widths, cut off, leave equal pixels.
        is_framed = image.width > 160
        paths.append(str(place / f"{number:02}.{'png' if is_framed or number % 3 else 'jpg'}"))
        image.save(paths[-1])
    paths.append(str(place / "broken.png"))
    (place / "broken.png").write_bytes(b"no image")
    return paths


def first_pairs(finder):
    """Return the pairs of the firsts of equal images, with all that the finder knows of them."""
    pairs = pd.DataFrame(finder.pairs_._asdict())
    kept = [
        np.column_stack([block.left, block.right]) for block in finder.graph_.pairs_of_firsts()
    ]
    kept = pd.DataFrame(np.concatenate(kept), columns=["left", "right"])
    return kept.merge(pairs, on=["left", "right"], how="left").sort_values(["left", "right"])


@pytest.mark.parametrize(
    ("name", "n_first"),
    [*((name, 15) for name in SEARCHED), ("pixels", None), ("views", None)],
)
def test_pairs_are_those_of_the_finder(name, n_first, files, tmp_path, in_process):
    """So they are in increments, and however small the parts are."""
    finder = SEARCHED[name]
    hashes, pairs = tmp_path / "hashes", tmp_path / "pairs"
    for end in (n_first, len(files)) if n_first else (len(files),):
        hash_dataset(files[:end], hashes, finder, part_size=4, executor=in_process)
        done = find_pairs(hashes, pairs, part_seconds=2e-4, executor=in_process)
    found = read_stage(pairs).sort_values(["left", "right"], ignore_index=True)
    expected = first_pairs(finder.fit(files)).reset_index(drop=True)
    assert (done.n_images, done.n_pairs) == (len(files), len(expected))
    assert len(expected) > 10
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)
    assert not (pairs / "_work").exists()


class Ending:
    """An executor whose process ends after some tasks of a kind, as that of a driver may."""

    def __init__(self, executor, n_tasks, kind):
        self.executor, self.n_left, self.kind = executor, n_tasks, kind
        self.check = executor.check

    def run(self, function, tasks, retries):
        for outcome in self.executor.run(function, tasks, retries):
            self.n_left -= function.__name__ == self.kind
            if not self.n_left:
                raise KeyboardInterrupt
            yield outcome


@pytest.fixture(scope="module")
def hashed(files, tmp_path_factory):
    """Return a directory of hashes with thumbnails, and the names of the parts of its pairs."""
    out = tmp_path_factory.mktemp("hashed")
    hash_dataset(files, out / "hashes", part_size=4, executor=LocalExecutor(1))
    find_pairs(out / "hashes", out / "pairs", executor=LocalExecutor(1), part_seconds=2e-4)
    return out


@pytest.mark.parametrize(
    "deleted",
    [
        None,
        "pairs-0000-0000002.parquet",
        "pairs-0000-equal.parquet",
        "_work/candidates/*.parquet",
        "_work/*.store",
        "_work",
    ],
)
def test_an_interrupted_confirmation_goes_on(deleted, hashed, tmp_path, in_process):
    """What was deleted is made again, and nothing else is confirmed twice."""
    place = tmp_path / "pairs"
    ending = Ending(in_process, 5, "confirm_part")
    with pytest.raises(KeyboardInterrupt):
        find_pairs(hashed / "hashes", place, executor=ending, part_seconds=2e-4)
    before = [name for name in in_process.ran if "parquet" in name]
    gone = [] if deleted is None else list(place.glob(deleted))
    assert gone or deleted is None
    for path in gone:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    in_process.ran.clear()
    find_pairs(hashed / "hashes", place, executor=in_process)
    pd.testing.assert_frame_equal(read_stage(place), read_stage(hashed / "pairs"))
    if deleted is None:
        assert not set(before) & set(in_process.ran)
    names = {path.name for path in (hashed / "pairs").glob("pairs-*")}
    again = names & set(before) & set(in_process.ran)
    assert again == names & set(before) & {path.name for path in gone}


@pytest.mark.parametrize("number", [0, 1])
def test_a_part_that_is_deleted_later_is_made_again(number, files, tmp_path, in_process):
    hashes, pairs = tmp_path / "hashes", tmp_path / "pairs"
    for end in (15, len(files)):
        hash_dataset(files[:end], hashes, part_size=4, executor=in_process)
        find_pairs(hashes, pairs, part_seconds=2e-4, executor=in_process)
    before = read_stage(pairs)
    (pairs / f"pairs-{number:04d}-0000001.parquet").unlink()
    assert find_pairs(hashes, pairs, executor=in_process).n_pairs == len(before)
    pd.testing.assert_frame_equal(read_stage(pairs), before)


@pytest.mark.parametrize("content", [b"no image", None], ids=["unread", "blank"])
@pytest.mark.parametrize("name", ["pixels", "views alone", "segments"])
def test_a_set_without_anything_to_compare_has_no_candidates(content, name, tmp_path, in_process):
    """Blank pages are near if they are equal."""
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(b"no image") if content else Image.new("L", (9, 9), number // 2).save(
            path
        )
    hash_dataset(paths, tmp_path / "hashes", SEARCHED[name], executor=in_process)
    done = find_pairs(tmp_path / "hashes", tmp_path / "pairs", executor=in_process)
    assert (done.n_images, done.n_pairs) == (3, 0 if content else 1)


def test_confirmation_works_in_a_bucket(hashed, tmp_path, in_process, monkeypatch):
    """The memory of this process serves as a bucket, from which workers copy what they map."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    memory = pytest.importorskip("fsspec").filesystem("memory")
    memory.put(str(hashed / "hashes"), "/confirmed/hashes", recursive=True)
    place = "memory://confirmed/pairs"
    find_pairs("memory://confirmed/hashes", place, executor=in_process, part_seconds=2e-4)
    pd.testing.assert_frame_equal(read_stage(place), read_stage(hashed / "pairs"))
    assert not [path for path in memory.ls("/confirmed/pairs", detail=False) if "_work" in path]
    memory.rm("/confirmed", recursive=True)
