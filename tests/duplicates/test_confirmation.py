"""Pixels confirm what hashes nominate, with the same answer on every way."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from hashfeatures import (
    NearDuplicateFinder,
    StoreError,
    drop_duplicates,
    find_duplicates,
    hash_images,
    is_known,
    leakage_report,
)
from hashfeatures.edits import Edit

NAMES = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")
CROP, MIRROR = Edit("crop", share=0.05), Edit("mirror")


@pytest.fixture(scope="module")
def pictures(photos):
    """Return cells of photos, which all differ."""
    cells = []
    for path in photos:
        if path.name not in NAMES:
            continue
        with Image.open(path) as opened:
            photo = opened.convert("RGB")
        width, height = photo.width // 2, photo.height // 2
        cells += [
            photo.crop((x, y, x + width, y + height)) for x in (0, width) for y in (0, height)
        ]
    return [cell for cell in cells if np.asarray(cell.convert("L")).std() > 25]


@pytest.fixture(scope="module")
def images(pictures):
    return [*pictures, *map(CROP, pictures[:12])]


@pytest.fixture(scope="module")
def fitted(images):
    return NearDuplicateFinder().fit(images)


def assert_same_pairs(ours, theirs):
    assert ours._fields == theirs._fields
    for column, expected in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(column, expected)


def test_pairs_say_how_well_they_agree_and_why(images, fitted):
    pairs = fitted.pairs_
    assert set(zip(pairs.left, pairs.right, strict=True)) <= {
        (row, len(images) - 12 + row) for row in range(12)
    }
    assert len(pairs.left) >= 10
    assert (pairs.agreement >= fitted.min_agreement).all()
    assert (pairs.agreement <= 1).all()
    assert sum(text == "cropped by 5 % at each side" for text in pairs.relation) >= 9


@pytest.mark.parametrize("linkage", ["single", "complete"])
def test_weakest_links_are_the_least_agreements_of_pairs(pictures, linkage):
    """In groups of several pairs, with equal images and copies of copies, under both linkages."""
    edits = [Edit("crop", share=share) for share in (0.0, 0.005, 0.01)]
    images = [edit(picture) for picture in pictures[:6] for edit in edits] + pictures[:2]
    finder = NearDuplicateFinder(linkage=linkage).fit(images)
    pairs, labels = finder.pairs_, finder.labels_
    is_within = labels[pairs.left] == labels[pairs.right]
    agreement = pd.Series(pairs.agreement[is_within])
    weakest = agreement.groupby(labels[pairs.left[is_within]]).min()
    assert is_within.sum() > len(weakest) >= 6
    assert finder.groups_["weakest_link"].to_dict() == weakest.to_dict()


def test_equal_thumbnails_agree_entirely(noise_image):
    """Also where the borders of one image, which are cut off, make it larger than the other."""
    image = noise_image(0, size=(200, 150))
    bordered = Image.new("RGB", (image.width + 80, image.height + 60), "black")
    bordered.paste(image, (40, 30))
    finder = NearDuplicateFinder(trim_borders=True).fit([image, bordered])
    assert finder.pairs_.agreement.tolist() == finder.groups_["weakest_link"].tolist() == [1]


def test_all_ways_give_the_same_answer(tmp_path, images, fitted):
    """One worker or two, from the cache or not, saved and loaded or not, at once or grown."""
    paths = []
    for number, image in enumerate(images):
        paths.append(str(tmp_path / f"{number:03}.png"))
        image.save(paths[-1])
    cache = tmp_path / "hashes.sqlite"
    for settings in ({"n_jobs": 2, "cache": cache}, {"cache": cache}):
        assert_same_pairs(NearDuplicateFinder(**settings).fit(paths).pairs_, fitted.pairs_)
    fitted.save(tmp_path / "known.finder")
    loaded = NearDuplicateFinder.load(tmp_path / "known.finder")
    assert_same_pairs(loaded.pairs_, fitted.pairs_)
    assert_same_pairs(loaded.matches(images[-12:]), fitted.matches(images[-12:]))
    grown = NearDuplicateFinder().fit(images[:7]).partial_fit(images[7:20])
    assert_same_pairs(grown.partial_fit(images[20:]).pairs_, fitted.pairs_)
    np.testing.assert_array_equal(loaded.partial_fit(images[:2]).labels_[-2:], [0, 1])


def test_matches_are_the_pairs_of_both(images, pictures, fitted):
    n_known = len(pictures)
    matches = NearDuplicateFinder().fit(pictures).matches(images[n_known:])
    found = dict(zip(zip(matches.right, n_known + matches.left, strict=True), matches.agreement,
                     strict=True))  # fmt: skip
    pairs = fitted.pairs_
    across = dict(zip(zip(pairs.left, pairs.right, strict=True), pairs.agreement, strict=True))
    assert found == across


def test_no_file_is_decoded_twice(tmp_path, images, monkeypatch):
    from hashfeatures.hashing import _worker

    paths = []
    for number, image in enumerate(images):
        paths.append(str(tmp_path / f"{number:03}.png"))
        image.save(paths[-1])
    read, decoded = _worker.read_image, []
    monkeypatch.setattr(
        _worker, "read_image", lambda source, *a: decoded.append(source) or read(source, *a)
    )
    finder = NearDuplicateFinder().fit(paths)
    for path in paths:
        (tmp_path / path).unlink()
    assert len(finder.pairs_.relation) >= 10
    assert len(finder.groups_) >= 10
    assert sorted(decoded) == sorted(paths)


def test_look_alikes_are_nominated_and_refused():
    """Pages of one layout have near hashes, and other text."""
    rng = np.random.default_rng(0)
    pages = []
    for _ in range(6):
        page = Image.new("L", (300, 400), "white")
        draw = ImageDraw.Draw(page)
        for line in range(12):
            for start in range(20, 280, 20):
                if rng.random() < 0.5:
                    draw.rectangle((start, 20 + 30 * line, start + 14, 36 + 30 * line), "black")
        pages.append(page)
    copies = [Edit("resize", scale=0.5)(page) for page in pages]
    finder = NearDuplicateFinder(radius=64).fit([*pages, *copies])
    np.testing.assert_array_equal(finder.labels_, [*range(6), *range(6)])
    by_hash = NearDuplicateFinder(radius=64, verify=False, linkage="complete")
    assert by_hash.fit([*pages, *copies]).n_groups_ < 6


def test_equal_hashes_are_no_equal_images():
    """Images that share all bits, but not their pixels, are told apart."""
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (8, 8)).repeat(8, axis=0).repeat(8, axis=1).astype(np.uint8)
    other = picture.copy()
    other[::8] = 255 - other[::8]
    finder = NearDuplicateFinder(radius=128, min_agreement=0.9).fit([picture, other, picture])
    assert finder.labels_[0] == finder.labels_[2]
    assert finder.pairs_.relation[0] == "same pixels"


def test_what_is_invisible_on_white_is_not_equal():
    """Two white drawings on a transparent ground, beside a black one that both show."""
    rng = np.random.default_rng(0)
    drawings = []
    for box in ((10, 10, 120, 40), (10, 60, 50, 120)):
        image = Image.new("RGBA", (240, 240), (255, 255, 255, 0))
        noise = rng.integers(0, 2, (20, 20), dtype=np.uint8).repeat(5, 0).repeat(5, 1)
        draw = ImageDraw.Draw(image)
        draw.rectangle(box, (255, 255, 255, 255))
        draw.rectangle((140, 140, 230, 230), (0, 0, 0, 255))
        draw.line((140, 140, 230, 230), (200, 200, 200, 255), 9)
        drawings.append(image)
        del noise
    first, second = drawings
    finder = NearDuplicateFinder(min_detail=1).fit([first, second, first.copy()])
    assert finder.labels_.tolist() == [0, 1, 0]


def test_one_pixel_wide_images_and_animations_are_compared(tmp_path):
    rng = np.random.default_rng(0)
    line = rng.integers(0, 256, (200, 1), dtype=np.uint8)
    other = rng.integers(0, 256, (200, 1), dtype=np.uint8)
    frames = [Image.fromarray(rng.integers(0, 256, (90, 90), dtype=np.uint8)) for _ in range(3)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    X = [line, other, line.copy(), tmp_path / "moving.gif", frames[0]]
    labels = NearDuplicateFinder().fit_predict(X)
    assert labels[0] == labels[2] != labels[1]
    assert labels[3] == labels[4]


def test_tables_of_hashes_have_no_pixels(pictures):
    table = hash_images([*pictures, *map(Edit("resize"), pictures)], ["phash", "dhash"])
    finder = NearDuplicateFinder().fit_table(table)
    assert finder.radius_ == 12
    assert finder.pairs_._fields == ("left", "right", "distance")
    assert "weakest_link" not in finder.groups_.columns


def test_everything_stands_on_it(images, pictures, fitted):
    n_pairs = len(fitted.pairs_.left)
    assert len(drop_duplicates(images)) == len(images) - n_pairs
    assert len(find_duplicates(images)) == 2 * n_pairs
    report = leakage_report(pictures, images[len(pictures) :])
    assert report.n_pairs == n_pairs
    assert (report.pairs["agreement"] >= fitted.min_agreement).all()
    assert report.pairs["relation"].str.contains("cropped").mean() > 0.8
    strict = NearDuplicateFinder(min_agreement=1.0)
    assert leakage_report(pictures, images[len(pictures) :], finder=strict).n_pairs == 0


def test_is_known_looks_at_pixels(pictures):
    assert is_known(pictures, Edit("resize")(pictures[3]), radius=8)
    assert not is_known(pictures[1:], pictures[0], radius=40)
    assert is_known(pictures[1:], pictures[0], radius=40, verify=False)
    table = hash_images(pictures[1:], ["phash"])
    assert is_known(table, pictures[0], radius=40), "a table of hashes has no pixels"


def test_complete_linkage_joins_confirmed_pairs_alone(pictures):
    """Fades from one photo to another: near ones agree, far ones do not."""
    ends = [np.asarray(each.resize((128, 128)), dtype=float) for each in pictures[:2]]
    fades = [((1 - t) * ends[0] + t * ends[1]).astype(np.uint8) for t in np.linspace(0, 1, 16)]
    finder = NearDuplicateFinder(radius=64, linkage="complete").fit(fades)
    pairs = set(zip(finder.pairs_.left.tolist(), finder.pairs_.right.tolist(), strict=True))
    together = np.triu(finder.labels_[:, None] == finder.labels_, k=1)
    assert set(zip(*(rows.tolist() for rows in np.nonzero(together)), strict=True)) <= pairs
    assert 1 < finder.n_groups_ < 16


def test_turned_copies_are_confirmed_where_views_nominate_them(pictures):
    finder = NearDuplicateFinder(views="dihedral").fit([pictures[0], MIRROR(pictures[0])])
    pairs = finder.pairs_
    assert pairs._fields[-4:] == ("left_view", "right_view", "agreement", "relation")
    assert pairs.relation.tolist() == ["mirrored"]


def test_a_saved_finder_that_was_cut_short_is_refused(tmp_path, fitted):
    path = tmp_path / "known.finder"
    fitted.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="truncated"):
        NearDuplicateFinder.load(path)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, None, "0.9", True])
def test_an_agreement_is_a_share(wrong):
    with pytest.raises(ValueError, match=r"'min_agreement' .* range \[0, 1\]"):
        NearDuplicateFinder(min_agreement=wrong).fit(["no such file.png"])
