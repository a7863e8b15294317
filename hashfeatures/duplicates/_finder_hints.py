"""Hints for parameters of the finder that are passed to a function that takes a finder."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

from .._utils.descriptions import describe_value
from ..exceptions import ParameterError
from ._finder import NearDuplicateFinder

_P = ParamSpec("_P")
_R = TypeVar("_R")

# What other packages call the parameters.
_ALIASES = {
    "threshold": "radius",
    "max_distance": "radius",
    "max_distance_threshold": "radius",
    "hash": "hashes",
    "workers": "n_jobs",
    "num_workers": "n_jobs",
    "verbose": "progress",
}
_SHUFFLE = (
    "{caller} has no parameter 'shuffle': it always draws at random, the same with the same "
    "random_state. For a test part of the last rows, split by scikit-learn's function with "
    "shuffle=False, and give both parts to repair_split."
)


def point_to_finder(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Make a function, or an ``__init__``, explain where parameters of the finder belong.

    Parameters
    ----------
    function : callable
        One that takes a finder.

    Returns
    -------
    callable
        The same, with the same signature and help. It raises a `ParameterError` for parameters
        of `NearDuplicateFinder` that it does not have.
    """
    own = inspect.signature(function).parameters
    refuse = _refuse

    def checked(*args: Any, **kwargs: Any) -> Any:
        if not kwargs.keys() <= own.keys():
            refuse(function, {name: kwargs[name] for name in kwargs if name not in own})
        return function(*args, **kwargs)

    # With the globals of its module, doctest takes it for a function of that module.
    there = FunctionType(checked.__code__, function.__globals__, closure=checked.__closure__)
    return functools.wraps(function)(there)


def _refuse(function: Callable[..., Any], typed: dict[str, Any]) -> None:
    """Raise if parameters belong elsewhere; Python refuses unknown ones."""
    names = function.__qualname__.split(".")
    caller = names[0]
    if "shuffle" in typed and "test_size" in inspect.signature(function).parameters:
        raise ParameterError(_SHUFFLE.format(caller=caller))
    known = inspect.signature(NearDuplicateFinder).parameters
    meant = {_ALIASES.get(name, name): value for name, value in typed.items()}
    meant = {name: value for name, value in meant.items() if name in known}
    if not meant:
        return
    said = [name for name in typed if _ALIASES.get(name, name) in known]
    written = ", ".join(f"{name}={describe_value(value)}" for name, value in meant.items())
    plural = "s" if len(said) > 1 else ""
    raise ParameterError(
        f"{caller} has no parameter{plural} {' and '.join(map(repr, said))}: the finder "
        f"defines near duplicates and how they are found. Pass "
        f"finder=NearDuplicateFinder({written})."
    )
