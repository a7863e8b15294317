"""The inputs that the command line accepts, and the messages about others."""

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest

from hashfeatures.cli._context import InputOptions, OutputOptions
from hashfeatures.cli._errors import CommandError
from hashfeatures.cli._inputs import collect
from hashfeatures.exceptions import LayoutError


def names(collection, top):
    return [os.path.relpath(source, top) for source in collection.sources]


def gather(*paths, **options):
    return collect([str(path) for path in paths], InputOptions(**options), OutputOptions())


def test_folders_are_searched_to_the_ground(photos_folder):
    (photos_folder / "a" / "notes.md").write_text("no image")
    (photos_folder / ".hidden").mkdir()
    (photos_folder / ".hidden" / "x.png").write_bytes(b"")
    found = names(gather(photos_folder), photos_folder)
    assert len(found) == 12
    assert found == sorted(found)
    assert all(name.endswith((".png", ".jpg")) for name in found)


def test_hidden_files_and_folders_are_searched_on_request(photos_folder):
    """Notebooks leave copies in `.ipynb_checkpoints`, and training programs load them."""
    copies = photos_folder / "a" / ".ipynb_checkpoints"
    copies.mkdir()
    for name in ("copy.png", ".copy.png"):
        (copies / name).write_bytes(next(photos_folder.rglob("*.png")).read_bytes())
    assert len(gather(photos_folder).sources) == 12
    found = gather(photos_folder, hidden=True)
    assert len(found.sources) == 14
    assert set(found.classes("parent")) == {"a", "b"}  # not .ipynb_checkpoints
    assert set(found.classes("grandparent")) == {photos_folder.name}


def test_globs_choose(photos_folder):
    found = names(gather(photos_folder, globs=("*_jpeg.jpg", "image_0*")), photos_folder)
    assert sorted(os.path.basename(name) for name in found) == [
        "astronaut_jpeg.jpg",
        "chelsea_jpeg.jpg",
        "image_0.png",
    ]


def test_lists(tmp_path, image_files):
    """A list holds one path or URL per line; unusual paths are JSON strings."""
    odd = tmp_path / 'two\nlines "x".png'
    os.rename(image_files[0], odd)
    listed = tmp_path / "list.txt"
    lines = [
        image_files[1],
        "",
        "http://site/x.jpg",
        '"' + str(odd).replace("\n", "\\n").replace('"', '\\"') + '"',
    ]
    listed.write_text("\n".join(lines))
    assert gather(listed).sources == [image_files[1], "http://site/x.jpg", str(odd)]
    listed.write_text('"broken')
    with pytest.raises(CommandError, match="line 1"):
        gather(listed)


def test_columns_of_tables(tmp_path):
    table = tmp_path / "table.csv"
    pd.DataFrame({"url": ["a.png", "b.png", "a.png"], "kind": ["x", "y", "x"]}).to_csv(table)
    found = gather(table, column="url")
    assert found.sources == ["a.png", "b.png", "a.png"]
    assert found.classes("kind") == ["x", "y", "x"]
    with pytest.raises(CommandError, match=r"no column 'image'; it has .*url, kind"):
        gather(table)
    with pytest.raises(CommandError, match="no column 'size'"):
        gather(table, column="size")
    with pytest.raises(CommandError, match="no column 'breed'"):
        found.classes("breed")


def test_classes_by_folders():
    found = gather_sources = type(gather("http://x/y.png"))(
        ["d/train/cat/1.jpg", "d/test/dog/2.jpg"]
    )
    assert found.classes("parent") == ["cat", "dog"]
    assert gather_sources.classes("grandparent") == ["train", "test"]
    assert found.classes(None) is None


def test_nothing_there(tmp_path, image_files):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CommandError, match="No images found in"):
        gather(empty)
    with pytest.raises(CommandError, match=r"whose names match \*\.tif"):
        gather(tmp_path, globs=("*.tif",))
    with pytest.raises(CommandError, match="neither a file nor a folder"):
        gather(tmp_path / "nowhere")


def test_the_same_file_twice(tmp_path, image_files):
    with pytest.raises(CommandError, match=r"image_0\.png is named twice"):
        gather(image_files[0], image_files[0])
    with pytest.raises(CommandError, match="named twice, also as"):
        gather(tmp_path, os.path.join(tmp_path, ".", "image_0.png"))


def test_links_to_files_that_are_there_are_left_out(tmp_path, image_files, capsys):
    """A link to a file in the same folder is skipped, so that the two are not duplicates."""
    os.symlink(image_files[0], tmp_path / "a_link.png")
    assert sorted(gather(tmp_path).sources) == sorted(image_files)
    assert "skipped 1 link to files" in capsys.readouterr().err


def test_loops_of_links_end(tmp_path, image_files):
    (tmp_path / "below").mkdir()
    os.symlink(tmp_path, tmp_path / "below" / "up", target_is_directory=True)
    os.symlink(tmp_path / "loop.png", tmp_path / "loop.png")
    for links in (False, True):
        found = [s for s in gather(tmp_path, links=links).sources if not s.endswith("loop.png")]
        assert len(found) == 6


def test_folders_behind_links(tmp_path, photos_folder):
    top = tmp_path / "top"
    top.mkdir()
    os.symlink(photos_folder, top / "link", target_is_directory=True)
    with pytest.raises(CommandError, match="No images found"):
        gather(top)
    assert len(gather(top, links=True).sources) == 12


