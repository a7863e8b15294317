"""Where nothing can be written, loops are compiled all the same."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numba import types

from hashfeatures._utils.compiling import compile_loop

# As in a container with read-only packages and without a home.
SCRIPT = """
import sys
from numba.core import caching
def refuse(locator):
    if not locator.get_cache_path().startswith(sys.argv[1]):
        raise PermissionError(13, "Permission denied", locator.get_cache_path())
    ensure(locator)
ensure = caching._CacheLocator.ensure_cache_path
caching._CacheLocator.ensure_cache_path = refuse
from hashfeatures import hash_images
from hashfeatures._utils.kernels import load_kernels
load_kernels("hashing")  # few images do without
table = hash_images(sys.argv[2:], "phash", n_jobs=1, errors="raise")
print(*table["phash"])
"""


@pytest.mark.slow
def test_images_are_hashed_where_numba_cannot_keep_anything(image_files, tmp_path):
    """What is compiled is kept in a directory for temporary files that is the user's alone."""
    from hashfeatures import hash_images

    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), *image_files]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.split() == hash_images(image_files, "phash")["phash"].tolist()
    (folder,) = tmp_path.glob("hashfeatures-numba-*")
    assert list(folder.rglob("*.nbi"))
    assert not os.stat(folder).st_mode & 0o077


def double(value):  # pragma: no cover (compiled)
    return value * 2


@pytest.mark.parametrize("error", [PermissionError, RuntimeError, EOFError])
def test_a_loop_is_compiled_without_any_place(monkeypatch, error):
    """No place to keep it, a full disk, or a damaged file there: none of these is in the way."""

    def fail(*arguments):
        raise error

    monkeypatch.setattr("numba.core.caching.IndexDataCacheFile._load_index", fail)
    assert compile_loop(types.int64(types.int64))(double)(np.int64(4)) == 8
