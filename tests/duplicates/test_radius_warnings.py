"""A radius fits the hashes it is for, or it is refused or warned of."""

import numpy as np
import pytest
from PIL import Image
from sklearn.base import clone

from hashfeatures import (
    DuplicateGroups,
    HammingNeighbors,
    HammingNeighborsTransformer,
    NearDuplicateFinder,
    ParameterError,
    RadiusWarning,
    drop_duplicates,
    hash_images,
    is_known,
    leakage_report,
)
from hashfeatures.duplicates._resolve import group_images
from hashfeatures.hashing._default_radius import default_radius, nomination_radius
from hashfeatures.hashing._spec import parse_hashes

# What matches too much makes large groups as well, which another warning tells.
pytestmark = pytest.mark.filterwarnings("ignore::hashfeatures.ChainingWarning")


@pytest.fixture(scope="module")
def tiles(photos):
    """Return 256 different cells of photos."""
    names = {"astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png"}
    chosen = [Image.open(path).convert("RGB").resize((480, 480)) for path in photos
              if path.name in names]  # fmt: skip
    return [
        photo.crop((x, y, x + 60, y + 60))
        for photo in chosen
        for y in range(0, 480, 60)
        for x in range(0, 480, 60)
    ]


@pytest.mark.parametrize("hashes", ["phash", "dhash", ("ahash", "dhash"), "phash:16", "dhash:12"])
def test_the_default_radius_is_that_of_the_hashes(tiles, hashes):
    """12 bits are many of 64 and few of 256."""
    expected = default_radius(parse_hashes(hashes)).bits
    assert NearDuplicateFinder(hashes, verify=False).fit(tiles[:3]).radius_ == expected
    nominating = nomination_radius(parse_hashes(hashes))
    assert NearDuplicateFinder(hashes).fit(tiles[:3]).radius_ == nominating > expected
    table = hash_images(tiles[:3], parse_names(hashes))
    assert NearDuplicateFinder(hashes).fit_table(table).radius_ == expected


def parse_names(hashes):
    return [str(spec) for spec in parse_hashes(hashes)]


def test_weak_hashes_warn_once_in_a_set_that_is_too_large_for_them(tiles):
    message = (
        r"Among 256 images some \d+ pairs .* match by 'colorhash', even at a radius of 0 bits"
    )
    finder = NearDuplicateFinder("colorhash", verify=False)
    with pytest.warns(RadiusWarning, match=message) as told:
        finder.fit(tiles)
    assert [each.category for each in told].count(RadiusWarning) == 1
    assert finder.radius_ == 0
    finder.fit(tiles[:3])  # of three pairs none is expected to match
    NearDuplicateFinder("colorhash", radius=0).fit(tiles)  # as was asked for
    NearDuplicateFinder("colorhash").fit(tiles)  # pixels tell different images apart


def test_whoever_takes_a_finder_warns_of_weak_hashes(tiles):
    finder = NearDuplicateFinder("colorhash", verify=False)
    with pytest.warns(RadiusWarning, match="Use more selective hashes"):
        drop_duplicates(tiles, finder=finder)
    with pytest.warns(RadiusWarning, match="Use more selective hashes"):
        leakage_report(tiles[:200], tiles[200:], finder=finder)
    table = hash_images(tiles, ["colorhash"])
    with pytest.warns(RadiusWarning, match="Use more selective hashes"):
        finder.fit_table(table)


def test_a_radius_that_matches_most_pairs_is_warned_of(tiles):
    message = r"A radius of 70 of 128 bits matches \d\d% of all pairs of images"
    fitted = NearDuplicateFinder(verify=False).fit(tiles)
    wide = NearDuplicateFinder(radius=70, linkage="complete", verify=False)
    for ask in (
        lambda: wide.fit(tiles),
        lambda: fitted.with_radius(70),
        lambda: drop_duplicates(tiles, finder=clone(wide)),
        lambda: leakage_report(tiles[:200], tiles[200:], finder=clone(wide)),
        lambda: wide.fit_table(hash_images(tiles, ["phash", "dhash"])),
    ):
        with pytest.warns(RadiusWarning, match=message):
            ask()


def test_many_copies_are_no_reason_to_warn(tiles):
    assert NearDuplicateFinder().fit([*tiles[:60], *tiles[:1] * 500]).n_groups_ > 50


def test_a_radius_of_more_bits_than_there_are_is_refused(tiles):
    """Before any image is read."""
    none = ["no such file.png"]
    for hashes, n_bits in (("dhash", 64), (("phash", "dhash"), 128), ("pdq", 256)):
        with pytest.raises(ParameterError, match=rf"'radius' .* range \[0, {n_bits}\].* Got 300"):
            NearDuplicateFinder(hashes, radius=300).fit(none)
    with pytest.raises(ParameterError, match=r"'color_radius' .* range \[0, 288\].* Got 289"):
        NearDuplicateFinder(color_radius=289).fit(none)
    with pytest.raises(ParameterError, match=r"'radius' .* is_known .* range \[0, 64\].* Got 65"):
        is_known(none, none[0], radius=65)
    fitted = NearDuplicateFinder("dhash", min_detail=0, verify=False).fit(tiles[:3])
    with pytest.raises(ParameterError, match=r"\[0, 64\].* Got 65"):
        fitted.with_radius(65)
    assert fitted.with_radius(64).n_groups_ == 1


def test_a_radius_of_more_bits_than_a_row_has_is_refused():
    """Estimators on rows of bits keep to the same rule, in every search by a radius."""
    rows = np.eye(4, dtype=np.uint8)
    neighbors = HammingNeighbors(2).fit(rows)  # the default radius, 12, is not used yet
    assert neighbors.kneighbors()[0].max() == 2
    for search in (
        DuplicateGroups(radius=5).fit,
        HammingNeighborsTransformer(radius=5).fit,
        lambda rows: neighbors.pairs(),
        lambda rows: neighbors.iter_pairs(5),
        lambda rows: neighbors.components(5),
        lambda rows: neighbors.radius_neighbors(rows, 5),
        lambda rows: neighbors.radius_neighbors_graph(rows, 5),
    ):
        with pytest.raises(ParameterError, match=r"'radius' .* range \[0, 4\].* Got (5|12)"):
            search(rows)
    assert DuplicateGroups(radius=4).fit(rows).n_groups_ == 1
    assert len(neighbors.pairs(4).left) == 6


def test_the_default_radius_for_a_matrix_of_bits_is_the_same_share_of_them():
    """12 bits of 128 are 6 of the 64 of one hash: 12 would group strangers."""
    rows = np.zeros((3, 64), dtype=np.uint8)
    rows[1, :6] = rows[2, :13] = 1
    assert group_images(rows).tolist() == [0, 0, 1]
    assert group_images(np.hstack([rows, rows])).tolist() == [0, 0, 1]
    assert group_images(rows, NearDuplicateFinder(radius=7)).tolist() == [0, 0, 0]
