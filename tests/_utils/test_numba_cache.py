"""Compiled functions are loaded from a cache in any state, and stored once if possible."""

import errno
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from numba import types
from numba.core import caching, config
from numba.core import event as numba_event

from hashfeatures._utils import numba_cache
from hashfeatures._utils.compiling import compile_loop


def add_one(value):  # pragma: no cover (compiled)
    return value + 1


def load():
    """Compile `add_one`, or load it; return its answer, and how often it was compiled."""
    with numba_event.install_recorder("numba:compile") as recorder:
        answer = compile_loop(types.int64(types.int64))(add_one)(np.int64(4))
    return answer, sum(event.is_start for _, event in recorder.buffer)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Use an empty directory as numba's cache, and another one for temporary files."""
    for name in ("cache", "temporary"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(numba_cache.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    monkeypatch.setattr(numba_cache, "private_folder", numba_cache.private_folder.__wrapped__)
    return tmp_path / "cache"


def test_what_is_stored_is_not_compiled_again(folder):
    assert load() == (5, 1)
    assert load() == (5, 0)


def flip_a_byte(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: b"garbage" * 100,
        lambda content: pickle.dumps(numba.__version__) + pickle.dumps([1]),
        lambda content: bytes(len(content)),
        flip_a_byte,
    ],
)
def test_a_damaged_file_is_replaced(folder, suffix, damage):
    """Numba alone raises, at each start, or runs what is left of the machine code."""
    load()
    (file,) = folder.rglob(f"*.{suffix}")
    file.write_bytes(damage(file.read_bytes()))
    assert load()[0] == 5
    assert load() == (5, 0)


def test_what_another_release_of_numba_stored_is_replaced(folder, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(numba, "__version__", "0.1")
        load()
    assert load() == (5, 1)
    assert load() == (5, 0)


def test_a_file_of_numba_itself_is_replaced(folder):
    numba.njit(types.int64(types.int64), cache=True)(add_one)
    assert load() == (5, 1)
    assert load() == (5, 0)


def refuse_all_but(folder, monkeypatch):
    """Make all other directories read-only, as they never are for the superuser."""
    ensure = caching._CacheLocator.ensure_cache_path

    def refuse(locator):
        if folder is None or not locator.get_cache_path().startswith(str(folder)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        ensure(locator)

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refuse)


def test_where_the_cache_cannot_be_written_another_folder_is_used(folder, monkeypatch):
    """As where packages and the home directory are read-only."""
    refuse_all_but(numba_cache.private_folder(), monkeypatch)
    assert load() == (5, 1)
    assert load() == (5, 0)


def test_a_full_disk_costs_no_second_compilation(folder, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(caching.IndexDataCacheFile, "_save_data", fail)
        assert load() == (5, 1)
    assert load() == (5, 1)  # the index names a file that is not there
    assert load() == (5, 0)


def test_without_any_folder_functions_are_compiled_once_a_process(folder, monkeypatch):
    refuse_all_but(None, monkeypatch)
    assert load() == (5, 1)
    assert load() == (5, 1)


def test_many_first_calls_at_once_in_threads(folder):
    with ThreadPoolExecutor(4) as pool:
        answers = [call.result()[0] for call in [pool.submit(load) for _ in range(8)]]
    assert answers == [5] * 8
    assert str(folder) == config.CACHE_DIR


def test_a_folder_of_somebody_else_is_not_used(folder):
    """Numba runs what it loads, so nobody else may have put it there."""
    find = numba_cache.private_folder
    private = find()
    if os.name == "posix":
        os.chmod(private, 0o777)
        with pytest.raises(PermissionError, match="others can write to it"):
            find()
        os.rmdir(private)
        os.symlink(folder, private)
        with pytest.raises(PermissionError):
            find()


# Compiled loops, and the same by numpy.
SCRIPT = """
import os, sys
if len(sys.argv) > 1 and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import numpy as np
from hashfeatures._utils.compiling import inline
from hashfeatures._utils.kernels import load_kernels
from hashfeatures.duplicates._diameters import _exactly
codes = np.random.default_rng(0).integers(0, 2**63, (30, 2)).astype(np.uint64)
widest = np.zeros(2, dtype=np.int64)
load_kernels("duplicates").widest_distances(codes, np.array([10, 30]), widest)
assert widest.tolist() == [*_exactly(codes[None, :10]), *_exactly(codes[None, 10:])], widest
assert type(inline(lambda value: value)).__name__ == "CPUDispatcher"
"""


def start(script, folder=None, *arguments, **variables):
    if folder is not None:
        variables["NUMBA_CACHE_DIR"] = str(folder)
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables}
    )


def finish(process):
    error = process.communicate()[1]
    assert process.returncode == 0, error


@pytest.mark.slow
def test_two_first_calls_at_once_in_processes(tmp_path):
    for process in [start(SCRIPT, tmp_path) for _ in range(2)]:
        finish(process)
    finish(start(SCRIPT, tmp_path))


def test_one_core_is_enough(tmp_path):
    finish(start(SCRIPT, tmp_path, "one core"))


def test_without_numbas_compilation_the_loops_are_compiled_all_the_same(tmp_path):
    """As plain Python, they would take hours, and cannot count bits at all."""
    finish(start(SCRIPT, tmp_path, NUMBA_DISABLE_JIT="1"))


LOAD_ALL = """
import sys
import hashfeatures.hamming._kernels, hashfeatures.hashing._kernels
import hashfeatures.hashing.views._kernels, hashfeatures.alignment._kernels
import hashfeatures.duplicates._kernels, hashfeatures.duplicates.fingerprints._kernels
"""
AFTERWARDS = (
    LOAD_ALL
    + """
assert "numba.np.linalg" not in sys.modules
import numba, numpy as np
total = numba.njit(lambda a, b: (a @ b).sum() + np.median(a))
assert total(np.ones((2, 2)), np.ones((2, 2))) == 9
"""
)


@pytest.mark.slow
def test_loaded_functions_leave_numba_ready_to_compile_others():
    """They are loaded without most of numba, which takes half a second to start."""
    finish(start(LOAD_ALL))  # compiles what is not stored
    finish(start(AFTERWARDS))
