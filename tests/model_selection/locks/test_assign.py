"""A locked split stays put: only groups that new images connect move, and nothing ever leaks."""

import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.cluster import DBSCAN

from hashfeatures import (
    DuplicateGroups,
    NearDuplicateFinder,
    ParameterError,
    SplitMoveWarning,
    StoreError,
    assign_split,
    leakage_report,
    train_test_split,
)

RADIUS = 6
FINDER = DuplicateGroups(radius=RADIUS)
# Chains of random bits are large now and then.
pytestmark = pytest.mark.filterwarnings("ignore::hashfeatures.ChainingWarning")
WITHOUT_SIZE_WARNINGS = pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")


def draw_batch(rng, bits, classes, n_images):
    """Return new rows and classes: copies of old rows, bridges between two, and other rows."""
    rows, labels = [], []
    for _ in range(n_images):
        kind = rng.random()
        known = [*bits, *rows]
        if len(known) > 1 and kind < 0.3:
            origin = rng.integers(len(known))
            row, label = known[origin].copy(), [*classes, *labels][origin]
            row[rng.choice(len(row), rng.integers(RADIUS + 1), replace=False)] ^= 1
        elif len(bits) > 1 and kind < 0.33:
            one, other = rng.choice(len(bits), 2, replace=False)
            row, label = bits[one].copy(), classes[one]
            differing = np.flatnonzero(row != bits[other])
            for start in range(0, len(differing) - RADIUS, RADIUS):
                row = row.copy()
                row[differing[start : start + RADIUS]] ^= 1
                rows.append(row)
                labels.append(label)
            continue
        else:
            row, label = rng.integers(0, 2, 64), int(rng.choice(4, p=[0.5, 0.3, 0.15, 0.05]))
        rows.append(row)
        labels.append(label)
    return np.array(rows), labels


def errors(parts, classes, shares):
    """Return the greatest error of a size, and of a class in a part, in images."""
    classes = np.array(classes)
    sizes = [abs((parts == name).sum() - share * len(parts)) for name, share in shares.items()]
    of_classes = [
        abs(((parts == name) & (classes == label)).sum() - share * (classes == label).sum())
        for name, share in shares.items()
        for label in range(4)
    ]
    return max(sizes), max(of_classes)


@WITHOUT_SIZE_WARNINGS
@pytest.mark.parametrize(("seed", "validation_size"), [(0, None), (1, 0.1)])
def test_a_hundred_batches_leave_the_split_in_place_and_as_good_as_a_fresh_one(
    tmp_path, seed, validation_size
):
    """Guards the promise of a lock: no move without need, no leak, sizes and classes in reach."""
    rng = np.random.default_rng(seed)
    lock = tmp_path / "split.lock.json"
    shares = {"train": 0.75 - (validation_size or 0), "validation": validation_size, "test": 0.25}
    shares = {name: share for name, share in shares.items() if share}
    bits, classes = draw_batch(rng, [], [], 60)
    before = np.full(0, None)
    n_moved = 0
    for _ in range(100):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SplitMoveWarning)
            parts, info = assign_split(
                bits,
                lock=lock,
                validation_size=validation_size,
                stratify=classes,
                finder=FINDER,
                return_info=True,
            )
        parts = parts.to_numpy()
        changed = np.flatnonzero(parts[: len(before)] != before)
        assert info.moved["row"].tolist() == changed.tolist()
        groups = FINDER.fit_predict(bits)
        for row, old, new in zip(changed, before[changed], parts[changed], strict=True):
            mates = before[(groups == groups[row])[: len(before)]]
            assert old != new and new in mates, "it moved to a part that keeps its group"
        by_part = {name: bits[parts == name] for name in shares}
        assert leakage_report(by_part, finder=FINDER).n_pairs == 0
        n_moved += len(changed)
        before = parts
        more, labels = draw_batch(rng, bits, classes, rng.integers(1, 8))
        bits, classes = np.vstack([bits, more]), classes + labels
    assert n_moved
    bits, classes = bits[: len(before)], classes[: len(before)]
    fresh = np.full(len(bits), None)
    split = train_test_split(
        np.arange(len(bits)),
        validation_size=validation_size,
        stratify=classes,
        groups=FINDER.fit_predict(bits),
        finder="precomputed",
        random_state=0,
    )
    for name, rows in zip(shares, split, strict=True):
        fresh[rows] = name
    slack = max(2, 0.02 * len(bits))
    for error, other in zip(
        errors(before, classes, shares), errors(fresh, classes, shares), strict=True
    ):
        assert error <= other + slack


