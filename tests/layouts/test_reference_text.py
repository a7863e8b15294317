"""References that are written as text are read back as the same images."""

import io
import json
import tarfile
import zipfile

import pytest

from hashfeatures import read_collection
from hashfeatures.layouts._reference_text import (
    file_of_reference,
    name_absolutely,
    read_reference,
    write_reference,
)


def write_tar(path, contents, mode="w"):
    with tarfile.open(path, mode) as tar:
        for number, content in enumerate(contents):
            entry = tarfile.TarInfo(f"{number}.png")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def write_zip(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.png", content)


def write_parquet(path, contents):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"image": contents}), path, row_group_size=2)


WRITERS = {
    "a.tar": write_tar,
    "a.tar.gz": lambda path, contents: write_tar(path, contents, "w:gz"),
    "a.zip": write_zip,
    "a.parquet": write_parquet,
}


@pytest.fixture
def contents(png_bytes):
    return [png_bytes + bytes([number]) for number in range(5)]


@pytest.mark.parametrize("name", WRITERS)
def test_what_is_read_back_is_the_same_image_in_another_folder(
    tmp_path, monkeypatch, contents, name
):
    """The text is JSON, and holds absolute paths."""
    (tmp_path / "there").mkdir()
    WRITERS[name](tmp_path / "there" / name, contents)
    monkeypatch.chdir(tmp_path / "there")
    images = read_collection(name).images
    texts = list(map(write_reference, images))
    names = list(map(name_absolutely, images))
    monkeypatch.chdir(tmp_path)
    read = list(map(read_reference, texts))
    assert [reference.resolve() for reference in read] == contents
    assert names == [str(tmp_path / "there" / image.name) for image in images]
    assert [reference.name for reference in read] == names
    assert all(json.loads(text)["kind"] for text in texts)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_has_changed_is_an_error(tmp_path, contents, name):
    WRITERS[name](tmp_path / name, contents)
    text = write_reference(read_collection(tmp_path / name).images[1])
    WRITERS[name](tmp_path / name, [*contents, contents[0]])
    with pytest.raises(ValueError, match=rf"{name} has changed since"):
        read_reference(text).resolve()


def test_images_in_memory_have_no_text(contents):
    arrow = pytest.importorskip("pyarrow")
    image = read_collection(arrow.table({"image": contents})).images[0]
    assert file_of_reference(image) is None
    with pytest.raises(TypeError, match="only this process can read table/0"):
        write_reference(image)
    assert name_absolutely(image) == "table/0"
