"""Annotated objects: their numbers by class, and a table of their boxes and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

_SIDES = ("left", "top", "right", "bottom")
_COLUMNS = ("row", "label", *_SIDES, "polygons", "crowd")


def count_objects(places: Sequence[tuple[int, int]], shape: tuple[int, int]) -> csr_array:
    """Return the number of objects of each class in each image.

    Parameters
    ----------
    places : sequence of (int, int)
        The row of the image and the number of the class of each object.
    shape : (int, int)
        The number of images and of classes.

    Examples
    --------
    >>> from hashfeatures.layouts._objects import count_objects
    >>> count_objects([(0, 1), (2, 0), (0, 1)], (3, 2)).toarray().tolist()
    [[0, 2], [0, 0], [1, 0]]
    """
    rows, columns = np.array(places, dtype=np.int64).reshape(-1, 2).T
    counts = csr_array((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape)
    counts.sum_duplicates()
    return counts


def tabulate_objects(objects: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Return the table that `Collection.objects` describes.

    Parameters
    ----------
    objects : sequence of tuple
        The row of the image, the class, the left, top, right and bottom side as shares, the
        polygons or None, and whether it is a crowd.
    """
    columns = list(zip(*objects, strict=True)) if objects else [()] * len(_COLUMNS)
    kinds: dict[str, Any] = dict.fromkeys(_COLUMNS, np.float64)
    kinds |= {"row": np.intp, "label": object, "polygons": object, "crowd": bool}
    named = zip(_COLUMNS, columns, strict=True)
    return pd.DataFrame({name: pd.Series(list(it), dtype=kinds[name]) for name, it in named})
