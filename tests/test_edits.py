"""Edits do what their names say, the same each time, and leave the image that they are given."""

import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hashfeatures import ParameterError
from hashfeatures.edits import EDITS, EVERYDAY_EDITS, Edit

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
HELD_OUT_EDITS = runpy.run_path(str(BENCHMARKS / "held_out_edits.py"))["HELD_OUT_EDITS"]


@pytest.fixture
def photo(noise_image):
    return noise_image(0, size=(200, 120))


def pixels(image):
    return np.asarray(image.convert("RGB"), dtype=int)


@pytest.mark.parametrize("edit", [*map(Edit, EDITS), *EVERYDAY_EDITS, *HELD_OUT_EDITS], ids=str)
def test_every_edit_changes_the_copy_and_not_the_image(edit, photo):
    before = photo.copy()
    edited = edit(photo, seed=3)
    assert edited.mode == "RGB"
    assert min(edited.size) > 10
    assert photo == before
    assert edit(photo, seed=3) == edited, "the same seed gives the same pixels"
    if edit != Edit("crop_sides"):
        assert edited.size != photo.size or (pixels(edited) != pixels(photo)).any()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2)], ids=str)
@pytest.mark.parametrize("name", EDITS)
def test_the_smallest_images_survive(name, size):
    assert min(Edit(name)(Image.new("RGB", size, "teal")).size) > 0


def test_only_noise_depends_on_the_seed(photo):
    noise = Edit("noise", sigma=20)
    assert noise(photo, seed=1) != noise(photo, seed=2)
    difference = pixels(noise(Image.new("RGB", (300, 300), "gray"))) - 128
    assert abs(difference.std() - 20) < 1
    assert abs(difference.mean()) < 0.2


@pytest.mark.parametrize(
    ("edit", "size"),
    [
        (Edit("resize", scale=0.5), (100, 60)),
        (Edit("thumbnail", side=50), (50, 30)),
        (Edit("squeeze", width=70, height=80), (70, 80)),
        (Edit("crop", share=0.05), (180, 108)),
        (Edit("crop_sides", left=0.1, bottom=0.5), (180, 60)),
        (Edit("bars", share=0.05), (200, 132)),
        (Edit("bars", share=0.05, sides="left and right"), (220, 120)),
        (Edit("bars", share=0.05, sides="all"), (220, 132)),
        (Edit("caption", share=0.1), (200, 132)),
        (Edit("pad"), (200, 200)),
        (Edit("turn", quarters=3), (120, 200)),
        (Edit("turn", quarters=4), (200, 120)),
        (Edit("rotate", degrees=4), (200, 120)),
        (Edit("zoom", factor=1.25), (200, 120)),
        (Edit("screenshot", scale=0.5, margin=0.1), (110, 66)),
    ],
    ids=str,
)
def test_sizes(edit, size, photo):
    assert edit(photo).size == size


def test_what_stays_of_the_picture_stays_where_it_was(photo):
    inner = pixels(photo)
    barred = pixels(Edit("bars", share=0.05)(photo))
    np.testing.assert_array_equal(barred[6:-6], inner)
    assert not barred[:6].any() and not barred[-6:].any()
    np.testing.assert_array_equal(pixels(Edit("caption", share=0.1)(photo))[:120], inner)
    above = Edit("caption", share=0.1, where="top")(photo)
    np.testing.assert_array_equal(pixels(above)[12:], inner)
    np.testing.assert_array_equal(pixels(Edit("mirror")(photo)), inner[:, ::-1])
    np.testing.assert_array_equal(pixels(Edit("flip")(photo)), inner[::-1])
    np.testing.assert_array_equal(pixels(Edit("turn", quarters=1)(photo)), np.rot90(inner))
    np.testing.assert_array_equal(pixels(Edit("badge")(photo))[:, :170], inner[:, :170])


def test_tones_go_the_way_they_are_named(photo):
    mean = pixels(photo).mean()
    assert pixels(Edit("brightness", factor=0.7)(photo)).mean() == pytest.approx(0.7 * mean, abs=1)
    assert pixels(Edit("gamma", value=2)(photo)).mean() < mean
    assert pixels(Edit("gamma", value=0.6)(photo)).mean() > mean
    assert pixels(Edit("contrast", factor=1.5)(photo)).std() > pixels(photo).std()
    assert np.ptp(pixels(Edit("grayscale")(photo)), axis=2).max() == 0
    assert np.ptp(pixels(Edit("saturation", factor=2)(photo)), axis=2).mean() > (
        np.ptp(pixels(photo), axis=2).mean()
    )
    red = Image.new("RGB", (9, 9), "red")
    assert Edit("hue", shift=128)(red).getpixel((0, 0)) == pytest.approx((0, 255, 255), abs=9)
    vignetted = pixels(Edit("vignette", strength=0.8)(Image.new("RGB", (101, 101), "white")))
    assert vignetted[50, 50].min() == 255
    assert vignetted[0, 0].max() == 51


def test_what_is_transparent_is_laid_on_white():
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    assert Edit("mirror")(clear).getpixel((5, 5)) == (255, 255, 255)


def test_edits_follow_one_another(photo):
    both = Edit("crop", share=0.1).then("noise", sigma=5).then("mirror")
    alone = Edit("mirror")(Edit("noise", sigma=5)(Edit("crop", share=0.1)(photo), seed=1))
    assert both(photo, seed=1) == alone
    assert str(both) == "crop share=0.1, noise sigma=5, mirror"
    assert eval(repr(both), {"Edit": Edit}) == both
    assert pickle.loads(pickle.dumps(both)) == both
    assert both != Edit("crop", share=0.1)
    assert len({both, Edit("mirror"), Edit("mirror")}) == 2


def test_names_are_not_told_twice():
    for edits in (EVERYDAY_EDITS, HELD_OUT_EDITS):
        assert len({str(edit) for edit in edits}) == len(edits)
    assert len(EVERYDAY_EDITS) == 25
    assert not set(EVERYDAY_EDITS) & set(HELD_OUT_EDITS)


def test_wrong_edits_are_told():
    with pytest.raises(ParameterError, match=r"no edit 'mirorr'. Did you mean 'mirror'\?"):
        Edit("mirorr")
    with pytest.raises(ParameterError, match=r"'crop' has no parameter 'size'.*: share\."):
        Edit("crop", size=3)
    with pytest.raises(ParameterError, match=r"'mirror' has no parameter 'x'.*: none\."):
        Edit("crop").then("mirror", x=3)
    with pytest.raises(ParameterError, match="no parameter 'seed'"):
        Edit("noise", seed=3)
