"""Plugins of installed packages are registered before the first image, and replace no others."""

import os
import pickle
import subprocess
import sys
import types

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from PIL import Image

from hashfeatures import ImageHashFeaturizer, hash_images
from hashfeatures.images import _known_plugins, _pillow_state
from hashfeatures.images._known_plugins import version_of
from hashfeatures.images._pillow_state import PillowState, load_plugins

# A package of the name of the plugin for JPEG XL, which reads PNG behind the mark of that format.
PACKAGE = """
import io
from PIL import Image
__version__ = "7.8"
def open_jxl(file, name):
    return Image.open(io.BytesIO(file.read()[12:]))
Image.register_open("JXL", open_jxl, lambda start: start.startswith(b"\\0\\0\\0\\x0cJXL "))
Image.register_extension("JXL", ".jxl")
"""
MARK = b"\0\0\0\x0cJXL \r\n\x87\n"


@pytest.fixture
def package(tmp_path):
    """Return a folder with a package of a plugin."""
    folder = tmp_path / "packages"
    folder.mkdir()
    (folder / "pillow_jxl.py").write_text(PACKAGE, encoding="utf-8")
    return folder


def write(path, image):
    image.save(path.with_suffix(".png"))
    path.write_bytes(MARK + path.with_suffix(".png").read_bytes())
    path.with_suffix(".png").unlink()
    return str(path)


@pytest.mark.slow
def test_installed_plugins_are_registered_in_every_backend(tmp_path, package, noise_image):
    """Also where files are sought, and for files without a suffix."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(4):
        write(images / (f"{number}.jxl" if number % 2 else f"{number}"), noise_image(number))
    code = (
        "import sys\nimport joblib\nfrom hashfeatures import hash_images\n"
        "from hashfeatures.images._pillow_state import PillowState\n"
        "for backend in ('sequential', 'threading', 'loky', 'multiprocessing'):\n"
        "    with joblib.parallel_config(backend, n_jobs=2):\n"
        "        table = hash_images(sys.argv[1], 'phash')\n"
        "    assert len(table) == 4 and table['error'].isna().all(), (backend, table['error'])\n"
        "print(PillowState.here().settings()['readers'])"
    )
    found = os.pathsep.join([str(package), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code, str(images)],
        env=os.environ | {"PYTHONPATH": found},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "JXL: pillow_jxl.open_jxl 7.8" in done.stdout


def test_heic_is_read_though_nobody_registers_its_plugin(tmp_path, noise_image, without_heif):
    """By every backend of joblib, without a loss."""
    sys.modules.pop("pillow_heif")
    heif = pytest.importorskip("pillow_heif")
    images = [noise_image(number, size=(96, 64)) for number in range(4)]
    paths = [str(tmp_path / f"{number}.heic") for number in range(4)]
    for image, path in zip(images, paths, strict=True):
        heif.from_pillow(image).save(path, quality=-1, chroma=444, matrix_coefficients=0)
    expected = ImageHashFeaturizer("phash").transform(images)
    get_reusable_executor(max_workers=2).shutdown()
    for backend in ("sequential", "threading", "loky", "multiprocessing"):
        with joblib.parallel_config(backend, n_jobs=2):
            np.testing.assert_array_equal(ImageHashFeaturizer("phash").transform(paths), expected)


def test_a_package_that_is_installed_later_is_found_by_the_next_run(
    tmp_path, package, monkeypatch, noise_image, plugins_as_before, without_heif
):
    path = write(tmp_path / "a.jxl", noise_image(0))
    monkeypatch.delitem(sys.modules, "pillow_jxl")
    assert ".jxl" not in Image.EXTENSION
    featurizer = ImageHashFeaturizer("phash", errors="coerce")
    with pytest.warns(UserWarning, match="JPEG XL needs a plugin"):
        featurizer.transform([path])
    monkeypatch.syspath_prepend(package)
    assert not np.isnan(featurizer.transform([path])).any()
    sys.modules.pop("pillow_jxl")


def test_what_the_caller_registered_stays(without_heif, plugins_as_before, monkeypatch):
    """Whether or not it has a suffix."""
    monkeypatch.setitem(sys.modules, "pillow_heif", types.ModuleType("pillow_heif"))
    sys.modules["pillow_heif"].register_heif_opener = lambda: pytest.fail("it is registered")

    def mine(file, name):
        raise SyntaxError

    Image.register_open("HEIF", mine, lambda start: False)
    load_plugins(again=True)
    assert Image.OPEN["HEIF"][0] is mine


def test_a_broken_package_keeps_no_image_from_being_read(
    tmp_path, monkeypatch, png_bytes, without_heif
):
    (tmp_path / "pillow_jxl.py").write_text("raise RuntimeError('wrong library')")
    monkeypatch.delitem(sys.modules, "pillow_jxl")
    monkeypatch.syspath_prepend(tmp_path)
    assert hash_images([png_bytes], "phash")["error"].isna().all()


def test_workers_register_nothing_that_their_caller_lacks(monkeypatch, without_heif):
    """What a worker reads must not depend on what is installed there."""
    monkeypatch.setattr(_known_plugins, "_is_over", False)
    monkeypatch.setattr(_pillow_state, "_installed", None)
    sent = pickle.loads(pickle.dumps(PillowState.here()))
    monkeypatch.setitem(sys.modules, "pillow_heif", types.ModuleType("pillow_heif"))
    sys.modules["pillow_heif"].register_heif_opener = lambda: pytest.fail("it is registered")
    sent.apply()
    load_plugins(again=True)


def test_options_of_plugins_reach_the_workers(monkeypatch):
    """They decide what is read, and are part of the key of a cache."""
    options = types.ModuleType("pillow_heif.options")
    options.THUMBNAILS, options.DISABLE_SECURITY_LIMITS = False, False
    monkeypatch.setitem(sys.modules, "pillow_heif.options", options)
    monkeypatch.setattr(_known_plugins, "_is_over", False)
    monkeypatch.setattr(_pillow_state, "_installed", None)
    state = PillowState.here()
    assert state.settings()["pillow_heif.options.THUMBNAILS"] is False
    sent = pickle.loads(pickle.dumps(state))
    options.THUMBNAILS = True
    assert PillowState.here().settings() != state.settings()
    sent.apply()
    assert options.THUMBNAILS is False


def test_versions_are_those_of_packages():
    assert version_of("PIL") == Image.__version__
    assert version_of("no_such_package") == ""
