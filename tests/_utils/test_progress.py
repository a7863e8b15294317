"""What is said while a run is silent otherwise: on stderr in a terminal, or in the log."""

import io
import logging
import subprocess
import sys
import time

import pytest

from hashfeatures._utils import progress as progress


class Terminal(io.StringIO):
    """A stderr that somebody looks at."""

    def isatty(self):
        return True


@pytest.fixture
def say(monkeypatch):
    """Return a function that is busy for a while, and what stderr then shows."""
    monkeypatch.setattr(progress, "_PATIENCE", 0.05)
    monkeypatch.setattr(progress, "_last_message", "")

    def be_busy(stderr, seconds=0.4, handlers=()):
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setattr(logging.getLogger(), "handlers", list(handlers))
        with progress.busy("comparing images"), progress.busy("preparing functions"):
            time.sleep(seconds)
        return stderr.getvalue().replace("\r", "")

    return be_busy


def test_silent_seconds_are_explained_once_in_a_terminal(say):
    assert say(Terminal()) == "hashfeatures: preparing functions\n"


def test_nothing_is_said_where_nobody_looks(say):
    assert say(io.StringIO()) == ""


def test_nothing_is_said_of_moments(say):
    assert say(Terminal(), seconds=0) == ""


def test_logs_are_written_in_place_of_the_terminal(say):
    stderr = Terminal()
    assert "INFO preparing functions" in say(
        stderr, handlers=[_format(logging.StreamHandler(stderr))]
    )
    assert stderr.getvalue().count("preparing") == 1


def _format(handler):
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    return handler


def test_the_logger_silences_it(say, monkeypatch):
    monkeypatch.setattr(logging.getLogger("hashfeatures.progress"), "disabled", True)
    assert say(Terminal()) == ""


def test_workers_say_nothing(say, monkeypatch):
    class Process:
        name = "LokyProcess-1"

    monkeypatch.setattr(progress, "current_process", Process)
    assert say(Terminal()) == ""


def test_a_notebook_without_ipywidgets_warns_of_nothing():
    """Neither at the import nor when a bar is shown: text shows it as well."""
    code = """
import sys, types
shell = types.SimpleNamespace(config={"IPKernelApp": {}}, kernel=True)
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: shell)
sys.modules["ipywidgets"] = None
import numpy as np
from hashfeatures import NearDuplicateFinder, hash_images
import hashfeatures.distributed.hashes._hashing, hashfeatures.distributed.pairs._pairs
images = [np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)]
hash_images(images, progress=True)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "1/1" in done.stderr