@WITHOUT_SIZE_WARNINGS
@pytest.mark.filterwarnings("ignore::hashfeatures.SplitMoveWarning")
@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(["train", "test", "majority"]))
def test_batches_of_any_kind_leak_nothing_and_move_only_what_they_connect(
    tmp_path_factory, seed, priority
):
    """Guards dense bits too, where most new images connect groups, and missing and lost rows."""
    rng = np.random.default_rng(seed)
    lock = tmp_path_factory.mktemp("lock") / "split.lock.json"
    finder = DuplicateGroups(radius=int(rng.integers(0, 3)))
    bits = (rng.random((rng.integers(8, 30), 12)) < 0.3).astype(float)
    bits[rng.random(len(bits)) < 0.05] = np.nan
    try:
        before = assign_split(bits, lock=lock, finder=finder)
    except ValueError:  # all rows are in one group
        return
    for _ in range(4):
        bits = np.vstack([bits, (rng.random((rng.integers(1, 9), 12)) < 0.3).astype(float)])
        parts, info = assign_split(
            bits, lock=lock, finder=finder, priority=priority, return_info=True
        )
        known = {name: bits[(parts == name).to_numpy()] for name in ("train", "test")}
        assert leakage_report(known, finder=finder).n_pairs == 0
        assert parts.isna().tolist() == np.isnan(bits).any(axis=1).tolist()
        assert not info.n_absent
        old = parts[: len(before)]
        changed = np.flatnonzero(old.notna() & (old != before))
        assert set(info.moved["row"]) == set(changed)
        assert (info.moved["joined_by"] >= len(before)).all()
        if priority != "majority":
            assert set(info.moved["to_part"]) <= {priority}
        before = parts


def test_the_first_call_splits_as_train_test_split_does(tmp_path):
    rng = np.random.default_rng(0)
    bits, classes = draw_batch(rng, [], [], 80)
    test = train_test_split(
        np.arange(80), groups=FINDER.fit_predict(bits), finder="precomputed",
        stratify=classes, test_size=0.2, random_state=3,
    )[1]  # fmt: skip
    parts = assign_split(
        bits,
        lock=tmp_path / "a.json",
        finder=FINDER,
        stratify=classes,
        test_size=0.2,
        random_state=3,
    )
    assert sorted(test) == np.flatnonzero(parts == "test").tolist()
    assert parts.equals(
        assign_split(bits, finder=FINDER, stratify=classes, test_size=0.2, random_state=3)
    )


def test_the_same_images_leave_the_file_untouched(tmp_path):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (40, 64))
    lock, other = tmp_path / "a.json", tmp_path / "b.json"
    first, info = assign_split(bits, lock=lock, finder=FINDER, return_info=True)
    assert info.is_written and info.n_new == 40
    content, status = lock.read_bytes(), lock.stat()
    again, info = assign_split(bits[::-1], lock=lock, finder=FINDER, return_info=True)
    assert not info.is_written and lock.stat().st_mtime_ns == status.st_mtime_ns
    assert lock.stat().st_ino == status.st_ino
    assert again.tolist() == first.tolist()[::-1]
    assign_split(bits, lock=other, finder=FINDER)
    assert other.read_bytes() == content


