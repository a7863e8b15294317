"""Deleting, moving and linking change nothing without --yes, and lose no image."""

import errno
import io
import json
import ntpath
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from hashfeatures.cli import _file_actions as acting
from hashfeatures.cli import _file_operations, _journal, _undo
from hashfeatures.cli._errors import CommandError
from hashfeatures.cli._file_state import look

JOURNAL = ("--journal", "j")


def test_nothing_is_done_without_yes(run, photos_folder, tmp_path, tree):
    before = tree(photos_folder)
    for action in (["--delete"], ["--move-to", tmp_path / "copies"], ["--hardlink"]):
        done = run("duplicates", photos_folder, *action)
        assert done.code == 0
        assert tree(photos_folder) == before
        assert os.listdir() == []
    assert "would move" in run("duplicates", photos_folder, "--move-to", "copies").out
    assert not os.path.exists("copies")


def test_delete(run, photos_folder, tree):
    done = run("duplicates", photos_folder, "--delete", "--yes", *JOURNAL)
    assert done.code == 0
    assert len(tree(photos_folder)) == 8
    assert run("duplicates", photos_folder, "--json").json()["groups"] == []
    assert "was deleted" in run("undo", "j").out


def test_move_and_back(run, photos_folder, tree):
    before = tree(photos_folder)
    done = run("duplicates", photos_folder, "--move-to", "copies", "--yes", *JOURNAL)
    assert done.code == 0
    assert len(tree("copies")) == 4
    assert {**tree(photos_folder), **{f"a/{k}": v for k, v in tree("copies").items()}} == before
    back = run("undo", "j", "--json")
    assert back.code == 0
    assert back.json()["back"] == 4
    assert tree(photos_folder) == before
    assert run("undo", "j").code == 0  # a second time does no harm
    assert tree(photos_folder) == before


def test_hardlink_and_back(run, same_bytes, family, tree):
    """Only files with the same bytes are linked."""
    shutil.copy(family[0][0], same_bytes / "photo.png")
    shutil.copy(family[0][2], same_bytes / "photo_low.jpg")
    before = tree(same_bytes)
    done = run("duplicates", same_bytes, "--hardlink", "--yes", *JOURNAL)
    assert done.code == 0, done.err
    assert os.path.samefile(same_bytes / "first.png", same_bytes / "second.png")
    assert tree(same_bytes) == before
    assert "nothing to do" in run("duplicates", same_bytes, "--hardlink", "--yes").err
    assert run("undo", "j").code == 0
    assert not os.path.samefile(same_bytes / "first.png", same_bytes / "second.png")
    assert tree(same_bytes) == before


def test_destinations_that_exist(run, photos_folder, tree):
    before = tree(photos_folder)
    moved = run("duplicates", photos_folder, "--move-to", "copies", "--json").json()["actions"]
    target = moved[-1]["target"]
    os.makedirs(os.path.dirname(target))
    with open(target, "w", encoding="utf-8") as file:
        file.write("precious")
    message = run("duplicates", photos_folder, "--move-to", "copies", "--yes").refusal()
    assert "exists already. Nothing was moved" in message
    assert tree(photos_folder) == before
    with open(target, encoding="utf-8") as file:
        assert file.read() == "precious"
    with open("a_file", "w", encoding="utf-8"):
        pass
    assert "is not a folder" in run("duplicates", photos_folder, "--move-to", "a_file").refusal()


def test_journals_are_not_overwritten(run, photos_folder, tree):
    with open("j", "w", encoding="utf-8") as file:
        file.write("precious")
    before = tree(photos_folder)
    assert "j exists" in run("duplicates", photos_folder, "--delete", "--yes", *JOURNAL).err
    assert tree(photos_folder) == before
    assert "j is not a journal: line 1" in run("undo", "j").refusal()


def test_no_permission(run, photos_folder, monkeypatch, tree):
    """Without permission nothing is changed; simulated, as root has every permission."""
    before = tree(photos_folder)
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: "photos" not in str(path) and real(path, mode)
    )
    for action in (["--delete"], ["--move-to", "copies"]):
        message = run("duplicates", photos_folder, *action, "--yes").refusal()
        assert "No permission" in message
        assert tree(photos_folder) == before
        assert os.listdir() == []


