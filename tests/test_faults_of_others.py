"""One bad item is one failed row; what is not of an item ends the run; errors hold no pixels."""

import gc
import io
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from PIL import Image

from hashfeatures import (
    FailedImagesWarning,
    ImageHashFeaturizer,
    ImageReadError,
    NearDuplicateFinder,
    hash_images,
)
from hashfeatures.hashing import _batch as batch
from hashfeatures.hashing import _worker as engine
from hashfeatures.images._read import read_image


class Unpicklable:
    def __reduce__(self):
        raise RuntimeError("it stays here")


class UnpicklablePath(Unpicklable, os.PathLike):
    def __init__(self, path):
        self.path = path

    def __fspath__(self):
        return self.path


class BrokenPath(os.PathLike):
    def __fspath__(self):
        raise RuntimeError("there is no path")


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky", "multiprocessing"])
def test_what_cannot_travel_is_converted_or_one_failed_row(image_files, tmp_path, backend):
    content = Path(image_files[0]).read_bytes()
    noted = Image.open(io.BytesIO(content))
    noted.load()
    noted.info["note"] = lambda: None
    with os.scandir(Path(image_files[0]).parent) as entries:
        first = next(entry for entry in entries if entry.path == image_files[0])
    good = [
        first,
        {"path": first},
        UnpicklablePath(image_files[0]),
        memoryview(content),
        bytearray(content),
        {"bytes": memoryview(content), "path": first, "more": Unpicklable()},
        noted,
        np.asarray(noted).view(np.ndarray),
        Path(image_files[0]),
        np.str_(image_files[0]),
    ]
    bad = [Unpicklable(), BrokenPath(), {"path": Unpicklable()}, lambda: None, object(), 7, None]
    images = [*good, *bad, image_files[1]]
    with joblib.parallel_config(backend, n_jobs=2), warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedImagesWarning)
        table = hash_images(images, "phash")
        bits = ImageHashFeaturizer("phash", errors="coerce").transform(images)
    failed = [False] * len(good) + [True] * len(bad) + [False]
    assert table["error"].notna().tolist() == failed
    assert np.isnan(bits).all(axis=1).tolist() == failed
    assert table["phash"][: len(good)].nunique() == 1


ENVIRONMENT = [
    ImportError("no codec"),
    PermissionError(13, "Permission denied", "/elsewhere/cache"),
    OSError(28, "No space left on device"),
    OSError(24, "Too many open files"),
]
OWN = [RuntimeError("no locator"), ZeroDivisionError("a bug"), ValueError("a bug"), MemoryError()]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("error", ENVIRONMENT, ids=repr)
def test_an_error_of_the_environment_ends_the_run(
    image_files, tmp_path, monkeypatch, error, n_jobs
):
    """And no cache remembers it."""

    def fail(*arguments, **options):
        raise error

    cache = tmp_path / "cache"
    with monkeypatch.context() as patch, joblib.parallel_config("threading"):
        patch.setattr(Image, "open", fail)
        with pytest.raises(type(error)) as raised:
            hash_images(image_files, "phash", cache=cache, n_jobs=n_jobs)
    assert "image_" in str(raised.value.__notes__)
    assert hash_images(image_files, "phash", cache=cache)["error"].isna().all()


