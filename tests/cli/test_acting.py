"""Deleting, moving and linking: nothing without --yes, nothing lost, nothing half done."""

import errno
import io
import os
import shutil

import pytest

from hashfeatures.cli import acting

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
    """Only files of the same bytes become one; what merely looks alike would be lost."""
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
    assert "exists already: nothing was moved" in message
    assert tree(photos_folder) == before
    with open(target, encoding="utf-8") as file:
        assert file.read() == "precious"
    with open("a_file", "w", encoding="utf-8"):
        pass
    assert "is no folder" in run("duplicates", photos_folder, "--move-to", "a_file").refusal()


def test_journals_are_not_overwritten(run, photos_folder, tree):
    with open("j", "w", encoding="utf-8") as file:
        file.write("precious")
    before = tree(photos_folder)
    assert "j exists" in run("duplicates", photos_folder, "--delete", "--yes", *JOURNAL).err
    assert tree(photos_folder) == before
    assert "j, line 1: this is no journal" in run("undo", "j").refusal()


def test_no_permission(run, photos_folder, monkeypatch, tree):
    """The superuser may do everything, so the answer of the system is given here."""
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
    """To another file system a file is copied, and goes when its copy is whole."""

    def refuse(*paths, **options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refuse)
    source, target = tmp_path / "a", tmp_path / "below" / "b"
    source.write_bytes(b"content")
    acting.move(str(source), str(target))
    assert tree(tmp_path) == {os.path.join("below", "b"): b"content"}
    source.write_bytes(b"other")
    with pytest.raises(FileExistsError):
        acting.move(str(source), str(target))
    assert tree(tmp_path) == {"a": b"other", os.path.join("below", "b"): b"content"}


def test_a_full_disk_moves_nothing_by_half(run, photos_folder, monkeypatch, tree):
    """The file that has no room stays, those before it are moved, and all come back."""
    before = tree(photos_folder)
    copied = []

    def no_links(*paths, **options):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    real = shutil.copy2

    def copy(source, target):
        if copied:
            with open(target, "wb") as file:
                file.write(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        copied.append(source)
        return real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", no_links)
        patch.setattr(shutil, "copy2", copy)
        done = run("duplicates", photos_folder, "--move-to", "copies", "--yes", *JOURNAL)
    assert done.code == 3
    assert "after 1 of 4: No space left on device" in done.err
    assert "hashfeatures undo j" in done.err
    assert len(tree("copies")) == 1
    assert len(tree(photos_folder)) == len(before) - 1
    run("undo", "j")
    assert tree(photos_folder) == before
    assert tree("copies") == {}


def test_what_stays_must_be_there(run, photos_folder, monkeypatch, tree):
    """A duplicate is not deleted if what stands for it has gone in the meantime."""
    before = tree(photos_folder)
    monkeypatch.setattr(
        acting, "_write_line", lambda *_: pytest.fail("nothing is to be written down")
    )
    paths = [str(photos_folder / name) for name in before]
    planned = acting.plan("delete", [(paths[1], paths[0])], None, print)
    gone = tuple(action.__class__(**{**vars(action), "kept": "gone"}) for action in planned)
    with pytest.raises(Exception, match="after 0 of 1: is gone"):
        acting.act(gone, "j", print)
    assert tree(photos_folder) == before


def test_urls_are_not_acted_on():
    with pytest.raises(Exception, match="no file here"):
        acting.plan("delete", [("http://a/b.jpg", "c.jpg")], None, print)


def test_a_table_that_names_a_file_twice_deletes_nothing(run, image_files):
    with open("t.csv", "w", encoding="utf-8") as file:
        file.write(f"image\n{image_files[0]}\n{image_files[0]}\n")
    message = run("duplicates", "t.csv", "--column", "image", "--delete", "--yes").refusal()
    assert "same file twice" in message
    assert os.path.exists(image_files[0])


def test_what_was_hashed_is_deleted(run, same_bytes, tmp_path):
    """Behind a link, ".." is the folder above its target, and no file elsewhere is touched."""
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
    """A hard link to a symbolic link would dangle as soon as that goes."""
    os.rename(same_bytes / "first.png", tmp_path / "real.png")
    os.symlink(tmp_path / "real.png", "first.png")
    paths = ("first.png", same_bytes / "second.png")
    done = run("duplicates", *paths, "--keep", "first", "--hardlink", "--yes", *JOURNAL)
    assert done.code == 0, done.err
    assert not os.path.islink(same_bytes / "second.png")
    assert os.path.samefile(same_bytes / "second.png", tmp_path / "real.png")


@pytest.mark.parametrize("action", [("--move-to", "copies"), ("--hardlink",)])
def test_links_stay_where_they_are(action, run, same_bytes, tmp_path):
    """A relative link would point elsewhere from another place."""
    os.rename(same_bytes / "second.png", tmp_path / "real.png")
    os.symlink(os.path.join("..", "real.png"), same_bytes / "second.png")
    paths = [same_bytes / name for name in ("first.png", "second.png")]
    done = run("duplicates", *paths, "--keep", "first", *action, "--yes", *JOURNAL)
    assert done.code == 0, done.err
    assert "1 symbolic links, left out" in done.err
    assert os.path.islink(same_bytes / "second.png")
    assert (same_bytes / "second.png").read_bytes() == (same_bytes / "first.png").read_bytes()


def test_a_journal_cut_short_is_undone(run, photos_folder, tree):
    """Half a last line is of an action that never began; those before it come back."""
    before = tree(photos_folder)
    run("duplicates", photos_folder, "--move-to", "copies", "--yes", *JOURNAL)
    with open("j", "a", encoding="ascii") as file:
        file.write('{"kind": "mo')
    assert run("undo", "j", "--json").json()["back"] == 4
    assert tree(photos_folder) == before


def test_journals_of_other_actions_are_refused(run):
    with open("j", "w", encoding="ascii") as file:
        file.write('{"kind": "shred", "path": "a", "kept": "b"}\n')
    assert "j, line 1: this is no journal" in run("undo", "j").refusal()


def test_where_it_stopped_is_told_though_the_journal_cannot_be_closed(
    run, photos_folder, monkeypatch
):
    """A full disk refuses the journal twice, and the way back is named all the same."""

    class Full(io.StringIO):
        def flush(self):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def close(self):
            self.flush()

    monkeypatch.setattr(acting, "open", lambda *_, **__: Full(), raising=False)
    done = run("duplicates", photos_folder, "--delete", "--yes", *JOURNAL)
    assert "after 0 of 4: No space left on device" in done.err
    assert "hashfeatures undo j" in done.err