@pytest.mark.parametrize("number", [errno.EXDEV, errno.EPERM])
def test_moves_without_hard_links(number, tmp_path, monkeypatch, tree):
    """A move to another file system copies the file and then removes it."""

    def refuse(*paths, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    source, target = tmp_path / "a", tmp_path / "below" / "b"
    source.write_bytes(b"content")
    _file_operations.move(str(source), str(target))
    assert tree(tmp_path) == {os.path.join("below", "b"): b"content"}
    source.write_bytes(b"other")
    with pytest.raises(FileExistsError):
        _file_operations.move(str(source), str(target))
    assert tree(tmp_path) == {"a": b"other", os.path.join("below", "b"): b"content"}


def test_a_full_disk_moves_nothing_by_half(run, photos_folder, monkeypatch, tree):
    """On a full disk, files are moved or stay in full, and undo brings all of them back."""
    before = tree(photos_folder)
    copied = []

    def no_links(*paths, **options):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    real = shutil.copyfile

    def copy(source, target):
        if copied:
            with open(target, "wb") as file:
                file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copied.append(source)
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", no_links)
        patch.setattr(shutil, "copyfile", copy)
        done = run("duplicates", photos_folder, "--move-to", "copies", "--yes", *JOURNAL)
    assert done.code == 3
    assert "after 1 of 4 files: No space left on device" in done.err
    assert "hashfeatures undo j" in done.err
    assert len(tree("copies")) == 1
    assert len(tree(photos_folder)) == len(before) - 1
    run("undo", "j")
    assert tree(photos_folder) == before
    assert tree("copies") == {}


def test_what_stays_must_be_there(photos_folder, tmp_path, monkeypatch, tree):
    """A duplicate is not deleted if the kept file is gone."""
    before = tree(photos_folder)
    monkeypatch.setattr(
        _journal, "_write_line", lambda *_: pytest.fail("nothing is to be written down")
    )
    path, kept, *_ = (str(photos_folder / name) for name in before)
    pair = acting.Duplicate(path, kept, look(path), look(kept))
    planned = acting.plan("delete", [pair], None, print)
    planned.actions = [replace(action, kept="gone") for action in planned.actions]
    acting.act(planned, str(tmp_path / "j"), print)
    assert planned.done == []
    assert planned.left == [{"path": path, "why": "the file to keep, gone, is gone"}]
    assert tree(photos_folder) == before
    assert not os.path.exists(tmp_path / "j")


def test_urls_are_not_acted_on():
    pair = acting.Duplicate("http://a/b.jpg", "c.jpg", None, None)
    with pytest.raises(Exception, match="not a local file"):
        acting.plan("delete", [pair], None, print)


def test_a_table_that_names_a_file_twice_deletes_nothing(run, image_files):
    with open("t.csv", "w", encoding="utf-8") as file:
        file.write(f"image\n{image_files[0]}\n{image_files[0]}\n")
    message = run("duplicates", "t.csv", "--column", "image", "--delete", "--yes").refusal()
    assert "is named twice" in message
    assert os.path.exists(image_files[0])


def test_what_was_hashed_is_deleted(run, same_bytes, tmp_path):
    """A path with ".." behind a link leads to the folder above the target of the link."""
    (same_bytes / "below").mkdir()
    os.symlink(same_bytes / "below", "link", target_is_directory=True)
    with open("second.png", "w", encoding="utf-8") as file:
        file.write("precious")
    paths = (same_bytes / "first.png", os.path.join("link", "..", "second.png"))
    done = run("duplicates", *paths, "--keep", "first", "--delete", "--yes", *JOURNAL)
    assert done.code == 0, done.err
    assert os.path.exists("second.png")
    assert not os.path.exists(same_bytes / "second.png")


def test_a_link_is_kept_by_what_it_points_to(run, same_bytes, tmp_path):
    """A hard link is made to the target of a symbolic link, not to the symbolic link."""
    os.rename(same_bytes / "first.png", tmp_path / "real.png")
    os.symlink(tmp_path / "real.png", "first.png")
    paths = ("first.png", same_bytes / "second.png")
    done = run("duplicates", *paths, "--keep", "first", "--hardlink", "--yes", *JOURNAL)
    assert done.code == 0, done.err
    assert not os.path.islink(same_bytes / "second.png")
    assert os.path.samefile(same_bytes / "second.png", tmp_path / "real.png")


@pytest.mark.parametrize("action", [("--move-to", "copies"), ("--hardlink",)])
def test_links_stay_where_they_are(action, run, same_bytes, tmp_path):
    """Symbolic links are not moved, because relative ones would point elsewhere."""
    os.rename(same_bytes / "second.png", tmp_path / "real.png")
    os.symlink(os.path.join("..", "real.png"), same_bytes / "second.png")
    paths = [same_bytes / name for name in ("first.png", "second.png")]
    done = run("duplicates", *paths, "--keep", "first", *action, "--yes", *JOURNAL)
    assert done.code == 0, done.err
    assert "skipped 1 symbolic link," in done.err
    assert os.path.islink(same_bytes / "second.png")
    assert (same_bytes / "second.png").read_bytes() == (same_bytes / "first.png").read_bytes()


def test_a_journal_cut_short_is_undone(run, photos_folder, tree):
    """An incomplete last line of a journal is ignored, because its action never began."""
    before = tree(photos_folder)
    run("duplicates", photos_folder, "--move-to", "copies", "--yes", *JOURNAL)
    with open("j", "a", encoding="ascii") as file:
        file.write('{"kind": "mo')
    assert run("undo", "j", "--json").json()["back"] == 4
    assert tree(photos_folder) == before


def test_journals_of_other_actions_are_refused(run):
    with open("j", "w", encoding="ascii") as file:
        file.write('{"kind": "shred", "path": "a", "kept": "b"}\n')
    assert "j is not a journal: line 1" in run("undo", "j").refusal()


def test_where_it_stopped_is_told_though_the_journal_cannot_be_closed(
    run, photos_folder, monkeypatch
):
    """A journal that cannot be closed does not hide the message about undo."""

    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self):
            super().close()  # a file is closed though its last write failed
            self.flush()

    monkeypatch.setattr(acting, "open", lambda *_, **__: Full(), raising=False)
    done = run("duplicates", photos_folder, "--move-to", "copies", "--yes", *JOURNAL)
    assert "after 0 of 4 files: No space left on device" in done.err
    assert "hashfeatures undo j" in done.err
    assert "undo" not in run("duplicates", photos_folder, "--delete", "--yes", *JOURNAL).err


