"""Files that are written whole or not at all."""

import errno
import os
import stat

import pytest

from hashfeatures._utils.atomic_write import write_together, write_whole


def test_a_file_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_what_fails_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")

    def refuse(*_):
        raise OSError("no room")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no room"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_is_no_file(tmp_path, monkeypatch):
    """It has no name to make another of, and still fails as any write does."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r"Is a directory|denied"):
        write_whole(".", b"")
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="permissions of Unix")
def test_others_may_read_it_as_any_file(tmp_path):
    (tmp_path / "usual").write_bytes(b"")
    write_whole(tmp_path / "ours", b"")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.skipif(os.name != "posix", reason="named pipes of Unix")
def test_a_pipe_is_written_to_and_stays_one(tmp_path):
    """A device or a pipe would be lost if a file took its place."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(path, b"new")
    assert os.read(reader, 10) == b"new"
    os.close(reader)
    assert path.is_fifo()


@pytest.mark.parametrize("number", range(3))
def test_files_that_belong_together_are_replaced_together(number, tmp_path, monkeypatch):
    """New training images beside old test images would be a split that leaks."""
    paths = [str(tmp_path / name) for name in ("train.txt", "test.txt", "unreadable.txt")]
    write_together(dict.fromkeys(paths, b"old"))
    real, calls = os.fsync, []

    def fill_the_disk(descriptor):
        calls.append(descriptor)
        if len(calls) > number:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(os, "fsync", fill_the_disk)
        write_together(dict.fromkeys(paths, b"new"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("train.txt", "test.txt", "unreadable.txt"), b"old"
    )
    write_together(dict.fromkeys(paths, b"new"))
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"new"}
