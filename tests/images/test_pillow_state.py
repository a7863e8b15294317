"""What of Pillow's state decides what can be read holds in every worker, and outlives no run."""

import json
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from PIL import BufrStubImagePlugin, Image, ImageFile, PngImagePlugin

from hashfeatures import FailedImagesWarning, ImageHashFeaturizer, ImageReadError, hash_images
from hashfeatures.images._decoding import Decoding
from hashfeatures.images._pillow_state import (
    PillowState,
    load_plugins,
    max_image_pixels,
    raised_pixel_limit,
)
from hashfeatures.images._read import read_image


class PlanarFile(ImageFile.ImageFile):
    """A format of our own: a mark, the width and the height, and the luma inverted."""

    format = "PLANAR"

    def _open(self):
        head = self.fp.read(8)
        self._mode, self._size = "L", (head[6], head[7])
        self.tile = [ImageFile._Tile("PLANAR", (0, 0, *self._size), 8, ())]


class PlanarDecoder(ImageFile.PyDecoder):
    _pulls_fd = True

    def decode(self, buffer):
        pixels = np.frombuffer(self.fd.read(), np.uint8)
        self.set_as_raw((255 - pixels).tobytes())
        return -1, 0


def accept_planar(start):
    return start.startswith(b"PLANAR")


def planar(image):
    pixels = np.asarray(image.convert("L"))
    return b"PLANAR" + bytes(pixels.shape[::-1]) + (255 - pixels).tobytes()


@pytest.fixture(autouse=True, scope="module")
def importable():
    """Let the workers of these tests import the format, as a package of its own is."""
    root = str(Path(__file__).parents[2])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, root])
        get_reusable_executor(max_workers=2).shutdown()
        yield


@pytest.fixture
def registered(plugins_as_before):
    """Register the format, and forget it at the end."""
    Image.register_open("PLANAR", PlanarFile, accept_planar)
    Image.register_decoder("PLANAR", PlanarDecoder)
    Image.register_extension("PLANAR", ".planar")


@pytest.fixture
def planar_files(tmp_path, noise_image):
    paths = [str(tmp_path / f"{number}.planar") for number in range(6)]
    for number, path in enumerate(paths):
        with open(path, "wb") as file:
            file.write(planar(noise_image(number)))
    return paths


BACKENDS = ["sequential", "threading", "loky", "multiprocessing"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_readers_of_others_reach_the_workers(backend, registered, planar_files, noise_image):
    """As those of pillow-heif, which its caller registers."""
    expected = ImageHashFeaturizer("phash").transform(
        [noise_image(number, mode="L") for number in range(6)]
    )
    with joblib.parallel_config(backend, n_jobs=2):
        bits = ImageHashFeaturizer("phash").transform(planar_files)
    np.testing.assert_array_equal(bits, expected)


def test_a_reader_that_cannot_travel_is_told(registered, planar_files):
    """The failures of a worker say why it differs from its caller."""
    lock = threading.Lock()

    def factory(file, name):
        with lock:
            return PlanarFile(file, name)

    Image.register_open("PLANAR", factory, accept_planar)
    ImageHashFeaturizer("phash").transform(planar_files)
    table = hash_images([*planar_files, planar_files[0]], "phash", n_jobs=1)
    assert table["error"].isna().all()
    with pytest.warns(FailedImagesWarning, match=r"PLANAR.* cannot be pickled.*n_jobs=1"):
        hash_images(planar_files, "phash", n_jobs=2)


def test_what_could_not_be_identified_is_read_when_its_reader_is_there(
    tmp_path, planar_files, monkeypatch
):
    """A failure in the cache must not outlive its cause."""
    featurizer = ImageHashFeaturizer(
        "phash", errors="coerce", cache=tmp_path / "hashes.sqlite", n_jobs=2
    )
    with pytest.warns(FailedImagesWarning, match="6 of 6"):
        featurizer.transform(planar_files)
    load_plugins()
    for table in ("OPEN", "DECODERS", "EXTENSION"):
        monkeypatch.setattr(Image, table, dict(getattr(Image, table)))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    Image.register_open("PLANAR", PlanarFile, accept_planar)
    Image.register_decoder("PLANAR", PlanarDecoder)
    assert not np.isnan(featurizer.transform(planar_files)).any()


def test_another_reader_of_a_format_has_entries_of_its_own(tmp_path, registered, planar_files):
    """What one plugin made of a file is not what another makes of it."""

    class Inverted(PlanarFile):
        def load_end(self):
            self.im = Image.eval(self._new(self.im), lambda value: 255 - value).im

    featurizer = ImageHashFeaturizer("ahash", cache=tmp_path / "hashes.sqlite")
    before = featurizer.transform(planar_files)
    Image.register_open("PLANAR", Inverted, accept_planar)
    assert (featurizer.transform(planar_files) != before).any()


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_flags_reach_the_workers(n_jobs, tmp_path, monkeypatch, noise_image):
    """The size of the text in a PNG is limited by a flag of its plugin."""
    text = PngImagePlugin.PngInfo()
    text.add_text("note", "x" * 1000, zip=True)
    paths = [str(tmp_path / f"{number}.png") for number in range(4)]
    for number, path in enumerate(paths):
        noise_image(number).save(path, pnginfo=text)
    assert hash_images(paths, "phash", n_jobs=n_jobs)["error"].isna().all()
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 100)
    with pytest.warns(FailedImagesWarning, match="4 of 4"):
        hash_images(paths, "phash", n_jobs=n_jobs)
    monkeypatch.setattr(PngImagePlugin, "MAX_TEXT_CHUNK", 10_000)
    assert hash_images(paths, "phash", n_jobs=n_jobs)["error"].isna().all()