ACTIONS = [("--delete",), ("--move-to", "copies"), ("--hardlink",)]


def replace_at_equal_size(path):
    """Change the content of a file, but neither its size nor its modification time."""
    before = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(before.st_size // 2)
        file.write(b"other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.fixture
def three_alike(tmp_path, image_files):
    """Return a folder with three files of the same bytes."""
    folder = tmp_path / "alike"
    folder.mkdir()
    for name in ("1.png", "2.png", "3.png"):
        shutil.copy(image_files[0], folder / name)
    return folder


def replace_by_photo(path):
    shutil.copy(Path(path).parent.parent / "image_4.png", path)


def replace_by_folder(path):
    os.unlink(path)
    os.mkdir(path)


CHANGES = [os.unlink, replace_by_photo, replace_by_folder, replace_at_equal_size]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".parquet"])
@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_after_it_was_hashed_is_left(
    change, action, suffix, run, three_alike, tree
):
    """A changed duplicate is left alone, and the action goes on with the others."""
    assert run("hash", three_alike, "-o", f"h{suffix}").code == 0
    change(str(three_alike / "2.png"))
    before = tree(three_alike)
    for yes in ([], ["--yes"]):
        done = run(
            *("duplicates", f"h{suffix}", "--keep", "first", *action, *yes, *JOURNAL, "--json")
        )
        assert done.code == 3, done
        (left,) = done.json()["left"]
        assert left["path"] == str(three_alike / "2.png")
        assert [each["path"] for each in done.json()["actions"]] == [str(three_alike / "3.png")]
    assert {name: content for name, content in tree(three_alike).items() if name == "2.png"} == {
        name: content for name, content in before.items() if name == "2.png"
    }
    is_linked = os.path.exists(three_alike / "3.png") and os.path.samefile(
        three_alike / "3.png", three_alike / "1.png"
    )
    assert is_linked == (action == ("--hardlink",))


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("change", [*CHANGES, lambda path: os.truncate(path, 10)])
def test_nothing_goes_if_what_stays_for_it_changed(change, action, run, three_alike, tree):
    """If the kept file has changed, all of its duplicates are left alone."""
    assert run("hash", three_alike, "-o", "h.csv").code == 0
    change(str(three_alike / "1.png"))
    before = tree(three_alike)
    done = run("duplicates", "h.csv", "--keep", "first", *action, "--yes", *JOURNAL)
    assert done.code == 3, done
    assert done.out.count("the file to keep") == 2
    assert tree(three_alike) == before
    assert not os.path.exists("j")


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", ["1.png", "2.png"])
@pytest.mark.parametrize("moment", ["collected", "planned", "written"])
def test_a_change_at_any_moment_is_seen(moment, name, action, run, three_alike, tree, monkeypatch):
    """A change is noticed before reading, after planning, and while the journal is written."""
    from hashfeatures.cli.commands import _duplicates as duplicates

    place = {
        "collected": (duplicates, "fit"),
        "planned": (duplicates, "act"),
        "written": (_journal, "_write_line"),
    }[moment]
    real = getattr(*place)

    def change_first(*arguments, **options):
        with open(three_alike / name, "ab") as file:
            file.write(b"behind the image, which is read as before")
        return real(*arguments, **options)

    monkeypatch.setattr(*place, change_first)
    done = run("duplicates", three_alike, "--keep", "first", *action, "--yes", *JOURNAL)
    assert done.code == 3, done
    assert {"1.png", name} <= set(tree(three_alike))
    assert name == "2.png" or len(tree(three_alike)) == 3
    assert os.stat(three_alike / name).st_nlink == 1
    if name == "2.png" and action != ("--delete",):
        assert run("undo", "j").code == 0  # of what was left there is nothing to undo


