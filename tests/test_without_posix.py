"""The package imports and works without what only Unix has, as on Windows."""

import subprocess
import sys

import pytest

SCRIPT = """
import importlib, os, pkgutil, signal, sys

import fsspec, joblib, numba, pyarrow, sklearn  # which know both systems

for module, names in (
    (os, "fork forkpty register_at_fork mkfifo getuid geteuid pread sched_getaffinity killpg "
         "O_NONBLOCK O_DIRECTORY O_NOFOLLOW O_CLOEXEC posix_fadvise copy_file_range"),
    (signal, "SIGKILL SIGHUP SIGPIPE SIGALRM"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios"):
    sys.modules[name] = None

import hashfeatures
from hashfeatures.cli import main

for module in pkgutil.walk_packages(hashfeatures.__path__, "hashfeatures."):
    importlib.import_module(module.name)
folder = sys.argv[1]
for command in (
    ["hash", folder, "-o", "hashes.csv", "--cache", "cache.sqlite"],
    ["duplicates", folder, "--move-to", "copies", "--yes", "--journal", "j"],
    ["undo", "j"],
    ["split", folder, "--test-size", "0.5", "--lock", "split.json"],
):
    assert main(command) == 0, command
"""


@pytest.mark.slow
def test_nothing_needs_unix(same_photos, tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(same_photos)]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def same_photos(tmp_path, noise_image):
    """Return a folder of four pictures, the first of them twice."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, seed in enumerate([0, 0, 1, 2, 3]):
        noise_image(seed, (200, 150)).save(folder / f"{number}.png")
    return folder
