"""The classes by which a command stratifies a split."""

from __future__ import annotations

from typing import Any

from .._utils.quantities import count
from ._context import OutputOptions
from ._inputs import InputImages

# The class of images without a label.
_UNLABELED = "(no label)"


def find_classes(images: InputImages, by: str | None, common: OutputOptions) -> Any:
    """Return the labels of images or their objects by class, and note those of a data set.

    Parameters
    ----------
    images : InputImages
        The images.
    by : str or None
        "parent", a column, or "none". None takes what a data set holds.
    common : OutputOptions
        Prints notes.

    Returns
    -------
    list, Series, csr_array or None
        One row for each image. None for a split without strata.
    """
    if by == "none":
        return None
    data_set = images.data_set
    if by is not None or data_set is None:
        return images.classes(by)
    n_classes = count(len(data_set.class_names), "class", "classes")
    if data_set.labels is not None:
        common.note(f"stratified by label ({n_classes}); see --stratify-by")
        return data_set.labels.astype(object).where(data_set.labels.notna(), _UNLABELED)
    if data_set.counts is not None:
        common.note(f"stratified by objects of {n_classes}; see --stratify-by")
    return data_set.counts
