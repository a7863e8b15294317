"""Images are identical if and only if their pixels are equal, whatever files hold them."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hashfeatures import DuplicateGroups, NearDuplicateFinder
from hashfeatures.model_selection._parts import compare_parts
from hashfeatures.model_selection.audit._identical import label_identical


def partition(keys):
    """Return keys numbered in order of first appearance."""
    first = {}
    return [first.setdefault(key, len(first)) for key in keys]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 3)), min_size=2))
def test_labels_follow_the_pixels(noise_image, encode, images):
    """Images share a label exactly if they show the same, in memory and in any lossless file."""
    sources, keys = [], []
    for seed, is_changed, kind in images:
        image = noise_image(seed, size=(120, 90))
        if is_changed:
            image.putpixel((3, 3), tuple(255 - value for value in image.getpixel((3, 3))))
        forms = (image, np.asarray(image), encode(image), encode(image, "BMP"))
        sources.append(forms[kind])
        keys.append((seed, is_changed))
    parts = compare_parts("test", {"train": sources[:1], "test": sources[1:]})
    assert label_identical(parts).tolist() == partition(keys)


def test_urls_are_not_fetched_again(noise_image):
    """Images at URLs are identical if their thumbnails and sizes are equal."""
    small, large = noise_image(0), noise_image(0, size=(80, 60))
    parts = compare_parts("test", {"train": [small, large], "test": [small, noise_image(1)]})
    urls = [f"http://127.0.0.1:9/{row}.png" for row in range(4)]
    assert label_identical(replace(parts, sources=urls)).tolist() == [0, 1, 0, 2]


def test_without_thumbnails_only_files_prove_it(noise_image, image_files):
    """Equal hashes alone prove nothing of an image that cannot be read again."""
    finder = NearDuplicateFinder(verify=False)
    parts = compare_parts("test", {"train": [noise_image(0)], "test": [noise_image(0)]}, finder)
    assert label_identical(parts).tolist() == [0, 0]
    gone = replace(parts, sources=["gone/1.png", "gone/2.png"])
    assert label_identical(gone).tolist() == [0, 1]


def test_bits_have_no_pixels():
    parts = compare_parts("test", {"train": [[0, 1]], "test": [[0, 1]]}, DuplicateGroups(0))
    assert label_identical(parts) is None
