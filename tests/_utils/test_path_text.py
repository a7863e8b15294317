"""Paths as text: every path survives a list, and none can disturb a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures._utils.path_text import read_path, show_path, spellings, split_list, write_path


def as_linux_does(name):
    return name.decode("utf-8", "surrogateescape")


file_names = st.one_of(st.text(min_size=1), st.binary(min_size=1).map(as_linux_does))


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


def test_other_systems_spell_paths_in_another_way():
    """macOS may decompose accents, and Windows separates by backslashes."""
    composed, decomposed = "caf\u00e9/1.png", "cafe\u0301/1.png"
    assert spellings(composed) == [composed, decomposed]
    assert spellings(decomposed) == [decomposed, composed]
    assert spellings(composed.replace("/", "\\"))[1:] == [composed, decomposed]


def test_a_list_in_another_encoding_is_refused_on_windows(monkeypatch):
    """There paths are Unicode, and bytes that are not UTF-8 cannot be one."""
    monkeypatch.setattr("os.fsdecode", lambda data: data.decode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match="it is not UTF-8; save it as UTF-8"):
        split_list("z\u00fcrich.png".encode("cp1252"))
