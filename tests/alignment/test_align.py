"""Pictures that show the same agree, strangers do not, and maps lead from left to right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter, map_coordinates

from hashfeatures.alignment._align import ORIENTATION_MAPS, align_pairs
from hashfeatures.hashing.views._windows import ORIENTATIONS, orient

AGREE = 0.85
SIDE = 64

# From flat pictures over lone pixels to noise: what few values at few places make.
pictures = arrays(
    np.uint8, (SIDE, SIDE), elements=st.sampled_from([0, 1, 128, 255]), fill=st.just(7)
) | st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
)


def make_scene(seed, size=256):
    """Return smooth noise of several scales, from 0 to 255."""
    rng = np.random.default_rng(seed)
    scene = sum(
        sigma * gaussian_filter(rng.normal(size=(size, size)), sigma) for sigma in (4, 12, 30)
    )
    return 255 * (scene - scene.min()) / np.ptp(scene)


def draw(scene, map_=ORIENTATION_MAPS[0]):
    """Return the picture whose point (x, y) shows the scene at the map of (x, y)."""
    a, b, c, d, e, f = map_
    fine = (np.arange(4 * SIDE) + 0.5) / (4 * SIDE)
    x, y = np.meshgrid(fine, fine)
    size = len(scene)
    rows, columns = (d * x + e * y + f) * size - 0.5, (a * x + b * y + c) * size - 0.5
    drawn = map_coordinates(scene, [rows, columns], order=1, mode="nearest")
    return drawn.reshape(SIDE, 4, SIDE, 4).mean(axis=(1, 3)).round().astype(np.uint8)


def rotate_and_scale(degrees, scale_x, scale_y, x=0.0, y=0.0):
    """Return a map about the center."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b, d, e = cosine * scale_x, -sine * scale_y, sine * scale_x, cosine * scale_y
    return a, b, 0.5 - (a + b) / 2 + x, d, e, 0.5 - (d + e) / 2 + y


