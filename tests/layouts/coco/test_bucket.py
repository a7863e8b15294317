"""The images of COCO in a bucket are found relative to their file, as those on a disk are."""

import json

import fsspec
import pytest

from hashfeatures import LayoutError
from hashfeatures.layouts.coco._bucket import list_bucket_images


def fill(files):
    """Return a bucket with files, in the memory of this process."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    for path, content in files.items():
        memory.pipe(path, content)
    return memory


def listing(*names):
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    return json.dumps({"images": images}).encode()


@pytest.mark.parametrize(
    "file, folder",
    [
        ("/b/annotations/instances_train2017.json", "/b/train2017"),
        ("/b/annotations/instances_train2017.json", "/b/images/train"),
        ("/b/annotations/instances_val.json", "/b/images"),
        ("/b/train/_annotations.coco.json", "/b/train"),
        ("/b/annotations/rest.json", "/b"),
    ],
)
def test_images_are_near_their_file(file, folder):
    """The first image may be missing."""
    bucket = fill({file: listing("0.jpg", "a/1.jpg"), f"{folder}/a/1.jpg": b"photo"})
    found = list_bucket_images(bucket, file, "the file")
    assert found == [f"{folder}/0.jpg", f"{folder}/a/1.jpg"]


@pytest.mark.parametrize(
    "content, said",
    [
        (b"{", "this is not JSON"),
        (b"[1]", "expected an object with the keys 'images'"),
        (b'{"categories": []}', "the key 'images' is missing"),
        (listing("1.jpg", "1.jpg"), "is the file of images"),
        (listing("../1.jpg"), "leaves its folder"),
        (listing("1.jpg"), r"'1\.jpg', are in none of the folders"),
    ],
)
def test_broken_files_are_named(content, said):
    bucket = fill({"/b/a.json": content})
    with pytest.raises(LayoutError, match=rf"s3://b/a\.json.*{said}"):
        list_bucket_images(bucket, "/b/a.json", "s3://b/a.json")


def test_a_file_without_images():
    assert list_bucket_images(fill({"/b/a.json": listing()}), "/b/a.json", "") == []
