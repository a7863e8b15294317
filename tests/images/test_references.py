"""Images inside larger files are taken wherever images are."""

import io
import os
import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hashfeatures
from hashfeatures.hashing._pickling import to_picklable
from hashfeatures.hashing._source_keys import key_of
from hashfeatures.images._decoding import Decoding
from hashfeatures.images._identities import identify
from hashfeatures.images._open import open_image
from hashfeatures.images._read import read_image
from hashfeatures.images._references import FileSlice, FileState, ImageReference
from hashfeatures.images._sources import count_bytes, describe_source, name_source
from hashfeatures.report._thumbnails import make_thumbnails, read_facts


def draw(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)


def encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def pack(path: Path, contents: list[bytes]) -> list[FileSlice]:
    """Write contents one after another into a file, and return references to them."""
    path.write_bytes(b"".join(contents))
    state = FileState.of(os.stat(path))
    starts = np.cumsum([0, *map(len, contents)]).tolist()
    return [
        FileSlice(str(path), start, len(content), f"{path}/{row}.png", state)
        for row, (start, content) in enumerate(zip(starts, contents, strict=False))
    ]


@dataclass(frozen=True)
class InMemory(ImageReference):
    """A reference that only this process can resolve."""

    reads_in_worker: ClassVar[bool] = False
    name: str
    content: Any = field(compare=False)

    def resolve(self) -> Any:
        return self.content

    def identify(self) -> None:
        return None

    def __reduce__(self) -> Any:
        raise TypeError("cannot be pickled")


@pytest.fixture
def images() -> list[Image.Image]:
    return [draw(seed) for seed in range(6)]


@pytest.fixture
def slices(tmp_path: Path, images: list[Image.Image]) -> list[FileSlice]:
    return pack(tmp_path / "all.bin", [encode(image) for image in images])


def test_slice_is_read_as_its_bytes(slices: list[FileSlice], images: list[Image.Image]) -> None:
    """A slice decodes to the image that it holds, and has its name and size."""
    decoded = read_image(slices[2])
    assert np.array_equal(np.asarray(decoded.image), np.asarray(images[2]))
    assert (decoded.width, decoded.height, decoded.format) == (40, 30, "PNG")
    assert name_source(slices[2]) == describe_source(slices[2]) == str(slices[2])
    assert count_bytes(slices[2]) == len(encode(images[2]))
    with open_image(slices[2]) as opened:
        assert opened.size == (40, 30)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_references_hash_as_files(
    tmp_path: Path, slices: list[FileSlice], images: list[Image.Image], n_jobs: int
) -> None:
    """Every kind of reference has the hashes of the image, also in workers."""
    expected = hashfeatures.hash_images(images, ["phash", "dhash"])
    path = tmp_path / "one.png"
    path.write_bytes(encode(images[3]))
    sources = [
        slices[0],
        InMemory("one", images[1]),
        InMemory("two", np.asarray(images[2])),
        InMemory("three", str(path)),
        InMemory("four", encode(images[4])),
        slices[5],
    ]
    frame = hashfeatures.hash_images(sources, ["phash", "dhash"], n_jobs=n_jobs)
    pd.testing.assert_frame_equal(frame[["phash", "dhash"]], expected[["phash", "dhash"]])


def test_failed_references_are_named(tmp_path: Path, slices: list[FileSlice]) -> None:
    """A reference that fails is a failed row under its name, whoever reads it."""
    sources = [
        slices[0],
        InMemory("broken bytes", b"nothing"),
        InMemory("missing file", str(tmp_path / "gone.png")),
        InMemory("odd array", np.zeros((2, 2, 2, 2), np.uint8)),
        InMemory("nothing", None),
    ]
    for n_jobs in (1, 2):
        with pytest.warns(hashfeatures.FailedImagesWarning) as caught:
            frame = hashfeatures.hash_images(sources, ["phash"], errors="coerce", n_jobs=n_jobs)
        assert frame["phash"].isna().tolist() == [False, True, True, True, True]
        text = str(caught[0].message)
        assert all(f"'{source.name}'" in text for source in sources[1:])