def as_matrix(map_):
    return np.vstack([np.reshape(map_, (2, 3)), [0, 0, 1]])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "map_",
    [
        rotate_and_scale(0, 0.98, 0.98),
        rotate_and_scale(0, 0.9, 0.9),
        rotate_and_scale(5, 1, 1),
        rotate_and_scale(-3, 0.85, 0.95, 0.04, -0.02),
        rotate_and_scale(0, 0.8, 0.8, 0.1, 0.1),
        rotate_and_scale(2, 1.1, 0.9),
    ],
)
def test_a_known_map_is_recovered(map_, seed):
    """Corners within 1 % of a side, directions within a degree."""
    scene = make_scene(seed)
    # The left picture shows the part of the right one to which the map leads.
    both = np.stack([draw(scene, map_), draw(scene)])
    agreement, maps = align_pairs(both, [0, 1], [1, 0], is_thorough=True)
    assert agreement.min() > 0.95
    corners = np.array([[0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    there = as_matrix(maps[0])
    np.testing.assert_allclose(corners @ there.T, corners @ as_matrix(map_).T, atol=0.01)
    turned = np.degrees(np.arctan2(maps[0, 3], maps[0, 0]) - np.arctan2(map_[3], map_[0]))
    assert abs(turned) < 1
    np.testing.assert_allclose(there @ as_matrix(maps[1]), np.eye(3), atol=1e-5)


def test_a_start_leads_to_a_crop_of_half_of_each_side():
    half = rotate_and_scale(0, 0.55, 0.55, 0.1, 0)
    scene = make_scene(0)
    both = np.stack([draw(scene, half), draw(scene)])
    starts = [*ORIENTATION_MAPS, rotate_and_scale(0, 0.55, 0.55, 0.12, 0.02)]
    for left, right in ((0, 1), (1, 0)):
        agreement, maps = align_pairs(both, [left], [right], starts)
        assert agreement > AGREE
        found = as_matrix(maps[0])
        known = as_matrix(half) if right else np.linalg.inv(as_matrix(half))
        np.testing.assert_allclose(found, known, atol=0.02)


@pytest.mark.parametrize(
    "map_",
    [rotate_and_scale(0, 0.4, 0.4), (1, 0, 0.7, 0, 1, 0), (0.5, 0, 0, 0, 1.4, -0.4)],
    ids=["an area of a sixth", "an overlap of 0.3", "another aspect ratio"],
)
def test_degenerate_alignments_do_not_count(map_):
    scene = make_scene(0)
    both = np.stack([draw(scene, map_), draw(scene)])
    assert align_pairs(both, [0], [1], [map_]).agreement < AGREE


def test_the_maps_of_orientations_are_those_of_the_views():
    picture = draw(make_scene(1))
    oriented = np.stack([picture, *(orient(picture, turn) for turn in ORIENTATIONS)])
    agreement, maps = align_pairs(oriented, np.zeros(8, int), np.arange(1, 9), ORIENTATION_MAPS)
    np.testing.assert_allclose(agreement, 1, atol=1e-6)
    np.testing.assert_allclose(maps, ORIENTATION_MAPS, atol=1e-6)


@pytest.mark.parametrize(
    "edit",
    [
        lambda picture: picture * 0.3 + 20,
        lambda picture: 255 * (picture / 255) ** 0.5,
        lambda picture: (picture - 128) * 1.6 + 128,
        lambda picture: picture * (1 - 0.6 * np.linspace(-1, 1, SIDE) ** 2),
        lambda picture: picture + np.random.default_rng(0).normal(0, 6, picture.shape),
        lambda picture: np.where(np.indices(picture.shape).sum(axis=0) < 20, 255, picture),
    ],
    ids=["faint", "gamma", "contrast", "vignette", "noise", "corner"],
)
def test_tones_and_small_overlays_do_not_matter(edit):
    picture = draw(make_scene(2))
    edited = edit(picture.astype(float)).clip(0, 255).round().astype(np.uint8)
    assert align_pairs(np.stack([picture, edited]), [0], [1]).agreement > AGREE


@pytest.mark.parametrize("color", [0, 255])
def test_bars_beside_a_picture_do_not_matter(color):
    scene = make_scene(3)
    barred = np.vstack([np.full((26, 256), color), scene, np.full((26, 256), color)])
    rows = np.linspace(0, len(barred) - 1, 256).astype(int)
    both = np.stack([draw(scene), draw(barred[rows].astype(float))])
    agreement, maps = align_pairs(both, [0], [1])
    assert agreement > AGREE
    np.testing.assert_allclose(maps[0], [1, 0, 0, 0, 256 / 308, 26 / 308], atol=0.02)


def test_strangers_and_negatives_do_not_agree():
    strangers = np.stack([draw(make_scene(seed)) for seed in range(10)])
    left, right = np.triu_indices(10, k=1)
    assert align_pairs(strangers, left, right, ORIENTATION_MAPS).agreement.max() < 0.5
    negative = np.stack([strangers[0], 255 - strangers[0]])
    assert align_pairs(negative, [0], [1]).agreement == 0


def test_a_common_frame_does_not_make_strangers_agree():
    """As in catalogs, where each object is a dark picture on a white page."""
    framed = np.full((6, SIDE, SIDE), 255, dtype=np.uint8)
    for seed, picture in enumerate(framed):
        picture[10:-10, 10:-10] = draw(make_scene(seed))[10:-10, 10:-10] // 2
    left, right = np.triu_indices(6, k=1)
    assert align_pairs(framed, left, right).agreement.max() < AGREE


@settings(max_examples=50)
@given(pictures, pictures, st.sampled_from([1, 2, 8]))
def test_any_pictures_have_a_symmetric_agreement(one, other, n_starts):
    """No flat picture, lone pixel or noise gives NaN, and sides do not matter."""
    both = np.stack([one, other])
    agreement, maps = align_pairs(both, [0, 1], [1, 0], ORIENTATION_MAPS[:n_starts])
    assert agreement[0] == agreement[1]
    assert 0 <= agreement[0] <= 1
    assert np.isfinite(maps).all()
    np.testing.assert_allclose(as_matrix(maps[0]) @ as_matrix(maps[1]), np.eye(3), atol=1e-4)


@settings(max_examples=20)
@given(pictures)
def test_equal_pictures_agree_entirely(picture):
    agreement, maps = align_pairs(np.stack([picture, picture]), [0], [1], ORIENTATION_MAPS)
    assert agreement == 1
    np.testing.assert_array_equal(maps, ORIENTATION_MAPS[:1])


@pytest.mark.parametrize("level", [0, 7, 255])
def test_a_flat_picture_agrees_with_no_other(level):
    flat = np.full((SIDE, SIDE), level, dtype=np.uint8)
    others = np.stack([flat, np.full_like(flat, 99), draw(make_scene(0)), flat])
    others[3, 0, 0] = 100
    agreement = align_pairs(others, np.zeros(3, int), [1, 2, 3], ORIENTATION_MAPS).agreement
    np.testing.assert_array_equal(agreement, 0)


def test_a_pair_does_not_depend_on_the_others():
    """Neither on those before it nor on those after it, so blocks of any size agree."""
    scene = make_scene(4)
    shown = [draw(scene, rotate_and_scale(k, 1 - k / 40, 1)) for k in range(5)]
    shown = np.stack([*shown, *(draw(make_scene(seed)) for seed in range(3))])
    left, right = np.triu_indices(len(shown), k=1)
    starts = [*ORIENTATION_MAPS, rotate_and_scale(4, 0.9, 0.8)]
    together = align_pairs(shown, left, right, starts)
    order = np.random.default_rng(0).permutation(len(left))
    shuffled = align_pairs(shown, left[order], right[order], starts[::-1])
    np.testing.assert_array_equal(shuffled.agreement, together.agreement[order])
    np.testing.assert_array_equal(shuffled.maps, together.maps[order])
    for pair in range(len(left)):
        alone = align_pairs(shown[[left[pair], right[pair]]], [0], [1], starts)
        assert alone.agreement == together.agreement[pair]
        np.testing.assert_array_equal(alone.maps[0], together.maps[pair])
    swapped = align_pairs(shown, right, left, starts)
    np.testing.assert_array_equal(swapped.agreement, together.agreement)


def test_no_pairs_give_no_agreements():
    agreement, maps = align_pairs(np.empty((0, SIDE, SIDE), np.uint8), [], [])
    assert agreement.shape == (0,)
    assert maps.shape == (0, 6)