def test_whatever_is_registered_is_part_of_the_key_of_a_cache(registered):
    """Readers, decoders and handlers by their names; the order of known formats says nothing."""

    class Decoder(PlanarDecoder):
        pass

    def key():
        return json.dumps(PillowState.here().settings())

    keys = [key()]
    for change in (
        lambda: Image.register_decoder("PLANAR", Decoder),
        lambda: BufrStubImagePlugin.register_handler(Decoder(None)),
        lambda: Image.register_open("PLANAR", lambda file, name: None, accept_planar),
    ):
        change()
        keys.append(key())
    BufrStubImagePlugin.register_handler(None)
    assert len(set(keys)) == len(keys)
    orders = []
    for kinds in (("HEIF", "JXL"), ("JXL", "HEIF")):
        for kind in ("HEIF", "JXL"):
            Image.OPEN.pop(kind, None)
        Image.ID[:] = [kind for kind in Image.ID if kind in Image.OPEN]
        for kind in kinds:
            Image.register_open(kind, PlanarFile, lambda start: False)
        orders.append((key(), list(Image.ID)))
    assert orders[0] == orders[1]
    assert "HEIF: " in orders[0][0]


def test_stages_read_what_their_caller_reads(tmp_path, registered, planar_files):
    pytest.importorskip("pyarrow")
    from hashfeatures.distributed import LocalExecutor, hash_dataset

    done = hash_dataset(planar_files, tmp_path / "out", executor=LocalExecutor(1))
    assert (done.n_images, done.n_failed) == (6, 0)
    done = hash_dataset(str(tmp_path), tmp_path / "folder", executor=LocalExecutor(1))
    assert (done.n_images, done.n_failed) == (6, 0)


# ---- One set of plugins in one order ----


@pytest.mark.slow
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_order_of_files_decides_nothing(tmp_path, noise_image, n_jobs):
    """Pillow's plugin for TGA takes icons too, if it is loaded before theirs."""
    noise_image(0, size=(32, 32)).save(tmp_path / "icon.ico")
    noise_image(1, size=(32, 32)).save(tmp_path / "picture.tga")
    noise_image(2, size=(32, 32)).save(tmp_path / "photo.jpg")
    code = (
        "import sys\nfrom hashfeatures import hash_images\n"
        "table = hash_images(sys.argv[2:], 'phash', n_jobs=int(sys.argv[1]))\n"
        "print(sorted(zip(table['phash'], table['format'])))"
    )
    told = set()
    for names in (["icon.ico"], ["picture.tga", "icon.ico"], ["icon.ico", "picture.tga"]):
        names = [*names, "photo.jpg"]
        command = [sys.executable, "-c", code, str(n_jobs), *(str(tmp_path / n) for n in names)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = eval(done.stdout)
        assert {kind for _, kind in found} == {"ICO", "JPEG", "TGA"} - (
            {"TGA"} if "picture.tga" not in names else set()
        )
        told.add(next(bits for bits, kind in found if kind == "ICO"))
    assert len(told) == 1


def test_plugins_are_asked_in_one_order(without_heif, registered):
    """Whatever was loaded first; those of others before Pillow's own."""
    before = list(load_plugins())
    Image.ID.reverse()
    assert load_plugins() == before
    assert before[:2] == ["PLANAR", "BMP"]
    assert before.index("ICO") < before.index("TGA")


# ---- The limit of pixels ----


def test_a_limit_above_pillows_own_holds_in_every_thread(png_bytes, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with ThreadPoolExecutor(1) as threads:
        large = threads.submit(read_image, png_bytes, Decoding(max_pixels=1200))
        assert large.result().width == 40
    assert Image.MAX_IMAGE_PIXELS == 100
    with joblib.parallel_config("threading", n_jobs=2):
        ImageHashFeaturizer("phash", max_pixels=1200).transform([png_bytes] * 4)
    with pytest.raises(ImageReadError, match=r"max_pixels.*--max-pixels"):
        read_image(png_bytes)


def test_the_users_own_limit_is_told_and_restored(monkeypatch):
    """Whatever contexts are open, in whatever order they end, and if it is set in between."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    first, second = raised_pixel_limit(1000), raised_pixel_limit(4000)
    first.__enter__()
    second.__enter__()
    assert (Image.MAX_IMAGE_PIXELS, max_image_pixels()) == (4000, 100)
    first.__exit__(None, None, None)
    assert (Image.MAX_IMAGE_PIXELS, max_image_pixels()) == (4000, 100)
    assert PillowState.here().flags[0] == 100
    second.__exit__(None, None, None)
    assert (Image.MAX_IMAGE_PIXELS, max_image_pixels()) == (100, 100)
    with raised_pixel_limit(1000):
        Image.MAX_IMAGE_PIXELS = 300
        assert max_image_pixels() == 300
    assert Image.MAX_IMAGE_PIXELS == 300
    with raised_pixel_limit(10):
        assert Image.MAX_IMAGE_PIXELS == 300


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_was_too_large_is_read_when_the_limit_is_raised(
    tmp_path, image_files, n_jobs, monkeypatch
):
    """A bomb of yesterday is not remembered."""
    cache = tmp_path / "hashes.sqlite"
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)
    for limit in (1199, 1200):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FailedImagesWarning)
            table = hash_images(image_files, "phash", cache=cache, max_pixels=limit, n_jobs=n_jobs)
        assert table["error"].isna().all() == (limit == 1200)
    with pytest.raises(ImageReadError) as failed:
        read_image(image_files[0], Decoding(max_pixels=10))
    assert not failed.value.lasting
