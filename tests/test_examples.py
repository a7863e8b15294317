"""The examples of the gallery and the notebooks made from them, each run as a reader runs it."""

import ast
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("plot_*.py"))
NOTEBOOKS = sorted(FOLDER.glob("notebooks/*.ipynb"))
# What a notebook runs need not run as a script too.
SCRIPTS = [
    script
    for script in EXAMPLES
    if script.stem.removeprefix("plot_") not in {notebook.stem for notebook in NOTEBOOKS}
]

each_example = pytest.mark.parametrize("script", EXAMPLES, ids=lambda script: script.stem)
each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
each_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


def test_examples_are_found():
    """Guards the tests below from passing because the glob matches nothing."""
    assert {"plot_pipeline", "plot_cluster"} <= {path.stem for path in SCRIPTS}
    assert {path.stem for path in NOTEBOOKS} == {"article", "leakage", "quickstart"}


@pytest.fixture
def ray_logs():
    """Return where Ray may leave its logs: sockets are there too, whose paths must be short."""
    with tempfile.TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder:
        yield folder


@pytest.mark.slow  # and one of them starts Ray
@each_script
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


@pytest.mark.slow  # starts a kernel
@each_notebook
def test_notebook_runs_and_leaves_nothing_behind(notebook, tmp_path, monkeypatch):
    """Guards readers in Jupyter from a cell that fails, warns or litters."""
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    places = {name: tmp_path / name for name in ("work", "temporary", "kernel")}
    for place in places.values():
        place.mkdir()
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(places["temporary"]))
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(places["kernel"]))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # figures are to be shown
    read = nbformat.read(notebook, as_version=4)
    resources = {"metadata": {"path": str(places["work"])}}
    nbclient.NotebookClient(
        read, timeout=120, kernel_name="python3", resources=resources
    ).execute()
    outputs = [output for cell in read.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.get("name") == "stderr"] == []
    kinds = {kind for output in outputs for kind in output.get("data", ())}
    assert {"image/png", "text/html"} <= kinds
    assert list(places["work"].iterdir()) == []
    assert list(places["temporary"].iterdir()) == []


def test_notebooks_are_those_of_the_scripts():
    """Guards readers from a notebook that lags behind its script."""
    pytest.importorskip("sphinx_gallery", reason="needs the extra docs")
    spec = importlib.util.spec_from_file_location("make", FOLDER / "notebooks" / "make.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    assert sorted(make.TUTORIALS) == [path.stem for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        made = make.convert(FOLDER / f"plot_{path.stem}.py")
        kept = json.loads(path.read_text(encoding="utf-8"))
        assert kept == made, f"run python examples/notebooks/make.py, as {path.name} differs"


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
