"""Crops are found by the segments that they share with their originals, and strangers are not."""

import numpy as np
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, ParameterError, drop_duplicates
from hashfeatures.edits import Edit

NAMES = ["astronaut.png", "coffee.png", "motorcycle_left.png", "rocket.jpg", "coins.png"]
SMALLER = Edit("resize", scale=0.5)
CUT = Edit("crop_sides", right=0.3, bottom=0.1)


@pytest.fixture(scope="module")
def pictures(photos):
    by_name = {path.name: path for path in photos}
    return [Image.open(by_name[name]).convert("RGB") for name in NAMES]


@pytest.fixture(scope="module")
def images(pictures):
    return [*pictures, *map(SMALLER, pictures), *map(CUT, pictures)]


@pytest.fixture(scope="module")
def fitted(images):
    return NearDuplicateFinder(views="segments").fit(images)


def assert_same(ours, theirs):
    for column, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(column, expected)


def test_crops_are_found_that_the_whole_image_does_not_find(pictures, images, fitted):
    assert fitted.labels_.tolist()[5:10] == [0, 1, 2, 3, 4]
    pairs = set(zip(fitted.pairs_.left.tolist(), fitted.pairs_.right.tolist(), strict=True))
    assert all((left - right) % 5 == 0 for left, right in pairs), "strangers are not near"
    n_crops = sum((row, row + 10) in pairs for row in range(5))
    assert n_crops >= 3
    assert len(NearDuplicateFinder().fit(pictures).matches(images[10:]).left) == 0
    matches = fitted.matches(images[10:])
    assert ((matches.left - matches.right) % 5 == 0).all()
    assert fitted.radius_ == 28


def test_fitting_in_parts_is_fitting_the_whole(images, fitted):
    parts = NearDuplicateFinder(views="segments").fit(images[:3])
    parts.partial_fit(images[3:9]).partial_fit(images[9:])
    np.testing.assert_array_equal(parts.labels_, fitted.labels_)
    assert_same(parts.pairs_, fitted.pairs_)


def test_a_saved_finder_answers_as_before(images, fitted, tmp_path):
    fitted.save(tmp_path / "known.finder")
    loaded = NearDuplicateFinder.load(tmp_path / "known.finder")
    np.testing.assert_array_equal(loaded.labels_, fitted.labels_)
    for query in (lambda finder: finder.pairs_, lambda finder: finder.matches(images[10:])):
        assert_same(query(loaded), query(fitted))
    assert_same(loaded.with_radius(40).pairs_, fitted.with_radius(40).pairs_)
    loaded.partial_fit(images[:2])
    assert loaded.labels_[-2:].tolist() == loaded.labels_[:2].tolist()


def test_cached_segments_are_those_that_were_hashed(pictures, images, fitted, tmp_path):
    for number, image in enumerate(images):
        image.save(tmp_path / f"{number:02}.png")
    paths = sorted(tmp_path.glob("*.png"))
    finder = NearDuplicateFinder(views="segments", cache=tmp_path / "hashes.sqlite")
    for _ in range(2):
        assert_same(finder.fit(paths).pairs_, fitted.pairs_)


@pytest.mark.parametrize("linkage", ["single", "complete"])
def test_groups(images, linkage):
    finder = NearDuplicateFinder(views="segments", linkage=linkage).fit(images)
    assert finder.labels_.tolist()[:10] == [0, 1, 2, 3, 4] * 2
    if linkage == "complete":
        assert finder.groups_["diameter"].max() <= finder.radius_
    assert finder.set_params(verify=False).fit(images).with_radius(128).n_groups_ == 1
    kept = drop_duplicates(images[:10], finder=NearDuplicateFinder(views="segments"))
    assert len(kept) == 5


def test_what_is_flat_matches_nothing(pictures):
    """Skies, walls and pages are not segments that images could agree in."""
    halves = []
    for place, picture in enumerate(pictures):
        half = Image.new("RGB", (600, 400), "white" if place % 2 else "black")
        half.paste(picture.resize((200, 300)), (20 + 60 * place, 50))
        halves.append(half)
    flat = [Image.new("RGB", (200, 100), color) for color in ("white", "black", "gray")]
    finder = NearDuplicateFinder(views="segments").fit([*halves, *flat])
    assert finder.n_groups_ == 8
    assert len(NearDuplicateFinder(views="segments", min_detail=0).fit(halves).pairs_.left) == 0


def test_nothing_and_unreadable_images():
    finder = NearDuplicateFinder(views="segments").fit([])
    assert len(finder.pairs_.left) == 0
    with pytest.warns(UserWarning, match="1 of 2"):
        finder.fit([None, Image.linear_gradient("L")])
    assert finder.labels_.tolist() == [0, 1]


def test_what_segments_cannot_do(pictures):
    for parameters, message in (
        ({"color_radius": 20}, "must be None with views='segments'"),
        ({"hashes": ["phash", "colorhash"]}, "'colorhash' needs colors"),
    ):
        with pytest.raises(ParameterError, match=message):
            NearDuplicateFinder(views="segments", **parameters).fit(pictures)


def test_a_segment_of_zeros_counts_in_fit_and_in_matches():
    """A picture that grows darker to the right has a dhash without a one."""
    rows = np.arange(300)[:, None] % 60 < 30
    shade = np.linspace(250, 135, 300)
    ramp = np.where(rows, shade, shade - 12).astype(np.uint8)
    finder = NearDuplicateFinder(["dhash"], views="segments").fit([ramp, ramp[::2, ::2]])
    assert finder.pairs_.distance.tolist() == [0]
    assert finder.matches([ramp[::2, ::2]]).right.tolist() == [0, 1]
    alone = NearDuplicateFinder(["dhash"], views="segments").fit([ramp])
    assert alone.matches([ramp[::2, ::2]]).right.tolist() == [0]
