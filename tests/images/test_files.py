"""Which files are taken for images, and what is said of those that are not."""

import io
import json
import re
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from hashfeatures import ImageHashFeaturizer, ImageReadError, hash_images
from hashfeatures.images._files import LeftOut, describe_content, holds_image, recognize
from hashfeatures.images._folders import walk_folder

HEIC = b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heicmiaf\x00\x00\x01V"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "JPEG2000", "AVIF"])
def test_formats_are_known_by_their_first_bytes(noise_image, kind):
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip("this Pillow does not write the format")
    buffer = io.BytesIO()
    noise_image(0).save(buffer, kind)
    assert recognize(buffer.getvalue()[:32]) == kind


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"BMW 3.0 CSL, a car of the seventies",
        b"P1 report",
        b"#define X 1",
        b"\0" * 32,
        b"GIF",
    ],
)
def test_other_files_are_not_taken_for_images(text, tmp_path):
    assert recognize(text) is None
    (tmp_path / "file").write_bytes(text)
    assert not holds_image(str(tmp_path / "file"))


def test_many_suffixes_are_summed_up():
    left_out = LeftOut()
    for number in range(12):
        left_out.add(f"folder/file.{number}")
    left_out.add("folder/.DS_Store")
    assert left_out.describe().endswith(".7, 4 of other kinds, 1 hidden")
    assert LeftOut().describe() == ""


def test_heic_is_named_with_its_cure(without_heif):
    """In a note on a folder, and in the error of an image."""
    left_out = LeftOut()
    left_out.add("IMG_0001.HEIC")
    cure = (
        r"HEIC needs a plugin of Pillow: (uv )?pip install"  # by whichever installed the package
    )
    assert re.search(rf"1 \.HEIC\. {cure}", left_out.describe())
    with pytest.raises(ImageReadError, match=cure):
        ImageHashFeaturizer("ahash").transform([HEIC])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.jxl", "JPEG XL needs a plugin of Pillow: pip install pillow-jxl-plugin"),
        ("a.CR3", r"Take their previews, as by rawpy: rawpy.imread\(path\).extract_thumb"),
    ],
)
def test_formats_that_pillow_cannot_read_are_named_with_their_cure(
    name, told, tmp_path, without_heif
):
    """In a note on a folder, and in the error of an image."""
    path = tmp_path / name
    path.write_bytes(b"\xff\x0a12" if name == "a.jxl" else b"\0\0\0\x18ftypcrx \0\0\0\1crx ")
    found = walk_folder(str(tmp_path))
    assert found.foreign == [str(path)]
    assert re.search(told, found.left_out.describe())
    with pytest.raises(ImageReadError, match=told):
        ImageHashFeaturizer("ahash").transform([str(path)])


def test_a_raw_photo_that_pillow_takes_for_a_tiff_file_is_named_with_its_cure(tmp_path):
    """Pillow reads the previews in some of them, so they are not left out."""
    path = tmp_path / "a.NEF"
    path.write_bytes(b"II*\0" + bytes(40))
    assert walk_folder(str(tmp_path)).paths == [str(path)]
    with pytest.raises(ImageReadError, match="Pillow has no plugin for RAW photos"):
        ImageHashFeaturizer("ahash").transform([str(path)])


def test_what_pillow_was_not_built_for_is_no_image(tmp_path, monkeypatch, without_heif):
    """Pillow opens AVIF without its library too, only to fail."""
    Image.init()
    known = {key: kind for key, kind in Image.EXTENSION.items() if kind != "AVIF"}
    monkeypatch.setattr(Image, "EXTENSION", known)
    (tmp_path / "photo").write_bytes(b"\0\0\0\x1cftypavif\0\0\0\0avifmif1")
    assert not holds_image(str(tmp_path / "photo"))
    assert "AVIF needs Pillow 11.3 or later" in describe_content(b"\0\0\0\x1cftypavif")


@pytest.mark.parametrize(("kind", "suffix"), [("AVIF", "avif"), ("WEBP", "webp"), ("QOI", "qoi")])
def test_what_the_installed_pillow_brings_is_read(kind, suffix, tmp_path, noise_image):
    """With its suffix, and by its first bytes without one if these are certain."""
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip("this Pillow does not write the format")
    noise_image(0).save(tmp_path / f"a.{suffix}")
    shutil.copy(tmp_path / f"a.{suffix}", tmp_path / "b")
    found = walk_folder(str(tmp_path)).paths
    assert found == [str(tmp_path / name) for name in (f"a.{suffix}", "b")][: len(found)]
    assert len(found) == 1 + (recognize((tmp_path / "b").read_bytes()[:32]) is not None)
    table = hash_images(found, "phash")
    assert table["format"].tolist() == [kind] * len(found)


def test_the_content_tells_more_than_the_suffix(tmp_path, without_heif):
    (tmp_path / "a.heic").write_bytes(b"<html>not found")
    with pytest.raises(ImageReadError, match="the file is a web page"):
        ImageHashFeaturizer("ahash").transform([str(tmp_path / "a.heic")])


@pytest.mark.slow
def test_the_command_reads_heic_where_its_plugin_is_installed(tmp_path, noise_image):
    """In every worker, though nobody registers the plugin."""
    pytest.importorskip("pillow_heif")
    for number in range(4):
        noise_image(number, size=(200, 150)).save(tmp_path / f"{number}.png")
    convert = (
        "import pathlib, sys, pillow_heif, PIL.Image; pillow_heif.register_heif_opener();"
        "[PIL.Image.open(p).save(p.with_suffix('.heic'), quality=95)"
        " for p in pathlib.Path(sys.argv[1]).glob('*.png')]"
    )
    subprocess.run([sys.executable, "-c", convert, tmp_path], check=True)
    command = [sys.executable, "-m", "hashfeatures", "duplicates", tmp_path, "--json", "-j", "2"]
    done = subprocess.run(command, check=True, capture_output=True)
    counts = json.loads(done.stdout)["counts"]
    assert (counts["images"], counts["groups"], counts["unreadable"]) == (8, 4, 0)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\n<!DOCTYPE HTML><html>404", "web page"),
        (b"\xef\xbb\xbf<html>", "web page"),
        (b"<svg xmlns='x'>", "SVG"),
        (b"%PDF-1.7", "Save its pages as images"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "video"),
        (b"version https://git-lfs.github.com/spec/v1", "Run git lfs pull"),
    ],
)
def test_what_is_taken_for_an_image_is_named(data, told):
    """With what to do: downloads are pages, and drawings have the suffix of a photo."""
    with pytest.raises(ImageReadError, match=told):
        ImageHashFeaturizer("ahash").transform([data])
