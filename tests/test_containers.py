"""Rows come back in a container of the kind that was given."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hashfeatures.containers import take_rows

NAMES = ["b.png", "a.png", "c.png"]
CONTAINERS = [
    NAMES,
    tuple(NAMES),
    np.array(NAMES),
    pd.Series(NAMES, index=[7, 8, 9]),
    pd.DataFrame({"x": NAMES}, index=[7, 8, 9]),
    pl.Series(NAMES),
    pl.DataFrame({"x": NAMES}),
]


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: str(type(container)))
def test_rows_are_taken_in_kind(container):
    taken = take_rows(container, np.array([2, 0]))
    assert type(taken) is type(container)
    assert np.ravel(taken).tolist() == ["c.png", "b.png"]
    if hasattr(container, "index") and not isinstance(container, list | tuple):
        assert taken.index.tolist() == [9, 7]
