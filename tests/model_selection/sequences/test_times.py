"""Sequences by the times of EXIF data and of files."""

import io
import os
from datetime import timedelta

import numpy as np
import pytest
from PIL import Image, ImageFile, WebPImagePlugin

from hashfeatures import SequenceFinder, find_sequences
from hashfeatures.model_selection.sequences._times import cut_at_gaps, read_times


def photo(taken, *, subseconds=None, offset=None, camera=("Canon", "X1"), serial=None):
    """Return the bytes of a photo with a time."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = camera
    details = {0x9003: taken, 0x9291: subseconds, 0x9011: offset, 0xA431: serial}
    exif[0x8769] = {tag: value for tag, value in details.items() if value is not None}
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def at(seconds, **rest):
    minute, second = divmod(seconds, 60)
    return photo(f"2024:05:01 12:{minute:02d}:{second:02d}", **rest)


def labels_of(photos, **options):
    return find_sequences(photos, by="time", **options).tolist()


def test_a_camera_that_pauses_begins_a_new_sequence():
    """The order of the images does not matter."""
    photos = [at(second) for second in (100, 0, 20, 140, 40)]
    assert labels_of(photos) == [0, 1, 1, 2, 1]
    assert labels_of(photos, gap=40) == [0, 1, 1, 0, 1]
    assert labels_of(photos, gap=timedelta(seconds=39)) == [0, 1, 1, 2, 1]
    finder = SequenceFinder("time").fit(photos)
    np.testing.assert_array_equal(finder.positions_, [0, 0, 1, 0, 2])
    assert finder.description_ == (
        "1 sequence of 3 by time, at pauses over 30 s; 2 images in no sequence"
    )


def test_fractions_of_seconds_and_time_zones_count():
    half, end = at(1, subseconds="5"), at(1, subseconds="999")
    assert read_times([half])[0].microseconds % 10**6 == 500_000
    assert labels_of([half, end], gap=0.4) == [0, 1]
    assert labels_of([half, end], gap=0.5) == [0, 0]
    east = photo("2024:05:01 14:00:05", offset="+02:00")
    west = photo("2024:05:01 07:00:00", offset="-05:00")
    assert labels_of([east, west]) == [0, 0]


def test_cameras_are_told_apart():
    """Their clocks may differ, so equal times mean nothing."""
    photos = [
        at(0),
        at(1, camera=("Canon", "X2")),
        at(2),
        at(3, serial="17"),
        at(4, camera=("Canon", "X2")),
        at(5, serial="17"),
    ]
    assert labels_of(photos) == [0, 1, 0, 2, 1, 2]


@pytest.mark.parametrize(
    "taken", [None, "0000:00:00 00:00:00", "yesterday", "2024:13:01 10:00:00"]
)
def test_an_image_without_a_time_is_alone_and_counted(taken):
    finder = SequenceFinder("time").fit([at(0), photo(taken), photo(taken), at(1)])
    np.testing.assert_array_equal(finder.labels_, [0, 1, 2, 0])
    assert "2 images have no time in the EXIF data" in finder.description_


def test_what_cannot_be_read_has_no_time(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(at(0)[:40])
    sources = [None, "missing.jpg", str(tmp_path / "broken.jpg"), np.zeros((4, 4), np.uint8), b""]
    assert read_times(sources) == [None] * 5


@pytest.mark.parametrize("kind", ["path", "bytes", "image", "file"])
def test_times_are_read_from_every_source(kind, tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(at(61))
    with Image.open(path) as image:
        data = path.read_bytes()
        source = {"path": path, "bytes": data, "image": image, "file": io.BytesIO(data)}[kind]
        (time,) = read_times([source])
    assert time.microseconds == (19_844 * 86_400 + 12 * 3600 + 61) * 10**6


def test_file_times_are_used_only_on_request(tmp_path):
    paths = []
    for number, second in enumerate((0, 10, 100)):
        path = tmp_path / f"{number}.png"
        Image.new("L", (8, 8)).save(path)
        os.utime(path, (10**9 + second, 10**9 + second))
        paths.append(path)
    assert labels_of(paths) == [0, 1, 2]
    assert labels_of(paths, use_file_times=True) == [0, 0, 1]


def test_workers_change_nothing():
    photos = [at(7 * n % 400) for n in range(40)]
    assert labels_of(photos, n_jobs=2) == labels_of(photos)


def test_times_cut_what_names_only_put_in_order(tmp_path):
    """A folder of one camera is one run of names, and several events."""
    for number in range(6):
        (tmp_path / f"IMG_{number:04d}.jpg").write_bytes(at(0 if number < 3 else 600))
    for frame in range(4):  # times do not cut what names tell
        (tmp_path / f"clip3_{frame}.jpg").write_bytes(at(900 * (frame % 2)))
    paths = sorted(tmp_path.iterdir())
    finder = SequenceFinder(("name", "time")).fit(paths)
    np.testing.assert_array_equal(finder.labels_, [0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    assert finder.patterns_["way"].tolist() == ["time", "name"]


def test_no_times_make_no_sequences():
    labels, times = cut_at_gaps([None, None], timedelta(seconds=1))
    assert labels.tolist() == [-1, -1]
    assert times.tolist() == [0, 0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_pixels_are_not_decoded(kind, monkeypatch):
    """Times of a large collection are read many times faster so."""
    buffer, bare = io.BytesIO(), io.BytesIO()
    exif = Image.Exif()
    exif[0x8769] = {0x9003: "2024:05:01 12:00:00"}
    Image.new("RGB", (16, 16)).save(buffer, kind, exif=exif)
    Image.new("RGB", (16, 16)).save(bare, kind)

    decoded = []
    for decoder in (ImageFile.ImageFile, WebPImagePlugin.WebPImageFile):
        monkeypatch.setattr(decoder, "load", decoded.append)
    with_time, without = read_times([buffer.getvalue(), bare.getvalue()])
    assert with_time is not None
    assert without is None
    assert not decoded
