"""Zip files of images are read where they are, and unpacked only into a split."""

import io
import stat
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import hashfeatures
from hashfeatures import FailedImagesWarning, LayoutError, SkippedFilesWarning, read_collection
from hashfeatures.layouts.archives._zip import ZipLayout


def picture(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((48, 36), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path: Path, names: list[str], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for number, name in enumerate(names):
            archive.writestr(name, picture(number) if name[-4:] != ".txt" else b"text")
    return path


def test_images_hash_as_files(tmp_path: Path) -> None:
    """Members hash as loose files do, on any number of workers, and from all methods."""
    expected = hashfeatures.hash_images([picture(number) for number in range(12)], ["phash"])
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        path = pack(tmp_path / f"{method}.zip", [f"{number}.png" for number in range(12)], method)
        collection = read_collection(path)
        assert collection.layout.name == "zip" and collection.labels is None
        assert collection.images[0].name == f"{path}/0.png"
        for n_jobs in (1, 2):
            frame = hashfeatures.hash_images(collection, ["phash"], n_jobs=n_jobs)
            pd.testing.assert_frame_equal(frame[["phash"]], expected[["phash"]])


def test_folders_in_a_zip_file_are_parts_and_classes(tmp_path: Path) -> None:
    """Folders of parts and class folders mean what they do on a disk, below a common folder."""
    names = [f"pets/{part}/{kind}/1.png" for part in ("train", "val") for kind in ("cat", "dog")]
    collection = read_collection(pack(tmp_path / "a.zip", names))
    assert collection.parts is not None and collection.labels is not None
    assert collection.frame["key"].tolist() == names
    assert collection.parts.tolist() == ["train", "train", "val", "val"]
    assert collection.labels.tolist() == ["cat", "dog", "cat", "dog"]
    plain = read_collection(pack(tmp_path / "b.zip", ["pets/cat/1.png", "pets/dog/1.png"]))
    assert plain.parts is None and plain.labels is not None
    assert plain.labels.tolist() == ["cat", "dog"]
    assert read_collection(pack(tmp_path / "c.zip", ["x/1.png", "y.png"])).labels is None
    assert (
        read_collection(pack(tmp_path / "d.zip", ["images/1.png", "masks/2.png"])).labels is None
    )


def test_several_zip_files_are_like_folders(tmp_path: Path) -> None:
    """The names of zip files are those of parts or classes, once, and each file is read once."""
    paths = [
        pack(tmp_path / "train.zip", ["cat/1.png", "dog/1.png"]),
        pack(tmp_path / "test.zip", ["Test/cat/1.png", "Test/dog/1.png"]),
    ]
    collection = read_collection([*paths, paths[0]])
    assert collection.parts is not None and collection.labels is not None
    assert collection.parts.tolist() == ["train", "train", "test", "test"]
    assert collection.labels.tolist() == ["cat", "dog", "cat", "dog"]
    assert collection.frame["key"][3] == "test/dog/1.png"
    assert collection.images[3].resolve() == picture(1)
    kinds = [pack(tmp_path / f"{name}.zip", [f"{name}/1.png"]) for name in ("cats", "dogs")]
    labels = read_collection(kinds).labels
    assert labels is not None and labels.tolist() == ["cats", "dogs"]
    (tmp_path / "b").mkdir()
    with pytest.raises(LayoutError, match="Several zip files are named"):
        read_collection([paths[0], pack(tmp_path / "b/train.zip", ["1.png"])])


def test_split_is_unpacked(tmp_path: Path) -> None:
    """A copied split has class folders, its files have their bytes, and the source stays."""
    names = [f"pets/{kind}/{number}.png" for number in range(6) for kind in ("cat", "dog")]
    path = pack(tmp_path / "a.zip", names)
    before = path.read_bytes()
    collection = read_collection(path)
    train, test = hashfeatures.train_test_split(collection, test_size=4, random_state=0)
    collection.write_split({"train": train, "test": test}, tmp_path / "out", how="copy")
    assert path.read_bytes() == before
    again = read_collection(tmp_path / "out")
    assert again.layout.name == "class-folders" and again.parts is not None
    assert again.parts.value_counts().to_dict() == {"train": 8, "test": 4}
    written = sorted(file.read_bytes() for file in (tmp_path / "out").rglob("*.png"))
    assert written == sorted(picture(number) for number in range(12))


def test_files_of_two_parts_stay_apart(tmp_path: Path) -> None:
    """Images of equal names in two parts keep the name of their old part in a new one."""
    names = [f"{part}/{kind}/1.png" for part in ("train", "val") for kind in ("cat", "dog")]
    collection = read_collection(pack(tmp_path / "a.zip", names))
    collection.write_split({"train": [0, 1, 2, 3]}, tmp_path / "out", how="copy")
    written = [file.read_bytes() for file in (tmp_path / "out/train").rglob("*.png")]
    assert sorted(written) == sorted(picture(number) for number in range(4))


def test_lists_hold_addresses(tmp_path: Path) -> None:
    """A list has addresses that fsspec opens, with labels if there are any."""
    pytest.importorskip("fsspec")
    path = pack(tmp_path / "a.zip", ["a/1.png", "b/2.png", "b/3.png"])
    collection = read_collection(path)
    collection.write_split({"train": [0, 2], "test": [1]}, tmp_path / "out")
    table = pd.read_csv(tmp_path / "out/train.csv")
    assert table["label"].tolist() == ["a", "b"]
    assert table["image"][0] == f"zip://a/1.png::{path}"
    ours = hashfeatures.hash_images(table["image"], ["phash"])["phash"].tolist()
    theirs = hashfeatures.hash_images([picture(0), picture(2)], ["phash"])["phash"].tolist()
    assert ours == theirs
    flat = read_collection(pack(tmp_path / "b.zip", ["1.png"]))
    flat.write_split({"all": [0]}, tmp_path / "flat")
    assert (tmp_path / "flat/all.txt").read_text() == f"zip://1.png::{tmp_path}/b.zip\n"
    with pytest.raises(LayoutError, match="cannot be linked"):
        flat.write_split({"all": [0]}, tmp_path / "links", how="link")
    assert not (tmp_path / "links").exists()


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    """Contents decide for members without a suffix, and one note names what was left out."""
    path = pack(tmp_path / "a.zip", ["1", "notes.txt", "__MACOSX/._1.png", ".git/2.png", "3.png"])
    with pytest.warns(SkippedFilesWarning, match=r"1 \.txt, 2 hidden"):
        collection = read_collection(path)
    assert collection.frame["key"].tolist() == ["1", "3.png"]


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "x/../../a.png", "C:/a.png"])
def test_names_that_climb_out(tmp_path: Path, name: str) -> None:
    """A member whose name leaves its folder is an error that names the file and the member."""
    path = pack(tmp_path / "bad.zip", ["1.png", name])
    with pytest.raises(LayoutError, match=r"bad\.zip, member .*a\.png: the name"):
        read_collection(path)


