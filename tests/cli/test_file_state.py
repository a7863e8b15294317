"""What a file was, told from what it is now."""

import os
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.cli._file_state import FileState, from_columns, look, look_at_all, to_columns

TIMES = st.integers(-(10**18), 4 * 10**18)


@given(st.lists(st.none() | st.builds(FileState, st.integers(0, 10**12), TIMES, TIMES)))
def test_states_survive_tables(tmp_path_factory, states):
    """Times survive to the nanosecond, even if pandas guesses the types of columns."""
    table = pd.DataFrame(to_columns(states))
    assert from_columns(table) == states
    path = tmp_path_factory.mktemp("tables") / "t.csv"
    table.to_csv(path, index=False)
    assert from_columns(pd.read_csv(path)) == states
    assert from_columns(pd.read_csv(path, dtype=str)) == states


@pytest.mark.parametrize("cell", ["", None, "yesterday", "1764187534.5", "2026-11-26T20:00:00Z"])
@pytest.mark.parametrize("column", ["bytes", "mtime", "ctime"])
def test_cells_of_other_programs_say_nothing(column, cell):
    table = pd.DataFrame(to_columns([FileState(1, 2, 3)])).astype(object)
    table[column] = cell
    assert from_columns(table) == [None]
    assert from_columns(table.drop(columns=column)) == [None]


def test_each_fact_tells_a_file_from_another(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    os.symlink(tmp_path / "file", tmp_path / "link")
    was = look(str(tmp_path / "file"))
    assert was.is_same(was)
    for name in ("size", "mtime_ns", "ctime_ns", "device", "inode"):
        assert not was.is_same(replace(was, **{name: getattr(was, name) + 1})), name
    assert was.is_same(replace(was, ctime_ns=0), ctime=False)
    assert was.is_same(FileState(was.size, was.mtime_ns))  # by what is known of both
    assert not was.is_same(look(str(tmp_path / "link")))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_only_regular_files_have_a_state(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    sources = [
        str(tmp_path),
        str(tmp_path / "pipe"),
        str(tmp_path / "gone"),
        "http://a/b.png",
        "\0",
    ]
    assert look_at_all(sources) == [None] * 5
