"""The command as people run it: in a terminal of 80 columns, and in a pipe."""

import json
import os
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty", reason="needs a terminal of a Unix")

pytestmark = pytest.mark.slow  # each call starts Python and imports all that it needs

COMMAND = [sys.executable, "-m", "hashfeatures"]


def in_terminal(*arguments, **environment):
    """Run a command in a terminal of 80 columns; return its exit code and its output."""
    import fcntl
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env=os.environ | {"TERM": "xterm"} | environment,
        close_fds=True,
    )
    os.close(follower)
    seen = b""
    while True:
        try:
            part = os.read(leader, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(leader)
    return process.wait(timeout=60), seen.decode()


def in_pipe(*arguments, **options):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, timeout=60, check=False, **options
    )


def test_help_fits_the_terminal():
    code, seen = in_terminal("duplicates", "--help")
    assert code == 0
    assert max(len(line) for line in seen.splitlines()) <= 80


def test_a_bar_and_colors_are_for_the_terminal(photos_folder):
    query = photos_folder / "b" / "image_0.png"
    code, seen = in_terminal("similar", query, "--in", photos_folder)
    assert code == 0
    assert "img/s" in seen
    assert "\x1b[1m" in seen
    _, plain = in_terminal("similar", query, "--in", photos_folder, NO_COLOR="1")
    assert "\x1b[1m" not in plain
    done = in_pipe("similar", query, "--in", photos_folder)
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"\x1b" not in done.stdout


def test_results_and_notes_do_not_mix(photos_folder):
    (photos_folder / "broken.jpg").write_bytes(b"no image")
    done = in_pipe("duplicates", photos_folder, "--json")
    assert json.loads(done.stdout)["counts"]["unreadable"] == 1
    assert b"broken.jpg" in done.stderr
    assert b"Traceback" not in done.stderr


def test_paths_from_standard_input(photos_folder):
    paths = "\n".join(str(path) for path in sorted(photos_folder.rglob("*.png")))
    done = in_pipe("hash", "-", "--hashes", "dhash", input=paths.encode())
    assert done.returncode == 0
    assert done.stdout.count(b"\n") == paths.count("\n") + 2


def test_a_reader_that_goes_away_is_no_error(photos_folder):
    script = f"'{sys.executable}' -m hashfeatures hash '{photos_folder}' | head -n 1; echo ok"
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=60, check=True)
    assert done.stderr == b""
    assert done.stdout.endswith(b"ok\n")


def unread(*arguments):
    """Run a command whose stdout is closed; return its exit code and its stderr."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdout.close()
        said = process.stderr.read()
    return process.returncode, said


def test_exit_codes_do_not_depend_on_the_reader(photos_folder):
    """A closed pipe does not change the exit code."""
    assert unread("--help") == (0, b"")
    assert unread("split", "--help") == (0, b"")
    assert unread("leaks", photos_folder / "a", photos_folder / "b") == (0, b"")
    assert unread("leaks", photos_folder / "a", photos_folder / "a") == (1, b"")


def test_work_goes_on_when_its_reader_goes_away(photos_folder, tmp_path, tree):
    """File actions finish even if the reader of stdout goes away."""
    before = tree(photos_folder)
    action = ("--move-to", tmp_path / "copies", "--yes", "--journal", tmp_path / "j", "-q")
    assert unread("duplicates", photos_folder, *action) == (0, b"")
    assert len(tree(tmp_path / "copies")) == 4
    assert unread("undo", tmp_path / "j") == (0, b"")
    assert tree(photos_folder) == before


def test_a_terminal_that_knows_ascii_only(tmp_path, noise_image):
    noise_image(0).save(tmp_path / "zürich.png")
    done = in_pipe("similar", tmp_path / "zürich.png", "--in", tmp_path,
                   env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"rich.png" in done.stdout
    assert done.stderr == b""