def test_changed_file_is_an_error(slices: list[FileSlice], images: list[Image.Image]) -> None:
    """A slice of a file that was written again is refused: it may show another image."""
    path = Path(slices[0].path)
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(hashfeatures.ImageReadError, match=r"0\.png.*has changed since"):
        read_image(slices[0])
    path.unlink()
    with pytest.raises(hashfeatures.ImageReadError, match="No such file"):
        read_image(slices[0])
    assert slices[0].identify() is None
    assert key_of(slices[0]) is None


def test_truncated_file_is_an_error(tmp_path: Path) -> None:
    """A slice that ends behind the end of its file is not an image."""
    path = tmp_path / "short.bin"
    path.write_bytes(encode(draw(0)))
    whole = FileSlice(str(path), 0, 10**6, "short", FileState.of(os.stat(path)))
    with pytest.raises(hashfeatures.ImageReadError, match="truncated"):
        read_image(whole)


def test_cache_knows_places_in_a_file(tmp_path: Path, slices: list[FileSlice]) -> None:
    """Slices of one file have keys of their own, which change with the file."""
    keys = [key_of(one) for one in slices]
    assert len(set(keys)) == len(slices) and None not in keys
    cache = tmp_path / "hashes.sqlite"
    first = hashfeatures.hash_images(slices, ["phash"], cache=cache)
    again = hashfeatures.hash_images(slices, ["phash"], cache=cache)
    pd.testing.assert_frame_equal(first, again)
    os.utime(slices[0].path, (1, 1))
    assert not set(keys) & {key_of(one) for one in slices}
    with pytest.raises(hashfeatures.ImageReadError, match="has changed"):
        hashfeatures.hash_images(slices, ["phash"], cache=cache, errors="raise")


def test_identities_change_with_the_file(slices: list[FileSlice]) -> None:
    """A finder sees that the file of its images was written again."""
    before = identify(slices)
    assert before.any(axis=1).all() and len(np.unique(before, axis=0)) == len(slices)
    assert np.array_equal(before, identify(slices))
    os.utime(slices[0].path, (1, 1))
    assert (before != identify(slices)).any(axis=1).all()


def test_slices_travel_to_workers_as_they_are(slices: list[FileSlice]) -> None:
    """A worker opens the file itself, so that no image is sent."""
    assert to_picklable(slices[0], Decoding()) is slices[0]
    assert pickle.loads(pickle.dumps(slices[0])) == slices[0]
    assert {slices[0], pickle.loads(pickle.dumps(slices[0]))} == {slices[0]}


def test_pages_show_references(slices: list[FileSlice], images: list[Image.Image]) -> None:
    """A report has a thumbnail and the facts of a reference to anything."""
    path = InMemory("array", np.asarray(images[1]))
    facts, thumbnails = make_thumbnails(
        [slices[0], path], max_number=2, max_bytes=10**6, fetch=False
    )
    assert sorted(thumbnails) == [0, 1]
    assert (facts[0].width, facts[0].height, facts[0].format) == (40, 30, "PNG")
    assert facts[0].bytes == slices[0].size
    fact = read_facts(slices[0])
    assert (fact.width, fact.height, fact.format, fact.bytes) == (40, 30, "PNG", slices[0].size)
    assert (read_facts(path).width, read_facts(path).height) == (40, 30)


def test_sets_of_references_are_split(tmp_path: Path) -> None:
    """Duplicates among references are found, grouped, audited and named as files are."""
    pictures = [draw(seed) for seed in range(12)]
    contents = [encode(picture) for picture in [*pictures, pictures[0].resize((80, 60))]]
    slices = pack(tmp_path / "all.bin", contents)
    table = hashfeatures.find_duplicates(slices)
    assert list(table["image"]) == [slices[0], slices[12]]
    train, test = hashfeatures.train_test_split(slices, test_size=0.25, random_state=0)
    assert {slices[0], slices[12]} <= set(train) or {slices[0], slices[12]} <= set(test)
    assert len(hashfeatures.drop_duplicates(slices)) == 12
    report = hashfeatures.leakage_report(slices[:6], slices[6:])
    assert report.leaking.tolist() == [6]
    audit = hashfeatures.audit_split(slices[:6], slices[6:])
    assert slices[12].name in audit.to_json()
    parts = hashfeatures.assign_split(slices, lock=tmp_path / "lock.csv", test_size=0.25)
    assert len(parts) == 13
