"""A stage of hashes keeps the fingerprints that the finder compares."""

import numpy as np
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, ParameterError, StageError
from hashfeatures.distributed import LocalExecutor, hash_dataset
from hashfeatures.distributed._hash_stage import KIND
from hashfeatures.distributed._stage_finder import choose_finder, finder_of, plan_of
from hashfeatures.distributed._stages import Stage
from hashfeatures.distributed.hashes._stored_fingerprints import read_fingerprints, read_keys
from hashfeatures.hamming._unique import number_rows

pytestmark = pytest.mark.filterwarnings("ignore:.*could not be read")
here = LocalExecutor(1)

FINDERS = {
    "plain": NearDuplicateFinder(verify=False),
    "default": NearDuplicateFinder(),
    "colors": NearDuplicateFinder("phash", color_radius=20, trim_borders=True),
    "views": NearDuplicateFinder("phash:4", views="dihedral", min_detail=5),
    "segments": NearDuplicateFinder(views="segments", verify=False, background=(1, 2, 3)),
}


@pytest.fixture
def files(tmp_path, noise_image):
    """Make four images, an equal copy, two blank pages and a broken file."""
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for number in range(4):
        noise_image(number, size=(64, 48)).save(paths[number])
    noise_image(0, size=(64, 48)).save(paths[4])
    for path in paths[5:7]:
        Image.new("RGB", (64, 48), "white").save(path)
    paths[7].write_bytes(b"no image")
    return [str(path) for path in paths]


@pytest.mark.parametrize("name", FINDERS)
def test_fingerprints_are_those_of_the_finder(name, files, tmp_path):
    finder = FINDERS[name]
    hash_dataset(files, tmp_path / "out", finder, executor=here)
    stage = Stage.open(tmp_path / "out", KIND)
    (part,) = stage.names()
    expected = finder.fingerprint(files).fingerprints
    found = read_fingerprints(stage, part)
    for field in ("words", "comparable", "low_detail", "pixel_digests", "colors"):
        np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))
    if expected.views is not None:
        np.testing.assert_array_equal(found.views.words, expected.views.words)
    if expected.thumbnails is not None:
        np.testing.assert_array_equal(found.thumbnails.read(), expected.thumbnails.read())
    rows = np.array([3, 1])
    np.testing.assert_array_equal(
        read_fingerprints(stage, part, rows=rows).words, expected.words[rows]
    )


@pytest.mark.parametrize("name", FINDERS)
@pytest.mark.parametrize("verify", [True, False])
def test_keys_are_equal_where_images_are_compared_as_equals(name, verify, files, tmp_path):
    """A finder that compares less than what is stored has more equal images."""
    finder = FINDERS[name]
    hash_dataset(files, tmp_path / "out", finder, executor=here)
    stage = Stage.open(tmp_path / "out", KIND)
    (part,) = stage.names()
    if finder.verify and not verify:
        finder = NearDuplicateFinder(**{**finder.get_params(), "verify": False})
    keys = read_keys(stage, part, plan_of(finder).computed)
    expected = finder.fingerprint(files).fingerprints
    shown = expected.comparable
    np.testing.assert_array_equal(
        number_rows(keys[shown])[0], number_rows(expected.keys()[shown])[0]
    )
    assert not keys[~shown].any()


@pytest.mark.parametrize("name", FINDERS)
def test_the_directory_knows_its_finder(name, files, tmp_path):
    finder = FINDERS[name]
    hash_dataset(files, tmp_path / "out", finder, executor=here)
    stage = Stage.open(tmp_path / "out", KIND)
    assert finder_of(stage)._comparison_params() == finder._comparison_params()
    assert choose_finder(None, stage, "f")._comparison_params() == finder._comparison_params()


def test_directories_of_earlier_runs_have_a_finder_of_hashes_alone(files, tmp_path):
    """Their manifests hold no finder."""
    finder = NearDuplicateFinder("phash", min_detail=7, background=None, verify=False)
    hash_dataset(files[:3], tmp_path / "out", finder, executor=here)
    manifest = Stage.open(tmp_path / "out", KIND).read_json("_manifest.json")
    del manifest["finder"]
    Stage.open(tmp_path / "out", KIND).write_json("_manifest.json", manifest)
    stage = Stage.open(tmp_path / "out", KIND)
    found = finder_of(stage)
    assert plan_of(found) == plan_of(finder)
    assert not found.verify
    assert hash_dataset(files, tmp_path / "out", found, executor=here).n_new == 5


def test_a_finder_that_needs_more_than_is_stored_is_refused(files, tmp_path):
    hash_dataset(files, tmp_path / "out", NearDuplicateFinder(verify=False), executor=here)
    stage = Stage.open(tmp_path / "out", KIND)
    choose_finder(NearDuplicateFinder(radius=3, verify=False), stage, "find_pairs")
    for finder, lacking in (
        (NearDuplicateFinder(), "thumbnails=None.* needs thumbnails=1"),
        (NearDuplicateFinder(color_radius=3, verify=False), "colors=None"),
        (NearDuplicateFinder("phash", verify=False), r"hashes=\['phash', 'dhash'\]"),
        (NearDuplicateFinder(verify=False, views="flips"), "views=None.* needs views='flips'"),
    ):
        with pytest.raises(StageError, match=lacking):
            choose_finder(finder, stage, "find_pairs")
    with pytest.raises(ParameterError, match="must be a NearDuplicateFinder or None"):
        choose_finder("default", stage, "find_pairs")


def test_colors_are_dropped_only_where_that_leaves_the_bits_as_they_are(files, tmp_path):
    """With reduced decoding, a JPEG is decoded to what all hashes need, colors included."""
    for decode, is_refused in (("reduced", True), ("full", False)):
        finder = NearDuplicateFinder(decode=decode, color_radius=20, verify=False)
        hash_dataset(files, tmp_path / decode, finder, executor=here)
        stage = Stage.open(tmp_path / decode, KIND)
        plain = NearDuplicateFinder(decode=decode, verify=False)
        if is_refused:
            with pytest.raises(StageError, match=r"hashed with colors=True.*needs colors=None"):
                choose_finder(plain, stage, "find_pairs")
        else:
            choose_finder(plain, stage, "find_pairs")
    hash_dataset(files, tmp_path / "default", executor=here)
    stage = Stage.open(tmp_path / "default", KIND)
    choose_finder(NearDuplicateFinder(verify=False), stage, "find_pairs")
