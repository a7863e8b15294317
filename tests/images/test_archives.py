"""Images in zip files and compressed files are read by any process and thread."""

import gzip
import io
import os
import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from PIL import Image

import hashfeatures
from hashfeatures.hashing._source_keys import key_of
from hashfeatures.images import _archives
from hashfeatures.images._archives import CompressedSlice, ZipMember
from hashfeatures.images._read import read_image
from hashfeatures.images._references import FileState, ImageReference


def picture(seed: int) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((48, 36), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(path: Path, contents: list[bytes]) -> list[ImageReference]:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.png", content)
        infos = archive.infolist()
    state = FileState.of(os.stat(path))
    return [
        ZipMember(
            str(path), one.filename, one.file_size, one.header_offset, f"{path}/{number}", state
        )
        for number, one in enumerate(infos)
    ]


def squeezed(path: Path, contents: list[bytes]) -> list[ImageReference]:
    path.write_bytes(gzip.compress(b"".join(contents)))
    state = FileState.of(os.stat(path))
    starts = np.cumsum([0, *map(len, contents)]).tolist()
    return [
        CompressedSlice(str(path), start, len(content), f"{path}/{number}", state)
        for number, (start, content) in enumerate(zip(starts, contents, strict=False))
    ]


@pytest.mark.parametrize("pack", [zipped, squeezed])
@pytest.mark.parametrize("backend", ["threading", "multiprocessing", "loky"])
def test_many_archives_are_read_in_turn(tmp_path, pack, backend):
    """More archives than are kept open, read in any order, give the images that they hold."""
    contents = [[picture(10 * a + n) for n in range(4)] for a in range(12)]
    archives = [pack(tmp_path / str(a), held) for a, held in enumerate(contents)]
    order = np.random.default_rng(0).permutation(48)
    sources = [archives[one % 12][one // 12] for one in order]
    expected = hashfeatures.hash_images(
        [contents[one % 12][one // 12] for one in order], ["phash"]
    )
    assert [source.resolve() for source in sources[:5]] == [
        contents[one % 12][one // 12] for one in order[:5]
    ]
    with joblib.parallel_config(backend=backend):
        found = hashfeatures.hash_images(sources, ["phash"], n_jobs=2)
    pd.testing.assert_frame_equal(found[["phash"]], expected[["phash"]])
    assert len(_archives._zips._files) <= 8 and len(_archives._contents._files) <= 8


@pytest.mark.parametrize("pack", [zipped, squeezed])
def test_archive_that_changed_is_refused(tmp_path, pack):
    """An archive that was written again is not read from a file that is still open."""
    sources = pack(tmp_path / "a", [picture(0), picture(1)])
    sources[0].resolve()
    assert sources[0].count_bytes() == len(picture(0))
    keys = {key_of(source) for source in sources}
    assert len(keys) == 2 and None not in keys
    pack(tmp_path / "a", [picture(2), picture(3), picture(4)])
    with pytest.raises(hashfeatures.ImageReadError, match="has changed"):
        read_image(sources[1])
    assert key_of(sources[0]) not in keys
    os.unlink(tmp_path / "a")
    with pytest.raises(hashfeatures.ImageReadError, match="No such file"):
        read_image(sources[1])
    assert key_of(sources[0]) is None


@pytest.mark.parametrize("pack", [zipped, squeezed])
def test_references_are_values(tmp_path, pack):
    """References can be stored, compared and used as keys."""
    sources = pack(tmp_path / "a", [picture(0), picture(1)])
    again = pickle.loads(pickle.dumps(sources))
    assert again == sources and len({*again, *sources}) == 2
    assert again[1].resolve() == picture(1)


def test_members_that_unpack_without_end(tmp_path):
    """A member that claims more bytes than an image has is refused before it is unpacked."""
    (source,) = zipped(tmp_path / "a", [picture(0)])
    with pytest.raises(hashfeatures.ImageReadError, match=r"takes 3,000,000,000 bytes.*limit"):
        read_image(replace(source, size=3 * 10**9))


def test_compressed_file_that_ends_early(tmp_path):
    """A slice behind the end of the content is an error of its image."""
    (source,) = squeezed(tmp_path / "a", [picture(0)])
    with pytest.raises(hashfeatures.ImageReadError, match="truncated"):
        read_image(replace(source, size=10**6))
    path = tmp_path / "cut"
    path.write_bytes((tmp_path / "a").read_bytes()[:-20])
    with pytest.raises(hashfeatures.ImageReadError):
        read_image(replace(source, path=str(path), state=FileState.of(os.stat(path))))
