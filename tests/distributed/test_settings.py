"""Under all settings of the benchmark, the stages find and split what the finder does."""

import importlib.util
import sys
from pathlib import Path

import pytest

from hashfeatures.distributed import RayExecutor
from hashfeatures.distributed._executors import ThisProcess

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# Between them, these look at hashes, colors, pixels, turns and borders under both linkages.
QUICK = {"dihedral", "small hash"}


def load(name):
    """Import a module of the benchmarks, which import each other by name."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


planted_images, stages = load("planted_images"), load("stages")
MARKED = [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in stages.SETTINGS
]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Return the paths of images with copies of all kinds."""
    return planted_images.plant(tmp_path_factory.mktemp("planted") / "images", 100)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Return a cache in which the finders of all tests keep their hashes."""
    return tmp_path_factory.mktemp("cache") / "hashes.sqlite"


def assert_equal(name, images, place, executor, cache):
    settings = stages.SETTINGS[name]
    outcomes = list(stages.check_settings(settings, images, place, executor, 50, cache))
    assert len(outcomes) == len(stages.WAYS) * len(settings)
    assert min(outcome.n_pairs for outcome in outcomes) > 5
    assert [outcome for outcome in outcomes if outcome.differences] == []


@pytest.mark.parametrize("name", MARKED)
def test_stages_give_what_the_finder_gives(name, images, tmp_path, cache):
    """They do so at once, and in two increments that share pairs."""
    assert_equal(name, images, tmp_path, ThisProcess(), cache)


@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["colors", "robust", "segments"])
def test_they_do_so_on_ray(name, images, tmp_path, cache, ray_cluster):
    assert_equal(name, images, tmp_path, RayExecutor(), cache)


def test_the_table_has_two_dozen_settings():
    settings = [setting for some in stages.SETTINGS.values() for setting in some]
    assert len({str(sorted(setting.items())) for setting in settings}) >= 24
    crossed = {name for setting in settings for name in setting}
    assert crossed >= {
        *("hashes", "radius", "views", "linkage", "verify", "min_agreement", "color_radius"),
        *("trim_borders", "min_detail", "decode", "orient", "background"),
    }


def test_a_difference_is_told(monkeypatch, images, tmp_path, cache):
    """A table that never differs would prove nothing: here the stages get another radius."""
    find_pairs = stages.find_pairs
    monkeypatch.setattr(
        stages,
        "find_pairs",
        lambda hashes, out, finder, **options: find_pairs(
            hashes, out, finder.set_params(radius=20), **options
        ),
    )
    settings = [{"verify": False, "hashes": "phash:16", "radius": 60}]
    for outcome in stages.check_settings(settings, images, tmp_path, ThisProcess(), 50, cache):
        assert outcome.differences[0].startswith("pairs: ")