def test_a_file_of_hashes_that_does_not_say_what_was_hashed(run, three_alike, tree):
    """Without recorded sizes and times nothing is done, and the message names the cure."""
    import pandas as pd

    run("hash", three_alike, "-o", "h.csv")
    pd.read_csv("h.csv").drop(columns=["bytes", "mtime", "ctime"]).to_csv("old.csv", index=False)
    before = tree(three_alike)
    message = run("duplicates", "old.csv", "--delete", "--yes").refusal()
    assert "Hash the images again" in message
    assert tree(three_alike) == before
    assert run("duplicates", "old.csv").code == 0


def test_linking_does_not_look_like_a_change(run, three_alike):
    """The changed ctime of a file that was linked here does not count as a change."""
    run("hash", three_alike, "-o", "h.csv")
    done = run("duplicates", "h.csv", "--keep", "first", "--hardlink", "--yes", *JOURNAL)
    assert done.code == 0, done
    assert os.stat(three_alike / "1.png").st_nlink == 3


def test_names_of_one_file_may_go(run, three_alike):
    """The changed ctime of other names of a deleted file does not count as a change."""
    for name in ("2.png", "3.png"):
        os.unlink(three_alike / name)
        os.link(three_alike / "1.png", three_alike / name)
    done = run("duplicates", three_alike, "--keep", "first", "--delete", "--yes", *JOURNAL)
    assert done.code == 0, done
    assert os.listdir(three_alike) == ["1.png"]


def test_a_link_to_what_goes_is_not_kept(run, three_alike, tree):
    """A duplicate is not deleted if the kept file has become a link to it."""
    run("hash", three_alike, "-o", "h.csv")
    os.unlink(three_alike / "1.png")
    os.symlink(three_alike / "2.png", three_alike / "1.png")
    before = tree(three_alike)
    done = run("duplicates", "h.csv", "--keep", "first", "--delete", "--yes", *JOURNAL)
    assert done.code == 3
    assert tree(three_alike) == before


