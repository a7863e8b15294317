"""A part of a stage directory has its own name only when it is complete."""

import tempfile

from fsspec.implementations.local import LocalFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from hashfeatures.distributed._part_directory import PartDirectory, arrow


def test_a_local_file_is_renamed_and_never_copied(tmp_path, monkeypatch):
    """A copy would leave a half under the name of the file if its writer was killed."""

    def refuse(*arguments, **options):
        raise AssertionError("a file is copied")

    for name in ("mv", "mv_file", "copy", "cp_file"):
        monkeypatch.setattr(LocalFileSystem, name, refuse, raising=False)
    directory = PartDirectory(tmp_path)
    for value in (1, 2):
        directory.write_json("settings.json", {"value": value})
        assert directory.read_json("settings.json") == {"value": value}
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


@settings(max_examples=25)
@given(st.lists(st.integers(0, 3), max_size=4), st.integers(0, 12), st.integers(0, 12))
def test_a_range_of_rows_is_that_of_the_whole(sizes, first, last):
    """It may begin and end in any table that was written, or behind the last."""
    pyarrow = arrow()
    schema = pyarrow.schema({"row": pyarrow.int64()})
    rows = iter(range(sum(sizes)))
    tables = [pyarrow.table([[next(rows) for _ in range(size)]], schema) for size in sizes]
    with tempfile.TemporaryDirectory() as folder:
        directory = PartDirectory(folder)
        directory.write("part.parquet", tables, schema)
        found = directory.read_rows("part.parquet", first, max(first, last))
    assert found.column("row").to_pylist() == list(range(sum(sizes)))[first : max(first, last)]
