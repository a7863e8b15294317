"""Imports run one way, and the check of it fails when one runs the other way."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hashfeatures

pytest.importorskip("importlinter", reason="import-linter is not installed")

PACKAGE = Path(hashfeatures.__file__).parent
CONTRACTS = Path(__file__).parents[1] / "pyproject.toml"
LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"


@pytest.fixture(scope="module")
def copied_package(tmp_path_factory):
    """Return a folder with the modules of the package and the contracts."""
    folder = tmp_path_factory.mktemp("project")
    skip = shutil.ignore_patterns("__pycache__", "*.nbi", "*.nbc", "templates")
    shutil.copytree(PACKAGE, folder / "hashfeatures", ignore=skip)
    shutil.copy(CONTRACTS, folder)
    return folder


def lint_imports(folder):
    """Return the exit code of import-linter in a folder, and the contracts that are broken."""
    done = subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    lines = [line.strip() for line in done.stdout.splitlines()]
    broken = [line.removesuffix(" BROKEN") for line in lines if line.endswith(" BROKEN")]
    return done.returncode, broken


def test_the_package_keeps_all_contracts(copied_package):
    assert lint_imports(copied_package) == (0, [])


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        (
            "hamming/_pairs.py",
            "from ..duplicates import _labels",
            "Imports run one way through the packages",
        ),
        (
            "hashing/_spec.py",
            "def parse():\n    from ..hamming import _packing",
            "Hashing and search know nothing of each other",
        ),
        (
            "hashing/_record.py",
            "import pandas",
            "What workers import stays clear of pandas and scikit-learn",
        ),
    ],
    ids=["upward", "sideways, inside a function", "pandas in a worker"],
)
def test_an_import_that_runs_the_wrong_way_breaks_a_contract(
    copied_package, module, statement, contract
):
    path = copied_package / "hashfeatures" / module
    source = path.read_text(encoding="utf-8")
    path.write_text(f"{source}\n{statement}\n", encoding="utf-8")
    try:
        code, broken = lint_imports(copied_package)
    finally:
        path.write_text(source, encoding="utf-8")
    assert code == 1
    assert contract in broken
