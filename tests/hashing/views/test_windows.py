"""Views are the hashes of the image really turned, cropped and rotated, but for a few bits."""

import pickle

import numpy as np
import pytest
from PIL import Image

from hashfeatures import ParameterError
from hashfeatures.edits import Edit
from hashfeatures.hashing._planes import ImagePlanes, measure_detail
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.hashing.views._view_hashes import ViewsSpec, measure_grids
from hashfeatures.hashing.views._windows import ORIENTATIONS, VIEW_SETS, map_windows

TWO = parse_hashes(["phash", "dhash"])


def view_bits(image, views="robust", hashes=TWO):
    spec = ViewsSpec.of(hashes, views)
    bits = spec.algorithm.compute(ImagePlanes(image.convert("L")), spec.size)
    assert bits.shape == spec.shape
    return bits


def own_bits(image, hashes=TWO):
    planes = ImagePlanes(image.convert("L"))
    return np.concatenate([spec.algorithm.compute(planes, spec.size).ravel() for spec in hashes])


@pytest.fixture(scope="module")
def pictures(photos):
    names = ["astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg"]
    by_name = {path.name: path for path in photos}
    return [Image.open(by_name[name]).convert("RGB") for name in names]


@pytest.mark.parametrize("views", VIEW_SETS)
def test_the_first_view_has_the_bits_of_the_hashes(pictures, views):
    for picture in pictures:
        np.testing.assert_array_equal(view_bits(picture, views)[0], own_bits(picture))


@pytest.mark.parametrize("turn", range(8), ids=[turn.name or "as it is" for turn in ORIENTATIONS])
def test_turned_views_are_those_of_turned_images(pictures, turn):
    transposed, rows_reversed, columns_reversed = ORIENTATIONS[turn][1:]
    distances = []
    for picture in pictures:
        pixels = np.asarray(picture)
        pixels = pixels.swapaxes(0, 1) if transposed else pixels
        pixels = pixels[::-1] if rows_reversed else pixels
        pixels = pixels[:, ::-1] if columns_reversed else pixels
        turned = Image.fromarray(np.ascontiguousarray(pixels))
        distances.append((view_bits(picture, "dihedral")[turn] != own_bits(turned)).sum())
    assert max(distances) <= 8
    assert np.mean(distances) <= 3


def test_turns_are_named_as_pillow_turns():
    named = {turn.name: index for index, turn in enumerate(ORIENTATIONS)}
    pixels = np.arange(12).reshape(3, 4)
    for degrees, quarters in ((90, 1), (180, 2), (270, 3)):
        _, transposed, rows, columns = ORIENTATIONS[named[f"turned by {degrees}°"]]
        turned = pixels.T if transposed else pixels
        turned = turned[:: -1 if rows else 1, :: -1 if columns else 1]
        np.testing.assert_array_equal(turned, np.rot90(pixels, quarters))
    assert len({turn[1:] for turn in ORIENTATIONS}) == 8


@pytest.mark.parametrize("window", range(len(VIEW_SETS["robust"].windows)))
def test_windows_are_those_of_cropped_and_rotated_images(pictures, window):
    shown = VIEW_SETS["robust"].windows[window]
    distances = []
    for picture in pictures:
        edited = picture
        if shown.degrees:
            edited = Edit("rotate", degrees=shown.degrees)(edited)
        sides = {side: getattr(shown, side) for side in ("left", "top", "right", "bottom")}
        edited = Edit("crop_sides", **sides)(edited)
        distances.append((view_bits(picture)[8 * window] != own_bits(edited)).sum())
    assert max(distances) <= 10
    assert np.mean(distances) <= 5


def test_one_view_leaves_borders_and_captions_away(pictures):
    robust = VIEW_SETS["robust"]
    inner = next(index for index, window in enumerate(robust.windows) if window.inner)
    for picture in pictures:
        for edit in (
            Edit("caption", share=0.15),
            Edit("bars", share=0.2),
            Edit("caption", share=0.1, where="top").then("bars", share=0.05, sides="all"),
        ):
            bits = view_bits(edit(picture))[robust.n_orientations * inner]
            assert (bits != own_bits(picture)).sum() <= 10


