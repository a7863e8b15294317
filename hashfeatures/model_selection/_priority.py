"""Which part of a split keeps a group that has images in several parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._utils.validation import refuse
from ..duplicates._labels import Labels

MAJORITY = "majority"


def order_of_priority(caller: str, names: list[str], priority: Any) -> str | list[int]:
    """Return the parts in the order in which they keep groups: named parts, then the rest.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    names : list of str
        The names of all parts.
    priority : str or sequence of str
        As in `repair_split`.

    Returns
    -------
    list of int, or "majority"
        The numbers of all parts.

    Raises
    ------
    ParameterError
        If `priority` names no part.
    """
    if isinstance(priority, str) and priority == MAJORITY:
        return MAJORITY
    is_list = isinstance(priority, list | tuple)
    wanted = [str(name) for name in priority] if is_list else [str(priority)]
    if any(name not in names for name in wanted):
        expected = f"the name of a part among {names}, several of them, or {MAJORITY!r}"
        raise refuse(caller, "priority", expected, priority)
    return [names.index(name) for name in dict.fromkeys([*wanted, *names])]


def choose_keepers(counts: NDArray[np.int64], priority: str | Sequence[int]) -> Labels:
    """Return the part that keeps each group.

    Parameters
    ----------
    counts : ndarray of shape (n_groups, n_parts), dtype int64
        The number of images of each group in each part.
    priority : sequence of int, or "majority"
        The parts in the order in which they keep groups, see `order_of_priority`. With
        "majority", the part with most images of a group keeps it.

    Returns
    -------
    ndarray of shape (n_groups,), dtype intp
        The number of the part.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.model_selection._priority import choose_keepers
    >>> counts = np.array([[1, 2], [0, 3]])
    >>> choose_keepers(counts, [0, 1]), choose_keepers(counts, "majority")
    (array([0, 1]), array([1, 1]))
    """
    keepers: Labels
    if isinstance(priority, str):
        keepers = counts.argmax(axis=1)
        return keepers
    keepers = np.array(priority)[(counts[:, priority] > 0).argmax(axis=1)]
    return keepers
