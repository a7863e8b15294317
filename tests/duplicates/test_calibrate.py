"""The radius is fitted to the images; what cannot be known is told, the rest still computed."""

import json
import warnings
from contextlib import nullcontext

import matplotlib
import numpy as np
import pytest
from PIL import Image

from hashfeatures import (
    Calibration,
    CalibrationWarning,
    ChainingWarning,
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    RadiusWarning,
    calibrate,
    hash_images,
)
from hashfeatures._utils.kernels import load_kernels
from hashfeatures.duplicates.calibration._limits import Limits
from hashfeatures.duplicates.calibration._trial import SAME_PICTURE
from hashfeatures.edits import Edit
from hashfeatures.hashing._planes import ImagePlanes, measure_detail

EDITS = [Edit("resize"), Edit("recompress", quality=20), Edit("crop", share=0.05), Edit("mirror")]


@pytest.fixture(scope="module")
def tiles(photos):
    """Return 94 different crops of photos that have detail."""
    by_name = {path.name: path for path in photos}
    names = ["astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png"]
    cut = []
    for name in [*names, "rocket.jpg", "ihc.png"]:
        photo = Image.open(by_name[name]).convert("RGB").resize((480, 480))
        cut += [
            photo.crop((x, y, x + 120, y + 120))
            for y in range(0, 480, 120)
            for x in range(0, 480, 120)
        ]
    return [tile for tile in cut if measure_detail(ImagePlanes(tile)) >= 10]


HASHES_ALONE = NearDuplicateFinder(verify=False)


@pytest.fixture(scope="module")
def calibration(tiles):
    return calibrate(tiles, finder=HASHES_ALONE, edits=EDITS, n_edited=20, target=300)


@pytest.fixture(scope="module")
def confirmed(tiles):
    return calibrate(tiles, edits=EDITS, n_edited=20, target=300)


@pytest.fixture(scope="module")
def look_alikes(photos):
    """Return 80 crops of one photo that overlap, each with a corner of its own: no two agree to
    0.92, and many to 0.7."""
    photo = Image.open(next(path for path in photos if path.name == "chelsea.png")).convert("RGB")
    rng = np.random.default_rng(0)
    images = []
    for _ in range(80):
        pixels = np.asarray(photo.crop((100, 50, 300, 250))).copy()
        size = int(rng.integers(70, 130))
        y, x = rng.integers(0, 200 - size, 2)
        pixels[y : y + size, x : x + size] = rng.integers(0, 256, (size, size, 3)) // 2
        images.append(pixels)
    return images


def test_the_table_tells_of_each_radius(calibration, tiles):
    table = calibration.table
    assert table.index.tolist() == list(range(len(table)))
    assert len(table) > 24
    assert table.index.name == "radius"
    for name in ("recall", "false_per_million", "false_in_set"):
        low, value, high = (table[f"{name}{end}"] for end in ("_low", "", "_high"))
        assert (low <= value + 1e-9).all() and (value <= high + 1e-9).all()
        assert (value.diff().dropna() >= -1e-9).all(), "more is found at a greater radius"
    n_pairs = len(tiles) * (len(tiles) - 1) / 2
    np.testing.assert_allclose(table["false_in_set"], table["false_per_million"] * n_pairs / 1e6)
    edits = [str(edit) for edit in EDITS]
    np.testing.assert_allclose(table["recall"], table[edits].mean(axis=1))
    assert table.loc[12, "resize"] > 0.9
    assert table.loc[24, "mirror"] < 0.2


def test_the_table_tells_of_each_radius_and_agreement(confirmed, tiles):
    """With pixels, all figures are those after confirmation."""
    table = confirmed.table
    radii, agreements = table.index.levels
    assert table.index.names == ["radius", "min_agreement"]
    assert radii.tolist() == list(range(29))
    assert agreements.is_monotonic_increasing and agreements[-1] == SAME_PICTURE
    assert 0.85 in agreements
    assert len(table) == len(radii) * len(agreements)
    edits = [str(edit) for edit in EDITS]
    np.testing.assert_allclose(table["recall"], table[edits].mean(axis=1))
    trial = confirmed.trial
    for radius, least in ((28, 0.85), (12, 0.9)):
        found = (trial.copies <= radius) & (trial.copy_agreements >= np.float32(least))
        assert table.loc[(radius, least), "recall"] == pytest.approx(found.mean())
    assert table.loc[(28, 0.85), "resize"] > 0.9


