"""Images for every test: made here, or taken from the wheels of scikit-learn and scikit-image."""

import contextlib
import errno
import importlib
import io
import os
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import skimage
import sklearn.datasets
from hypothesis import HealthCheck, settings
from PIL import Image
from sklearn.cluster import DBSCAN
from sklearn.pipeline import make_pipeline

from hashfeatures import HammingNeighborsTransformer, ImageHashFeaturizer
from hashfeatures.images import _known_plugins
from hashfeatures.images._pillow_state import load_plugins

# .ci/run looks for counterexamples longer with the newest releases, and shorter with the oldest.
for profile, max_examples in (("quick", 10), ("default", 30), ("thorough", 60)):
    settings.register_profile(
        profile,
        # Shared runners are slow now and then, which is not what the properties are about.
        deadline=None,
        # Fixtures that set something for all examples need not be made anew for each.
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        max_examples=max_examples,
    )
settings.load_profile("default")


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures of a test, as matplotlib warns of many, whatever runs in one process."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def files_of_windows(monkeypatch):
    """Refuse to replace and to delete files that this process has open or mapped."""
    if not os.path.exists("/proc/self/maps"):
        pytest.skip("needs /proc")

    def check(*paths):
        for path in filter(os.path.isfile, paths):
            status, real = os.stat(path), os.path.realpath(path)
            opened = []
            for descriptor in map(int, os.listdir("/proc/self/fd")):
                with contextlib.suppress(OSError):
                    opened.append(os.fstat(descriptor))
            mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
            if any(os.path.samestat(status, each) for each in opened) or real in mapped:
                raise PermissionError(errno.EACCES, "being used by another process", str(path))

    def checked(function):
        def run(*paths, **options):
            check(*paths)
            return function(*paths, **options)

        return run

    # Windows has no descriptors of folders, by which files would be deleted.
    monkeypatch.setattr(shutil, "_use_fd_functions", False, raising=False)
    for name in ("replace", "rename", "unlink", "remove"):
        monkeypatch.setattr(os, name, checked(getattr(os, name)))


@pytest.fixture(params=["ample", "none"])
def memory_bounds(request):
    """How many pairs are held: as many as usual, or none, and all goes in small blocks."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "none":
            bounds = {
                "_pair_graph": {"_MOST_HELD": 0, "_MOST_HELD_EACH": 0, "_STEP": 7},
                "_pair_search": {"_MOST_FOUND": 5, "_ASKED": 3},
                "fingerprints._search": {"_BLOCK": 3},
            }
            for module, values in bounds.items():
                for name, value in values.items():
                    patch.setattr(f"hashfeatures.duplicates.{module}.{name}", value)
        yield request.param


def _noise_image(seed, size=(40, 30), mode="RGB"):
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC).convert(mode)


@pytest.fixture(scope="session")
def noise_image():
    """Return a maker of images of blurred noise: structure at every scale, and no two alike."""
    return _noise_image


@pytest.fixture(scope="session")
def photos():
    """Return the paths of the photos and drawings that ship in the wheels."""
    folders = [Path(skimage.__file__).parent / "data", Path(sklearn.datasets.__file__).parent]
    kinds = {".jpg", ".png", ".gif"}
    found = [path for folder in folders for path in folder.rglob("*") if path.suffix in kinds]
    assert len(found) > 25
    return sorted(found)


@pytest.fixture(scope="session")
def encode():
    """Return a function from an image and a format to the bytes of a file."""

    def to_bytes(image, kind="PNG", **options):
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return to_bytes


@pytest.fixture(scope="session")
def png_bytes(encode):
    return encode(_noise_image(0))


def _copies(files, folder):
    """Copy files into a folder, and return the paths of the copies."""
    return [str(shutil.copy(path, folder)) for path in files]


@pytest.fixture(scope="session")
def _noise_files(tmp_path_factory):
    """Make the files of `image_files` once."""
    folder = tmp_path_factory.mktemp("noise")
    paths = [folder / f"image_{seed}.png" for seed in range(6)]
    for seed, path in enumerate(paths):
        _noise_image(seed).save(path)
    return paths


@pytest.fixture
def image_files(_noise_files, tmp_path):
    """Return the paths of six different images."""
    return _copies(_noise_files, tmp_path)


@pytest.fixture(scope="session")
def _family_files(tmp_path_factory, photos):
    """Make the files of `family` once: photos take half a second to encode."""
    names = ["astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg"]
    by_name = {path.name: path for path in photos}
    folder = tmp_path_factory.mktemp("family")
    files, shown = [], []
    for number, name in enumerate(names):
        image = Image.open(by_name[name]).convert("RGB")
        for copy, kind in enumerate(["original.png", "small.png", "jpeg.jpg"]):
            path = folder / f"{name.partition('.')[0]}_{kind}"
            edited = image.resize((image.width // 2, image.height // 2)) if copy == 1 else image
            edited.save(path, **({"quality": 30} if copy == 2 else {}))
            files.append(path)
            shown.append(number)
    return files, shown


@pytest.fixture
def family(_family_files, tmp_path):
    """Return files of five photos, each with two copies, and which photo each file shows."""
    files, shown = _family_files
    return _copies(files, tmp_path), np.array(shown)


POISON = """
# A format whose reader kills its process, as a broken decoder does.
import os, signal
from PIL import Image
DEADLY = getattr(signal, "SIGKILL", signal.SIGTERM)  # of which Windows has the second alone
Image.register_open("POISON", lambda file, name: os.kill(os.getpid(), DEADLY),
                    lambda start: start.startswith(b"POISON"))
