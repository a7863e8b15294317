"""Shares and numbers of images to the sizes of the parts, rounded as scikit-learn does."""

from __future__ import annotations

from math import ceil, floor
from numbers import Integral, Real
from typing import Any

from .._utils.validation import refuse

_NAMES = {"train_size": "training", "validation_size": "validation", "test_size": "test"}


def count_images(
    owner: str,
    n_images: int,
    *,
    train_size: Any,
    test_size: Any,
    validation_size: Any = None,
    default: float,
) -> list[int]:
    """Return how many images each part is to have.

    Parameters
    ----------
    owner : str
        Who asks, for the messages.
    n_images : int
        How many images there are.
    train_size, test_size, validation_size : float, int or None
        Shares in (0, 1) or numbers of images. The test part is rounded up, the others down.
        Of the training and the test part, the one that is None is what the others leave.
    default : float
        The `test_size` if both are None.

    Returns
    -------
    list of int
        The sizes of the training and the test part; if there is a `validation_size`, of the
        training, the validation and the test part.

    Raises
    ------
    ValueError
        If a size is impossible, or they add up to more than all images, or shares to more than
        one, or a part would be empty.
    """
    if test_size is None and train_size is None:
        test_size = default
    asked = {"train_size": train_size, "validation_size": validation_size, "test_size": test_size}
    if validation_size is None:
        del asked["validation_size"]
    # Of three parts, shares that add up to one must not add up to more images than there are. Of
    # two, they are rounded as scikit-learn rounds them.
    slack = 0.0 if validation_size is None else 1e-9
    sizes = {name: _count(owner, name, size, n_images, slack) for name, size in asked.items()}
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
    shares = sum(float(size) for size in asked.values() if _is_share(size))
    if shares > 1 + slack:  # where rounding down lets them fit, too
        raise ValueError(
            f"The sum of the shares {named} = {shares:.6g}, should be 1 at the most. Reduce "
            f"{' and/or '.join(sizes)}."
        )
    for name, size in sizes.items():
        if size <= 0:
            told = ", ".join(f"{name}={size}" for name, size in asked.items())
            raise ValueError(
                f"With {n_images} images, {told}, the {_NAMES[name]} part will be empty. Adjust "
                f"the sizes."
            )
    return list(sizes.values())


def _is_share(size: Any) -> bool:
    return isinstance(size, Real) and not isinstance(size, Integral)


def _count(owner: str, name: str, size: Any, n_images: int, slack: float) -> Any:
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
    raise refuse(owner, name, expected, size)