def test_names_that_are_no_utf_8(tmp_path, image_files):
    name = os.path.join(os.fsencode(tmp_path), b"caf\xe9.png")
    try:
        os.rename(image_files[0], name)
    except OSError:
        pytest.skip("this file system has no such names")
    found = gather(tmp_path).sources
    assert os.fsdecode(name) in found
    assert all(os.path.exists(source) for source in found)


def test_images_and_tables_are_not_mixed(tmp_path, image_files):
    table = tmp_path / "t.csv"
    table.write_text("image\nx.png\n")
    with pytest.raises(CommandError, match="not both"):
        gather(table, image_files[0])


@pytest.mark.skipif(os.name != "posix", reason="named pipes of Unix")
def test_pipes_in_folders_are_left_out(tmp_path, image_files, capsys):
    """Named pipes are skipped, because reading one could block forever."""
    os.mkfifo(tmp_path / "pipe.png")
    assert sorted(gather(tmp_path).sources) == sorted(image_files)
    assert "pipe.png: not a regular file" in capsys.readouterr().err


def test_lines_of_lists_end_with_line_feeds(tmp_path):
    """Only line feeds end lines, whatever other characters a list holds."""
    listed = tmp_path / "list.txt"
    names = ["a\x85b.png", "c\u2028d.png", "e.png"]
    listed.write_bytes("\r\n".join(names).encode("utf-8-sig"))
    assert gather(listed).sources == names


def test_what_a_folder_holds_beside_images_is_counted(tmp_path, image_files, capsys, without_heif):
    """One note counts the skipped files of a folder by suffix."""
    for name in ("labels.txt", "more.txt", "clip.mp4", "IMG_1.HEIC", "README", ".DS_Store"):
        (tmp_path / name).write_bytes(b"no image")
    (tmp_path / ".git").mkdir()
    assert sorted(gather(tmp_path).sources) == sorted(image_files)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    for part in ("2 .txt", "1 .mp4", "1 .HEIC", "1 without a suffix", "2 hidden", "pillow-heif"):
        assert part in told.replace("[heif]", "pillow-heif")
    assert len(gather(tmp_path, globs=("*_0.png",)).sources) == 1
    assert "5 .png" in capsys.readouterr().err


def test_a_folder_of_images_alone_needs_no_note(tmp_path, image_files, capsys):
    assert len(gather(tmp_path).sources) == len(image_files)
    assert capsys.readouterr().err == ""


def test_contents_decide_where_the_suffix_does_not(tmp_path, image_files, capsys):
    """Images are recognized by content if the suffix is missing or wrong."""
    for source, name in zip(image_files, ["no_suffix", "photo.php", "photo.txt"], strict=False):
        os.rename(source, tmp_path / name)
    assert len(gather(tmp_path).sources) == len(image_files)
    assert gather(tmp_path / "photo.txt").sources == [str(tmp_path / "photo.txt")]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_lists_with_a_byte_order_mark(tmp_path, encoding):
    """Lists in UTF-16 are read, as PowerShell writes them."""
    listed = tmp_path / "list.txt"
    listed.write_bytes("photos/a.png\r\nphotos/ü.png\r\n".encode(encoding))
    assert gather(listed).sources == ["photos/a.png", "photos/ü.png"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_lists_in_utf_16_without_a_mark_are_refused(tmp_path, encoding):
    listed = tmp_path / "list.txt"
    listed.write_bytes("photos/a.png\nphotos/ü.png\n".encode(encoding))
    with pytest.raises(CommandError, match="UTF-16 without a byte order mark; save it as UTF-8"):
        gather(listed)


def test_lists_that_find_prints_for_xargs(tmp_path):
    """Lists separated by NUL hold names of any characters."""
    listed = tmp_path / "list.txt"
    names = ["./two\nlines.png", './"quoted".png', "./caf\udce9.png", " ./space.png"]
    listed.write_bytes(b"".join(os.fsencode(name) + b"\0" for name in names))
    assert gather(listed).sources == names


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_tables_with_a_byte_order_mark(tmp_path, encoding):
    table = tmp_path / "table.csv"
    table.write_bytes("image\nü.png\n".encode(encoding))
    assert gather(table).sources == ["ü.png"]
    table.write_bytes("image\nü.png\n".encode("latin-1"))
    with pytest.raises(CommandError, match="not UTF-8"):
        gather(table)


def test_a_list_from_windows_is_read(photos_folder, tmp_path, monkeypatch):
    """Its separators are those of this system where the file is there by that reading alone."""
    monkeypatch.chdir(photos_folder.parent)
    found = names(gather(photos_folder), photos_folder.parent)
    listed = tmp_path / "list.txt"
    listed.write_text("\r\n".join(name.replace("/", "\\") for name in found))
    assert gather(listed).sources == found


def test_patterns_that_no_shell_expanded(photos_folder, tmp_path, monkeypatch):
    """The shells of Windows pass patterns on. A file of that very name comes first."""
    monkeypatch.chdir(photos_folder)
    expected = sorted(str(path) for path in Path("a").glob("*.jpg"))
    assert expected
    assert gather(os.path.join("a", "*.jpg")).sources == expected
    assert len(gather("*").sources) == len(gather(".").sources)
    shutil.copy(expected[0], "odd [1].jpg")
    assert gather("odd [1].jpg").sources == ["odd [1].jpg"]
    with pytest.raises(LayoutError, match="No file matches"):
        gather("*.none")