@pytest.fixture
def photos(tmp_path, noise_image):
    """A folder of 24 images: 0 and 1, 2 and 3 and so on show the same."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(24):
        image = noise_image(number // 2, size=(96, 72))
        image.resize((96 - number % 2 * 16, 72 - number % 2 * 12)).save(
            folder / f"{number:02d}.png"
        )
    return sorted(folder.iterdir())


def test_pairs_of_photos_stay_together_and_renamed_files_keep_their_part(tmp_path, photos):
    lock = tmp_path / "split.lock.json"
    parts = assign_split(photos, lock=lock, test_size=0.25)
    assert (parts.to_numpy()[::2] == parts.to_numpy()[1::2]).all()
    assert (parts == "test").sum() == 6
    assert '"photos/00.png"' in lock.read_text() and str(tmp_path) not in lock.read_text()
    renamed = [
        path.rename(path.with_name(f"z{23 - number:02d}.png"))
        for number, path in enumerate(photos)
    ]
    again, info = assign_split(renamed, lock=lock, return_info=True)
    assert again.equals(parts)
    assert (info.n_new, info.n_absent) == (0, 0)
    assert '"photos/z00.png"' in lock.read_text() and '"photos/00.png"' not in lock.read_text()


def test_renumbered_files_keep_the_part_of_what_they_show(tmp_path, photos):
    """Names that move on by one name other images, so pixels come before names."""
    lock = tmp_path / "split.lock.json"
    parts = assign_split(photos, lock=lock)
    photos[0].unlink()
    renamed = [later.rename(earlier) for earlier, later in pairwise(photos)]
    again, info = assign_split(renamed, lock=lock, return_info=True)
    assert again.tolist() == parts.tolist()[1:]
    assert (info.n_new, info.n_absent) == (0, 1)


def test_a_file_that_was_saved_again_keeps_its_part(tmp_path, photos):
    lock = tmp_path / "split.lock.json"
    parts = assign_split(photos, lock=lock)
    for row in np.flatnonzero(parts == "test"):
        with Image.open(photos[row]) as image:
            image.convert("RGB").rotate(1).save(photos[row])
    again, info = assign_split(photos, lock=lock, return_info=True)
    assert again.equals(parts)
    assert info.n_new == 0


def test_an_image_joins_the_part_of_one_that_was_deleted(tmp_path, photos):
    """The lock keeps deleted images, which new ones are near by their hashes alone."""
    lock = tmp_path / "split.lock.json"
    first = photos[::2]
    parts = assign_split(first, lock=lock)
    for row in range(len(first)):
        present = [*np.delete(np.array(first, dtype=object), row), photos[2 * row + 1]]
        copy = tmp_path / "copy.lock.json"
        copy.write_bytes(lock.read_bytes())
        assert assign_split(present, lock=copy).iloc[-1] == parts[row]


def test_arrays_in_memory_are_matched_by_what_they_show(tmp_path, noise_image):
    lock = tmp_path / "split.lock.json"
    images = [np.asarray(noise_image(seed, size=(64, 64))) for seed in range(12)]
    parts = assign_split(images, lock=lock)
    assert "name" not in lock.read_text()
    again, info = assign_split(
        [image.copy() for image in images[::-1]], lock=lock, return_info=True
    )
    assert again.tolist()[::-1] == parts.tolist()
    assert not info.is_written


def test_identical_images_without_names_are_all_in_the_lock(tmp_path, noise_image):
    lock = tmp_path / "split.lock.json"
    images = [np.asarray(noise_image(seed % 8, size=(64, 64))) for seed in range(16)]
    parts = assign_split(images, lock=lock)
    assert lock.read_text().count('"part"') == 16
    assert assign_split(images, lock=lock).equals(parts)


@pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning")
def test_unreadable_images_are_in_no_part_and_not_in_the_lock(tmp_path, photos):
    lock = tmp_path / "split.lock.json"
    broken = tmp_path / "photos" / "broken.png"
    broken.write_bytes(b"no image")
    parts, info = assign_split([broken, *photos, None], lock=lock, return_info=True)
    assert parts.isna().tolist() == [True, *[False] * 24, True]
    assert info.unreadable["position"].tolist() == [0, 25]
    assert "broken" not in lock.read_text()
    photos[3].write_bytes(b"no image any more")
    again = assign_split([broken, *photos, None], lock=lock)
    assert again.equals(parts), "an image of the lock keeps its part while it cannot be read"
    with pytest.raises(ValueError, match="No image could be read"):
        assign_split([broken] * 8, lock=tmp_path / "other.json")
    with pytest.raises(ValueError, match="No image could be read"):
        assign_split([], lock=tmp_path / "other.json")


@WITHOUT_SIZE_WARNINGS
def test_new_images_that_connect_two_parts_move_the_rest_and_say_so(tmp_path):
    lock = tmp_path / "split.lock.json"
    bits = np.repeat(np.eye(8, dtype=int), 8, axis=1)
    finder = DuplicateGroups(radius=8)
    parts = assign_split(bits, lock=lock, finder=finder, test_size=2).to_numpy()
    one, other = np.flatnonzero(parts == "test")[0], np.flatnonzero(parts == "train")[0]
    bridge = bits[one] | bits[other]
    for priority, keeper in (("train", "train"), ("test", "test"), (["test", "train"], "test")):
        copy = tmp_path / f"{keeper}{len(priority)}.json"
        copy.write_bytes(lock.read_bytes())
        with pytest.warns(SplitMoveWarning, match=r"1 image of the lock .* row \d from t"):
            after, info = assign_split(
                np.vstack([bits, bridge]),
                lock=copy,
                finder=finder,
                priority=priority,
                return_info=True,
            )
        assert after.iloc[[one, other, -1]].tolist() == [keeper] * 3
        assert info.moved["row"].tolist() == [one if keeper == "train" else other]
        assert info.moved["joined_by"].tolist() == [8]
        assert "1 moved" in str(info) and "1 moved" in repr(info)
        assert "joined_by" in info._repr_html_()
        assert assign_split(np.vstack([bits, bridge]), lock=copy, finder=finder).equals(after)


@WITHOUT_SIZE_WARNINGS
def test_own_groups_join_the_part_of_their_images(tmp_path, photos):
    lock = tmp_path / "split.lock.json"
    patients = [f"patient {number // 4}" for number in range(24)]
    parts = assign_split(photos[:20], groups=patients[:20], lock=lock)
    table = pd.DataFrame({"image": photos, "patient": patients}, index=range(100, 124))
    after = assign_split(table, groups="patient", lock=lock)
    assert after.index.equals(table.index) and after.name == "part"
    assert after.iloc[:20].tolist() == parts.tolist()
    assert len({*zip(patients, after, strict=True)}) == 6


def test_sizes_and_seed_come_from_the_lock_unless_given(tmp_path):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (300, 64))
    lock = tmp_path / "split.lock.json"
    assign_split(bits[:100], lock=lock, finder=FINDER, test_size=0.2, validation_size=0.1)
    parts = assign_split(bits[:200], lock=lock, finder=FINDER)
    assert parts.value_counts().to_dict() == {"train": 140, "test": 40, "validation": 20}
    parts = assign_split(bits, lock=lock, finder=FINDER, test_size=0.3, random_state=5)
    assert parts.value_counts().to_dict() == {"train": 180, "test": 90, "validation": 30}
    assert '"seed": 5' in lock.read_text() and '"test": 0.3' in lock.read_text()


def test_images_that_no_part_takes_are_unused_and_stay_so(tmp_path):
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (100, 64))
    lock = tmp_path / "split.lock.json"
    parts = assign_split(bits[:40], lock=lock, finder=FINDER, train_size=10, test_size=10)
    assert parts.value_counts().to_dict() == {"unused": 20, "train": 10, "test": 10}
    after = assign_split(bits, lock=lock, finder=FINDER)
    assert after[:40].equals(parts)
    assert after.value_counts().to_dict() == {"unused": 80, "train": 10, "test": 10}


def test_shares_that_add_up_to_all_images_leave_none_out(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2, (19, 64))
    parts = assign_split(bits, finder=FINDER, train_size=0.8, validation_size=0.1, test_size=0.1)
    assert "unused" not in set(parts)


def test_groups_alone_need_names(tmp_path):
    lock = tmp_path / "split.lock.json"
    names = [f"{number}.png" for number in range(20)]
    groups = [number // 2 for number in range(20)]
    parts = assign_split(names[:16], groups=groups[:16], finder="precomputed", lock=lock)
    after = assign_split(names, groups=groups, finder="precomputed", lock=lock)
    assert after[:16].equals(parts)
    with pytest.raises(ValueError, match="20 images have neither, the first in row 0"):
        assign_split(
            list(range(20)), groups=groups, finder="precomputed", lock=tmp_path / "b.json"
        )


def test_any_clusterer_of_bits_can_group_a_locked_split(tmp_path):
    bits = np.random.default_rng(0).integers(0, 2, (40, 32))
    bits[1::2] = bits[::2]
    lock = tmp_path / "split.lock.json"
    finder = DBSCAN(eps=0.05, min_samples=1, metric="hamming")
    parts = assign_split(bits[:30], lock=lock, finder=finder)
    after = assign_split(bits, lock=lock, finder=finder)
    assert after[:30].equals(parts)
    assert (after.to_numpy()[::2] == after.to_numpy()[1::2]).all()


def test_the_lock_of_other_images_is_refused(tmp_path):
    rng = np.random.default_rng(0)
    lock = tmp_path / "split.lock.json"
    assign_split(rng.integers(0, 2, (30, 64)), lock=lock, finder=FINDER)
    content = lock.read_bytes()
    with pytest.raises(StoreError, match="the lock of other images: none of its 30 images is"):
        assign_split(rng.integers(0, 2, (30, 64)), lock=lock, finder=FINDER)
    assert lock.read_bytes() == content


def test_the_lock_of_another_finder_is_refused(tmp_path, photos):
    lock = tmp_path / "split.lock.json"
    assign_split(photos, lock=lock)
    with pytest.raises(ParameterError, match="was made with radius=28, and the finder has radi"):
        assign_split(photos, lock=lock, finder=NearDuplicateFinder(radius=20))
    with pytest.raises(ParameterError, match="views='identity', and the finder has views='flips'"):
        assign_split(photos, lock=lock, finder=NearDuplicateFinder(radius=28, views="flips"))
    assign_split(photos, lock=lock, finder=NearDuplicateFinder(n_jobs=2, cache=tmp_path / "c.db"))


def test_a_calibrated_radius_stays_that_of_the_lock(tmp_path, photos):
    """A calibration depends on the images, so that new ones would make it another finder."""
    lock = tmp_path / "split.lock.json"
    text = '"radius": 28'
    assign_split(photos[:20], lock=lock)
    assert text in lock.read_text()
    assign_split(photos, lock=lock, finder=NearDuplicateFinder(radius="calibrated"))
    assert text in lock.read_text()


def test_colors_tell_images_apart_that_were_renamed(tmp_path, noise_image):
    """Guards a finder that looks at colors: recolored images are not near, and may be apart."""
    lock = tmp_path / "split.lock.json"
    finder = NearDuplicateFinder(color_radius=5)
    images = [np.asarray(noise_image(seed, size=(64, 64))) for seed in range(8)]
    turned = [np.repeat(image[..., :1] // 2 + 60, 3, axis=2) for image in images]
    red = [np.dstack([gray[..., 0], *[gray[..., 0] // 2] * 2]) for gray in turned]
    parts = assign_split([*turned, *red], lock=lock, finder=finder, test_size=0.5)
    assert (parts[:8].to_numpy() != parts[8:].to_numpy()).any()
    again = assign_split([*red, *turned], lock=lock, finder=finder)
    assert again.tolist() == [*parts[8:], *parts[:8]]


@pytest.mark.parametrize("views", ["flips", "robust", "segments"])
def test_split_over_views(tmp_path, photos, views):
    lock = tmp_path / "split.lock.json"
    finder = NearDuplicateFinder(views=views)
    parts = assign_split(photos[:20], lock=lock, finder=finder)
    after, info = assign_split(photos[2:], lock=lock, finder=finder, return_info=True)
    assert after[:18].tolist() == parts.tolist()[2:]
    assert info.n_absent == 2


def test_a_mirrored_copy_joins_a_deleted_image(tmp_path, photos):
    lock = tmp_path / "split.lock.json"
    finder = NearDuplicateFinder(views="flips")
    parts = assign_split(photos[::2], lock=lock, finder=finder)
    for row in np.flatnonzero(parts == "test"):
        with Image.open(photos[2 * row]) as image:
            image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
                photos[2 * row].with_name("m.png")
            )
        rest = [path for number, path in enumerate(photos[::2]) if number != row]
        after = assign_split([*rest, photos[0].with_name("m.png")], lock=lock, finder=finder)
        assert after.iloc[-1] == "test"
        break


def test_hashes_of_another_release_are_replaced(tmp_path, photos):
    """Their bits cannot be compared, so that the names say which image is which."""
    lock = tmp_path / "split.lock.json"
    parts = assign_split(photos, lock=lock)
    content = lock.read_text()
    old = content.replace('"bits_version": ', '"bits_version": -').replace(
        '"hash": "', '"hash": "00'
    )
    lock.write_text(old)
    assert assign_split(photos, lock=lock).equals(parts)
    assert lock.read_text() == content


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lock": "s3://bucket/lock.json"}, "must be a local file"),
        ({"priority": "first"}, "'priority' parameter of assign_split"),
        ({"test_size": 1.5}, "'test_size' parameter of assign_split"),
        ({"random_state": np.random.RandomState(0)}, "'random_state' parameter of assign_split"),
        ({"random_state": -1}, "'random_state' parameter of assign_split"),
        ({"radius": 3}, "radius"),
        ({"stratify": [1, 2]}, "stratify of length 2"),
        ({"train_size": 0.9, "test_size": 0.9}, "should be at most|should be smaller"),
    ],
)
def test_wrong_parameters_are_refused(tmp_path, parameters, message):
    bits = np.random.default_rng(0).integers(0, 2, (20, 64))
    with pytest.raises(ValueError, match=message):
        assign_split(bits, **{"lock": tmp_path / "lock.json", "finder": FINDER} | parameters)
    assert not list(tmp_path.iterdir())


def test_a_root_must_hold_all_images(tmp_path, photos):
    with pytest.raises(ParameterError, match="'root' parameter of assign_split must be a folder"):
        assign_split(photos, lock=tmp_path / "a.json", root=tmp_path / "elsewhere")
    lock = Path(tmp_path, "locks", "a.json")
    lock.parent.mkdir()
    assign_split(photos, lock=lock)
    assert '"00.png"' in lock.read_text(encoding="utf-8")
    assign_split(photos, lock=lock, root=tmp_path)
    assert '"photos/00.png"' in lock.read_text(encoding="utf-8")
