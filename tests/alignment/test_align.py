"""Pictures that show the same agree, strangers do not, and maps lead from left to right."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, map_coordinates

from hashfeatures.alignment._align import ORIENTATION_MAPS, align_pairs
from hashfeatures.hashing.views._windows import ORIENTATIONS, orient


def make_scene(seed, size=256):
    """Return smooth noise of several scales, from 0 to 255."""
    rng = np.random.default_rng(seed)
    scene = sum(
        sigma * gaussian_filter(rng.normal(size=(size, size)), sigma) for sigma in (4, 12, 30)
    )
    return 255 * (scene - scene.min()) / np.ptp(scene)


def draw(scene, map_=(1, 0, 0, 0, 1, 0)):
    """Return the picture of 64 by 64 whose point (x, y) shows the scene at the map of (x, y)."""
    a, b, c, d, e, f = map_
    fine = (np.arange(256) + 0.5) / 256
    x, y = np.meshgrid(fine, fine)
    size = len(scene)
    rows, columns = (d * x + e * y + f) * size - 0.5, (a * x + b * y + c) * size - 0.5
    drawn = map_coordinates(scene, [rows, columns], order=1, mode="nearest")
    return drawn.reshape(64, 4, 64, 4).mean(axis=(1, 3)).round().astype(np.uint8)


def rotate_and_scale(degrees, scale_x, scale_y, x=0.0, y=0.0):
    """Return a map about the center."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b, d, e = cosine * scale_x, -sine * scale_y, sine * scale_x, cosine * scale_y
    return a, b, 0.5 - (a + b) / 2 + x, d, e, 0.5 - (d + e) / 2 + y


@pytest.mark.parametrize(
    "map_",
    [
        rotate_and_scale(0, 0.9, 0.9),
        rotate_and_scale(5, 1, 1),
        rotate_and_scale(-3, 0.85, 0.95, 0.04, -0.02),
        rotate_and_scale(0, 0.8, 0.8, 0.1, 0.1),
    ],
)
def test_a_known_map_is_recovered(map_):
    scene = make_scene(0)
    # The left picture shows the part of the right one to which the map leads.
    pictures = np.stack([draw(scene, map_), draw(scene)])
    agreement, maps = align_pairs(pictures, [0, 1], [1, 0], is_thorough=True)
    assert agreement.min() > 0.95
    np.testing.assert_allclose(maps[0], map_, atol=0.01)


def test_swapping_a_pair_gives_the_same_number_and_the_inverse_map():
    pictures = np.stack(
        [draw(make_scene(0), rotate_and_scale(k, 1 - k / 50, 1)) for k in range(6)]
    )
    left, right = np.triu_indices(6, k=1)
    for starts in (ORIENTATION_MAPS[:1], ORIENTATION_MAPS, [rotate_and_scale(4, 0.9, 0.8)]):
        there, back = (
            align_pairs(pictures, left, right, starts),
            align_pairs(pictures, right, left, starts),
        )
        np.testing.assert_array_equal(there.agreement, back.agreement)
        for one, other in zip(there.maps, back.maps, strict=True):
            product = np.vstack([one.reshape(2, 3), [0, 0, 1]]) @ np.vstack(
                [other.reshape(2, 3), [0, 0, 1]]
            )
            np.testing.assert_allclose(product, np.eye(3), atol=1e-5)


def test_the_maps_of_orientations_are_those_of_the_views():
    picture = draw(make_scene(1))
    pictures = np.stack([picture, *(orient(picture, orientation) for orientation in ORIENTATIONS)])
    agreement, maps = align_pairs(pictures, np.zeros(8, int), np.arange(1, 9), ORIENTATION_MAPS)
    np.testing.assert_allclose(agreement, 1, atol=1e-6)
    np.testing.assert_allclose(maps, ORIENTATION_MAPS, atol=1e-6)


def test_strangers_and_negatives_do_not_agree():
    pictures = np.stack([draw(make_scene(seed)) for seed in range(10)])
    left, right = np.triu_indices(10, k=1)
    assert align_pairs(pictures, left, right, ORIENTATION_MAPS).agreement.max() < 0.5
    pictures = np.stack([pictures[0], 255 - pictures[0]])
    assert align_pairs(pictures, [0], [1]).agreement == 0