def test_wider_limits_find_no_less(confirmed):
    """Neither the figures nor the ends of their intervals fall as the limits widen."""
    for name in ("recall", "false_per_million", "false_in_set"):
        low, value, high = (
            confirmed.table[f"{name}{end}"].unstack().to_numpy() for end in ("_low", "", "_high")
        )
        assert (low <= value + 1e-9).all() and (value <= high + 1e-9).all()
        for part in (low, value, high):
            assert (np.diff(part, axis=0) >= -1e-9).all()
            assert (np.diff(part, axis=1) <= 1e-9).all()


def test_ordinary_images_keep_the_defaults(confirmed):
    finder = NearDuplicateFinder()
    assert confirmed.radius == finder._comparison().usual_radius
    assert confirmed.min_agreement == finder.min_agreement
    assert "radius 28 bits and agreement 0.85" in str(confirmed)


def test_look_alikes_raise_the_agreement(look_alikes):
    """Where different images agree well, pairs must agree better to be near duplicates."""
    finder = NearDuplicateFinder(min_agreement=0.6)
    found = calibrate(look_alikes, finder=finder, edits=EDITS, n_edited=20, target=300)
    assert found.min_agreement > 0.6
    row = found.table.loc[(found.radius, found.min_agreement)]
    assert row["false_per_million"] <= 300
    assert found.table.loc[(28, 0.6), "false_per_million"] > 300
    assert row["recompress quality=20"] > 0.9


def test_an_agreement_is_at_least_the_given_one(tiles):
    strict = NearDuplicateFinder(min_agreement=0.975)
    found = calibrate(tiles, finder=strict, edits=EDITS, n_edited=5, target=300)
    assert found.min_agreement == 0.975


def test_many_pairs_are_a_smaller_sample(look_alikes, monkeypatch):
    """Look-alikes have so many near pairs that not all can be aligned."""
    whole = calibrate(look_alikes, edits=EDITS[:1], n_edited=2)
    monkeypatch.setattr("hashfeatures.duplicates.calibration._trial._MOST_PAIRS", 300)
    part = calibrate(look_alikes, edits=EDITS[:1], n_edited=2)
    assert len(whole.trial.near) > 600
    assert len(part.trial.near) < 500
    assert len(part.trial.rows) < len(whole.trial.rows)
    assert np.isin(part.trial.near[["left", "right"]], part.trial.rows).all()
    pairs = ["left", "right", "distance", "agreement"]
    assert len(part.trial.near.merge(whole.trial.near, on=pairs)) == len(part.trial.near)


def test_alignments_are_comparable_up_to_the_same_picture():
    """Pairs that agree better are not aligned, so that their agreement is a lower bound."""
    assert load_kernels("alignment")._ENOUGH >= SAME_PICTURE


def test_the_radius_keeps_to_the_target(calibration):
    rates = calibration.table["false_per_million"]
    assert rates[calibration.radius] <= 300 < rates[calibration.radius + 1]


def test_no_end_falls_where_the_radius_grows(calibration):
    for name in ("recall", "false_per_million", "false_in_set"):
        for end in ("_low", "_high"):
            assert (calibration.table[f"{name}{end}"].diff().dropna() >= 0).all()


def test_a_radius_rests_on_the_upper_end_or_says_that_it_cannot(tiles, calibration):
    """The estimate of few pairs is as often too low as too high."""
    assert calibration.summary()["rests_on"] == "false_per_million"
    assert "by the estimate alone: 94 different images cannot prove a rate of 300" in str(
        calibration
    )
    proved = calibrate(tiles, finder=HASHES_ALONE, edits=EDITS, n_edited=5, target=20_000)
    assert proved.summary()["rests_on"] == "false_per_million_high"
    assert "by the estimate" not in str(proved)
    high = proved.table["false_per_million_high"]
    assert high[proved.radius] <= 20_000 < high[proved.radius + 1]


