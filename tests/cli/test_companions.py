"""File actions tear no data set apart: images and labels stay together, or a note says so."""

import io
import ntpath
import shutil
import tarfile
import zipfile
from types import SimpleNamespace

import pytest

from hashfeatures.cli import _companions


@pytest.mark.parametrize("action", [["--delete"], ["--move-to", "out"]])
@pytest.mark.parametrize("name", ["yolo", "coco"])
def test_annotated_images_do_not_go_alone(name, action, run, request, tree):
    """Images of a data set are not moved away from their annotations, whatever --yes says."""
    folder = request.getfixturevalue(name)
    before = tree(folder)
    assert "annotations would stay behind" in run("duplicates", folder, *action, "--yes").refusal()
    assert tree(folder) == before


def test_images_of_several_data_sets_do_not_go_alone_either(run, yolo, tmp_path):
    other = shutil.copytree(yolo, tmp_path / "other")
    files = yolo / "data.yaml", other / "data.yaml"
    assert "annotations would stay behind" in run("duplicates", *files, "--delete").err
    assert "several data sets" in run("split", *files, "--out", "clean/").err


def test_links_leave_a_data_set_whole(run, yolo, tree):
    """Hard links change no name and no content, so they are allowed."""
    before = tree(yolo)
    done = run("duplicates", yolo, "--hardlink", "--yes")
    assert done.code == 0, done.err
    assert "linked" in done.err
    assert tree(yolo) == before


def test_label_files_beside_moved_images_are_named(run, yolo):
    """Images taken from a plain folder may have labels in another one, which a note names."""
    done = run("duplicates", yolo / "images", "--move-to", "out")
    assert done.code == 0
    assert "labels/" in done.err
    assert "may hold labels of these images stay where they are" in done.err.replace(
        "stays", "stay"
    )


def test_images_without_companions_need_no_note(run, photos_folder):
    assert "labels" not in run("duplicates", photos_folder, "--move-to", "out").err


@pytest.mark.parametrize("action", ["--delete", "--hardlink"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_images_inside_archives_are_left_alone(kind, action, run, encode, noise_image):
    """No file action is possible inside an archive, and the message says what is."""
    data = encode(noise_image(0))
    if kind == "tar":
        with tarfile.open("shard.tar", "w") as tar:
            for name in ("a.png", "b.png"):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    else:
        with zipfile.ZipFile("shard.zip", "w") as archive:
            for name in ("a.png", "b.png"):
                archive.writestr(name, data)
    shutil.copy(f"shard.{kind}", "before")
    refused = run("duplicates", f"shard.{kind}", action, "--yes").refusal()
    assert "is inside a larger file" in refused
    with open("before", "rb") as before, open(f"shard.{kind}", "rb") as after:
        assert before.read() == after.read()


def test_companions_on_windows(monkeypatch):
    """A folder that was named with "/" has files with both separators."""
    labels = {"photos\\labels\\a.txt"}
    path = SimpleNamespace(splitext=ntpath.splitext, isfile=labels.__contains__)
    monkeypatch.setattr(_companions, "os", SimpleNamespace(sep="\\", path=path))
    assert _companions._find_companion("photos/images\\a.jpg") == "photos\\labels\\a.txt"
