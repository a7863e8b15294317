"""Check parameters, with the messages of scikit-learn."""

from __future__ import annotations

from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..exceptions import ParameterError
from .descriptions import describe_value


def refuse(caller: str, name: str, expected: str, got: object) -> ParameterError:
    """Return the error for a parameter with a wrong value."""
    return ParameterError(
        f"The {name!r} parameter of {caller} must be {expected}. "
        f"Got {describe_value(got)} instead."
    )


def _is_int(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_int(caller: str, name: str, value: Any, low: int) -> int:
    """Return `value` as an int; raise if it is not an integer of at least `low`."""
    if not _is_int(value) or value < low:
        raise refuse(caller, name, f"an int in the range [{low}, inf)", value)
    return int(value)


def check_radius(caller: str, value: Any, n_bits: int, name: str = "radius") -> int:
    """Return `value` as an int; raise if it is not an integer from 0 to the number of bits.

    This rule holds wherever a radius is used: a radius above the number of bits that are compared
    is refused, never clipped.
    """
    if not _is_int(value) or not 0 <= value <= n_bits:
        expected = f"an int in the range [0, {n_bits}], as {n_bits} bits are compared"
        raise refuse(caller, name, expected, value)
    return int(value)


def check_n_jobs(caller: str, value: Any) -> None:
    """Raise if `value` is neither None nor an integer other than 0."""
    if value is not None and (not _is_int(value) or value == 0):
        raise refuse(caller, "n_jobs", "an int other than 0, -1 for every core, or None", value)


def check_positive(caller: str, name: str, value: Any) -> float:
    """Return `value` as a float; raise if it is not a finite number above 0."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 < value < float("inf"):
        raise refuse(caller, name, "a float in the range (0, inf)", value)
    return float(value)


def check_share(caller: str, name: str, value: Any) -> float:
    """Return `value` as a float; raise if it is not a number from 0 to 1."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= 1:
        raise refuse(caller, name, "a float in the range [0, 1]", value)
    return float(value)


def check_count_or_share(caller: str, name: str, value: Any) -> float | int:
    """Return `value`; raise if it is neither a count from 0 on nor a share in [0, 1)."""
    is_share = isinstance(value, Real) and not isinstance(value, bool | Integral)
    if not (is_share and 0 <= value < 1) and not (_is_int(value) and value >= 0):
        expected = "an int in the range [0, inf) or a float in the range [0, 1)"
        raise refuse(caller, name, expected, value)
    return float(value) if is_share else int(value)


def check_bool(caller: str, name: str, value: Any) -> bool:
    """Return `value` as a bool; raise if it is not True or False."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise refuse(caller, name, "an instance of 'bool'", value)


def check_choice(caller: str, name: str, value: Any, choices: Collection[str]) -> str:
    """Return `value`; raise if it is not one of the strings in `choices`."""
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(repr(choice) for choice in sorted(choices))
    raise refuse(caller, name, f"a str among {{{listed}}}", value)
