"""The labels of the images of all parts of a split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .._utils.containers import column_of
from .._utils.frames import column_names, list_column
from .._utils.labels import list_labels
from .._utils.sklearn_internals import count_samples
from .._utils.validation import refuse
from ..duplicates._labels import Labels


@dataclass(frozen=True)
class PartClasses:
    """The classes of the images of all parts.

    Parameters
    ----------
    labels : ndarray of shape (n_images,), dtype object
        The labels; None or NaN where they are missing.
    """

    labels: NDArray[np.object_]

    @cached_property
    def codes(self) -> Labels:
        """The number of each image's class; -1 without a label."""
        return self._factorized[0]

    @cached_property
    def names(self) -> list[str]:
        """The names of the classes, all different."""
        distinct = self._factorized[1]
        texts = [str(label) for label in distinct]
        is_twin = pd.Series(texts, dtype=object).duplicated(keep=False)
        return [
            repr(label) if twin else text
            for label, text, twin in zip(distinct, texts, is_twin, strict=True)
        ]

    def name(self, row: int) -> str | None:
        """Return the class of an image."""
        code = int(self.codes[row])
        return None if code < 0 else self.names[code]

    def count(self, rows: Labels) -> dict[str, int]:
        """Count the images of each class among some rows."""
        codes = self.codes[rows]
        counts = np.bincount(codes[codes >= 0], minlength=len(self.names))
        return dict(zip(self.names, counts.tolist(), strict=True))

    @cached_property
    def _factorized(self) -> tuple[Labels, Any]:
        codes, distinct = pd.factorize(self.labels)
        return codes.astype(np.intp), distinct


def join_labels(
    caller: str, name: str, values: Any, parts: dict[str, Any]
) -> NDArray[np.object_] | None:
    """Return the labels of the images of all parts, one part after the other.

    Parameters
    ----------
    caller, name : str
        The function and its parameter, for messages.
    values : str, dict, list or None
        The name of a column of each part; the labels of each part by its name; or a list with
        the labels of each part in order.
    parts : dict of str to container
        The images of each part.

    Returns
    -------
    ndarray of shape (n_images,), dtype object, or None
        The labels, missing ones included. None without `values`.
    """
    if values is None:
        return None
    columns: list[Any] | None
    if isinstance(values, str):
        columns = [column_of(values, part, caller, name) for part in parts.values()]
    else:
        columns = list_by_part(values, parts)
    if columns is None:
        expected = (
            f"a column name, a dict with the labels of each part of {list(parts)}, or a list "
            f"with them in this order"
        )
        raise refuse(caller, name, expected, values)
    labels = []
    for (part, images), column in zip(parts.items(), columns, strict=True):
        n_images, n_labels = count_samples(images), count_samples(column)
        if n_labels != n_images:
            raise ValueError(
                f"{caller} expects one value of {name} for each of the {n_images} images in "
                f"{part}. Got {n_labels}."
            )
        labels.append(list_labels(column, n_images))
    return np.concatenate(labels)


def list_by_part(values: Any, parts: Mapping[str, Any]) -> list[Any] | None:
    """Return the values of each part, in order.

    Parameters
    ----------
    values : mapping, list or str
        The values of each part by its name or in order, or the name of a column of all parts.
    parts : mapping of str to container
        The parts.

    Returns
    -------
    list or None
        One container of values for each part. None if `values` is none of these.
    """
    names = list(parts)
    if isinstance(values, str):
        if all(values in column_names(part) for part in parts.values()):
            return [list_column(part, values) for part in parts.values()]
        return None
    if isinstance(values, Mapping):
        by_name = {str(name): each for name, each in values.items()}
        listed = [by_name[name] for name in names] if set(by_name) == set(names) else []
    else:
        listed = list(values) if isinstance(values, list | tuple) else []
    fits = len(listed) == len(names) and all(
        hasattr(each, "__len__") and not isinstance(each, str | bytes) for each in listed
    )
    return listed if fits else None
