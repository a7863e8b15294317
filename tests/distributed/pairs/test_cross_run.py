"""The pairs between two data sets are those of the finder on all images, with the same values."""

import json
import shutil

import numpy as np
import pandas as pd
import PIL
import pytest
from PIL import Image, ImageFilter, ImageOps
from skimage import data

from hashfeatures import NearDuplicateFinder, StageError, leakage_report
from hashfeatures.distributed import (
    RayExecutor,
    components,
    find_leaks,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.distributed._executors import ThisProcess

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")

SEARCHED = {
    "pixels": NearDuplicateFinder(),
    "hashes": NearDuplicateFinder(verify=False),
    "colors": NearDuplicateFinder("phash", color_radius=20, radius=20),
    "colors alone": NearDuplicateFinder(color_radius=40, verify=False, min_detail=0),
    "views": NearDuplicateFinder("phash", views="dihedral", trim_borders=True),
    "views alone": NearDuplicateFinder(views="flips", verify=False),
    "segments": NearDuplicateFinder(views="segments"),
    "segments alone": NearDuplicateFinder(views="segments", verify=False),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Make the files of two sets that share photos, edited and equal copies, and blank pages."""
    place = tmp_path_factory.mktemp("images")
    names = ("astronaut", "coffee", "rocket", "chelsea")
    photos = [Image.fromarray(getattr(data, name)()).resize((160, 120)) for name in names]
    train = [*photos, *photos[:2], photos[0].filter(ImageFilter.GaussianBlur(1))]
    test = [photos[0], photos[1], photos[1], ImageOps.mirror(photos[0])]
    test += [photos[2].crop((0, 0, 150, 115)), ImageOps.expand(photos[2], 12, "white")]
    test += [photos[1].rotate(180), Image.fromarray(data.page()).convert("RGB")]
    # Its thumbnail is that of the original, and its size is not.
    large = Image.fromarray(data.cat()).resize((320, 320))
    train += [large, large.resize((640, 640), Image.Resampling.NEAREST)]
    test += [large, large.crop((8, 0, 320, 320))]
    blank = [Image.new("RGB", (160, 120), color) for color in ("white", "gray", "black")]
    sets = []
    for part, images in (("train", train + blank[:2]), ("test", [*test, *blank[1:], blank[1]])):
        order = np.random.default_rng(0).permutation(len(images))
        paths = [str(place / f"{part}_{number:02}.png") for number in range(len(images))]
        for path, row in zip(paths, order.tolist(), strict=True):
            images[row].save(path)
        (place / f"{part}_broken.png").write_bytes(b"no image")
        sets.append([*paths, str(place / f"{part}_broken.png")])
    return sets


def cross_pairs(finder, n_left):
    """Return the pairs of first images across two sets, with all that the finder knows of them."""
    pairs = pd.DataFrame(finder.pairs_._asdict())
    pairs = pairs[(pairs["left"] < n_left) & (pairs["right"] >= n_left)]
    nodes = finder.graph_.node_of_image
    for side, rows in (("left", range(n_left)), ("right", range(n_left, len(nodes)))):
        firsts = {int(nodes[row]): row for row in reversed(rows)}
        pairs = pairs[[firsts[int(nodes[row])] == row for row in pairs[side]]]
    return pairs.assign(right=pairs["right"] - n_left).sort_values(["left", "right"])


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        *((name, [(9, 7), (100, 100)]) for name in SEARCHED),
        ("pixels", [(100, 100)]),
        ("views", [(100, 100)]),
        ("hashes", [(100, 8), (100, 100), (100, 100)]),
        ("pixels", [(8, 100), (100, 100)]),
    ],
)
def test_pairs_are_those_of_the_finder(name, sizes, files, tmp_path, in_process):
    """So they are if either set grows, and however small the parts are."""
    finder = SEARCHED[name]
    train, test = files
    hashes, against, pairs = tmp_path / "train", tmp_path / "test", tmp_path / "pairs"
    for n_train, n_test in sizes:
        hash_dataset(train[:n_train], hashes, finder, part_size=4, executor=in_process)
        hash_dataset(test[:n_test], against, finder, part_size=4, executor=in_process)
        done = find_pairs(hashes, pairs, against=against, part_seconds=2e-4, executor=in_process)
    found = read_stage(pairs).sort_values(["left", "right"], ignore_index=True)
    fitted = finder.fit([*train, *test])
    expected = cross_pairs(fitted, len(train)).reset_index(drop=True)
    assert (done.n_images, done.n_pairs) == (len(train) + len(test), len(expected))
    assert len(expected) > 5
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_exact=True)
    assert not (pairs / "_work").exists()
    if finder.verify and finder.views == "identity":  # copies of another size are described
        assert not found.loc[found["distance"] == 0, "relation"].eq("same pixels").all()
    summary = find_leaks(pairs, tmp_path / "leaks", hashes=hashes, against=against)
    report = leakage_report(train, test, finder=fitted)
    assert summary.summary() == report.summary()
    assert str(summary) == str(report)
    pd.testing.assert_frame_equal(summary.worst(1000), report.worst(1000), check_dtype=False)


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


def hash_both(sets, out, executor, finder=None):
    """Hash two sets, and return the directories of their hashes."""
    places = out / "train", out / "test"
    for images, place in zip(sets, places, strict=True):
        hash_dataset(images, place, finder, part_size=4, executor=executor)
    return places


@pytest.mark.cluster
def test_a_cluster_finds_what_this_process_finds(files, tmp_path, ray_cluster):
    train, test = files
    executor = RayExecutor()
    hashes, against = hash_both(files, tmp_path, executor)
    pairs = tmp_path / "pairs"
    find_pairs(hashes, pairs, against=against, part_seconds=0.01, executor=executor)
    summary = find_leaks(pairs, tmp_path / "leaks", hashes=hashes, against=against)
    assert summary.summary() == leakage_report(train, test).summary()


@pytest.fixture(scope="module")
def both(files, tmp_path_factory):
    """Return the directories of hashes of both sets."""
    return hash_both(files, tmp_path_factory.mktemp("both"), ThisProcess())


@pytest.mark.parametrize("which", ["hashes", "against"])
def test_a_set_against_itself_leaks_as_a_whole(which, both, files, tmp_path, in_process):
    """Each image that can be read equals itself, and the report says so."""
    number = ["hashes", "against"].index(which)
    place, images = both[number], files[number]
    find_pairs(place, tmp_path / "pairs", against=place, executor=in_process)
    summary = find_leaks(tmp_path / "pairs", tmp_path / "leaks", hashes=place, against=place)
    assert summary.n_leaking == len(images) - 1
    assert summary.summary() == leakage_report(images, images).summary()


@pytest.mark.parametrize(
    ("kind", "name", "is_train"),
    [
        ("unread", "pixels", False),
        ("unread", "pixels", True),
        ("unread", "segments", False),
        ("unread", "hashes", True),
        ("blank", "pixels", False),
        ("blank", "views alone", True),
        ("other", "pixels", False),
        ("other", "segments", False),
    ],
)
def test_a_set_without_anything_in_common(kind, name, is_train, tmp_path, in_process):
    """A set of which nothing can be read, blank pages, and other photos give the right report."""
    photos = [tmp_path / f"{number}.png" for number in range(3)]
    for number, path in enumerate(photos):
        Image.fromarray(data.astronaut()[: 300 + 40 * number]).resize((90, 90)).save(path)
    others = [tmp_path / f"other_{number}.png" for number in range(3)]
    for number, path in enumerate(others):
        if kind == "unread":
            path.write_bytes(b"no image")
        elif kind == "blank":
            Image.new("L", (9, 9), number // 2).save(path)
        else:
            Image.fromarray(data.coffee()[: 300 + 30 * number]).resize((90, 90)).save(path)
    sets = [[str(path) for path in each] for each in (photos, others)]
    sets = sets[::-1] if is_train else sets
    hashes, against = hash_both(sets, tmp_path, in_process, SEARCHED[name])
    done = find_pairs(hashes, tmp_path / "pairs", against=against, executor=in_process)
    assert (done.n_images, done.n_pairs) == (6, 0)
    summary = find_leaks(tmp_path / "pairs", tmp_path / "leaks", hashes=hashes, against=against)
    report = leakage_report(*sets, finder=SEARCHED[name])
    assert summary.summary() == report.summary()
    assert str(summary) == str(report)
    assert summary.why_unchecked() == report.why_unchecked()
    assert len(summary.worst()) == 0
    assert not read_stage(tmp_path / "leaks")["leaks"].any()


@pytest.mark.parametrize(
    ("finder", "named"),
    [
        (NearDuplicateFinder(verify=False), "thumbnails=None"),
        (NearDuplicateFinder(["phash"]), r"hashes=\['phash'\]"),
        (NearDuplicateFinder(views="flips"), "views='flips'"),
        (NearDuplicateFinder(trim_borders=True), "trim_borders=True"),
    ],
)
def test_sets_of_other_settings_are_refused(finder, named, both, files, tmp_path, in_process):
    """The message names what differs, and nothing is written."""
    hash_dataset(files[1][:3], tmp_path / "other", finder, executor=in_process)
    with pytest.raises(StageError, match=rf"{both[0].name} were hashed with .*those of .*{named}"):
        find_pairs(both[0], tmp_path / "pairs", against=tmp_path / "other", executor=in_process)
    assert not (tmp_path / "pairs").exists()


def test_hashes_of_another_pillow_are_refused(both, tmp_path, in_process):
    other = tmp_path / "other"
    shutil.copytree(both[1], other)
    manifest = json.loads((other / "_manifest.json").read_text())
    manifest["settings"]["pillow"] = "9.0.0"
    (other / "_manifest.json").write_text(json.dumps(manifest))
    ours = PIL.__version__
    with pytest.raises(StageError, match=rf"with pillow='{ours}'.*with pillow='9\.0\.0'"):
        find_pairs(both[0], tmp_path / "pairs", against=other, executor=in_process)


def test_pairs_of_two_sets_are_of_another_kind(both, tmp_path, in_process):
    """A directory never holds both kinds, and other stages refuse the wrong one."""
    hashes, against = both
    across, single = tmp_path / "across", tmp_path / "single"
    find_pairs(hashes, across, against=against, executor=in_process)
    find_pairs(hashes, single, executor=in_process)
    with pytest.raises(StageError, match="holds pairs of two sets, not pairs"):
        find_pairs(hashes, across, executor=in_process)
    with pytest.raises(StageError, match="holds pairs, not pairs of two sets"):
        find_pairs(hashes, single, against=against, executor=in_process)
    with pytest.raises(StageError, match="holds pairs of two sets, not pairs"):
        components(across, tmp_path / "groups", hashes=hashes)


@pytest.mark.parametrize(
    ("ended", "deleted"),
    [
        ("confirm_part", "pairs-0000-0000000.parquet"),
        ("confirm_part", "pairs-0000-equal.parquet"),
        ("confirm_part", "_work"),
        ("join_range", "_copies_left/*.parquet"),
        (None, "pairs-0000-0000001.parquet"),
        (None, "_copies_right/*.parquet"),
    ],
)
def test_what_was_deleted_is_made_again(ended, deleted, both, tmp_path, in_process):
    """After a run that was killed and after one that ended, and nothing is confirmed twice."""
    hashes, against = both
    options = {"against": against, "part_seconds": 2e-4, "executor": in_process}
    find_pairs(hashes, tmp_path / "whole", **options)
    place = tmp_path / "pairs"
    if ended is None:
        find_pairs(hashes, place, **options)
    else:
        ending = Ending(in_process, 2 if ended == "confirm_part" else 1, ended)
        with pytest.raises(KeyboardInterrupt):
            find_pairs(hashes, place, **options | {"executor": ending})
    gone = list(place.glob(deleted))
    assert gone
    for path in gone:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    kept = {path.name for path in place.glob("pairs-*.parquet")}
    in_process.ran.clear()
    find_pairs(hashes, place, **options)
    assert not kept & set(in_process.ran)
    pd.testing.assert_frame_equal(read_stage(place), read_stage(tmp_path / "whole"))
    for side in ("_copies_left", "_copies_right"):
        copies = [pd.read_parquet(each / side) for each in (place, tmp_path / "whole")]
        pd.testing.assert_frame_equal(*copies)
        assert len(copies[0]) > 0