def test_the_whole_window_is_the_whole_plate():
    windows = VIEW_SETS["robust"].windows[:1]
    (whole,) = map_windows(windows, np.zeros((30, 70), dtype=np.uint8))
    np.testing.assert_allclose(whole, [1, 0, 0, 0, 1, 0])


def test_base_views_are_not_turned():
    for views in VIEW_SETS.values():
        assert all(view % views.n_orientations == 0 for view in views.base_views)
        names = [views.name_view(view) for view in range(views.n_views)]
        assert len(set(names)) == views.n_views
        assert names[0] == "as it is"
    assert VIEW_SETS["robust"].name_view(9) == "cropped by 5% a side, mirrored"


@pytest.mark.parametrize("names", [["phash:16"], ["dhash:5"], ["phash:3", "dhash:16"]], ids=str)
def test_hashes_of_any_size(pictures, names):
    hashes = parse_hashes(names)
    n_bits = sum(spec.n_bits for spec in hashes)
    bits = view_bits(pictures[0], "dihedral", hashes)
    assert bits.shape[1] % 64 == 0
    assert not bits[:, n_bits:].any()
    mirrored = own_bits(Edit("mirror")(pictures[0]), hashes)
    assert (bits[1, :n_bits] != mirrored).mean() < 0.06


@pytest.mark.parametrize("size", [(1, 1), (2, 50), (50, 1)], ids=str)
def test_the_smallest_images_have_views(size):
    assert view_bits(Image.new("L", size, 7)).shape == (96, 128)


def test_the_spec_travels_to_workers_and_is_named_for_the_cache():
    spec = ViewsSpec.of(TWO, "robust")
    copy = pickle.loads(pickle.dumps(spec))
    assert copy == spec
    assert str(copy) == "robust views of phash, dhash"
    assert spec.n_words == 2
    spec.check_installed()


def test_hashes_without_views_are_told():
    with pytest.raises(ParameterError, match=r"Only 'phash' and 'dhash' support views='flips'"):
        ViewsSpec.of(parse_hashes(["phash", "ahash"]), "flips")


def test_the_detail_of_a_grid_is_that_of_the_image(photos):
    """At the side of 64 it is the same measure, at half of that nearly; photos have much of it."""
    for path in photos:
        with Image.open(path) as opened:
            planes = ImagePlanes(opened.convert("L"))
        detail = measure_detail(planes)
        (at_64,), (at_32,) = (
            measure_grids(planes.lanczos(side, side).astype(np.float32)[None]) for side in (64, 32)
        )
        assert at_64 == detail
        assert at_32 >= 10 or detail < 40


@pytest.mark.parametrize("shade", ["flat", "a gradient"])
def test_windows_without_detail_have_the_bits_of_the_whole(shade):
    """Of a page with a noisy edge, the crops are blank: what they would be hashed to is noise."""
    edge = np.random.default_rng(0).integers(0, 256, (20, 15), dtype=np.uint8)
    page = edge.repeat(20, axis=0).repeat(20, axis=1)
    page[5:-5, 5:-5] = 250 if shade == "flat" else np.linspace(250, 160, 290)
    planes = ImagePlanes(Image.fromarray(page))
    assert measure_detail(planes) >= 10
    spec = ViewsSpec.of(TWO, "robust", min_detail=10)
    bits = spec.algorithm.compute(planes, spec.size).reshape(12, 8, 128)
    assert str(spec) == "robust views of phash, dhash, of detail 10"
    np.testing.assert_array_equal(bits[0], view_bits(Image.fromarray(page)).reshape(12, 8, 128)[0])
    for window in (1, 3, 10, 11):  # cropped or rotated: no edge is left
        np.testing.assert_array_equal(bits[window], bits[0])


def test_windows_with_detail_are_looked_at(pictures):
    for picture in pictures:
        spec = ViewsSpec.of(TWO, "robust", min_detail=10)
        bits = spec.algorithm.compute(ImagePlanes(picture), spec.size)
        np.testing.assert_array_equal(bits, view_bits(picture))


def test_a_set_of_whole_images_alone_knows_no_detail():
    assert ViewsSpec.of(TWO, "dihedral", min_detail=10) == ViewsSpec.of(TWO, "dihedral")
