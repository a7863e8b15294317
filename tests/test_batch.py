"""Promises 2, 3 and 5: rows stay in place, failures are told, workers change nothing."""

import io
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import FailedImagesWarning, ImageHashFeaturizer, ImageReadError
from hashfeatures.batch import hash_one, hash_sources
from hashfeatures.hashing.spec import parse_hashes
from hashfeatures.images import Decoding

SPECS = parse_hashes(["phash", "colorhash"])
GOOD = [
    np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8) for seed in range(4)
]
BAD = [None, float("nan"), b"no image", "no such file.png", np.zeros(3)]
EXPECTED = [hash_one(image, SPECS, Decoding()).bits for image in GOOD]


def hash_quietly(sources, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedImagesWarning)
        return hash_sources(sources, SPECS, Decoding(), errors="coerce", **keywords)


@settings(max_examples=40)
@given(
    picks=st.lists(st.integers(0, len(GOOD) + len(BAD) - 1), max_size=60),
    backend=st.sampled_from(["sequential", "threading", "loky"]),
    n_jobs=st.sampled_from([1, 2, 3]),
)
def test_row_i_is_image_i(picks, backend, n_jobs):
    """Under any backend and number of workers, whatever fails and wherever."""
    sources = [(GOOD + BAD)[pick] for pick in picks]
    with joblib.parallel_config(backend, n_jobs=n_jobs):
        hashes = hash_quietly(sources)
    matrix = hashes.matrix()
    assert matrix.shape == (len(picks), 64 + 42)
    for row, pick in enumerate(picks):
        if pick < len(GOOD):
            np.testing.assert_array_equal(matrix[row], EXPECTED[pick])
        else:
            assert np.isnan(matrix[row]).all()
            assert hashes.errors[row].position == row
    assert len(hashes.errors) == sum(pick >= len(GOOD) for pick in picks)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_first_failure_is_the_one_that_is_raised(n_jobs):
    sources = [*GOOD * 10, "first.png", *GOOD * 10, "second.png"]
    with pytest.raises(ImageReadError, match=r"image 40, 'first\.png': FileNotFoundError") as info:
        hash_sources(sources, SPECS, Decoding(), n_jobs=n_jobs)
    assert (info.value.position, info.value.source) == (40, "first.png")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_open_files_and_undecoded_images_travel_to_workers(png_bytes, n_jobs):
    cut = png_bytes[: len(png_bytes) // 2]
    sources = [
        io.BytesIO(png_bytes),
        Image.open(io.BytesIO(png_bytes)),
        io.BytesIO(cut),
        Image.open(io.BytesIO(cut)),
        io.StringIO("text"),
    ]
    hashes = hash_quietly(sources, n_jobs=n_jobs)
    assert sorted(hashes.errors) == [2, 3, 4]
    np.testing.assert_array_equal(hashes.bits[0], hashes.bits[1])
    assert hashes.bits[0].any()


def test_one_warning_tells_all_failures():
    with pytest.warns(FailedImagesWarning) as caught:
        hash_sources([*BAD, *BAD, GOOD[0]], SPECS, Decoding(), errors="coerce")
    assert len(caught) == 1
    text = str(caught[0].message)
    assert text.startswith("10 of 11 images could not be read")
    assert "image 3, 'no such file.png': FileNotFoundError" in text
    assert text.endswith("and 5 more")


def test_no_images():
    hashes = hash_sources([], SPECS, Decoding())
    assert hashes.bits.shape == hashes.matrix().shape == (0, 106)


def test_an_error_survives_pickling():
    """Workers send errors home; their position and cause must arrive."""
    import pickle

    error = ImageReadError("a.png", "OSError: broken", position=3)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.position, copy.cause) == (str(error), 3, "OSError: broken")


def test_progress_counts_images_and_failures(capsys):
    hash_quietly([*GOOD, *BAD], progress=True)
    shown = capsys.readouterr()
    assert "9/9" in shown.err
    assert "failed=5" in shown.err
    assert shown.out == ""


def test_warnings_of_decoding_are_silenced_and_others_kept(recwarn, encode):
    """A palette with transparency makes Pillow warn at every conversion."""
    image = Image.new("P", (20, 20))
    image.info["transparency"] = b"\x00\x80"
    image.putpalette(range(255))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ImageHashFeaturizer(background=None).transform([image])
        with pytest.raises(UserWarning):
            image.convert("L")


def test_missing_values_of_pandas_are_failed_images(image_files):
    column = pd.Series([image_files[0], None, pd.NA, float("nan"), image_files[1]], dtype=object)
    with pytest.warns(FailedImagesWarning, match="3 of 5"):
        bits = ImageHashFeaturizer(errors="coerce").transform(column)
    assert np.isnan(bits).all(axis=1).tolist() == [False, True, True, True, False]


def test_digests_only_where_they_are_asked_for():
    flat = np.full((20, 20), 9, dtype=np.uint8)
    hashes = hash_sources([flat, GOOD[0]], SPECS, Decoding(), digest_below=10)
    assert hashes.records[0].detail == 0
    assert hashes.records[0].digest is not None
    assert hashes.records[1].digest is None