def test_undo_brings_back_only_what_was_moved(run, three_alike, tree):
    """Undo leaves a moved file alone if it was edited, and names it."""
    before = tree(three_alike)
    run("duplicates", three_alike, "--keep", "first", "--move-to", "copies", "--yes", *JOURNAL)
    with open("copies/2.png", "ab") as file:
        file.write(b"edited")
    done = run("undo", "j")
    assert done.code == 3
    assert "2.png" in done.out
    assert "changed since it was moved" in done.out
    assert done.out.endswith("\n1 file brought back\n")
    assert set(tree(three_alike)) == {"1.png", "3.png"}
    assert set(tree("copies")) == {"2.png"}
    os.truncate("copies/2.png", len(before["2.png"]))
    assert run("undo", "j").code == 3  # its time is another


def test_undo_separates_only_what_was_linked(run, three_alike):
    """Undo leaves a linked file alone if it was edited."""
    run("duplicates", three_alike, "--keep", "first", "--hardlink", "--yes", *JOURNAL)
    with open(three_alike / "1.png", "ab") as file:
        file.write(b"edited")
    done = run("undo", "j")
    assert done.code == 3
    assert done.out.count("changed since it was linked") == 2
    assert os.stat(three_alike / "1.png").st_nlink == 3


def test_undo_gives_a_linked_file_its_own_time_and_mode(run, three_alike):
    os.utime(three_alike / "2.png", ns=(10**18, 10**18 + 7))
    os.chmod(three_alike / "2.png", 0o600)
    run("duplicates", three_alike, "--keep", "first", "--hardlink", "--yes", *JOURNAL)
    assert run("undo", "j").code == 0
    assert os.stat(three_alike / "2.png").st_mtime_ns == 10**18 + 7
    assert os.stat(three_alike / "2.png").st_mode & 0o777 == 0o600
    assert os.stat(three_alike / "3.png").st_mode & 0o777 != 0o600


@pytest.mark.parametrize("action", ACTIONS[1:])
def test_undo_twice_says_that_nothing_is_left(action, run, three_alike, tree):
    before = tree(three_alike)
    run("duplicates", three_alike, "--keep", "first", *action, "--yes", *JOURNAL)
    done = run("undo", "j")
    assert done.code == 0
    assert done.out.count("back: ") == 2
    assert done.out.endswith("\n2 files brought back\n")
    again = run("undo", "j")
    assert (again.code, again.out) == (0, "nothing left to undo\n")
    assert tree(three_alike) == before


def test_undo_removes_the_folders_that_it_empties(run, photos_folder, tmp_path):
    """Undo removes the folder that files were moved to, if it is empty."""
    for name in ("x", "y"):
        shutil.copytree(photos_folder, tmp_path / "more" / name)
    folders = ("duplicates", tmp_path / "more", "--move-to", "new/copies", "--yes")
    run(*folders, *JOURNAL)
    assert len(os.listdir("new/copies")) == 2
    assert run("undo", "j").code == 0
    assert os.listdir("new") == []
    run(*folders, "--journal", "k")
    Path("new/copies/note").touch()
    assert run("undo", "k").code == 0
    assert os.listdir("new/copies") == ["note"]


def test_deleting_advertises_no_undo(run, three_alike):
    done = run("duplicates", three_alike, "--delete", "--yes", *JOURNAL)
    assert "undo" not in done.out + done.err
    assert "2 files were deleted; see j" in done.err


def test_a_move_cut_short_is_undone(run, three_alike, tree, monkeypatch):
    """Undo repairs a move that stopped after the new name was created."""
    before = tree(three_alike)

    def die(path):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", die)
        run("duplicates", three_alike, "--keep", "first", "--move-to", "copies", "--yes", *JOURNAL)
    assert run("undo", "j").code == 0
    assert tree(three_alike) == before
    assert not os.path.exists("copies")


def test_a_file_that_is_replaced_while_it_is_moved_stays(tmp_path, monkeypatch):
    """A file that changes while it is copied to another file system stays."""
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(b"content")
    real = shutil.copyfile

    def refuse(*paths, **options):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    def copy(one, other):
        real(one, other)
        source.write_bytes(b"other content")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(shutil, "copyfile", copy)
    with pytest.raises(OSError, match="changed"):
        _file_operations.move(str(source), str(target))
    assert source.read_bytes() == b"other content"
    assert not target.exists()


