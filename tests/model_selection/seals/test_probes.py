"""The probes have the same digest wherever images have the same bits, and only there."""

import numpy as np
from PIL import Image

from hashfeatures import NearDuplicateFinder
from hashfeatures.model_selection.seals import _probes


def digest(**parameters):
    finder = NearDuplicateFinder(**parameters, verify=False)
    return _probes.digest_probes(_probes.hash_probes(finder))


def test_what_changes_no_bits_changes_no_digest(tmp_path, monkeypatch):
    expected = digest()
    assert digest(n_jobs=2, cache=tmp_path / "cache", max_pixels=1) == expected
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    assert digest() == expected


def test_every_probe_can_be_read_and_is_compared_by_its_hashes():
    assert _probes.hash_probes(NearDuplicateFinder()).comparable.all()


def test_another_resampling_is_noticed(monkeypatch):
    """As between Pillow 12 and 13, which round tall images in another order."""
    expected = digest()
    resize = Image.Image.resize

    def resize_in_two_steps(image, size, *args, **kwargs):
        between = (image.width, size[1])
        return resize(resize(image, between, *args, **kwargs), size, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "resize", resize_in_two_steps)
    assert digest() != expected


def test_another_decoder_is_noticed(monkeypatch):
    expected = digest()
    decode = _probes._decode_files
    monkeypatch.setattr(_probes, "_decode_files", lambda: [p ^ np.uint8(1) for p in decode()])
    assert digest() != expected


def test_installed_releases_are_listed():
    releases = _probes.list_releases()
    assert {"Pillow", "ImageHash", "numpy", "scipy"} <= set(releases)