def test_a_calibration_says_what_takes_long(tiles, capsys, monkeypatch):
    """Bars, if asked for or somebody looks; else a line for whoever collects logs."""
    calibrate(tiles[:30], edits=EDITS[:2], n_edited=2, progress=False)
    assert not capsys.readouterr().err
    calibrate(tiles[:30], edits=EDITS[:2], n_edited=2, progress=True)
    told = capsys.readouterr().err
    assert "aligning near pairs" in told and "looking for edited copies" in told
    said = []
    monkeypatch.setattr(
        "hashfeatures.duplicates.calibration._trial.busy",
        lambda doing: said.append(doing) or nullcontext(),
    )
    calibrate(tiles[:30], edits=EDITS[:2], n_edited=2)
    assert [each.split()[:2] for each in said] == [
        ["calibrating:", "hashing"],
        ["calibrating:", "aligning"],
        ["calibrating:", "looking"],
    ]
    with pytest.raises(ParameterError, match="'progress' parameter of calibrate"):
        calibrate(tiles[:30], progress="yes")


def test_the_table_counts_what_the_bits_say(calibration, tiles):
    reach = len(calibration.table) - 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainingWarning)
        warnings.simplefilter("ignore", RadiusWarning)
        finder = NearDuplicateFinder(radius=reach, verify=False).fit(tiles)
    assert len(finder.pairs_.left) == len(calibration.trial.near)
    assert not calibration.trial.near["same"].any()
    counts = np.cumsum(np.bincount(finder.pairs_.distance, minlength=reach + 1))
    counted = counts >= 10
    rates = calibration.table["false_per_million"]
    np.testing.assert_allclose(rates[counted], 1e6 * counts[counted] / (94 * 93 / 2))
    assert rates[counted].size > 10
    copies = [Edit("recompress", quality=20)(tiles[row]) for row in range(94)]
    known = NearDuplicateFinder(radius=12, verify=False).fit(tiles)
    assert len(known.matches(copies).left) >= 90


def test_the_table_counts_what_the_finder_confirms(look_alikes):
    found = calibrate(look_alikes, edits=EDITS[:1], n_edited=2)
    near = found.trial.near
    for radius, least in ((28, 0.85), (20, 0.75)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ChainingWarning)
            warnings.simplefilter("ignore", RadiusWarning)
            finder = NearDuplicateFinder(radius=radius, min_agreement=least).fit(look_alikes)
        accepted = near[(near["distance"] <= radius) & (near["agreement"] >= np.float32(least))]
        pairs = set(zip(finder.pairs_.left, finder.pairs_.right, strict=True))
        assert pairs == set(zip(accepted["left"], accepted["right"], strict=True))
        n_apart = int((~accepted["same"]).sum())
        if n_apart >= 10:
            rate = 1e6 * n_apart / found.trial.n_pairs
            assert found.table.loc[(radius, least), "false_per_million"] == pytest.approx(rate)


def test_true_duplicates_are_set_aside(tiles, calibration):
    """Copies in the set would be taken for false matches, and the radius be far too small."""
    copies = [Edit("recompress", quality=70)(tile) for tile in tiles[::3]]
    both = calibrate(
        [*tiles, *copies, *tiles[:20]],
        finder=HASHES_ALONE,
        edits=EDITS,
        n_edited=20,
        target=300,
    )
    assert both.trial.near["same"].sum() > 50
    assert both.trial.n_different == pytest.approx(len(tiles), abs=3)
    assert abs(both.radius - calibration.radius) <= 4
    assert both.table.loc[4, "false_per_million"] < 300
    settings = {"edits": EDITS[:1], "n_edited": 5, "target": 300}
    pixels = calibrate([*tiles, *copies, *tiles[:20]], **settings)
    assert (pixels.radius, pixels.min_agreement) == (28, 0.85)
    assert pixels.table.loc[(28, 0.85), "false_per_million"] < 300


