"""The command line: what it prints, what it returns, and how it says no."""

import subprocess
import sys

import pytest

import hashfeatures
from hashfeatures import cli


def refused(capsys):
    """Return the one line that an error is to be, having checked that nothing else was printed."""
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("hashfeatures: ")
    return captured.err


def test_no_arguments_print_the_help(capsys):
    """Who types the bare name learns what there is."""
    assert cli.main([]) == 0
    assert "demo" in capsys.readouterr().out


def test_version(capsys):
    """The version on the command line is the package's."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out == f"hashfeatures {hashfeatures.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["dance"], "dance"),
        (["demo", "--seed", "-1"], "--seed"),
        (["demo", "--seed", "1.5"], "--seed"),
        (["demo", "-o", "sheet.jpg"], "sheet.jpg"),
    ],
)
def test_wrong_arguments_exit_with_2(arguments, named, capsys):
    """Wrong arguments are named, and told from failures by their exit code."""
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    assert named in capsys.readouterr().err


def test_missing_folder_is_told_before_the_work(tmp_path, capsys):
    """Nobody waits for a demo whose result cannot be written."""
    assert cli.main(["demo", "-o", str(tmp_path / "nowhere" / "sheet.png")]) == 1
    assert str(tmp_path / "nowhere") in refused(capsys)


def test_folder_is_not_overwritten(tmp_path, capsys):
    """A folder with the name of the contact sheet is an error, and stays."""
    folder = tmp_path / "sheet.png"
    folder.mkdir()
    assert cli.main(["demo", "-o", str(folder)]) == 1
    assert str(folder) in refused(capsys)
    assert folder.is_dir()


@pytest.mark.parametrize(
    ("package", "modules"),
    [("skimage", ["skimage"]), ("matplotlib", ["matplotlib", "matplotlib.figure"])],
)
def test_missing_extra_is_named(package, modules, tmp_path, monkeypatch, capsys):
    """Without the extra, the user is told the line that installs it, before any work."""
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)
    assert cli.main(["demo", "-o", str(tmp_path / "sheet.png")]) == 1
    message = refused(capsys)
    assert package in message
    assert 'pip install "hashfeatures[demo]"' in message
    assert not list(tmp_path.iterdir())


def test_help_imports_nothing_heavy():
    """The help appears at once: scikit-learn, pandas and Pillow are left for the commands."""
    code = (
        "import sys; from hashfeatures.cli import main; main([]); "
        "sys.exit(bool({'sklearn', 'pandas', 'PIL', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0
