"""The examples of the gallery, each run as a reader would run it."""

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("plot_*.py"))

each_example = pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)


def test_examples_are_found():
    """Guards the tests below from passing because the glob matches nothing."""
    assert {"plot_article", "plot_pipeline", "plot_quickstart"} <= {p.stem for p in EXAMPLES}


@pytest.fixture
def ray_logs():
    """Return where Ray may leave its logs: sockets are there too, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.mark.slow  # and one of them starts Ray
@each_example
def test_runs_and_leaves_nothing_behind(script, tmp_path, ray_logs):
    """Guards readers from an example that fails, warns, hangs or litters."""
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    done = subprocess.run(
        [
            *(sys.executable, "-W", "error"),
            # Agg says so where there is a display; the example is right to show its figure.
            *("-W", "ignore:FigureCanvasAgg is non-interactive:UserWarning"),
            str(script),
        ],
        cwd=work,
        env={**os.environ, **places, "MPLBACKEND": "Agg", "RAY_TMPDIR": ray_logs},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # A warning in a thread or in a finalizer ends in stderr, not in the exit code.
    assert "Warning" not in done.stderr, done.stderr
    assert done.stdout.strip()
    assert list(work.iterdir()) == []
    assert list(temporary.iterdir()) == []


@each_example
def test_docstring_opens_with_a_title(script):
    """Guards the gallery, which takes the name of a page from the underlined first line."""
    module = ast.parse(script.read_text(encoding="utf-8"))
    title, underline, blank, *introduction = ast.get_docstring(module).splitlines()
    assert title.strip()
    assert set(underline) == {"="}
    assert len(underline) == len(title)
    assert not blank
    assert introduction