"""


STRANGE = """
# A plugin for PNG files behind a mark, as a package of its own.
import io
from PIL import Image

def open_strange(file, name):
    return Image.open(io.BytesIO(file.read()[7:]))

def is_strange(start):
    return start.startswith(b"STRANGE")

def register():
    Image.register_open("STRANGE", open_strange, is_strange)
    Image.register_extension("STRANGE", ".strange")
"""


@pytest.fixture(scope="session")
def poisonable(tmp_path_factory):
    """Let processes that are started from now on die of files that begin with POISON.

    They can also import the plugin `strange_format`. The fixture is the folder that holds it.
    """
    folder = tmp_path_factory.mktemp("site")
    (folder / "sitecustomize.py").write_text(POISON, encoding="utf-8")
    (folder / "strange_format.py").write_text(STRANGE, encoding="utf-8")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([before] if before else [])])
    sys.path.append(str(folder))  # which processes that are spawned take over
    yield folder
    sys.path.remove(str(folder))
    if before is None:
        del os.environ["PYTHONPATH"]
    else:
        os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def ray_cluster(poisonable):
    """Start a Ray cluster of two workers, for all tests that want one."""
    ray = pytest.importorskip("ray")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its affair
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=100 * 2**20,
        )
        yield ray
        ray.shutdown()


@pytest.fixture
def custom_finder():
    """Return a finder that is none of ours: a pipeline of scikit-learn."""
    return make_pipeline(
        ImageHashFeaturizer(["phash", "dhash"]),
        HammingNeighborsTransformer(radius=12),
        DBSCAN(eps=12, min_samples=2, metric="precomputed"),
    )


@pytest.fixture
def plugins_as_before(monkeypatch):
    """Forget the plugins that a test registers at its end."""
    load_plugins()
    for name in ("OPEN", "DECODERS", "EXTENSION"):
        monkeypatch.setattr(Image, name, dict(getattr(Image, name)))
    monkeypatch.setattr(Image, "ID", list(Image.ID))


@pytest.fixture
def strange_files(poisonable, plugins_as_before, tmp_path, image_files):
    """Register a plugin of the caller, and return files that only it reads."""
    importlib.import_module("strange_format").register()
    paths = [tmp_path / f"{number}.strange" for number in range(len(image_files))]
    for path, image in zip(paths, image_files, strict=True):
        path.write_bytes(b"STRANGE" + Path(image).read_bytes())
    return list(map(str, paths))


@pytest.fixture
def without_heif(monkeypatch):
    """Take away the plugins of known packages, which a test before this one may have loaded."""
    Image.init()
    packages = ("pillow_heif", "pillow_jxl", "pillow_avif")
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(_known_plugins, "_tried", set())
    theirs = {
        kind
        for kind, (reader, _) in Image.OPEN.items()
        if reader.__module__.partition(".")[0] in packages
    }
    for name in ("OPEN", "EXTENSION"):
        table = getattr(Image, name)
        others = {
            key: value
            for key, value in table.items()
            if not theirs & {key, *([value] if isinstance(value, str) else [])}
        }
        monkeypatch.setattr(Image, name, others)
    monkeypatch.setattr(Image, "ID", [kind for kind in Image.ID if kind not in theirs])


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Return a headless Chromium that records its console and uses no network."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if not (chromium and shutil.which("chromedriver")):
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run"),
        *("disable-background-networking", "disable-component-update", "disable-sync"),
        *("window-size=1200,1000", f"user-data-dir={tmp_path_factory.mktemp('browser')}"),
    ):
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def visit(browser):
    """Return a function that shows a page, and waits until it is complete."""
    wait = pytest.importorskip("selenium.webdriver.support.wait").WebDriverWait(browser, 30)

    def show(path):
        browser.get(path.as_uri())
        wait.until(lambda driver: driver.current_url == path.as_uri())
        wait.until(lambda it: it.execute_script("return document.readyState") == "complete")

    return show
