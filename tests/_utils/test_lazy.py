"""Names of a package are imported on first use, and then stay."""

import sys

import pytest

from hashfeatures._utils.lazy import attach

INIT = """
from hashfeatures._utils.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, {"_things": ["thing", "Other"]}, ["public"])
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a package of which nothing but its ``__init__`` is imported."""
    folder = tmp_path / "lazy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "_things.py").write_text("thing = object()\nclass Other: pass\nhidden = 1\n")
    (folder / "public.py").write_text("inside = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import lazy_package

    yield lazy_package
    for name in [name for name in sys.modules if name.partition(".")[0] == "lazy_package"]:
        del sys.modules[name]


def test_a_name_is_imported_on_first_use(package):
    assert "lazy_package._things" not in sys.modules
    thing = package.thing
    assert thing is sys.modules["lazy_package._things"].thing
    assert vars(package)["thing"] is thing, "the second use calls no function"


def test_a_public_module_is_imported_on_first_use(package):
    assert package.public.inside == 1
    assert "lazy_package._things" not in sys.modules


def test_names_are_listed_without_an_import(package):
    assert package.__all__ == ["Other", "thing"]
    assert {"Other", "public", "thing", "__name__"} <= set(dir(package))
    assert "attach" not in dir(package)
    assert "lazy_package._things" not in sys.modules


@pytest.mark.parametrize("name", ["hidden", "no_such_name"])
def test_other_names_do_not_exist(package, name):
    with pytest.raises(AttributeError, match=f"module 'lazy_package' has no attribute '{name}'"):
        getattr(package, name)


def test_what_attach_returns_is_sorted():
    assert attach(__name__, {"a": ["c", "a"], "b": ["b"]})[2] == ["a", "b", "c"]