def test_times_survive_file_systems_that_keep_them_less_exactly(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"content")
    os.utime(path, ns=(0, 1_764_187_534_123_456_789))
    was = look(str(path))
    for coarse in (1_764_187_534_123_456_700, 1_764_187_534_000_000_000):
        os.utime(path, ns=(0, coarse))
        assert _undo._is_unchanged(str(path), was)
    os.utime(path, ns=(0, 1_764_187_534_123_456_780))
    assert not _undo._is_unchanged(str(path), was)


def test_names_that_differ_in_case_may_be_one_file(tmp_path, monkeypatch):
    """Two spellings of one file are refused on file systems that ignore case."""
    (tmp_path / "A.png").write_bytes(b"content")
    os.link(tmp_path / "A.png", tmp_path / "a.png")  # as such a disk answers
    names = [str(tmp_path / name) for name in ("a.png", "A.png")]
    pair = acting.Duplicate(*names, *map(look, names))
    with pytest.raises(Exception, match="is named twice"):
        acting.plan("delete", [pair], None, print)


def test_duplicates_are_not_moved_to_where_they_are_searched(run, photos_folder, tree):
    """Moving duplicates into a searched folder is refused."""
    before = tree(photos_folder)
    os.symlink(photos_folder, "link", target_is_directory=True)
    for inside in (photos_folder, photos_folder / "copies", "link/copies/of", "link/a"):
        message = run("duplicates", photos_folder, "--move-to", inside, "--yes").refusal()
        assert "Choose a folder outside" in message
    run("hash", photos_folder, "-o", "h.csv")
    assert "outside" in run("duplicates", "h.csv", "--move-to", "link/a/copies").refusal()
    assert tree(photos_folder) == before
    beside = f"{photos_folder}-copies"
    assert run("duplicates", photos_folder, "--move-to", beside, "--yes").code == 0


@pytest.fixture
def triple(tmp_path, photos):
    """Return a folder with an image, two copies of it, and another image; and their names."""
    folder = tmp_path / "triple"
    folder.mkdir()
    by_name = {path.name: path for path in photos}
    with Image.open(by_name["chelsea.png"]) as image:
        image.save(folder / "a.png")
        image.save(folder / "b.jpg", quality=80)
        image.resize((300, 200)).save(folder / "c.png")
    shutil.copy(by_name["coffee.png"], folder / "other.png")
    return folder


def test_a_list_says_which_of_the_duplicates_go(run, triple, tmp_path):
    """Exactly the listed images go, even one that would be kept by default."""
    listed = tmp_path / "images.txt"
    listed.write_text(f"{triple / 'a.png'}\n")
    asked = ("duplicates", triple, "--from", listed, "--move-to", tmp_path / "out")
    assert run(*asked).out.count("would move") == 1
    assert run(*asked, "--yes").code == 0
    assert sorted(path.name for path in triple.iterdir()) == ["b.jpg", "c.png", "other.png"]
    assert run("undo", *tmp_path.glob("work/*.journal")).code == 0
    assert (triple / "a.png").exists()


def test_what_has_no_duplicate_that_stays_is_left(run, triple, tmp_path):
    """A listed image is left alone if none of its near duplicates is kept."""
    listed = tmp_path / "images.txt"
    names = ["a.png", "b.jpg", "c.png", "other.png"]
    listed.write_text("".join(f"{triple / name}\n" for name in names))
    done = run("duplicates", triple, "--from", listed, "--delete", "--yes")
    assert done.code == 3
    assert done.out.count("none of its near duplicates is kept") == 4
    assert len(list(triple.iterdir())) == 4
    listed.write_text("".join(f"{triple / name}\n" for name in ["a.png", "c.png", "other.png"]))
    done = run("duplicates", triple, "--from", listed, "--delete", "--yes")
    assert done.code == 3
    assert "1 file was left alone" in done.err
    assert sorted(path.name for path in triple.iterdir()) == ["b.jpg", "other.png"]


