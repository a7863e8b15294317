"""Transparency is part of what an image shows."""

import numpy as np

from hashfeatures.alignment._align import ORIENTATION_MAPS
from hashfeatures.alignment._opacity import match_opacity

IDENTITY = np.array(ORIENTATION_MAPS[:1], dtype=np.float32)


def match(one, other, maps=IDENTITY):
    return bool(match_opacity(np.stack([one, other]), np.array([0]), np.array([1]), maps)[0])


def test_other_transparent_parts_do_not_match():
    top, left = np.full((2, 16, 16), 255, dtype=np.uint8)
    top[:6], left[:, :6] = 0, 0
    assert match(top, top)
    assert not match(top, left)
    assert not match(left, top)


def test_what_was_laid_on_a_background_matches():
    clear, opaque = np.zeros((16, 16), dtype=np.uint8), np.full((16, 16), 255, dtype=np.uint8)
    clear[4:9, 3:12] = 255
    assert match(clear, opaque)
    assert match(opaque, clear)


def test_transparency_turns_with_the_image():
    corner = np.full((16, 16), 255, dtype=np.uint8)
    corner[:8, :8] = 0
    mirrored = np.array(ORIENTATION_MAPS[1:2], dtype=np.float32)
    assert match(corner, corner[:, ::-1], mirrored)
    assert not match(corner, corner[:, ::-1])


def test_antialiased_edges_match_after_resizing():
    rng = np.random.default_rng(0)
    edges = np.full((16, 16), 255, dtype=np.uint8)
    edges[:3] = rng.integers(60, 200, (3, 16))
    near = np.clip(edges.astype(int) + rng.integers(-20, 20, (16, 16)), 0, 255).astype(np.uint8)
    assert match(edges, near)
