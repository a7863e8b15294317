"""Copies that look otherwise are found: mirrored, turned, cropped, bordered; and told as such."""

import numpy as np
import pytest
from PIL import Image

from hashfeatures import (
    ImageHashFeaturizer,
    NearDuplicateFinder,
    ParameterError,
    drop_duplicates,
    hash_images,
)
from hashfeatures.edits import Edit

NAMES = ["astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg"]


@pytest.fixture(scope="module")
def pictures(photos):
    by_name = {path.name: path for path in photos}
    return [Image.open(by_name[name]).convert("RGB") for name in NAMES]


def found(finder, pictures, edit):
    """Tell which pictures match their edited copies, and no other."""
    matches = finder.fit(pictures).matches([edit(picture) for picture in pictures])
    assert (matches.left == matches.right).all()
    return len(matches.left)


MIRRORED, FLIPPED = Edit("mirror"), Edit("flip")
TURNED = Edit("turn", quarters=1)
CUT = Edit("crop", share=0.06)
ROBUST_EDITS = [
    *(MIRRORED, FLIPPED, TURNED, CUT, Edit("rotate", degrees=4), Edit("bars", share=0.1)),
    *(Edit("caption", share=0.12), Edit("crop_sides", bottom=0.1), Edit("zoom", factor=1.12)),
    TURNED.then("crop", share=0.04).then("recompress", quality=40),
]


@pytest.mark.parametrize(
    ("views", "edits", "missed"),
    [
        ("identity", [Edit("recompress")], [MIRRORED, FLIPPED, TURNED]),
        ("flips", [Edit("recompress"), MIRRORED], [FLIPPED, TURNED]),
        ("dihedral", [MIRRORED, FLIPPED, TURNED], [Edit("crop", share=0.2)]),
        ("robust", ROBUST_EDITS, [Edit("crop_sides", right=0.5)]),
    ],
)
def test_what_each_set_of_views_finds(pictures, views, edits, missed):
    finder = NearDuplicateFinder(views=views)
    for edit in edits:
        assert found(finder, pictures, edit) == len(pictures), edit
    for edit in missed:
        assert found(finder, pictures, edit) == 0, edit


def test_pairs_say_which_views_match(pictures):
    images = [*pictures, *map(MIRRORED, pictures), CUT(pictures[0])]
    finder = NearDuplicateFinder(views="robust").fit(images)
    told = dict(
        zip(
            zip(finder.pairs_.left, finder.pairs_.right, strict=True),
            zip(finder.pairs_.left_view, finder.pairs_.right_view, strict=True),
            strict=True,
        )
    )
    for row in range(5):
        assert sorted(told[row, row + 5]) == ["as it is", "mirrored"]
    assert any("cropped" in view for view in told[0, 10])
    assert finder.labels_.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0]
    assert finder.groups_["diameter"].max() < 20, "copies are looked at as they match"
    matches = finder.matches([FLIPPED(pictures[2])])
    assert set(matches.right) == {2, 7}
    assert dict(zip(matches.right, matches.left_view, strict=True))[2] == "flipped"


@pytest.mark.parametrize(
    ("edit", "views"),
    [
        (Edit("resize", scale=0.5), {("as it is", "as it is")}),
        (MIRRORED, {("as it is", "mirrored"), ("mirrored", "as it is")}),
        (MIRRORED.then("recompress"), {("as it is", "mirrored"), ("mirrored", "as it is")}),
        (Edit("crop", share=0.05), {("cropped by 5% a side", "as it is")}),
        (Edit("crop_sides", top=0.12), {("cut by 12% at the top", "as it is")}),
    ],
)
def test_what_was_done_to_a_copy_is_told_by_the_plainest_views(photos, edit, views):
    """Of nearly equally near views the plainest: a mirror is not a mirrored crop beside a crop."""
    images = []
    for path in photos:
        with Image.open(path) as opened:
            if min(opened.size) > 100:
                images.append(opened.convert("RGB"))
    pairs = NearDuplicateFinder(views="robust").fit([*images, *map(edit, images)]).pairs_
    copies = pairs.right - pairs.left == len(images)
    told = list(zip(pairs.left_view[copies], pairs.right_view[copies], strict=True))
    assert len(told) > 0.9 * len(images)
    assert sum(pair in views for pair in told) > 0.85 * len(told)


def test_views_find_all_that_identity_finds(family):
    files, _ = family
    alone = NearDuplicateFinder(radius=20, verify=False).fit(files).pairs_
    robust = NearDuplicateFinder(radius=20, views="robust", verify=False).fit(files).pairs_
    pairs = dict(zip(zip(robust.left, robust.right, strict=True), robust.distance, strict=True))
    for left, right, distance in zip(*alone, strict=True):
        assert pairs[left, right] <= distance


