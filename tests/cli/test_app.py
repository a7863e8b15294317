"""The command line as a whole: its help, its exit codes and its refusals."""

import errno
import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

import hashfeatures
from hashfeatures._utils.optional import install_command
from hashfeatures.cli import _app, _console
from hashfeatures.cli._app import _COMMANDS
from hashfeatures.cli._console import echo_json


def test_no_arguments_print_the_help(run):
    """Without arguments, the command prints its help."""
    done = run()
    assert done.code == 0
    assert all(f"  {name} " in done.out for name in _COMMANDS)


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_teaches(name, run):
    """Each help fits a terminal, and the list of commands shows its first sentence in full."""
    done = run(name, "--help")
    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    summary = done.out.split("\n\n")[1].strip()
    assert summary.endswith(".")
    assert f"{summary}\n" in run("--help").out


def test_version(run):
    assert run("--version").out == f"hashfeatures {hashfeatures.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["dance"], "dance"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seed", "1.5"], "--seed"),
        (["demo", "-o", "sheet.jpg"], "sheet.jpg"),
        (["duplicates"], "PATHS"),
        (["split", ".", "--test-size", "some"], "some"),
        (["duplicates", ".", "--delete", "--hardlink"], "Choose one"),
    ],
)
def test_wrong_arguments_exit_with_2(arguments, named, run):
    """Wrong arguments are named, and have an exit code of their own."""
    done = run(*arguments)
    assert done.code == 2
    assert named in done.refusal()
    assert "--help" in done.err


def test_wrong_parameters_exit_with_2_as_well(run, image_files):
    done = run("hash", image_files[0], "--hashes", "nohash")
    assert done.code == 2
    assert "nohash" in done.refusal()


def test_missing_folder_is_told_before_the_work(run, tmp_path):
    """A result that cannot be written is refused before the work."""
    done = run("demo", "-o", tmp_path / "nowhere" / "sheet.png")
    assert done.code == 3
    assert str(tmp_path / "nowhere") in done.refusal()


@pytest.mark.parametrize(
    ("package", "modules"),
    [("skimage", ["skimage"]), ("matplotlib", ["matplotlib", "matplotlib.figure"])],
)
def test_missing_extra_is_named(package, modules, run, monkeypatch, tmp_path):
    """Without the extra, the message names the command that installs it, before any work."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    message = run("demo", "-o", tmp_path / "sheet.png").refusal()
    assert package in message
    assert install_command("demo") in message


def test_help_imports_nothing_heavy():
    """The help appears at once, without importing scikit-learn, pandas or Pillow."""
    code = (
        "import sys; from hashfeatures.cli import main; main([]); main(['duplicates', '--help']); "
        "sys.exit(bool({'sklearn', 'pandas', 'PIL', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_for_a_shell(shell, run):
    done = run("completion", shell)
    assert done.code == 0
    assert "_HASHFEATURES_COMPLETE" in done.out


def test_full_disk(run, photos_folder):
    """A full disk is reported, and no partial file is left."""
    import errno
    import os

    def refuse(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", refuse)
        done = run("hash", photos_folder, "-o", "hashes.csv", "-q")
    assert "No space left on device" in done.refusal()
    assert os.listdir() == []


def test_quiet_says_nothing_beside_the_results(run, photos_folder):
    (photos_folder / "broken.jpg").write_bytes(b"no image")
    assert "broken.jpg" in run("duplicates", photos_folder).err
    assert run("duplicates", photos_folder, "--quiet").err == ""


def test_folders_without_permission_are_told_before_the_work(run, photos_folder, monkeypatch):
    """A missing permission is reported before the work; simulated, as root has them all."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    monkeypatch.setattr(
        "hashfeatures.hashing._hash_table.hash_images", lambda *_, **__: pytest.fail("hashed")
    )
    assert "no permission to write" in run("hash", photos_folder, "-o", "h.csv").refusal()


def test_json_has_no_nan(capsys):
    """NaN and infinity become null, because other programs cannot read them."""
    echo_json({"a": [float("nan"), float("inf")], "b": np.float32("nan"), "c": 0.5})
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == {
        "a": [None, None],
        "b": None,
        "c": 0.5,
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["split", "x", "--out", "a"], "Try: hashfeatures split --help"),
        (["hash", "x", "--jobs", "0"], "-1 for every core"),
        (["duplicates", "x", "--views", "flip"], "flips"),
        (["duplicates", "nowhere"], "looked in"),
        (["calibrate", "x", "--radius", "3"], "Leave --radius out"),
    ],
)
def test_refusals_say_what_to_do(run, image_files, arguments, message):
    shutil.copy(image_files[0], "x")
    assert message in run(*arguments).refusal()


def test_names_of_another_folder_are_told_as_such(run):
    with open("list.txt", "w", encoding="utf-8") as file:
        file.write("photos/a.png\nphotos/b.png\n")
    assert f"paths start from {os.getcwd()}" in run("hash", "list.txt", "-o", "h.csv").err


def test_an_empty_standard_input_is_named(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "No images found in standard input." in run("hash", "-").err


@pytest.mark.parametrize("is_windows", [False, True])
@pytest.mark.parametrize("chosen", [None, "cp1252"])
def test_any_file_name_can_be_printed(is_windows, chosen, tmp_path, monkeypatch):
    """On Windows, a file gets UTF-8, as lists are read, unless the user chose the encoding."""
    monkeypatch.setattr(_app, "IS_WINDOWS", is_windows)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    if chosen is not None:
        monkeypatch.setenv("PYTHONIOENCODING", chosen)
    with open(tmp_path / "out", "w", encoding="cp1252") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        _app._allow_all_names(stream)
        stream.write("猫.png")
    is_utf_8 = is_windows and chosen is None
    expected = "猫.png".encode() if is_utf_8 else b"\\u732b.png"
    assert (tmp_path / "out").read_bytes() == expected


def test_a_closed_pipe_of_windows_is_no_error(monkeypatch, tmp_path):
    def fail(*_, **__):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr("click.echo", fail)
    with pytest.raises(OSError, match="Invalid"):
        _console.echo("text")
    monkeypatch.setattr(_console, "IS_WINDOWS", True)
    with open(tmp_path / "out", "w", encoding="utf-8") as stream:
        monkeypatch.setattr("sys.stdout", stream)
        _console.echo("text")
