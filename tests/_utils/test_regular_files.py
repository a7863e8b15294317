"""Nothing but regular files is opened: a pipe would be waited for, a device never ends."""

import os
import socket

import pytest

from hashfeatures import FailedImagesWarning, ImageReadError, NearDuplicateFinder, hash_images
from hashfeatures._utils.regular_files import open_regular
from hashfeatures.cli import main
from hashfeatures.images._read import read_image

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe.png"
    os.mkfifo(path)
    return str(path)


@pytest.fixture
def plug(tmp_path):
    path = str(tmp_path / "s.png")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path)
        yield path


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_named_pipe_is_one_failed_image(image_files, pipe, n_jobs):
    with pytest.warns(FailedImagesWarning, match="1 of 7") as caught:
        table = hash_images([*image_files, pipe], "phash", n_jobs=n_jobs)
    assert table["error"].notna().tolist() == [False] * 6 + [True]
    assert "is a named pipe, not an image file" in str(caught[0].message)


def test_special_files_say_what_they_are(pipe, plug, tmp_path):
    link = tmp_path / "link.png"
    link.symlink_to(pipe)
    for path, kind in (
        (pipe, "named pipe"),
        (link, "named pipe"),
        (plug, "socket"),
        ("/dev/null", "character device"),
        (tmp_path, "directory"),
    ):
        for source in (path, {"path": path}):
            with pytest.raises(ImageReadError, match=f"is a {kind}, not an image file"):
                read_image(source)
        with pytest.raises(OSError, match=f"is a {kind}, not a regular file"):
            open_regular(path)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="there is no /proc")
def test_what_has_no_size_is_not_opened():
    """Some files of /proc and /sys wait for what is to come."""
    with pytest.raises(ImageReadError, match="the file is empty"):
        read_image("/proc/self/status")
    with open_regular("/proc/self/status") as file:
        assert file.read() == b""


def test_a_file_that_becomes_a_pipe_is_not_waited_for(tmp_path, monkeypatch, pipe):
    file = tmp_path / "file"
    file.write_bytes(b"x")
    status = os.stat(file)
    monkeypatch.setattr("hashfeatures._utils.regular_files.os.stat", lambda path: status)
    with pytest.raises(OSError, match="is a named pipe"):
        open_regular(pipe)


def test_queries_caches_and_saved_files_are_regular(image_files, pipe, tmp_path):
    from hashfeatures import CacheError, find_similar, from_hex

    finder = NearDuplicateFinder().fit(image_files)
    with pytest.warns(FailedImagesWarning):
        assert len(finder.matches([pipe]).left) == 0
    with pytest.raises((ImageReadError, ValueError), match="named pipe"):
        find_similar(image_files, pipe)
    with pytest.raises(CacheError, match="is not a file"):
        hash_images(image_files, "phash", cache=pipe)
    with pytest.raises(OSError, match="named pipe"):
        NearDuplicateFinder.load(pipe)
    with pytest.raises(OSError, match="named pipe"):
        from_hex(pipe)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["list.txt", "hashes.csv", "hashes.json"])
def test_lists_and_tables_of_commands_are_regular(tmp_path, capsys, name):
    path = tmp_path / name
    os.mkfifo(path)
    assert main(["duplicates", str(path)]) == 3
    assert "is a named pipe, not a regular file" in capsys.readouterr().err
