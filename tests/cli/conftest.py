"""Run commands in this process, and see what they print."""

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from hashfeatures.cli import main


class Run(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str

    def json(self):
        """Return the printed JSON."""
        return json.loads(self.out)

    def refusal(self):
        """Return the message of a failure: one or two lines, with nothing on stdout."""
        assert self.code in (2, 3), self
        assert self.out == ""
        assert 1 <= self.err.count("\n") <= 2, self.err
        assert self.err.startswith("hashfeatures: ")
        return self.err


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run_command(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return run_command


@pytest.fixture
def photos_folder(family, image_files, tmp_path):
    """Return a folder: "a" holds originals and copies, "b" images without copies."""
    files, _ = family
    folder = tmp_path / "photos"
    for name, paths in (("a", files[:6]), ("b", image_files)):
        (folder / name).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, folder / name)
    return folder


@pytest.fixture
def same_bytes(tmp_path, image_files):
    """Return a folder with a file, its exact copy, and another image."""
    folder = tmp_path / "same"
    folder.mkdir()
    for name, source in (("first.png", 0), ("second.png", 0), ("third.png", 1)):
        shutil.copy(image_files[source], folder / name)
    return folder


@pytest.fixture
def tree():
    """Return a function that maps the files below a folder to their content."""
    return lambda folder: {
        os.path.relpath(path, folder): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }
