"""The hooks for pre-commit, the GitHub Action and the recipe for DVC do what they promise."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hashfeatures.cli._app import app, main

yaml = pytest.importorskip("yaml")

ROOT = Path(__file__).parents[1]
HOOKS = {
    hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
}
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
RECIPES = [
    yaml.safe_load(block)
    for page in ("fail-a-build.md", "version-a-split-with-dvc.md")
    for block in re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs" / "how-to" / page).read_text("utf-8"), re.DOTALL
    )
]
has_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


@pytest.fixture
def project(tmp_path, monkeypatch, noise_image):
    """Return a working folder with photos, a clean split in lists, and the command on its path."""
    work = tmp_path / "work"
    (work / "photos").mkdir(parents=True)
    for seed in range(12):
        noise_image(seed).save(work / "photos" / f"{seed:02}.png")
    for name, seeds in (("train", range(8)), ("test", range(8, 12))):
        (work / f"{name}.txt").write_text("".join(f"photos/{seed:02}.png\n" for seed in seeds))
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Return a function that puts a script on the path, under the name of a command."""

    def write(name, script):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/sh\n{script}\n")
        command.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return write


def leak(project):
    """Add a copy of a training image to the test part."""
    shutil.copy(project / "photos" / "00.png", project / "photos" / "copy.png")
    with open(project / "test.txt", "a", encoding="utf-8") as file:
        file.write("photos/copy.png\n")


def shell(script, **environment):
    """Run a script as a shell of GitHub does."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env=os.environ | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def parse(words):
    """Parse a command as the command line would."""
    program, name, *arguments = words
    assert program == "hashfeatures"
    app.get_command(click.Context(app), name).make_context(name, list(arguments))


def recipes_with(key):
    found = [recipe for recipe in RECIPES if key in recipe]
    assert found
    return found


def test_each_hook_has_what_pre_commit_requires():
    for hook in HOOKS.values():
        assert {"id", "name", "entry", "language"} <= set(hook)
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False


def test_the_hooks_of_the_recipes_exist_and_take_their_arguments():
    for recipe in recipes_with("repos"):
        for hook in (hook for repo in recipe["repos"] for hook in repo["hooks"]):
            parse([*shlex.split(HOOKS[hook["id"]]["entry"]), *hook["args"]])
            assert re.compile(hook["files"])


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_fails_on_leaks_alone(name, project, capsys):
    """The hook passes a clean split, and fails after a copy was added."""
    words = [*shlex.split(HOOKS[name]["entry"]), "train.txt", "test.txt"]
    assert main(words[1:]) == 0
    leak(project)
    assert main(words[1:]) == 1
    assert "copy.png" in capsys.readouterr().out


def steps():
    return {step.get("name"): step for step in ACTION["runs"]["steps"]}


def test_the_action_is_a_composite_one_that_uses_its_inputs():
    assert ACTION["runs"]["using"] == "composite"
    text = str(ACTION["runs"])
    used = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", text))
    assert used == set(ACTION["inputs"])
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")  # a shell would run what an input holds
        assert ("uses" in step) != (step.get("shell") == "bash")


def test_the_workflow_of_the_recipe_has_inputs_of_the_action():
    (workflow,) = recipes_with("jobs")
    (step,) = [
        step
        for step in workflow["jobs"]["audit"]["steps"]
        if step["uses"].partition("@")[0].endswith("hashfeatures")
    ]
    assert set(step["with"]) <= set(ACTION["inputs"])
    required = {name for name, facts in ACTION["inputs"].items() if facts["required"]}
    assert required <= set(step["with"])


def audit(tmp_path, parts, fail_on="leaks=0", options=""):
    """Run the step of the action that audits; return what it did and the summary of the job."""
    summary, output = tmp_path / "summary.md", tmp_path / "output"
    summary.write_text("")
    output.write_text("")
    done = shell(
        steps()["Audit the split"]["run"],
        PARTS=parts,
        FAIL_ON=fail_on,
        OPTIONS=options,
        RUNNER_TEMP=str(tmp_path),
        GITHUB_STEP_SUMMARY=str(summary),
        GITHUB_OUTPUT=str(output),
    )
    return done, summary.read_text(), output.read_text()


@pytest.mark.slow
@has_bash
def test_the_action_shows_a_card_and_fails_on_leaks(project, tmp_path, stand_in):
    stand_in("hashfeatures", f'exec {shlex.quote(sys.executable)} -m hashfeatures "$@"')
    leak(project)
    done, summary, output = audit(tmp_path, "train.txt\ntest.txt\n")
    assert done.returncode == 1, done.stderr
    assert summary.startswith("#")
    assert "copy.png" in summary
    assert output == f"card={tmp_path / 'hashfeatures-card.md'}\n"


@has_bash
def test_the_action_runs_nothing_that_an_input_holds(tmp_path, monkeypatch, stand_in):
    """Each line of an input is one word, whatever it holds. A card of an earlier run is gone."""
    monkeypatch.chdir(tmp_path)
    stand_in("hashfeatures", 'printf "%s\\n" "$@"; exit 3')
    card = tmp_path / "hashfeatures-card.md"
    card.write_text("an earlier run")
    parts = ["a b; touch hacked", "$(touch hacked)", "*", "-q"]
    done, summary, output = audit(
        tmp_path, "\n".join(parts), "leaks=1 unreadable=0\nconflicts=2", "-n\n0\n"
    )
    limits = ["leaks=1", "unreadable=0", "conflicts=2"]
    options = [word for limit in limits for word in ("--fail-on", limit)]
    expected = ["audit", "--output", str(card), "-n", "0", *options, "--", *parts]
    assert done.stdout.splitlines() == expected
    assert done.returncode == 3
    assert summary == output == ""
    assert sorted(os.listdir()) == ["bin", "output", "summary.md"]


@has_bash
@pytest.mark.parametrize("extras", ["", "yolo,heif"])
def test_the_action_installs_itself_with_extras(extras, stand_in):
    stand_in("python", 'printf "%s\\n" "$@"')
    done = shell(
        steps()["Install hashfeatures"]["run"], EXTRAS=extras, GITHUB_ACTION_PATH="/a b/action"
    )
    named = f"/a b/action[{extras}]" if extras else "/a b/action"
    assert done.stdout.splitlines() == ["-m", "pip", "install", named]


def test_the_stages_of_the_recipe_can_be_typed():
    for recipe in recipes_with("stages"):
        for stage in recipe["stages"].values():
            parse(shlex.split(stage["cmd"]))
            outs = [next(iter(out)) if isinstance(out, dict) else out for out in stage["outs"]]
            assert all(out in stage["cmd"] for out in outs)


def test_the_stages_of_the_recipe_keep_a_split_in_place(project):
    """As DVC does, each run begins without the outputs that do not persist."""
    stages = recipes_with("stages")[0]["stages"]
    parts = []
    for _ in range(2):
        for out in ("train.txt", "test.txt"):
            os.remove(out)
        for stage in stages.values():
            assert not [dep for dep in stage["deps"] if not os.path.exists(dep)]
            assert main(shlex.split(stage["cmd"])[1:]) == 0
        parts.append(
            {name: set(Path(name).read_text(encoding="utf-8").split()) for name in ("train.txt",)}
        )
        for seed in range(6):
            shutil.copy(f"photos/{seed:02}.png", f"photos/copy of {seed}.png")
    (lock,) = [out for out in stages["split"]["outs"] if isinstance(out, dict)]
    assert lock["split.lock.json"]["persist"] is True
    assert parts[0]["train.txt"] <= parts[1]["train.txt"]
    assert len(parts[1]["train.txt"]) > len(parts[0]["train.txt"])