def test_windows_separators(tmp_path: Path) -> None:
    """Backslashes of old packers separate folders."""
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(["x\\1.png", "y\\1.png"]):
            archive.writestr(name, picture(number))
    collection = read_collection(path)
    assert collection.frame["key"].tolist() == ["x/1.png", "y/1.png"]
    assert [image.resolve() for image in collection.images] == [picture(0), picture(1)]


def test_members_that_cannot_be_read(tmp_path: Path) -> None:
    """Links, repeated names, and files that are not zip files raise errors that name them."""
    link = zipfile.ZipInfo("1.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(LayoutError, match=r"link\.zip, member 1\.png: it is a symbolic link"):
        read_collection(tmp_path / "link.zip")
    with pytest.warns(UserWarning, match="Duplicate name"):
        pack(tmp_path / "twice.zip", ["1.png", "1.png"])
    with pytest.raises(LayoutError, match=r"twice\.zip, member 1\.png: the name occurs twice"):
        read_collection(tmp_path / "twice.zip")
    (tmp_path / "text.zip").write_bytes(b"no zip file")
    with pytest.raises(LayoutError, match=r"text\.zip cannot be read as a zip file"):
        read_collection(tmp_path / "text.zip")
    with pytest.raises(LayoutError, match=r"texts\.zip holds no images"):
        read_collection(pack(tmp_path / "texts.zip", ["a.txt"]))
    name = bytearray(pack(tmp_path / "name.zip", ["\xe9.png"]).read_bytes())
    (tmp_path / "name.zip").write_bytes(name.replace("\xe9".encode(), b"\xff\xff"))
    with pytest.raises(LayoutError, match=r"name\.zip cannot be read as a zip file"):
        read_collection(tmp_path / "name.zip")
    locked = bytearray(pack(tmp_path / "locked.zip", ["1.png"]).read_bytes())
    locked[locked.index(b"PK\1\2") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    with pytest.raises(LayoutError, match=r"locked\.zip, member 1\.png: it is encrypted"):
        read_collection(tmp_path / "locked.zip")


def test_changed_zip_file_is_an_error(tmp_path: Path) -> None:
    """Images of a zip file that was written again are refused, and nothing is written."""
    path = pack(tmp_path / "a.zip", ["1.png", "2.png"])
    collection = read_collection(path)
    pack(path, ["1.png", "2.png", "3.png"])
    with pytest.raises(hashfeatures.ImageReadError, match="has changed"):
        collection.write_split({"all": [0, 1]}, tmp_path / "out", how="copy")
    assert [file.name for file in tmp_path.iterdir()] == ["a.zip"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_broken_zip_files_never_surprise(tmp_path: Path, data: st.DataObject) -> None:
    """A damaged zip file is a LayoutError that names it, or has rows that fail."""
    path = pack(tmp_path / "broken.zip", ["1.png", "2", "3.txt"])
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        collection = ZipLayout.read(path)
    except LayoutError as error:
        assert "broken.zip" in str(error)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedImagesWarning)
        hashed = hashfeatures.hash_images(collection, ["dhash"], errors="coerce")
    assert len(hashed) == len(collection)


@pytest.mark.parametrize(
    ("name", "content", "title"),
    [
        ("road/data.yaml", b"train: images/train\nnc: 1\nnames: [car]\n", "YOLO"),
        ("road/labels/0.txt", b"0 0.5 0.5 0.1 0.1", "YOLO"),
        ("annotations/instances_train.json", b'{"images": [], "annotations": []}', "COCO"),
        ("Annotations/0.xml", b"<annotation><filename>0.png</filename>", "Pascal VOC"),
    ],
)
@pytest.mark.parametrize("kind", ["zip", "webdataset"])
def test_packed_annotations_are_not_lost(
    tmp_path: Path, name: str, content: bytes, title: str, kind: str
) -> None:
    """An archive of an annotated data set is an error unless its layout is named."""
    members = {"road/images/0.png": picture(0), name: content, "README": b"text"}
    path = tmp_path / ("a.zip" if kind == "zip" else "a.tar")
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for inner, data in members.items():
                archive.writestr(inner, data)
    else:
        with tarfile.open(path, "w") as tar:
            for inner, data in members.items():
                info = tarfile.TarInfo(inner)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    with pytest.raises(LayoutError, match=f"annotations of {title} in {name}.*Unpack it"):
        read_collection(path)
    with pytest.warns(SkippedFilesWarning):
        assert len(read_collection(path, kind)) == 1


def test_packed_masks_are_no_images(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", ["images/1.png", "images/2.png", "masks/1.png", "masks/2.png"])
    with pytest.raises(LayoutError, match=r"holds masks in masks, .* Unpack it"):
        read_collection(path)
    assert len(read_collection(path, "zip")) == 4
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for name in ("train/images/1.png", "train/masks/1_mask.png"):
            info = tarfile.TarInfo(name)
            info.size = len(picture(0))
            tar.addfile(info, io.BytesIO(picture(0)))
    with pytest.raises(LayoutError, match=r"holds masks in train/masks, .* Unpack it"):
        read_collection(tmp_path / "a.tar")


def test_other_text_in_a_zip_file_is_a_note(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.png", picture(0))
        for name in ("a.yaml", "a.json", "a.xml", "a.txt"):
            archive.writestr(name, b"[]")
    with pytest.warns(SkippedFilesWarning, match=r"1 \.yaml"):
        assert len(read_collection(path)) == 1
