"""The face of the package: sorted names, each of which exists, at little cost."""

import importlib
import subprocess
import sys

import pytest

import hashfeatures

HEAVY = [
    "numba",
    "matplotlib",
    "ray",
    "fsspec",
    "aiohttp",
    "skimage",
    "sklearn",
    "pandas",
    "scipy",
]


def test_every_public_name_exists():
    assert hashfeatures.__all__ == sorted(hashfeatures.__all__)
    for name in hashfeatures.__all__:
        assert getattr(hashfeatures, name).__name__ == name
        assert getattr(hashfeatures, name).__doc__
    assert set(hashfeatures.__all__) <= set(dir(hashfeatures))


@pytest.mark.parametrize(
    "package",
    [
        "",
        ".duplicates",
        ".distributed",
        ".hamming",
        ".hashing",
        ".model_selection",
        ".model_selection.sequences",
    ],
)
def test_type_checkers_see_the_same_names(package):
    """They do not run `__getattr__`: the names stand in a block of imports for them too."""
    module = importlib.import_module(f"hashfeatures{package}")
    with open(module.__file__, encoding="utf-8") as file:
        block = file.read().partition("if TYPE_CHECKING:")[2].partition("__getattr__")[0]
    named = {line.rpartition(" as ")[2] for line in block.splitlines() if " as " in line}
    assert named == set(module.__all__)
    assert all(hasattr(module, name) for name in named)


def test_an_unknown_name_is_no_name():
    with pytest.raises(AttributeError, match="no attribute 'ImageHasher'"):
        hashfeatures.ImageHasher  # noqa: B018


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import hashfeatures", HEAVY),
        ("from hashfeatures import ImageReadError", HEAVY),
        (
            "from hashfeatures import ImageHashFeaturizer, train_test_split, hash_images",
            ["numba", "matplotlib", "ray", "fsspec", "aiohttp", "tenacity", "skimage", "polars"],
        ),
    ],
)
def test_importing_brings_only_what_is_needed(statement, absent):
    code = f"import sys; {statement}; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_completion_shows_what_users_call():
    """A tab shows the names that are promised, and none that the package's own modules call."""
    internal = {"sign", "choose_radius", "given_radius", "n_orientations", "decoding"}
    assert not internal & set(dir(hashfeatures.NearDuplicateFinder))
    public = [name for name in dir(hashfeatures) if not name.startswith("_")]
    assert public == sorted(
        [*hashfeatures.__all__, "distributed", "edits", "exceptions", "plotting"]
    )
    for name in public:
        assert getattr(hashfeatures, name).__doc__
    stages = [name for name in dir(hashfeatures.distributed) if not name.startswith("_")]
    assert stages == hashfeatures.distributed.__all__
