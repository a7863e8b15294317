"""Sizes of the parts of a split, from shares or numbers of images, rounded as by scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, floor
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..._utils.validation import refuse

# The part of images that no other part takes.
UNUSED = "unused"

_TEST_SIZE = 0.25
_NAMES = {"train_size": "training", "validation_size": "validation", "test_size": "test"}


def part_sizes(
    caller: str,
    n_images: int,
    *,
    train_size: Any,
    test_size: Any,
    validation_size: Any = None,
    default: float,
) -> list[int]:
    """Return the number of images in each part.

    Parameters
    ----------
    caller : str
        The name of the caller, for messages.
    n_images : int
        The number of images.
    train_size, test_size, validation_size : float, int or None
        Shares in (0, 1) or numbers of images. A share is rounded up for the test part and down
        for the others. If `train_size` or `test_size` is None, that part gets the rest.
    default : float
        The `test_size` if `train_size` is None too.

    Returns
    -------
    list of int
        The sizes of the training and the test part. With a `validation_size`, the size of the
        validation part stands between them.

    Raises
    ------
    ParameterError
        If a size is neither a share nor a number of the images.
    ValueError
        If the sizes exceed the number of images, the shares exceed 1, or a part would be empty.
    """
    if test_size is None and train_size is None:
        test_size = default
    requested = {
        "train_size": train_size,
        "validation_size": validation_size,
        "test_size": test_size,
    }
    if validation_size is None:
        del requested["validation_size"]
    # Shares of three parts that add up to 1 must not add up to more than all images. Shares of two
    # parts are rounded as by scikit-learn.
    slack = 0.0 if validation_size is None else 1e-9
    sizes = {name: _count(caller, name, size, n_images, slack) for name, size in requested.items()}
    given = sum(size for size in sizes.values() if size is not None)
    for name, size in sizes.items():
        if size is None and given <= n_images:
            sizes[name] = n_images - given
            given = n_images
    named = " and ".join(", ".join(sizes).rsplit(", ", 1))
    if given > n_images:
        raise ValueError(
            f"The sum of {named} = {given}, should be smaller than the number of images "
            f"{n_images}. Reduce {' and/or '.join(sizes)}."
        )
    shares = sum(float(size) for size in requested.values() if _is_share(size))
    if shares > 1 + slack:  # even if they fit after rounding down
        raise ValueError(
            f"The sum of the shares {named} = {shares:.6g}, should be at most 1. Reduce "
            f"{' and/or '.join(sizes)}."
        )
    for name, size in sizes.items():
        if size <= 0:
            listed = ", ".join(f"{name}={size}" for name, size in requested.items())
            raise ValueError(
                f"With {n_images} images, {listed}, the {_NAMES[name]} part will be empty. "
                f"Adjust the sizes."
            )
    return list(sizes.values())


def choose_sizes(given: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
    """Return the requested sizes of the parts of a split that may be in a lock.

    Parameters
    ----------
    given : dict of str to float, int or None
        The sizes that a user gives, by part: "train", "validation" and "test".
    held : dict of str to float or int
        The sizes in the lock, which hold where none is given.

    Returns
    -------
    dict
        The sizes that are not None. If there is neither a "train" nor a "test" size, "test" is
        0.25. Shares of all parts that add up to 1 lose that of "train", which gets the rest. So no
        image is left out by rounding.

    Examples
    --------
    >>> from hashfeatures.model_selection.allocation._sizes import choose_sizes
    >>> choose_sizes({"train": None, "validation": 0.1, "test": None}, {"test": 0.2})
    {'validation': 0.1, 'test': 0.2}
    """
    sizes = dict(held)
    for name, size in given.items():
        if size is not None:
            sizes[name] = size.item() if isinstance(size, np.generic) else size
    if "train" not in sizes and "test" not in sizes:
        sizes["test"] = _TEST_SIZE
    are_shares = all(_is_share(size) for size in sizes.values())
    if are_shares and "test" in sizes and abs(sum(sizes.values()) - 1) < 1e-9:
        sizes.pop("train", None)
    return {name: sizes[name] for name in ("train", "validation", "test") if name in sizes}


def part_names(sizes: Mapping[str, Any]) -> list[str]:
    """Return the names of the parts of a split by its requested sizes, see `choose_sizes`."""
    has_rest = "train" in sizes and "test" in sizes
    names = ["train", *(["validation"] if "validation" in sizes else []), "test"]
    return [*names, *([UNUSED] if has_rest else [])]


def _is_share(size: Any) -> bool:
    return isinstance(size, Real) and not isinstance(size, Integral)


def _count(caller: str, name: str, size: Any, n_images: int, slack: float) -> Any:
    if size is None:
        return None
    is_number = isinstance(size, Real) and not isinstance(size, bool)
    if is_number and isinstance(size, Integral) and 0 < int(size) < n_images:
        return int(size)
    if is_number and _is_share(size) and 0 < float(size) < 1:
        exact = float(size) * n_images
        return ceil(exact - slack) if name == "test_size" else floor(exact + slack)
    expected = (
        f"a float in the range (0, 1), an int in the range [1, {n_images}) (there are {n_images} "
        f"images), or None"
    )
    raise refuse(caller, name, expected, size)
