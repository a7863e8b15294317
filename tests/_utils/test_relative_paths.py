"""Paths are related to folders on every system, also where they are on different drives."""

import ntpath

import pytest

from hashfeatures._utils import relative_paths
from hashfeatures._utils.relative_paths import common_folder, relative_to


@pytest.fixture
def windows(monkeypatch):
    monkeypatch.setattr(relative_paths, "system", ntpath)


def test_a_path_outside_of_the_folder_stays_as_it_is(tmp_path):
    assert relative_to(str(tmp_path / "..a.png"), str(tmp_path)) == "..a.png"
    assert relative_to("/other/a.png", str(tmp_path)) == "/other/a.png"


def test_paths_on_windows(windows):
    """Windows relates no path to a folder on another drive."""
    assert relative_to(r"C:\photos\cats\1.png", r"c:\Photos") == "cats/1.png"
    assert relative_to(r"D:\cats\1.png", r"C:\photos") == "D:/cats/1.png"
    assert common_folder([r"C:\photos\cats\1.png", r"C:\photos\2.png"]) == r"C:\photos"
    assert common_folder([r"C:\photos\1.png", r"D:\photos\2.png"]) is None
    assert common_folder([r"\\server\share\a\1.png", r"C:\photos\2.png"]) is None
