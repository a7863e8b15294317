"""Shared parameters are described in every docstring that names them, in its own indentation."""

import inspect
import pkgutil
from importlib import import_module

import pytest

import hashfeatures
from hashfeatures._utils.docstrings import fill_in_parameters


def test_a_placeholder_is_replaced_at_its_indentation():
    @fill_in_parameters
    class Estimator:
        """Hash.

        Parameters
        ----------
        $n_threads
            More of it.
        other : int
        """

    lines = Estimator.__doc__.rstrip().splitlines()  # Python 3.13 strips the last one itself
    margin = " " * (len(lines[2]) - len(lines[2].lstrip()))
    assert lines[4] == f"{margin}n_jobs : int, default=None"
    assert lines[5].startswith(f"{margin}    The number of threads")
    assert lines[-2] == f"{margin}    More of it."
    assert lines[-1] == f"{margin}other : int"


def test_a_dollar_within_a_line_is_left_alone():
    def cost():
        """Cost $n_jobs, or $5.

        $$
        """

    before = cost.__doc__
    assert fill_in_parameters(cost).__doc__ == before


def test_an_unknown_name_is_an_error():
    def hash_all():
        """Hash.

        $no_such_parameter
        """

    with pytest.raises(KeyError, match="no_such_parameter"):
        fill_in_parameters(hash_all)


def test_without_docstrings_nothing_is_filled_in():
    """Python started with -OO has none."""

    def hash_all():
        pass

    assert fill_in_parameters(hash_all) is hash_all
    assert hash_all.__doc__ is None


def test_no_docstring_of_the_package_keeps_a_placeholder():
    """Whoever writes one must decorate the function as well."""
    left = []
    for found in pkgutil.walk_packages(hashfeatures.__path__, "hashfeatures."):
        if found.name.endswith("__main__") or found.name.endswith("_kernels"):
            continue
        module = import_module(found.name)
        for _, thing in inspect.getmembers(module):
            if getattr(thing, "__module__", None) != found.name:
                continue
            members = vars(thing).values() if inspect.isclass(thing) else ()
            for documented in (thing, *members):
                text = getattr(documented, "__doc__", None) or ""
                if isinstance(text, str) and any(
                    line.strip().startswith("$") and line.strip()[1:].isidentifier()
                    for line in text.splitlines()
                ):
                    left.append((found.name, getattr(documented, "__name__", documented)))
    assert left == []
