"""The search of a folder finds each image once, and tells what it leaves out."""

import os

import pytest

from hashfeatures.images._folders import walk_folder


@pytest.fixture
def top(tmp_path, noise_image):
    """Return a folder with images in two levels, links, hidden and other files."""
    top = tmp_path / "top"
    for name in ("b.png", "a/c.png", "a/.hidden.png", ".git/x.png"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        noise_image(0).save(top / name)
    (top / "a" / "notes.md").write_text("no image")
    os.symlink(top / "b.png", top / "a" / "again.png")
    os.symlink(top / "a", top / "linked", target_is_directory=True)
    return top


@pytest.mark.parametrize("links", [False, True])
def test_real_paths_are_those_of_the_paths(top, links):
    """Each path has its real path beside it, and no real path is there twice."""
    found = walk_folder(str(top), links=links)
    assert found.real_paths == [os.path.realpath(path) for path in found.paths]
    assert sorted(set(found.real_paths)) == sorted(found.real_paths)
    assert [os.path.relpath(path, top) for path in found.paths] == ["b.png", "a/c.png"]
    assert found.n_linked == 1


def test_what_is_left_out_is_counted(top):
    found = walk_folder(str(top))
    assert found.left_out.describe() == "skipped 1 .md, 2 hidden"
    assert found.unfollowed == []  # the folder behind the link was searched itself
    assert len(walk_folder(str(top), hidden=True).paths) == 4


def test_a_folder_above_the_link_is_not_searched_for_ever(top):
    os.symlink(top, top / "a" / "up", target_is_directory=True)
    assert len(walk_folder(str(top), links=True).paths) == 2