def test_what_changed_since_is_left_of_a_list_too(run, triple, tmp_path):
    """Files are checked against their hashed state even if a list names them."""
    hashes = tmp_path / "hashes.csv"
    assert run("hash", triple, "-o", hashes).code == 0
    shutil.copy(triple / "other.png", triple / "a.png")
    listed = tmp_path / "images.txt"
    listed.write_text(f"{triple / 'a.png'}\n")
    done = run("duplicates", hashes, "--from", listed, "--delete", "--yes")
    assert done.code == 3
    assert (triple / "a.png").exists()


def test_lists_that_say_nothing_here_are_refused(run, triple, tmp_path, monkeypatch):
    listed = tmp_path / "images.txt"
    listed.write_text("elsewhere/a.png\n")
    asked = ("duplicates", triple, "--from", listed)
    assert "needs one of --delete" in run(*asked).refusal()
    assert "1 of the 1 images in" in run(*asked, "--delete", "--yes").refusal()
    listed.write_text("\n")
    assert "lists no image" in run(*asked, "--delete", "--yes").refusal()
    monkeypatch.chdir(triple)  # a path is that of the same file however it is spelled
    listed.write_text("./b.jpg\n")
    assert run(*asked, "--delete", "--yes").code == 0
    assert not (triple / "b.jpg").exists()


def test_the_list_of_a_report_can_be_acted_on(run, triple, tmp_path):
    """The list of all removable images in a report works with --from."""
    page = run("report", triple, "-o", tmp_path / "r.json")
    assert page.code == 0
    images = json.loads((tmp_path / "r.json").read_text())["images"]
    listed = tmp_path / "images.txt"
    listed.write_text("".join(f"{i['path']}\n" for i in images if not i["kept"]))
    assert run("duplicates", triple, "--from", listed, "--delete", "--yes").code == 0
    assert len(list(triple.iterdir())) == 2


@pytest.fixture
def documents(tmp_path, image_files):
    """Return a folder of documents of two pages that share their cover, and of animations."""
    folder = tmp_path / "documents"
    folder.mkdir()
    cover, *others = (Image.open(path).convert("RGB") for path in image_files)
    for number, page in enumerate(others[:2], 1):
        for suffix in ("tif", "gif", "webp", "png"):
            path = folder / f"{suffix}{number}.{suffix}"
            cover.save(path, save_all=True, append_images=[page.resize(cover.size)])
    cover.save(folder / "cover.bmp")
    return folder


@pytest.mark.parametrize("action", [("--delete",), ("--move-to", "out")])
def test_pages_and_frames_that_were_not_compared_stay(action, run, documents, tree):
    """Documents and animations are left alone, because only their first picture is compared."""
    before = tree(documents)
    done = run("duplicates", documents, *action, "--yes", *JOURNAL)
    assert done.code == 3
    assert "it has several frames or pages" in done.out
    assert {**tree(documents), "cover.bmp": before["cover.bmp"]} == before