def test_views_are_calibrated_too(tiles):
    settings = {"edits": EDITS, "n_edited": 10, "target": 300}
    finder = NearDuplicateFinder(views="robust", verify=False)
    robust = calibrate(tiles, finder=finder, **settings)
    assert robust.table.loc[9, "mirror"] == 1
    assert robust.table.loc[9, "crop share=0.05"] > 0.9
    finder = NearDuplicateFinder(views="dihedral")
    turned = calibrate(tiles, finder=finder, **settings)
    assert turned.table.loc[(28, 0.85), "mirror"] == 1


def test_colors_count_if_they_are_asked_for(tiles):
    edits = [Edit("grayscale"), Edit("hue", shift=100), *map(Edit, ["resize", "resize"])]
    settings = {"edits": edits, "n_edited": 10, "target": 300}
    light = calibrate(tiles, finder=HASHES_ALONE, **settings)
    by_colors = NearDuplicateFinder(color_radius=15, verify=False)
    colors = calibrate(tiles, finder=by_colors, **settings)
    assert light.trial.edits == ["grayscale", "hue shift=100", "resize", "resize (3)"]
    assert light.table.loc[20, "hue shift=100"] > 0.8
    assert colors.table.loc[20, "hue shift=100"] < 0.3
    assert colors.table.loc[20, "resize"] > 0.8
    within = [np.cumsum(np.bincount(each.trial.near["distance"])) for each in (colors, light)]
    assert (within[0][:25] <= within[1][:25]).all()
    confirmed = calibrate(tiles, finder=NearDuplicateFinder(color_radius=15), **settings)
    assert confirmed.table.loc[(28, 0.85), "hue shift=100"] < 0.3
    assert confirmed.table.loc[(28, 0.85), "resize"] > 0.8


def test_the_finder_calibrates_itself(tiles):
    finder = NearDuplicateFinder(radius="calibrated").fit(tiles)
    assert finder.radius == "calibrated"
    found = calibrate(tiles)
    assert (finder.radius_, finder.min_agreement_) == (found.radius, found.min_agreement)
    with_it = NearDuplicateFinder(radius=finder.radius_).fit(tiles)
    np.testing.assert_array_equal(finder.labels_, with_it.labels_)
    alone = NearDuplicateFinder(radius="calibrated", verify=False).fit(tiles)
    assert alone.radius_ == calibrate(tiles, finder=HASHES_ALONE).radius
    assert alone.min_agreement_ is None


def test_a_fitted_finder_keeps_its_agreement(look_alikes, monkeypatch, tmp_path):
    """All that tests pairs after the fit uses the calibrated agreement, not the given one."""
    limits = Limits(28, 0.8)
    monkeypatch.setattr(
        "hashfeatures.duplicates._finder.recommend_limits", lambda *args, **options: limits
    )
    first, more = look_alikes[:24], look_alikes[24:40]
    settings = {"min_agreement": 0.6, "linkage": "complete"}
    calibrated = NearDuplicateFinder("phash", radius="calibrated", **settings)
    expected = NearDuplicateFinder("phash", radius=28, **settings | {"min_agreement": 0.8})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RadiusWarning)
        calibrated.fit(first)
        expected.fit(first)
        loose = NearDuplicateFinder("phash", radius=28, **settings).fit(first)
        assert 0 < len(expected.pairs_.left) < len(loose.pairs_.left)
        calibrated.save(tmp_path / "saved")
        loaded = NearDuplicateFinder.load(tmp_path / "saved")
        narrower = [each.with_radius(20) for each in (calibrated, loaded, expected)]
        for finder in (calibrated, loaded, *narrower[:2]):
            wanted = narrower[2] if finder in narrower else expected
            assert finder.min_agreement_ == 0.8
            for left, right in (
                (finder.pairs_, wanted.pairs_),
                (finder.matches(more), wanted.matches(more)),
            ):
                np.testing.assert_array_equal(left.left, right.left)
                np.testing.assert_array_equal(left.right, right.right)
                assert left.agreement.min() >= 0.8
            assert finder.groups_.equals(wanted.groups_)
            assert finder.summary()["min_agreement"] == 0.8
        expected.partial_fit(more)
        for finder in (calibrated, loaded):
            finder.partial_fit(more)
            np.testing.assert_array_equal(finder.pairs_.left, expected.pairs_.left)
            np.testing.assert_array_equal(finder.labels_, expected.labels_)
            assert finder.min_agreement_ == 0.8