def test_fitting_in_parts_is_fitting_the_whole(pictures):
    images = [*pictures, *map(TURNED, pictures), pictures[0]]
    whole = NearDuplicateFinder(views="robust").fit(images)
    parts = NearDuplicateFinder(views="robust").fit(images[:6])
    parts.partial_fit(images[6:8]).partial_fit(images[8:])
    np.testing.assert_array_equal(parts.labels_, whole.labels_)
    for ours, theirs in zip(parts.pairs_, whole.pairs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_saved_finder_knows_its_views(pictures, tmp_path):
    images = [*pictures, *map(TURNED, pictures)]
    finder = NearDuplicateFinder(views="robust", color_radius=30, verify=False).fit(images)
    finder.save(tmp_path / "known.finder")
    loaded = NearDuplicateFinder.load(tmp_path / "known.finder")
    assert loaded.radius_ == finder.radius_ == 9
    np.testing.assert_array_equal(loaded.labels_, finder.labels_)
    for fitted in (finder, loaded):
        matches = fitted.matches([MIRRORED(pictures[3])])
        assert matches.right.tolist() == [3, 8]
    for ours, theirs in zip(loaded.pairs_, finder.pairs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("linkage", ["single", "complete"])
def test_groups_over_views(pictures, linkage):
    images = [edit(picture) for picture in pictures for edit in (Edit("resize"), MIRRORED, TURNED)]
    labels = NearDuplicateFinder(views="dihedral", linkage=linkage).fit_predict(images)
    np.testing.assert_array_equal(labels, np.repeat(np.arange(5), 3))
    assert len(drop_duplicates(images, finder=NearDuplicateFinder(views="dihedral"))) == 5


def test_the_radius_is_that_of_the_views(pictures):
    radii = {
        views: NearDuplicateFinder(views=views, verify=False).fit(pictures).radius_
        for views in ("identity", "flips", "dihedral", "robust")
    }
    assert radii == {"identity": 12, "flips": 12, "dihedral": 12, "robust": 9}
    assert NearDuplicateFinder(radius=5, views="robust").fit(pictures).radius_ == 5


def test_views_come_from_the_cache(pictures, tmp_path):
    paths = []
    for number, picture in enumerate([*pictures, MIRRORED(pictures[0])]):
        paths.append(str(tmp_path / f"{number}.png"))
        picture.save(paths[-1])
    settings = {"views": "robust", "cache": tmp_path / "hashes.sqlite", "n_jobs": 2}
    first = NearDuplicateFinder(**settings).fit(paths)
    again = NearDuplicateFinder(**settings).fit(paths)
    np.testing.assert_array_equal(again.labels_, [0, 1, 2, 3, 4, 0])
    np.testing.assert_array_equal(again.pairs_.distance, first.pairs_.distance)


def test_flat_images_match_identical_ones_over_views_too():
    gray = np.full((80, 60), 128, dtype=np.uint8)
    finder = NearDuplicateFinder(views="robust").fit([gray, gray - 1, gray.copy()])
    assert finder.labels_.tolist() == [0, 1, 0]
    assert finder.matches([gray]).right.tolist() == [0, 2]


@pytest.mark.parametrize("views", ["robust", "segments"])
@pytest.mark.parametrize("hashes", [("phash", "dhash"), "phash:16"], ids=str)
def test_blank_pages_with_noisy_edges_match_themselves_alone(views, hashes):
    """What a crop leaves of them is blank, and says nothing."""
    pages = []
    for seed in range(8):
        noise = np.random.default_rng(seed).integers(0, 256, (40, 30), dtype=np.uint8)
        page = noise.repeat(10, axis=0).repeat(10, axis=1)
        page[4:-4, 4:-4] = 255
        pages.append(page)
    finder = NearDuplicateFinder(hashes, views=views).fit(pages)
    assert finder.n_groups_ == 8
    found = finder.matches(pages)
    np.testing.assert_array_equal(found.left, found.right)
    finder.partial_fit(pages[:2])
    assert finder.labels_.tolist() == [*range(8), 0, 1]


def test_trimmed_copies_match(pictures):
    edit = Edit("bars", share=0.1, sides="all").then("recompress", quality=50)
    assert found(NearDuplicateFinder(), pictures, edit) < 3
    assert found(NearDuplicateFinder(trim_borders=True), pictures, edit) == 5
    bits = ImageHashFeaturizer("phash", trim_borders=True).transform([pictures[0]])
    np.testing.assert_array_equal(bits, ImageHashFeaturizer("phash").transform([pictures[0]]))


def test_colors_may_be_asked_for(pictures):
    recolored = Edit("hue", shift=100)
    assert found(NearDuplicateFinder(radius=20), pictures, recolored) == 5
    assert found(NearDuplicateFinder(radius=20, color_radius=20), pictures, recolored) == 0
    for views in ("identity", "dihedral"):
        finder = NearDuplicateFinder(color_radius=20, views=views)
        assert found(finder, pictures, Edit("recompress")) == 5
    turned = NearDuplicateFinder(color_radius=20, views="dihedral")
    for edit in (MIRRORED, FLIPPED, TURNED, Edit("turn", quarters=3)):
        assert found(turned, pictures, edit) == 5, "cells are turned with the image"
    images = [*pictures, *map(recolored, pictures), *map(MIRRORED, pictures)]
    labels = turned.set_params(radius=20).fit_predict(images)
    np.testing.assert_array_equal(labels, [*range(10), *range(5)])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"views": "all"}, "'views' parameter .* Got 'all'"),
        (
            {"views": "flips", "hashes": ("phash", "whash")},
            "Only 'phash' and 'dhash' support views='flips'",
        ),
        ({"radius": "best"}, "'radius' parameter .* 'calibrated' or None. Got 'best'"),
        ({"color_radius": -1}, "'color_radius' parameter"),
        ({"trim_borders": "yes"}, "'trim_borders' parameter"),
    ],
    ids=str,
)
def test_wrong_parameters_are_told(wrong, message):
    with pytest.raises(ParameterError, match=message):
        NearDuplicateFinder(**wrong).fit(["no such file.png"])


def test_a_table_knows_no_views(pictures):
    table = hash_images(pictures, ["phash", "dhash"])
    for settings in ({"views": "flips"}, {"color_radius": 3}):
        with pytest.raises(ParameterError, match="A table of hashes has no views"):
            NearDuplicateFinder(**settings).fit_table(table)
    with pytest.raises(ParameterError, match="must be a number where there are bits"):
        NearDuplicateFinder(radius="calibrated").fit_table(table)
