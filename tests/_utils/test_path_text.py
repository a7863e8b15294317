"""Paths as text: every path survives a list, and none can disturb a terminal."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures._utils.path_text import read_path, show_path, write_path

file_names = st.one_of(st.text(min_size=1), st.binary(min_size=1).map(os.fsdecode))


@given(file_names)
def test_every_path_comes_back(path):
    line = write_path(path)
    assert len(line.splitlines()) == 1
    assert read_path(line) == path


@given(file_names)
def test_what_is_shown_is_one_line_without_control_characters(path):
    shown = show_path(path)
    assert len(shown.splitlines()) <= 1
    assert not any(ord(letter) < 32 or ord(letter) == 127 for letter in shown)
    shown.encode("utf-8")


def test_plain_paths_stay_as_they_are():
    for path in ("photos/cat 1.jpg", "C:\\photos\\zürich.png", "http://site/a?b=c"):
        assert show_path(path) == write_path(path) == path


def test_a_name_cannot_turn_the_text_around_it():
    assert show_path("a\u202egnp.exe") == "a\\u202egnp.exe"


def test_what_is_no_json():
    with pytest.raises(ValueError, match="Unterminated"):
        read_path('"half')