def test_the_same_seed_gives_the_same_table(tiles, calibration):
    settings = {"finder": HASHES_ALONE, "edits": EDITS, "n_edited": 20, "target": 300}
    again = calibrate(tiles, **settings)
    assert again.table.equals(calibration.table)
    other = calibrate(tiles, **settings, random_state=1)
    assert not other.table.equals(calibration.table)


def test_the_summary_is_plain(calibration, confirmed, tiles):
    with_pixels = json.loads(json.dumps(confirmed.summary()))
    assert (with_pixels["radius"], with_pixels["min_agreement"]) == (28, 0.85)
    assert with_pixels["recall"] == confirmed.table.loc[(28, 0.85), "recall"]
    told = json.loads(json.dumps(calibration.summary()))
    assert told["radius"] == calibration.radius
    assert told["min_agreement"] is None
    assert told["images"] == told["sampled"] == len(tiles)
    assert told["edited"] == 20 and told["edits"] == 4
    assert next(iter(told["worst_edits"])) in ("mirror", "crop share=0.05")
    text = str(calibration)
    assert f"radius {calibration.radius} bits" in text
    assert "false matches in the whole set of 94" in text
    assert repr(calibration).startswith("<Calibration: radius")


def test_the_set_may_be_larger_than_the_sample(tiles, calibration):
    settings = {"finder": HASHES_ALONE, "edits": EDITS, "n_edited": 20, "target": 300}
    larger = calibrate(tiles, **settings, n_images=10_000)
    ratio = larger.table["false_in_set"] / calibration.table["false_in_set"]
    np.testing.assert_allclose(ratio, 10_000 * 9_999 / (94 * 93))
    sampled = calibrate(tiles, edits=EDITS, n_edited=5, n_sampled=40)
    assert len(sampled.trial.rows) == 40


def test_borderline_pairs_are_there_to_look_at(calibration, tiles):
    pairs = calibration.borderline
    assert 0 < len(pairs) <= 20
    assert pairs["distance"].is_monotonic_increasing
    assert pairs.loc[0, "left_image"] is tiles[pairs.loc[0, "left"]]


def test_borderline_pairs_agree_about_as_well_as_they_must(look_alikes):
    found = calibrate(look_alikes, edits=EDITS[:1], n_edited=2)
    pairs = found.borderline
    assert len(pairs) == 20
    assert (pairs["distance"] <= found.radius).all()
    assert pairs["agreement"].is_monotonic_increasing
    near = found.trial.near
    misses = (near["agreement"][near["distance"] <= found.radius] - found.min_agreement).abs()
    assert (pairs["agreement"] - found.min_agreement).abs().max() <= misses.nsmallest(20).max()


def test_the_figure_is_drawn(calibration, confirmed):
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    ax = calibration.plot()
    assert ax.get_xlabel() == "radius in bits"
    ax = confirmed.plot()
    assert ax.get_xlabel() == "least agreement, at a radius of 28 bits"
    assert ax.get_xlim()[0] > ax.get_xlim()[1], "limits widen to the right"
    _, given = plt.subplots()
    assert calibration.plot(given) is given
    plt.close("all")


