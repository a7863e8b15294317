"""Images in rows are read in blocks: each once in a pass, and few are held at a time."""

import pickle

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures import read_collection
from hashfeatures.layouts import _row_references as module
from hashfeatures.layouts._row_references import (
    ColumnReader,
    ForwardReader,
    ParquetReader,
    RowReference,
)


def cells(n, size=1):
    return [b"%06d" % row * size for row in range(n)]


@pytest.fixture
def parquet(tmp_path):
    """Return a function that writes cells as a Parquet file, and the path of the file."""

    def write(values, **options):
        path = str(tmp_path / "images.parquet")
        pq.write_table(pa.table({"image": values, "label": range(len(values))}), path, **options)
        return path

    return write


class Counted(ForwardReader):
    """Counts how often it begins, and the blocks that it reads."""

    def __init__(self, values, size):
        self.n_begun = self.n_read = 0

        def open_blocks():
            for start in range(0, len(values), size):
                self.n_read += 1
                yield values[start : start + size]

        super().__init__("table", open_blocks, len(values))

    def begin(self, row):
        self.n_begun += 1
        return super().begin(row)


def test_a_pass_reads_each_block_once():
    reader = Counted(cells(100), 7)
    assert [reader.read(row) for row in range(100)] == cells(100)
    assert (reader.n_begun, reader.n_read) == (1, 15)


@given(st.lists(st.integers(0, 29), max_size=60), st.integers(1, 31))
def test_rows_are_right_in_any_order(rows, size):
    """Guards the rows that are read again, or behind the blocks that are held."""
    reader = Counted(cells(30), size)
    assert [reader.read(row) for row in rows] == [cells(30)[row] for row in rows]


@given(st.lists(st.integers(0, 49), max_size=30), st.sampled_from([10, 100, 10**9]))
def test_cells_of_parquet_are_right_in_any_order(tmp_path_factory, rows, block):
    path = tmp_path_factory.getbasetemp() / "cells.parquet"
    if not path.exists():
        pq.write_table(pa.table({"image": cells(50)}), path, row_group_size=13)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", block)
        reader = ParquetReader(str(path), "image", "cells.parquet")
        assert [reader.read(row) for row in rows] == [cells(50)[row] for row in rows]


def test_one_huge_row_group_is_read_in_bounded_memory(parquet, monkeypatch):
    """The file is one row group of 60 MB, and a tenth of that is held at a time."""
    rng = np.random.default_rng(0)
    values = [rng.bytes(3_000) for _ in range(20_000)]
    path = parquet(values, compression="none", use_dictionary=False)
    assert pq.ParquetFile(path).num_row_groups == 1
    monkeypatch.setattr(module, "BLOCK_BYTES", 2**20)
    reader = ParquetReader(path, "image", "images.parquet")
    before = pa.total_allocated_bytes()
    most = 0
    for row, value in enumerate(values):
        assert reader.read(row) == value
        most = max(most, pa.total_allocated_bytes() - before)
    assert most < 12 * 2**20


def test_a_column_is_found_by_its_full_name(tmp_path):
    """Names with dots are not taken for fields of structs."""
    path = str(tmp_path / "dots.parquet")
    pq.write_table(pa.table({"an.image": cells(9), "an.image2": cells(9)}), path)
    reader = ParquetReader(path, "an.image", "dots.parquet")
    assert reader.read(4) == cells(9)[4]


def test_references_are_equal_hashable_and_named(parquet):
    path = parquet(cells(3))
    reader = ParquetReader(path, "image", "images.parquet")
    assert RowReference(reader, 1) == RowReference(reader, 1) != RowReference(reader, 2)
    assert len({RowReference(reader, 1), RowReference(reader, 1)}) == 1
    assert str(RowReference(reader, 1)) == "images.parquet/1"
    assert not RowReference.reads_in_worker


def test_references_can_be_pickled_after_reading(parquet):
    reference = RowReference(ParquetReader(parquet(cells(3)), "image", "images.parquet"), 1)
    assert reference.resolve() == pickle.loads(pickle.dumps(reference)).resolve() == cells(3)[1]


def test_an_identity_changes_with_the_image(parquet):
    path = parquet(cells(3))
    reader = ParquetReader(path, "image", "images.parquet")
    assert reader.identify(0) != reader.identify(1)
    assert reader.identify(0) == ParquetReader(path, "image", "other name").identify(0)
    before = reader.identify(0)
    parquet(cells(4))
    assert reader.identify(0) != before
    one, other = ColumnReader("table", [b"a", b"b"]), ColumnReader("table", [b"b"])
    assert one.identify(1) == other.identify(0) != one.identify(0)


def test_a_file_that_changed_fails_instead_of_giving_other_images(parquet):
    reader = ParquetReader(parquet(cells(3)), "image", "images.parquet")
    parquet(cells(300))
    with pytest.raises(ValueError, match="has changed since its images were listed"):
        reader.read(1)


def test_a_stream_that_got_shorter_says_so():
    reader = ForwardReader("stream", lambda: iter([cells(2)]), 5)
    assert reader.read(1) == cells(2)[1]
    with pytest.raises(ValueError, match="stream holds fewer rows than when"):
        reader.read(3)
    assert reader.read(0) == cells(2)[0]


@pytest.mark.parametrize("form", ["Parquet", "LazyFrame", "scanned", "Dataset", "DuckDB"])
def test_blocks_are_small_where_images_are_large(parquet, monkeypatch, form):
    """Guards the memory: blocks are bounded by bytes, not only by rows."""
    monkeypatch.setattr(module, "BLOCK_BYTES", 6000)
    values = cells(200, size=100)
    path = parquet(values, row_group_size=150, use_dictionary=False)
    source = {
        "Parquet": lambda: path,
        "LazyFrame": lambda: pl.read_parquet(path).lazy(),
        "scanned": lambda: pl.scan_parquet(path),
        "Dataset": lambda: pyarrow.dataset.dataset(path).filter(
            pyarrow.dataset.field("label") > -1
        ),
        "DuckDB": lambda: duckdb.sql(f"SELECT * FROM '{path}'"),
    }[form]()
    images = read_collection(source).images
    reader = images[0].reader
    for reference, value in zip(images, values, strict=True):
        assert reference.resolve() == value
        assert max(len(block.column) for block in reader._held.values()) <= 10


def test_reading_a_collection_reads_no_image(parquet, monkeypatch):
    monkeypatch.setattr(ParquetReader, "begin", lambda *_: pytest.fail("an image was read"))
    collection = read_collection(parquet(cells(20)))
    assert collection["label"].tolist() == list(range(20))
