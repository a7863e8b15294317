"""Promises 2, 3 and 5: rows stay in place, failures are told, workers change nothing."""

import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import warnings
from contextlib import closing
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from hashfeatures import (
    FailedImagesWarning,
    ImageHashFeaturizer,
    ImageReadError,
    NearDuplicateFinder,
    NearDuplicateKFold,
    drop_duplicates,
    find_similar,
    hash_images,
    train_test_split,
)
from hashfeatures.hashing import _batch as batch
from hashfeatures.hashing import _pool
from hashfeatures.hashing import _worker as engine
from hashfeatures.hashing._batch import hash_sources
from hashfeatures.hashing._spec import parse_hashes
from hashfeatures.images._decoding import Decoding, Reduction
from hashfeatures.images._pillow_state import PillowState

SPECS = parse_hashes(["phash", "colorhash"])
GOOD = [
    np.random.default_rng(seed).integers(0, 256, (9, 9, 3), dtype=np.uint8) for seed in range(4)
]
BAD = [None, float("nan"), b"no image", "no such file.png", np.zeros(3)]
EXPECTED = ImageHashFeaturizer(["phash", "colorhash"]).transform(GOOD)


def hash_quietly(sources, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedImagesWarning)
        return hash_sources(sources, SPECS, Decoding(), errors="coerce", **keywords)


