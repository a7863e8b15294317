"""A plan is written completely or not at all, inside its folder, and over nothing."""

import errno
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.exceptions import LayoutError
from hashfeatures.layouts import _plan
from hashfeatures.layouts._plan import Plan, safe_name, write_plan


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


def test_contents_copies_and_streams_are_written(tmp_path):
    source = tmp_path / "a.png"
    source.write_bytes(b"picture")
    plan = Plan(
        contents={"lists/train.txt": b"a"},
        files={"images/a.png": str(source)},
        copied={"labels/a.txt": str(source)},
        streams={"shard.tar": lambda path: path.write_bytes(b"stream")},
    )
    write_plan(plan, tmp_path / "deep" / "out", "copy")
    assert tree(tmp_path / "deep" / "out") == {
        "lists/train.txt": b"a",
        "images/a.png": b"picture",
        "labels/a.txt": b"picture",
        "shard.tar": b"stream",
    }
    assert os.listdir(tmp_path / "deep") == ["out"]


def test_links_are_absolute_and_labels_are_copied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(b"picture")
    write_plan(Plan(files={"a.png": "a.png"}, copied={"a.txt": "a.png"}), Path("out"), "link")
    assert os.readlink("out/a.png") == str(tmp_path / "a.png")
    assert not os.path.islink("out/a.txt")
    assert Path("out/a.png").read_bytes() == b"picture"


def test_an_empty_folder_is_filled_and_another_is_refused(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    write_plan(Plan(contents={"a": b"1"}), out, "lists")
    with pytest.raises(LayoutError, match=r"a folder that is not empty\. Name a new folder"):
        write_plan(Plan(contents={"b": b"2"}), out, "lists")
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(LayoutError, match="is not a folder"):
        write_plan(Plan(contents={"b": b"2"}), tmp_path / "file", "lists")
    assert tree(tmp_path) == {"out/a": b"1", "file": b"kept"}


def test_what_fails_in_the_middle_leaves_nothing(tmp_path):
    def fail(path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        write_plan(Plan(contents={"a": b"1"}, streams={"b": fail}), tmp_path / "out", "copy")
    assert os.listdir(tmp_path) == []


def test_missing_files_are_found_before_anything_is_written(tmp_path):
    with pytest.raises(LayoutError, match=r"2 files are missing, such as .*no\.png.*Nothing was"):
        write_plan(
            Plan(contents={"a": b""}, files={"x": str(tmp_path / "no.png")}, copied={"y": "no"}),
            tmp_path / "out",
            "copy",
        )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.png", "A.png"], "names that differ only in case"),
        (["cat/a.png", "Cat/b.png"], "folder 'Cat' would be written under names that differ only"),
        (["a\u0301.png", "\u00e1.png"], "names that differ only in case, or in how accents"),
        (["a", "a/b"], "a file and a folder"),
        (["A/b", "a"], "a file and a folder"),
        (["../a"], "leaves its folder"),
        (["/a"], "is absolute"),
        (["C:\\a"], "is absolute"),
        (["x\\..\\..\\a"], "leaves its folder"),
    ],
)
def test_names_that_collide_or_climb_are_refused(names, message, tmp_path):
    with pytest.raises(LayoutError, match=message):
        write_plan(Plan(contents=dict.fromkeys(names, b"")), tmp_path / "out", "lists")
    assert os.listdir(tmp_path) == []


def test_one_name_in_two_ways_is_refused(tmp_path):
    source = tmp_path / "a"
    source.write_bytes(b"")
    with pytest.raises(LayoutError, match="would be written twice"):
        write_plan(Plan(contents={"a": b""}, files={"a": str(source)}), tmp_path / "out", "copy")


@given(st.text("ab./\\:\0 C", max_size=9) | st.none() | st.integers())
def test_a_safe_name_is_inside_its_folder(name):
    """Whatever a hostile file says, the name that is used stays below the folder."""
    try:
        safe = safe_name(name, "list.txt, line 1")
    except LayoutError as error:
        assert str(error).startswith("list.txt, line 1: ")
        return
    place = os.path.normpath(os.path.join("/root", safe))
    assert place.startswith("/root/")
    assert ".." not in safe.split("/")


def test_a_folder_without_permission_is_named(tmp_path, monkeypatch):
    """The error names the folder of the user, not the temporary one."""

    def refuse(path, **options):
        if not options:  # those that may exist do
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(PermissionError) as raised:
        write_plan(Plan(contents={"a": b""}), tmp_path / "out", "lists")
    assert raised.value.filename == str(tmp_path / "out")


@pytest.mark.parametrize(
    "name", ["ab:c.png", "who?.png", "aux.png", "CON", "a ", "b./c.png", 'a"']
)
def test_names_that_windows_does_not_allow_are_refused_there(name, tmp_path, monkeypatch):
    """A colon would silently write into another file."""
    plan = Plan(contents={name: b"x", "auxiliary.png": b"", ".hidden": b"", "com10.txt": b""})
    monkeypatch.setattr(_plan, "IS_WINDOWS", True)
    with pytest.raises(LayoutError, match=f"Windows does not allow the name '{re.escape(name)}'"):
        write_plan(plan, tmp_path / "out", "copy")
    assert os.listdir(tmp_path) == []
    del plan.contents[name]
    write_plan(plan, tmp_path / "out", "copy")


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPERM, errno.ENOTSUP])
def test_links_that_the_system_does_not_allow(number, tmp_path, monkeypatch):
    """As on Windows without Developer Mode, and on a stick."""

    def refuse(*_, **__):
        raise OSError(number, "A required privilege is not held by the client")

    (tmp_path / "a.png").write_bytes(b"x")
    monkeypatch.setattr(os, "symlink", refuse)
    plan = Plan(files={"a.png": str(tmp_path / "a.png")})
    with pytest.raises(LayoutError, match=r"privilege .* Write how='copy'"):
        write_plan(plan, tmp_path / "out", "link")
    write_plan(plan, tmp_path / "out", "copy")