def test_too_few_different_images_still_have_a_recall(tiles):
    with pytest.warns(CalibrationWarning, match=r"Only 5 of the images differ .* at least 20"):
        few = calibrate(tiles[:5], finder=HASHES_ALONE, edits=EDITS)
    assert few.radius == 12
    assert few.table["false_per_million"].isna().all()
    assert few.table.loc[12, "resize"] > 0.5
    json.dumps(few.summary())
    with pytest.warns(CalibrationWarning, match=r"agreement stays at 0\.85 and the radius at 28"):
        pixels = calibrate(tiles[:5], edits=EDITS)
    assert (pixels.radius, pixels.min_agreement) == (28, 0.85)
    with pytest.warns(CalibrationWarning, match="at 5 bits"):
        given = calibrate(tiles[:5], finder=NearDuplicateFinder(radius=np.int64(5)), edits=EDITS)
    assert given.radius == 5
    matplotlib.use("Agg")
    few.plot()
    pixels.plot()
    matplotlib.pyplot.close("all")


def test_copies_of_one_image_are_one_image(tiles):
    copies = [Edit("noise", sigma=3)(tiles[0], seed) for seed in range(30)]
    with pytest.warns(CalibrationWarning, match="Only 1 of the images differ"):
        one = calibrate(copies, edits=EDITS)
    assert one.trial.n_different == 1
    assert one.trial.n_pairs == 0
    assert len(one.trial.copies) == 1


def test_flat_images_are_nothing_to_calibrate_on():
    flat = [np.full((60, 60), level, dtype=np.uint8) for level in range(30)]
    with pytest.raises(ValueError, match=r"Of 30 images, 0 could not be read and 30 have less"):
        calibrate(flat)
    with (
        pytest.warns(FailedImagesWarning),
        pytest.raises(ValueError, match=r"Of 2 images, 2 could not be read and 0 have less"),
    ):
        calibrate([None, "no such file.png"])
    with pytest.raises(ValueError, match="Of 0 images"):
        calibrate([])


def test_what_cannot_be_read_is_left_out(tiles):
    with pytest.warns(FailedImagesWarning):
        some = calibrate([None, *tiles], edits=EDITS, n_edited=3)
    assert 0 not in some.trial.rows
    assert len(some.trial.rows) == len(tiles)


def test_an_edit_that_raises_is_told_and_left_out(tiles):
    def broken(image):
        raise RuntimeError("no such filter")

    def half(image):
        return image.resize((60, 60))

    with pytest.warns(
        CalibrationWarning, match="1 of 3 edits raised.*\n.*broken: RuntimeError: no"
    ):
        some = calibrate(tiles, edits=[half, broken, EDITS[0]], n_edited=5)
    assert some.trial.edits == ["half", "resize"]
    assert some.summary()["failed_edits"] == {"broken": "RuntimeError: no such filter"}
    with pytest.warns(CalibrationWarning, match="1 of 1 edits"):
        none = calibrate(tiles, edits=[broken])
    assert none.table["recall"].isna().all()
    assert none.table["false_per_million"].notna().all()


def test_hashes_that_tell_nothing_are_told(tiles):
    finder = NearDuplicateFinder(hashes="ahash:2", verify=False)
    with pytest.warns(CalibrationWarning, match="No radius meets the target of 10 false matches"):
        assert calibrate(tiles, finder=finder, edits=EDITS, n_edited=3).radius == 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"target": 0}, r"'target' parameter of calibrate .* \(0, inf\). Got 0"),
        ({"target": "low"}, "'target' parameter"),
        ({"n_edited": 0}, "'n_edited' parameter"),
        ({"n_images": -1}, "'n_images' parameter"),
        ({"finder": "phash"}, "'finder' parameter of calibrate must be None or a NearDuplicate"),
    ],
    ids=str,
)
def test_wrong_parameters_are_told(wrong, message):
    with pytest.raises(ParameterError, match=message):
        calibrate(["no such file.png"], **wrong)


def test_the_result_is_public(calibration):
    assert isinstance(calibration, Calibration)


def test_hashes_alone_have_no_agreement(tiles):
    """A table of hashes holds no pixels, whatever radius it is grouped by."""
    table = hash_images(tiles[:20], ["phash", "dhash"])
    finder = NearDuplicateFinder().fit_table(table)
    for fitted in (finder, finder.with_radius(20)):
        assert fitted.min_agreement_ is None
        assert fitted.summary()["min_agreement"] is None
