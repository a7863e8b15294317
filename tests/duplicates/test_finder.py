"""From images to groups: copies together, strangers apart, failures and flat images alone."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import (
    ChainingWarning,
    FailedImagesWarning,
    ImageHashFeaturizer,
    NearDuplicateFinder,
    ParameterError,
    drop_duplicates,
    hash_images,
)


def test_copies_are_found(family):
    files, shown = family
    finder = NearDuplicateFinder().fit(files)
    np.testing.assert_array_equal(finder.labels_, shown)
    assert finder.n_groups_ == 5
    assert (finder.pairs_.left < finder.pairs_.right).all()
    assert (finder.pairs_.distance <= 12).all()
    assert (shown[finder.pairs_.left] == shown[finder.pairs_.right]).all()


def test_pairs_are_those_of_the_bits(family):
    files, _ = family
    finder = NearDuplicateFinder(decode="full", radius=30).fit(files)
    bits = ImageHashFeaturizer(["phash", "dhash"]).transform(files)
    distances = (bits[:, None] != bits[None]).sum(axis=2)
    left, right = np.nonzero(np.triu(distances <= 30, k=1))
    np.testing.assert_array_equal(finder.pairs_.left, left)
    np.testing.assert_array_equal(finder.pairs_.right, right)
    np.testing.assert_array_equal(finder.pairs_.distance, distances[left, right])


def test_matches_name_queries_and_fitted_rows(family):
    files, _ = family
    finder = NearDuplicateFinder().fit(files[::3])
    queries = [files[4], files[2], files[1]]
    matches = finder.matches(queries)
    assert matches.left.tolist() == [0, 1, 2]
    assert matches.right.tolist() == [1, 0, 0]


def test_failures_are_alone_and_listed(family):
    files, _ = family
    X = [None, *files[:3], "no such file.png", None]
    with pytest.warns(FailedImagesWarning, match="3 of 6"):
        finder = NearDuplicateFinder().fit(X)
    assert finder.labels_.tolist() == [0, 1, 1, 1, 2, 3]
    assert finder.failures_["position"].tolist() == [0, 4, 5]
    assert finder.failures_["image"].tolist() == [None, "no such file.png", None]
    assert finder.failures_["error"].str.contains("missing value|FileNotFound").all()
    with pytest.warns(FailedImagesWarning):
        assert finder.matches([None, files[1]]).left.tolist() == [1, 1, 1]


def test_flat_images_match_only_identical_ones():
    """The hashes of blank pages are all alike and say nothing."""
    gray = np.full((80, 60), 128, dtype=np.uint8)
    dark, twin, large = gray - 1, gray.copy(), np.full((160, 120), 128, dtype=np.uint8)
    X = [gray, dark, twin, large]
    assert NearDuplicateFinder().fit_predict(X).tolist() == [0, 1, 0, 2]
    by_hashes = NearDuplicateFinder(min_detail=0, verify=False)
    assert by_hashes.fit_predict(X).tolist() == [0, 0, 0, 0]
    assert NearDuplicateFinder(min_detail=0).fit_predict(X).tolist() == [0, 1, 0, 0]
    finder = NearDuplicateFinder().fit(X)
    assert finder.pairs_.left.tolist() == [0]
    assert finder.pairs_.distance.tolist() == [0]
    matches = finder.matches([large, dark, gray - 7])
    assert list(zip(matches.left, matches.right, strict=True)) == [(0, 3), (1, 1)]


@pytest.mark.parametrize("decode", ["full", "reduced"])
def test_flat_jpegs_match_only_pixel_identical_ones(encode, decode):
    """Not those that are equal at an eighth of their size, or in their luma alone."""
    page = Image.new("RGB", (1600, 1600), (200, 200, 200))
    dotted = page.copy()
    dotted.putpixel((800, 800), (190, 190, 190))
    red, gray = (Image.new("RGB", (80, 80), color) for color in [(255, 0, 0), (76, 76, 76)])
    files = [encode(image, "JPEG", quality=95) for image in (page, dotted, page, red, gray, red)]
    files.append(encode(page, "PNG"))
    labels = NearDuplicateFinder(decode=decode).fit_predict(files)
    assert labels.tolist() == [0, 1, 0, 2, 3, 2, 0]


def test_flat_files_are_told_apart_by_color(encode):
    """A palette holds indices: equal ones may stand for any color, whatever the format."""
    colors = ("red", "blue", "white")
    files = [encode(Image.new("RGB", (60, 60), color), "GIF") for color in colors]
    files.append(encode(Image.new("L", (60, 60), 255), "PNG"))
    assert NearDuplicateFinder().fit_predict(files).tolist() == [0, 1, 2, 2]


def test_a_table_of_hashes_is_enough(family):
    files, shown = family
    table = hash_images(files, ["phash", "dhash"])
    finder = NearDuplicateFinder().fit_table(table)
    np.testing.assert_array_equal(finder.labels_, shown)
    with pytest.raises(ValueError, match=r"no column 'dhash': make it by hash_images"):
        NearDuplicateFinder().fit_table(table.drop(columns="dhash"))


@pytest.mark.parametrize(
    "wrong",
    [
        *({"radius": -1}, {"radius": 1.5}, {"views": "all"}, {"linkage": "ward"}),
        *({"min_detail": -1}, {"decode": "half"}, {"hashes": "md5"}, {"progress": 1}),
        *({"n_jobs": "2"}, {"n_jobs": 0}, {"n_jobs": 1.0}),
    ],
    ids=str,
)
def test_wrong_parameters_are_named_before_images_are_read(wrong):
    with pytest.raises(ParameterError):
        NearDuplicateFinder(**wrong).fit(["no such file.png"])


def test_a_wrong_name_for_the_radius_does_not_hide_that_it_counts_bits():
    with pytest.raises(ParameterError, match=r"an int .*, 'calibrated' or None. Got 'auto'"):
        NearDuplicateFinder(radius="auto").fit(["no such file.png"])


def test_complete_linkage_keeps_members_within_the_radius(photos):
    """Fades from one photo to another: a chain, whose ends are unlike."""
    by_name = {path.name: path for path in photos}
    ends = [
        np.asarray(Image.open(by_name[name]).convert("RGB").resize((200, 150)), dtype=float)
        for name in ("chelsea.png", "coffee.png")
    ]
    fades = [((1 - t) * ends[0] + t * ends[1]).astype(np.uint8) for t in np.linspace(0, 1, 30)]
    with pytest.warns(ChainingWarning, match="label 0 has 30 of 30 rows and a diameter of"):
        single = NearDuplicateFinder(verify=False).fit(fades)
    assert single.groups_["diameter"].tolist()[0] > 36
    complete = NearDuplicateFinder(linkage="complete", verify=False).fit(fades)
    assert complete.groups_["diameter"].max() <= 12
    assert 2 < complete.n_groups_ < 30
    bits = ImageHashFeaturizer(["phash", "dhash"]).transform(fades)
    together = complete.labels_[:, None] == complete.labels_[None]
    assert (bits[:, None] != bits[None]).sum(axis=2)[together].max() <= 12


def test_flat_images_do_not_widen_groups():
    """Their hashes are not what they are compared by."""
    rng = np.random.default_rng(0)
    noise = rng.integers(100, 104, (64, 64), dtype=np.uint8)
    finder = NearDuplicateFinder().fit([noise, noise, np.full((64, 64), 100, dtype=np.uint8)])
    assert finder.groups_.to_dict("list") == {
        "size": [2],
        "diameter": [0],
        "exact": [True],
        "weakest_link": [1.0],
    }


def test_growing_is_fitting_at_once(family):
    files, _ = family
    X = [files[0], None, files[3], *files[1:3], "no such file.png", *files[4:]]
    with pytest.warns(FailedImagesWarning):
        whole = NearDuplicateFinder().fit(X)
        grown = NearDuplicateFinder().partial_fit(X[:2]).partial_fit(X[2:5]).partial_fit(X[5:])
    np.testing.assert_array_equal(grown.labels_, whole.labels_)
    for column, expected in zip(grown.pairs_, whole.pairs_, strict=True):
        np.testing.assert_array_equal(column, expected)
    pd.testing.assert_frame_equal(grown.failures_, whole.failures_)
    pd.testing.assert_frame_equal(grown.groups_, whole.groups_)
    np.testing.assert_array_equal(grown.ids_, whole.ids_)


def test_another_radius_needs_no_image(family, monkeypatch):
    files, _ = family
    finder = NearDuplicateFinder().fit(files)
    expected = NearDuplicateFinder(radius=40).fit(files)
    monkeypatch.setattr(
        "hashfeatures.duplicates._comparison.hash_sources", lambda *a, **k: pytest.fail("read")
    )
    other = finder.with_radius(40)
    np.testing.assert_array_equal(other.labels_, expected.labels_)
    assert (other.radius_, finder.radius_) == (40, 28)
    assert len(other.pairs_.left) == len(expected.pairs_.left)
    for wrong in (-1, None, "calibrated"):
        with pytest.raises(ParameterError, match=rf"'radius' .* Got {wrong!r}"):
            finder.with_radius(wrong)


def test_a_radius_of_numpy_is_a_radius(family, tmp_path):
    """Radii are tried in loops over an array."""
    files, _ = family
    NearDuplicateFinder().fit(files).with_radius(np.int64(8)).save(tmp_path / "x.finder")
    assert NearDuplicateFinder.load(tmp_path / "x.finder").radius_ == 8


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hashes", ["dhash", "phash"]),
        ("radius", 3),
        ("views", "flips"),
        ("color_radius", 10),
        ("verify", False),
        ("min_agreement", 0.9),
    ],
)
def test_what_was_fitted_otherwise_is_not_compared(name, value, family, monkeypatch):
    """The bits of two settings differ, and their distances would say nothing."""
    files, _ = family
    finder = NearDuplicateFinder().fit(files[:3]).set_params(n_jobs=1, **{name: value})
    monkeypatch.setattr(
        "hashfeatures.duplicates._comparison.hash_sources", lambda *a, **k: pytest.fail("read")
    )
    for call in (finder.partial_fit, finder.matches):
        with pytest.raises(ParameterError, match=f"was fitted with {name}=.* fit it again"):
            call(files[3:])


def test_conflicts_name_the_rows(family):
    files, shown = family
    y = [f"photo {number}" for number in shown]
    finder = NearDuplicateFinder().fit(files)
    assert finder.conflicts(y).empty
    y[4] = "photo 9"
    conflicts = finder.conflicts(y)
    assert conflicts.index.tolist() == [1]
    assert conflicts["rows"].tolist() == [[3, 4, 5]]
    assert conflicts["labels"].tolist() == [{"photo 1": 2, "photo 9": 1}]


def test_the_summary_counts_everything(family):
    files, _ = family
    gray = np.full((80, 60), 128, dtype=np.uint8)
    with pytest.warns(FailedImagesWarning):
        finder = NearDuplicateFinder().fit([*files, None, gray, gray, gray - 1])
    facts = finder.summary()
    assert json.loads(json.dumps(facts)) == facts
    assert facts == {
        "images": 19,
        "unreadable": 1,
        "low_detail": 3,
        "groups": 6,
        "grouped_images": 17,
        "duplicates": 11,
        "largest_group": 3,
        "widest_group": int(finder.groups_["diameter"].max()),
        "near_pairs": 16,
        "hashes": ["phash", "dhash"],
        "bits": 128,
        "radius": 28,
        "min_agreement": finder.min_agreement,
    }
    empty = NearDuplicateFinder().fit([]).summary()
    assert (empty["images"], empty["groups"], empty["largest_group"]) == (0, 0, 0)


def test_a_table_tells_what_failed_and_what_is_flat(family):
    files, _ = family
    gray = Image.new("L", (80, 60), 128)
    with pytest.warns(FailedImagesWarning):
        table = hash_images([files[0], "no such file.png", gray], ["phash", "dhash"])
    finder = NearDuplicateFinder().fit_table(table)
    assert finder.failures_["position"].tolist() == [1]
    assert finder.failures_["image"].tolist() == ["no such file.png"]
    assert finder.summary()["low_detail"] == 1
    renamed = NearDuplicateFinder().fit_table(table.rename(columns={"image": "path"}))
    assert renamed.ids_.tolist() == finder.ids_.tolist() == [files[0], "no such file.png", None]


def test_ids_are_paths_and_urls(family, monkeypatch):
    files, _ = family
    X = [files[0], Path(files[1]), Image.open(files[2]), {"bytes": None, "path": files[3]}]
    assert NearDuplicateFinder().fit(X).ids_.tolist() == [files[0], files[1], None, files[3]]


def test_every_image_equal():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    finder = NearDuplicateFinder().fit([image] * 5)
    assert finder.labels_.tolist() == [0] * 5
    assert len(finder.pairs_.left) == 10
    assert drop_duplicates([image] * 5) == [image]