@settings(max_examples=40)
@given(
    picks=st.lists(st.integers(0, len(GOOD) + len(BAD) - 1), max_size=60),
    backend=st.sampled_from(["sequential", "threading", "loky", "multiprocessing"]),
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
    np.testing.assert_array_equal(hashes.codes[0], hashes.codes[1])
    assert hashes.codes[0].any()


@pytest.mark.parametrize("background", ["white", None])
def test_what_pickling_would_lose_is_kept(noise_image, encode, background):
    """The orientation of an image in memory, and the transparency of its palette."""
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.open(io.BytesIO(encode(noise_image(0), "PNG", exif=exif)))
    in_memory = noise_image(1)
    in_memory.getexif()[0x0112] = 8
    palette = Image.new("P", (20, 20))
    palette.putdata([number % 3 for number in range(400)])
    palette.putpalette([0, 0, 0, 255, 90, 90, 90, 0, 255, 255, 255, 128], "RGBA")
    featurizer = ImageHashFeaturizer(background=background)
    expected = featurizer.transform([turned, in_memory, palette])
    parallel = ImageHashFeaturizer(background=background, n_jobs=2)
    np.testing.assert_array_equal(parallel.transform([turned, in_memory, palette]), expected)


def test_warnings_name_the_line_that_called(image_files):
    """However deep inside the package, or inside scikit-learn, the image was met."""
    X = [*image_files, None]
    for call in (
        lambda: ImageHashFeaturizer(errors="coerce").fit_transform(X),
        lambda: ImageHashFeaturizer(errors="coerce").set_output(transform="pandas").transform(X),
        lambda: hash_images(X),
        lambda: NearDuplicateFinder().fit(X),
        lambda: drop_duplicates(X),
        lambda: find_similar(X, image_files[0]),
        lambda: train_test_split(X, random_state=0),
        lambda: list(NearDuplicateKFold(2).split(X)),
    ):
        with pytest.warns(FailedImagesWarning) as caught:
            call()
        assert [warning.filename for warning in caught] == [__file__]


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
    assert hashes.bits().shape == hashes.matrix().shape == (0, 106)


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
    hashes = hash_sources([flat, GOOD[0]], SPECS, Decoding(), min_detail=10)
    assert hashes.detail[0] == 0
    assert list(hashes.digests) == [0]


def test_detail_is_measured_only_if_somebody_asks_for_it(tmp_path):
    """What only wants bits does not pay for it, and a cache holds it for those that ask later."""
    measured = hash_sources(GOOD, SPECS, Decoding()).detail
    assert measured.all()
    assert not hash_sources(GOOD, SPECS, Decoding(), min_detail=None).detail.any()
    cache = tmp_path / "hashes.sqlite"
    for min_detail in (None, 0):
        hashes = hash_sources(GOOD, SPECS, Decoding(), min_detail=min_detail, cache=cache)
        np.testing.assert_array_equal(hashes.detail, measured)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_share_the_state_of_pillow(n_jobs, tmp_path, encode, noise_image, monkeypatch):
    """What a user set before, for large images and for files cut short, holds in processes too."""
    whole = encode(noise_image(0, size=(100, 100)), "JPEG")
    (tmp_path / "large.jpg").write_bytes(whole)
    (tmp_path / "short.jpg").write_bytes(whole[: len(whole) // 2])
    paths = [tmp_path / "short.jpg", tmp_path / "large.jpg"]
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    featurizer = ImageHashFeaturizer(n_jobs=n_jobs, errors="coerce")
    assert not np.isnan(featurizer.transform(paths)).any()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", False)
    with pytest.warns(FailedImagesWarning, match="2 of 2"):
        featurizer.transform(paths)


@pytest.fixture
def decoded(monkeypatch):
    """Return a list that grows by each image that is decoded, and the hashes it is decoded for."""
    calls = []
    measure_one = engine.measure_one

    def counting(source, specs, *args):
        calls.append((source, [str(spec) for spec in specs]))
        return measure_one(source, specs, *args)

    monkeypatch.setattr(engine, "measure_one", counting)
    return calls


def test_a_path_is_read_once(image_files, decoded):
    X = [*image_files, *image_files[::-1], Path(image_files[0])]
    bits = ImageHashFeaturizer().transform(X)
    assert len(decoded) == 6
    np.testing.assert_array_equal(bits[6:12], bits[5::-1])
    np.testing.assert_array_equal(bits[12], bits[0])
    with pytest.warns(FailedImagesWarning, match="2 of 3"):
        hashes = hash_sources(
            ["no.png", "no.png", image_files[0]], SPECS, Decoding(), errors="coerce"
        )
    assert [error.position for error in hashes.errors.values()] == [0, 1]


def test_images_beyond_a_block_keep_their_rows(image_files, monkeypatch):
    monkeypatch.setattr(batch, "_BLOCK", 4)
    monkeypatch.setattr(_pool, "_CHUNK", 3)
    X = [image_files[row % 6] if row % 5 else b"broken" for row in range(23)]
    hashes = hash_quietly(X)
    assert sorted(hashes.errors) == [0, 5, 10, 15, 20]
    expected = ImageHashFeaturizer(["phash", "colorhash"]).transform(image_files)
    for row in set(range(23)) - set(hashes.errors):
        np.testing.assert_array_equal(hashes.bits()[row], expected[row % 6])
    with pytest.raises(ImageReadError) as info:
        hash_sources(X[1:], SPECS, Decoding())
    assert info.value.position == 4


def test_iterables_of_unknown_length(image_files):
    hashes = hash_sources(iter(image_files), SPECS, Decoding())
    assert hashes.bits().shape == (6, 106)
    np.testing.assert_array_equal(hashes.codes, hash_sources(image_files, SPECS, Decoding()).codes)


class TestCache:
    """With a cache, the second run decodes nothing, and every answer is as without one."""

    def test_a_second_run_decodes_nothing(self, image_files, tmp_path, decoded):
        whole = Path(image_files[0]).read_bytes()
        X = [*image_files, whole[: len(whole) // 2], np.asarray(GOOD[0]), whole]
        cache = tmp_path / "hashes.sqlite"
        featurizer = ImageHashFeaturizer(errors="coerce", cache=cache)
        with pytest.warns(FailedImagesWarning):
            first = featurizer.transform(X)
        assert len(decoded) == 9
        for n_jobs in (None, 2):
            with pytest.warns(FailedImagesWarning, match="1 of 9"):
                again = featurizer.set_params(n_jobs=n_jobs).transform(X)
            np.testing.assert_array_equal(again, first)
        assert len(decoded) == 9
        with pytest.warns(FailedImagesWarning):
            plain = ImageHashFeaturizer(errors="coerce").transform(X)
        np.testing.assert_array_equal(plain, first)

    def test_another_hash_is_added_to_those_there(self, image_files, tmp_path, decoded):
        cache = tmp_path / "hashes.sqlite"
        ImageHashFeaturizer(["phash", "dhash"], cache=cache).transform(image_files)
        decoded.clear()
        hashes = ["dhash", "whash", "phash"]
        bits = ImageHashFeaturizer(hashes, cache=cache).transform(image_files)
        assert [names for _, names in decoded] == [["whash"]] * 6
        np.testing.assert_array_equal(bits, ImageHashFeaturizer(hashes).transform(image_files))
        decoded.clear()
        ImageHashFeaturizer(hashes[::-1], cache=cache).transform(image_files)
        assert decoded == []

    def test_a_changed_file_is_hashed_anew(self, image_files, tmp_path, decoded, noise_image):
        cache = tmp_path / "hashes.sqlite"
        featurizer = ImageHashFeaturizer(cache=cache)
        before = featurizer.transform(image_files)
        noise_image(99).save(image_files[2])
        decoded.clear()
        after = featurizer.transform(image_files)
        assert [source for source, _ in decoded] == [image_files[2]]
        assert (before != after).any(axis=1).tolist() == [False, False, True, False, False, False]

    @pytest.mark.parametrize(
        "other",
        [{"orient": False}, {"background": "black"}, {"decode": "reduced"}, {"max_pixels": 10**6}],
        ids=str,
    )
    def test_settings_are_kept_apart(self, image_files, tmp_path, decoded, other):
        cache = tmp_path / "hashes.sqlite"
        for keywords in ({}, other, {}, other):
            ImageHashFeaturizer(cache=cache, **keywords).transform(image_files)
        assert len(decoded) == 12

    def test_another_pillow_or_other_algorithms_are_kept_apart(
        self, image_files, tmp_path, decoded, monkeypatch
    ):
        featurizer = ImageHashFeaturizer(cache=tmp_path / "hashes.sqlite")
        featurizer.transform(image_files)
        with monkeypatch.context() as patch:
            patch.setattr(batch, "BITS_VERSION", -1)
            featurizer.transform(image_files)
        with monkeypatch.context() as patch:
            patch.setattr("PIL.__version__", "0.0.0")
            featurizer.transform(image_files)
        assert len(decoded) == 18

    def test_what_may_pass_is_not_kept(self, image_files, tmp_path, decoded, monkeypatch):
        """A file that could not be opened today may be opened tomorrow."""
        featurizer = ImageHashFeaturizer(cache=tmp_path / "hashes.sqlite", errors="coerce")
        with monkeypatch.context() as patch:
            patch.setattr(Image, "open", lambda path: (_ for _ in ()).throw(MemoryError()))
            with pytest.warns(FailedImagesWarning, match="MemoryError"):
                featurizer.transform(image_files)
        assert not np.isnan(featurizer.transform(image_files)).any()

    def test_a_file_that_is_cut_short_is_tried_again_if_that_is_allowed(
        self, tmp_path, encode, noise_image, monkeypatch
    ):
        """What failed under one setting of Pillow need not fail under another."""
        file = tmp_path / "short.jpg"
        file.write_bytes(encode(noise_image(0, size=(100, 100)), "JPEG")[:2000])
        featurizer = ImageHashFeaturizer(cache=tmp_path / "hashes.sqlite", errors="coerce")
        with pytest.warns(FailedImagesWarning, match="truncated"):
            featurizer.transform([file])
        monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
        assert not np.isnan(featurizer.transform([file])).any()

    def test_digests_are_made_when_they_are_asked_for(self, tmp_path, decoded):
        flat = np.full((20, 20), 9, dtype=np.uint8)
        cache = tmp_path / "hashes.sqlite"
        hash_sources([flat], SPECS, Decoding(), cache=cache)
        for _ in range(2):
            hashes = hash_sources([flat], SPECS, Decoding(), min_detail=10, cache=cache)
            assert list(hashes.digests) == [0]
        assert len(decoded) == 2

    def test_the_first_failure_is_raised_cached_or_not(self, image_files, tmp_path):
        cache = tmp_path / "hashes.sqlite"
        X = [image_files[0], b"first", image_files[1], b"second"]
        with pytest.warns(FailedImagesWarning):
            hash_sources([X[3]], SPECS, Decoding(), errors="coerce", cache=cache)
        for _ in range(2):
            with pytest.raises(ImageReadError, match=r"image 1, '<5 bytes>'"):
                hash_sources(X, SPECS, Decoding(), cache=cache)

    def test_finder_and_tables_share_it(self, image_files, tmp_path, decoded):
        cache = tmp_path / "hashes.sqlite"
        hash_images(image_files, cache=cache)
        hash_images(image_files, ["phash"], cache=cache)
        assert len(decoded) == 6
        finder = NearDuplicateFinder(cache=cache)
        labels = finder.fit_predict(image_files)
        np.testing.assert_array_equal(finder.fit_predict(image_files), labels)
        assert len(decoded) == 12  # the finder decodes at reduced size


SCRIPT = """
import sys, os, time
from hashfeatures import ImageHashFeaturizer
from hashfeatures.hashing import _worker as engine
measure_one = engine.measure_one
def slowly(source, *args):
    with open(sys.argv[2], "a") as log:
        log.write(source + chr(10))
    time.sleep(0.02)
    return measure_one(source, *args)
engine.measure_one = slowly
ImageHashFeaturizer("phash", cache=sys.argv[1]).transform(sys.argv[3:])
"""


def many_files(folder, noise_image, n_files):
    paths = [str(folder / f"{number}.png") for number in range(n_files)]
    for number, path in enumerate(paths):
        noise_image(number).save(path)
    return paths


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_run_loses_seconds(tmp_path, noise_image):
    """SIGKILL half-way: the next run decodes again only what the last second had done."""
    paths = many_files(tmp_path, noise_image, 200)
    log = tmp_path / "log"
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "cache"), str(log), *paths]
    log.touch()
    with subprocess.Popen(command) as process:
        wait_for(lambda: log.read_text().count("\n") > 120)
        process.kill()
    before = log.read_text().splitlines()
    subprocess.run(command, check=True, timeout=120)
    after = log.read_text().splitlines()[len(before) :]
    assert set(before) | set(after) == set(paths)
    # One second is 50 images at 0.02 s each; a chunk is written down only when it is done.
    assert len(before) + len(after) - len(paths) < 50 + _pool._CHUNK + 10


@pytest.fixture
def slow_files(tmp_path, noise_image):
    """Return 300 names of a file that takes a while to decode."""
    first = tmp_path / "0.png"
    noise_image(0, size=(1600, 1600)).save(first)
    paths = [first]
    for number in range(1, 300):
        paths.append(tmp_path / f"{number}.png")
        os.link(first, paths[-1])
    return [str(path) for path in paths]


def count_kept(cache):
    if not cache.exists():
        return 0
    with closing(sqlite3.connect(f"file:{cache}?mode=ro", uri=True)) as connection:
        try:
            return connection.execute("SELECT count(*) FROM images").fetchone()[0]
        except sqlite3.OperationalError:  # not made yet
            return 0


def children_of(pid):
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(child) for child in listed.stdout.split()]


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ps"), reason="children are listed by ps")
def test_an_interrupted_run_keeps_its_work_and_leaves_no_child(tmp_path, slow_files):
    """Ctrl-C in the middle of a run of two workers."""
    cache = tmp_path / "cache"
    script = (
        "import signal, sys\nfrom hashfeatures import ImageHashFeaturizer\n"
        # What a shell starts in the background ignores Ctrl-C, and so would this.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "ImageHashFeaturizer('phash', cache=sys.argv[1], n_jobs=2).transform(sys.argv[2:])"
    )
    command = [sys.executable, "-c", script, str(cache), *slow_files]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        wait_for(lambda: count_kept(cache) > 30)
        children = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    assert b"KeyboardInterrupt" in stderr
    assert process.returncode != 0
    assert len(children) >= 2
    wait_for(lambda: not any(map(is_alive, children)), seconds=20)
    assert 30 < count_kept(cache) < len(slow_files)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills a worker by a POSIX signal")
@pytest.mark.parametrize(("n_block", "n_chunk"), [(1024, 16), (16, 1)])
def test_a_worker_that_dies_takes_one_image_with_it(image_files, tmp_path, n_block, n_chunk):
    """The run goes on, in later blocks too, the image is named, and the cache stays whole."""
    files = [*image_files[:5] * 10, image_files[5]]  # the last block has one that is new
    cache = str(tmp_path / "cache")
    script = SCRIPT_OF_DEATH.format(cache=cache, files=files, n_block=n_block, n_chunk=n_chunk)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[33] deadly.png", "True"]
    assert count_kept(tmp_path / "cache") == 6


def test_the_settings_of_a_cache_keep_their_names():
    """Under other names, no hash of an existing cache would be found."""
    names = json.loads(batch._cache_settings(Decoding(), Reduction(), PillowState.here()))
    assert names.keys() == {
        *("bits", "pillow", "state", "decode", "orient", "background", "max_pixels"),
        *("reduced_side", "colour", "trim_borders"),
    }
    reduced = json.loads(
        batch._cache_settings(Decoding("reduced"), Reduction(), PillowState.here())
    )
    assert reduced.keys() - names.keys() == {"reduced_bits"}


SCRIPT_OF_DEATH = """
import os, signal, warnings
import numpy as np

class Deadly(os.PathLike):
    def __fspath__(self):
        if os.getpid() != PARENT:
            os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
        return "deadly.png"

PARENT = os.getpid()

from hashfeatures import hash_images, FailedImagesWarning
from hashfeatures.hashing import _batch as batch
from hashfeatures.hashing import _pool
warnings.simplefilter("ignore", FailedImagesWarning)
batch._BLOCK, _pool._CHUNK = {n_block}, {n_chunk}
X = {files!r}
X[33] = Deadly()
table = hash_images(X, "phash", n_jobs=2, cache={cache!r})
failed = table["error"].notna()
print(np.flatnonzero(failed).tolist(), os.fspath(X[33]))
print("died" in table["error"][33])
"""
