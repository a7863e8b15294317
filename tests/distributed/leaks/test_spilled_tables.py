"""Rows that were moved to a file come back in any order, whatever tables they were in."""

import os

import numpy as np
import pytest

from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed.leaks._spilled_tables import SpilledTables


@pytest.mark.parametrize("sizes", [(3, 0, 4), (7,), ()])
def test_rows_are_taken_from_all_tables(sizes):
    """A row that does not exist is null."""
    pyarrow = arrow()
    names = [f"image {row}" for row in range(sum(sizes))]
    with SpilledTables(pyarrow.schema({"name": pyarrow.string()})) as tables:
        start = 0
        for size in sizes:
            tables.append(pyarrow.table({"name": names[start : start + size]}, tables.schema))
            start += size
        assert tables.n_rows == len(names)
        rows = np.random.default_rng(0).integers(0, max(len(names), 1), 20)
        exist = (np.arange(20) % 3 > 0) & bool(names)
        found = tables.take(rows, exist).column("name").to_pylist()
    assert found == [names[row] if there else None for row, there in zip(rows, exist, strict=True)]


def test_windows_can_delete_the_file(files_of_windows):
    """It is closed first, also while what was read is in use."""
    pyarrow = arrow()
    with SpilledTables(pyarrow.schema({"name": pyarrow.string()})) as tables:
        tables.append(pyarrow.table({"name": ["a", "b"]}, tables.schema))
        found = tables.take(np.array([1, 0]), np.array([True, True]))
    assert found.column("name").to_pylist() == ["b", "a"]
    with SpilledTables(tables.schema) as tables:
        folder = tables._folder.name
    assert not os.path.exists(folder)
