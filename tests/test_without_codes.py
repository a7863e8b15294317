"""No image, blank images and broken images are legal everywhere: nothing is near anything."""

import numpy as np
import pytest
from PIL import Image

from hashfeatures import (
    DuplicateGroups,
    HammingNeighbors,
    NearDuplicateFinder,
    NearDuplicateKFold,
    calibrate,
    drop_duplicates,
    find_duplicates,
    find_similar,
    hash_images,
    is_known,
    leakage_report,
    make_report,
    repair_split,
    train_test_split,
)

pytestmark = [
    pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning"),
    pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning"),
]


@pytest.fixture(params=["none", "blank", "broken"])
def images(request):
    """Return images of which none has a code."""
    return {
        "none": [],
        "blank": [Image.new("L", (40, 30), gray) for gray in (255, 200, 100)],
        "broken": [b"no image", b"none either", b"nor this"],
    }[request.param]


@pytest.mark.parametrize("views", ["identity", "dihedral", "robust", "segments"])
@pytest.mark.parametrize("linkage", ["single", "complete"])
def test_a_finder_finds_nothing(images, noise_image, views, linkage, tmp_path):
    finder = NearDuplicateFinder(views=views, linkage=linkage).fit(images)
    assert finder.n_groups_ == len(finder.labels_) == len(images)
    assert len(finder.groups_) == len(finder.pairs_.left) == finder.summary()["near_pairs"] == 0
    assert len(finder.conflicts(["class"] * len(images))) == 0
    finder.save(tmp_path / "nothing")
    for known in (finder, finder.with_radius(3), NearDuplicateFinder.load(tmp_path / "nothing")):
        assert len(known.matches([noise_image(0)]).left) == 0
    finder.partial_fit([]).partial_fit([noise_image(0), noise_image(0)])
    assert finder.pairs_.left.tolist() == [len(images)]


def test_functions_find_nothing(images, noise_image):
    assert len(find_duplicates(images)) == 0
    assert drop_duplicates(images) == images
    assert drop_duplicates(images, keep="largest") == images
    table = hash_images(images, ["phash", "dhash"])
    assert len(find_duplicates(table)) == 0
    assert not is_known(table, noise_image(0), radius=1)
    assert len(find_similar(table, noise_image(0))) == table["phash"].notna().sum()
    report = make_report(images)
    assert report.summary["groups"] == []
    assert report.to_html()


def test_splits_leak_nothing_and_need_no_repair(images, noise_image):
    report = leakage_report({"train": images, "test": [noise_image(0)]})
    assert report.share == report.n_pairs == len(report.worst()) == len(report.pairs) == 0
    assert len(repair_split(images, [noise_image(0)])[2].moved) == 0
    if images:
        assert [len(part) for part in train_test_split(images, random_state=0)] == [2, 1]
        assert len(list(NearDuplicateKFold(3).split(images))) == 3


def test_a_calibration_says_that_there_is_nothing(images):
    with pytest.raises(ValueError, match=f"nothing to calibrate on. Of {len(images)} images"):
        calibrate(images)


@pytest.mark.parametrize("algorithm", ["auto", "brute", "multi_index"])
def test_rows_without_bits_have_no_neighbors(algorithm):
    missing = np.full((3, 128), np.nan)
    neighbors = HammingNeighbors(2, algorithm=algorithm).fit(missing)
    assert len(neighbors.pairs().left) == 0
    assert (neighbors.kneighbors(np.zeros((2, 128)), return_distance=False) == -1).all()
    assert neighbors.radius_neighbors_graph().nnz == 0
    assert neighbors.components().tolist() == [0, 1, 2]
    for linkage in ("single", "complete"):
        groups = DuplicateGroups(linkage=linkage).fit(missing)
        assert groups.labels_.tolist() == [0, 1, 2]
        assert len(groups.groups_) == 0