def test_copies_of_a_document_may_go(run, documents):
    """A file of several pictures can go if the kept file has the same bytes, as can MPO photos."""
    for path in documents.iterdir():
        if path.name != "tif1.tif":
            path.unlink()
    shutil.copy(documents / "tif1.tif", documents / "copy.tif")
    with Image.open(documents / "tif1.tif") as image:
        small = image.resize((image.width // 2, image.height // 2))
        small.save(documents / "phone.jpg", format="MPO", save_all=True, append_images=[small])
    with Image.open(documents / "phone.jpg") as image:
        assert image.format == "MPO"
        assert image.is_animated
    done = run("duplicates", documents, "--delete", "--yes", *JOURNAL)
    assert done.code == 0, done
    assert [path.suffix for path in documents.iterdir()] == [".tif"]


def test_a_list_names_files_as_the_system_finds_them(run, triple, tmp_path, monkeypatch):
    """A target with ".." behind a link leads to the folder above the target of the link."""
    other = tmp_path / "far" / "below"
    other.mkdir(parents=True)
    (triple / "link").symlink_to(other)
    shutil.copy(triple / "a.png", other.parent / "a.png")
    listed = tmp_path / "images.txt"
    listed.write_text(f"{triple / 'link' / '..' / 'a.png'}\n")
    asked = ("duplicates", triple, "--from", listed, "--delete", "--yes")
    assert "1 of the 1 images in" in run(*asked).refusal()
    assert (triple / "a.png").exists()


def test_images_of_any_size_can_be_acted_on(run, same_bytes, monkeypatch):
    """The pixel limit holds where files of a table are read again, and can be lifted."""
    with Image.open(same_bytes / "second.png") as image:
        image.save(same_bytes / "second.bmp")
    (same_bytes / "second.png").unlink()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert run("hash", same_bytes, "-o", "h.csv", "--max-pixels", 10**9).code == 0
    left = run("duplicates", "h.csv", "--delete", "--yes")
    assert left.code == 3
    assert "cannot be read, so its pixels cannot be compared" in left.out
    done = run("duplicates", "h.csv", "--delete", "--yes", "--max-pixels", 10**9)
    assert (done.code, done.out.count("deleted ")) == (0, 1), done


@pytest.mark.parametrize("action", [["--delete"], ["--move-to", "copies"]])
@pytest.mark.parametrize("kind", ["images", "hashes"])
def test_only_confirmed_duplicates_are_acted_on(action, kind, run, photos_folder, tree):
    """However wide the radius, a file whose pixels differ from those of the kept one stays."""
    before = tree(photos_folder)
    paths = [photos_folder, "--no-verify"]
    if kind == "hashes":
        run("hash", photos_folder, "-o", "h.csv")
        paths = ["h.csv"]
    for changes in (["--yes"], []):
        asked = run("duplicates", *paths, "--radius", 128, *action, *changes, "--journal", "j")
        assert asked.code == 3
        assert "its hashes are near those of the file to keep, but not its pixels" in asked.out
        missing = set(before) - set(tree(photos_folder))
        assert missing <= {path for path in before if "original" not in path}
    # With one image kept for all, only its own copies are confirmed.
    assert len(missing) == 2


def test_a_stricter_agreement_before_an_action(run, photos_folder, tree):
    """The least agreement also concerns what hashes alone have found."""
    before = tree(photos_folder)
    asked = ["duplicates", photos_folder, "--no-verify", "--min-agreement", 1, "--delete", "--yes"]
    done = run(*asked)
    assert "not its pixels" in done.out
    assert len(tree(photos_folder)) > len(before) - 4


def test_equal_blank_images_can_be_acted_on(run, tmp_path, tree):
    """Images without detail are confirmed by all of their pixels."""
    folder = tmp_path / "blank"
    folder.mkdir()
    for name, color in (("a.png", "red"), ("b.bmp", "red"), ("c.png", "blue")):
        Image.new("RGB", (60, 40), color).save(folder / name)
    done = run("duplicates", folder, "--no-verify", "--delete", "--yes")
    assert done.code == 0, done
    assert set(tree(folder)) == {"b.bmp", "c.png"}


def test_a_move_to_another_drive_of_windows(tmp_path, monkeypatch, tree):
    """Windows follows no links, reports EINVAL between drives, and syncs only what is written."""
    fcntl = pytest.importorskip("fcntl")

    def link(source, target):
        raise OSError(errno.EINVAL, "Invalid argument", source)

    def sync(descriptor):
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(os, "fsync", sync)
    source = tmp_path / "a.png"
    source.write_bytes(b"a picture")
    source.chmod(0o444)
    before = source.stat()
    _file_operations.move(str(source), str(tmp_path / "d" / "a.png"))
    assert tree(tmp_path) == {os.path.join("d", "a.png"): b"a picture"}
    after = (tmp_path / "d" / "a.png").stat()
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)


def test_duplicates_on_two_drives_are_not_moved(tmp_path, monkeypatch):
    monkeypatch.setattr("hashfeatures._utils.relative_paths.system", ntpath)
    with pytest.raises(CommandError, match=r"on different drives\. Nothing was moved"):
        acting._plan_targets([r"C:\a.png", r"D:\b.png"], str(tmp_path / "copies"))
