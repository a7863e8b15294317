"""What strangers install has one version and one list of requirements, and releases are safe."""

import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import hashfeatures

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT = PYPROJECT["project"]
RECIPE = yaml.safe_load((ROOT / "recipe" / "recipe.yaml").read_text("utf-8"))
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def bounds(requirements):
    """Return the versions that each package may have, by its name in lower case."""
    parsed = map(Requirement, requirements)
    return {each.name.lower(): each.specifier for each in parsed}


def test_every_file_names_the_same_version_and_date():
    """That of the last release, which the package itself may be ahead of."""
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    version, date = re.search(r"^## (\d[\w.]*) - (\d{4}-\d\d-\d\d)$", changes, re.M).groups()
    assert hashfeatures.__version__ == version or ".dev" in hashfeatures.__version__
    assert CITATION["version"] == RECIPE["context"]["version"] == version
    assert str(CITATION["date-released"]) == date


def test_the_recipe_for_conda_says_what_pyproject_says():
    python = RECIPE["context"]["python_min"]
    assert PROJECT["requires-python"] == f">={python}"
    fill = {"${{ python_min }}": python}
    run, host = (
        bounds(re.sub(r"\$\{\{ \w+ \}\}", lambda found: fill[found[0]], line) for line in lines)
        for lines in (
            RECIPE["requirements"]["run"],
            [line for line in RECIPE["requirements"]["host"] if not line.startswith("python ")],
        )
    )
    assert run == bounds(PROJECT["dependencies"]) | {"python": SpecifierSet(f">={python}")}
    assert host == bounds(PYPROJECT["build-system"]["requires"]) | {"pip": SpecifierSet()}
    scripts = [f"{name} = {function}" for name, function in PROJECT["scripts"].items()]
    assert RECIPE["build"]["python"]["entry_points"] == scripts
    assert RECIPE["about"]["summary"] == PROJECT["description"]
    assert RECIPE["about"]["license"] == CITATION["license"] == PROJECT["license"]


def test_every_supported_python_is_named_and_tested():
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: 3." in line]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    assert workflow["jobs"]["wheel"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + named[0].replace(".", "")


def test_a_package_has_the_same_lower_bound_in_every_extra(capsys, monkeypatch):
    """The gate installs exactly these bounds, and two of one package cannot both be installed."""
    monkeypatch.setattr(sys, "argv", ["oldest.py", str(ROOT / "pyproject.toml")])
    runpy.run_path(str(ROOT / ".ci" / "oldest.py"))
    pins = capsys.readouterr().out.splitlines()
    names = [pin.partition("==")[0].lower() for pin in pins]
    assert names == sorted(set(names), key=names.index), "a package with two lower bounds"
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"], *(line for name in extras for line in extras[name])]
    bare = {name for name, versions in bounds(lines).items() if not versions}
    assert bare <= {"hashfeatures", "pandas-stubs", "types-pyyaml", "types-tqdm"}


def test_the_page_on_the_index_has_no_link_into_the_repository():
    done = subprocess.run(
        [sys.executable, "-m", "hatch_fancy_pypi_readme", str(ROOT / "pyproject.toml")],
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    page = done.stdout.decode("utf-8")
    assert page.startswith("# hashfeatures")
    assert "## Documentation" in page
    assert not re.findall(r"\]\((?!https://)[^)]*\)|<img|<picture|\]\[|pip install \"?\.", page)


@each_workflow
def test_workflows_name_each_action_by_a_commit(path):
    """A tag can be moved to other code, which would then publish in our name."""
    used = re.findall(r"uses: (.*)", path.read_text("utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@each_workflow
def test_only_the_job_that_publishes_may_write(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    writers = {name for name, job in workflow["jobs"].items() if "permissions" in job}
    assert writers == ({"publish"} if path.stem == "release" else set())


@each_workflow
def test_workflows_call_scripts_that_exist(path):
    for script in re.findall(r"bash (\.ci/\S+)", path.read_text("utf-8")):
        assert (ROOT / script).is_file(), script