@pytest.mark.parametrize("error", [*ENVIRONMENT, *OWN], ids=repr)
def test_an_error_while_hashing_is_not_the_images(image_files, monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(engine, "measure_detail", fail)
    for call in (hash_images, lambda images: NearDuplicateFinder().fit(images)):
        with pytest.raises(type(error)):
            call(image_files)


def test_stages_keep_no_error_of_the_environment(image_files, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow")
    from hashfeatures.distributed._hash_stage import HashPlan
    from hashfeatures.distributed.hashes._hash_worker import hash_batch
    from hashfeatures.duplicates.fingerprints._computed import ComputedHashes
    from hashfeatures.hashing._spec import parse_hashes
    from hashfeatures.images._decoding import Decoding

    def fail(*arguments):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(engine, "measure_detail", fail)
    with pytest.raises(RuntimeError, match="no locator"):
        plan = HashPlan(ComputedHashes(parse_hashes(["phash"])), Decoding())
        hash_batch(image_files, image_files, plan)


def test_an_error_of_one_file_is_its_own(tmp_path, image_files):
    """One that may not be read, or whose mode Pillow cannot convert, ends no run."""
    odd = Image.new("La", (9, 9))
    with pytest.raises(ImageReadError, match="not supported"):
        ImageHashFeaturizer(background=None).transform([odd])
    with pytest.raises(ImageReadError, match="closed"):
        closed = Image.open(image_files[0])
        closed.close()
        read_image(closed)


def test_errors_hold_no_pixels(tmp_path, noise_image, encode):
    """Twenty truncated photos of a megapixel are not kept in memory by their tracebacks."""
    whole = encode(noise_image(0, size=(1200, 1000)), "PNG")
    paths = [tmp_path / f"{number}.png" for number in range(20)]
    for path in paths:
        path.write_bytes(whole[: len(whole) - 5000])
    errors = []
    for path in paths:
        with pytest.raises(ImageReadError) as raised:
            read_image(path)
        errors.append(raised.value)
    outcomes = engine.hash_chunk(
        [(path, ()) for path in paths],
        batch.Decoding(),
        batch.Reduction(),
        None,
        False,
        batch.ProcessState.here(),
    )
    assert all(error.__traceback__ is None and error.__cause__ is None for error in outcomes)
    gc.collect()
    # By type alone: isinstance asks weak proxies of others, whose objects may be gone.
    kept = [thing for thing in gc.get_objects() if issubclass(type(thing), Image.Image)]
    assert not [image for image in kept if image.size == (1200, 1000)]
    assert len(errors) == len(outcomes) == 20


IN_A_POOL = """
import multiprocessing, sys, warnings

import numpy as np

from hashfeatures import HammingNeighbors, NearDuplicateFinder
from hashfeatures._utils.jobs import count_jobs

def work(paths):
    warnings.simplefilter("error")
    finder = NearDuplicateFinder(n_jobs=2).fit(paths)
    bits = np.random.default_rng(0).integers(0, 2, (500, 64), dtype=np.uint8)
    HammingNeighbors(radius=4, n_jobs=2).fit(bits).pairs()
    return finder.labels_.tolist(), count_jobs(2)

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(*pool.apply(work, (sys.argv[1:],)))
"""


@pytest.mark.slow
def test_threads_work_in_a_process_of_a_pool(image_files, tmp_path):
    """Such a process starts no others: joblib would warn of that, and use one thread."""
    script = tmp_path / "in_a_pool.py"
    script.write_text(IN_A_POOL)
    command = [sys.executable, str(script), *image_files]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    assert done.stdout == f"{list(range(6))} 2\n"


HANGING = """
import os, signal, sys
from PIL import Image
import joblib
from hashfeatures import hash_images

signal.signal(signal.SIGINT, signal.default_int_handler)

def hang(start):
    os.write(1, b"hanging\\n")  # at once, whatever other threads write
    os.read(os.pipe()[0], 1)

Image.register_open("HANGING", lambda file, name: None, hang)
with joblib.parallel_config(sys.argv[1], n_jobs=2):
    hash_images(sys.argv[2:], "phash")
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="interrupts by a POSIX signal")
@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_a_read_that_hangs_can_be_interrupted(image_files, backend):
    """As that of a file on a network that is gone."""
    command = [sys.executable, "-c", HANGING, backend, *image_files]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout.readline() == "hanging\n"
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0
    assert "KeyboardInterrupt" in told


def test_what_cannot_travel_is_calibrated_with(photos):
    """Near pairs are looked at by workers too."""
    from hashfeatures import calibrate

    entries = {}
    for folder in {path.parent for path in photos}:
        with os.scandir(folder) as listed:
            entries |= {entry.path: entry for entry in listed}
    images = [entries[str(path)] for path in photos]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one, two = (
            calibrate(images, finder=NearDuplicateFinder(n_jobs=n_jobs), n_edited=2)
            for n_jobs in (1, 2)
        )
    assert one.radius == two.radius
