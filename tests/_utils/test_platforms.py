"""What is said of Windows is said there alone."""

import os

import pytest

from hashfeatures._utils import platforms
from hashfeatures.images._errors import describe_error


@pytest.mark.parametrize("is_windows", [False, True])
def test_a_long_path_explains_a_missing_file(is_windows, monkeypatch, tmp_path):
    monkeypatch.setattr(platforms, "IS_WINDOWS", is_windows)
    for name, is_long in (("a.png", False), ("a" * 250, True)):
        with pytest.raises(FileNotFoundError) as raised:
            os.stat(tmp_path / "no folder" / name)
        found = "long paths are enabled" in describe_error(raised.value)
        assert found == (is_windows and is_long)
