"""Tar shards are read and split by samples, and the package webdataset reads what is written."""

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import hashfeatures
from hashfeatures import FailedImagesWarning, LayoutError, SkippedFilesWarning, read_collection
from hashfeatures.images import _archives
from hashfeatures.layouts.archives import _webdataset
from hashfeatures.layouts.archives._webdataset import WebDatasetLayout

Members = list[tuple[str, bytes]]


def picture(seed: int, kind: str = "JPEG") -> bytes:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).resize((48, 36), Image.Resampling.BICUBIC).save(buffer, kind)
    return buffer.getvalue()


def sample(number: int) -> Members:
    note = json.dumps({"number": number, "name": "é"}).encode()
    return [
        (f"{number:06d}.jpg", picture(number)),
        (f"{number:06d}.json", note),
        (f"{number:06d}.cls", str(number % 3).encode()),
    ]


def pack(path: Path, members: Members, mode: str = "w") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:  # type: ignore[call-overload]
        for number, (name, content) in enumerate(members):
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.uname, info.mode = len(content), number, "ann", 0o640
            tar.addfile(info, io.BytesIO(content))
    return path


def pack_sets(folder: Path, n_shards: int = 3, n_samples: int = 8, suffix: str = ".tar") -> Path:
    mode = "w" if suffix == ".tar" else f"w:{suffix.rpartition('.')[2]}"
    for shard in range(n_shards):
        numbers = range(shard * n_samples, (shard + 1) * n_samples)
        members = [member for number in numbers for member in sample(number)]
        pack(folder / f"shard-{shard:03d}{suffix}", members, mode)
    return folder


def contents(*shards: Path) -> list[tuple[str, dict[str, bytes]]]:
    """Read the samples of shards with the package webdataset, which leaves files open."""
    iterators = pytest.importorskip("webdataset.tariterators")
    found = []
    for shard in sorted(shards):
        with open(shard, "rb") as stream:
            files = iterators.tar_file_expander([{"url": str(shard), "stream": stream}])
            found += [
                (
                    one["__key__"],
                    {suffix: data for suffix, data in one.items() if not suffix.startswith("__")},
                )
                for one in iterators.group_by_keys(files)
            ]
    return found


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_members_of_a_key_are_one_row(tmp_path: Path) -> None:
    """Each sample is a row: its image, its key, its label, and its other members as they are."""
    collection = read_collection(pack_sets(tmp_path))
    assert collection.layout.name == "webdataset"
    assert collection.frame["key"].tolist() == [f"{number:06d}" for number in range(24)]
    assert collection.labels is not None and collection.parts is None
    assert collection.labels.tolist() == [number % 3 for number in range(24)]
    images = collection.images
    assert images[9].name == f"{tmp_path}/shard-001.tar/000009.jpg"
    assert [image.resolve() for image in images] == [picture(number) for number in range(24)]
    annotations = collection.frame["annotations"][5]
    assert {suffix: file.resolve() for suffix, file in annotations.items()} == {
        "json": sample(5)[1][1],
        "cls": b"2",
    }


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_hashes_are_those_of_the_files(tmp_path: Path, suffix: str) -> None:
    """Members hash as loose files do, from plain and from compressed shards, on any workers."""
    collection = read_collection(pack_sets(tmp_path, 2, 5, suffix))
    loose = [picture(number) for number in range(10)]
    expected = hashfeatures.hash_images(loose, ["phash", "dhash"])
    for n_jobs in (1, 2):
        frame = hashfeatures.hash_images(collection, ["phash", "dhash"], n_jobs=n_jobs)
        pd.testing.assert_frame_equal(frame[["phash", "dhash"]], expected[["phash", "dhash"]])


def test_compressed_shards_are_unpacked_once_a_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads in order unpack a shard once, and reads in any order unpack it to a file."""
    collection = read_collection(pack_sets(tmp_path, 1, 20, ".tar.gz"))
    opened = []
    find_opener = _archives.find_opener
    monkeypatch.setattr(
        _archives, "find_opener", lambda path: opened.append(path) or find_opener(path)
    )
    for image in collection.images:
        image.resolve()
    assert len(opened) == 1
    rows = np.random.default_rng(0).permutation(20)
    assert [collection.images[row].resolve() for row in rows] == [picture(row) for row in rows]
    assert len(opened) == 2
    _archives._contents.close()


@pytest.mark.parametrize(
    "source",
    ["", "shard-{000..002}.tar", "shard-00{0,1,2}.tar", "*.tar", "shard-00[0-2].tar"],
)
def test_shards_are_named_as_people_name_them(tmp_path: Path, source: str) -> None:
    """A folder, a pattern with braces as in webdataset, and a glob name the same shards."""
    pack_sets(tmp_path)
    assert len(read_collection(tmp_path / source if source else tmp_path)) == 24
    assert len(read_collection(str(tmp_path / source))) == 24


def test_lists_of_shards(tmp_path: Path) -> None:
    """One shard and a list of shards are read, each shard once."""
    first = pack_sets(tmp_path) / "shard-000.tar"
    assert len(read_collection(first)) == 8
    assert len(read_collection([first, tmp_path / "shard-002.tar", first])) == 16


def test_new_shards_hold_every_member_once(tmp_path: Path) -> None:
    """A split written as shards holds whole samples with their bytes, and the source stays."""
    source = pack_sets(tmp_path / "source")
    before = snapshot(source)
    collection = read_collection(source)
    train, test = hashfeatures.train_test_split(
        collection, test_size=0.25, stratify="label", random_state=0
    )
    collection.write_split({"train": train, "test": test}, tmp_path / "out", how="copy")
    assert snapshot(source) == before
    known = dict(contents(*source.glob("*.tar")))
    written = {
        part: dict(contents(*(tmp_path / "out" / part).glob("*.tar")))
        for part in ("train", "test")
    }
    assert list(written["train"]) == train.frame["key"].tolist()
    assert list(written["test"]) == test.frame["key"].tolist()
    assert written["train"] | written["test"] == known
    assert not written["train"].keys() & written["test"].keys()
    again = read_collection(tmp_path / "out")
    assert again.parts is not None
    assert again.parts.value_counts().to_dict() == {"train": 18, "test": 6}


@pytest.mark.parametrize("parts", [["train"], ["fold0", "fold1"], ["mine", "yours"]])
def test_new_shards_keep_their_parts(tmp_path: Path, parts: list[str]) -> None:
    """Shards of one part, and of parts with any names, are read as these parts."""
    collection = read_collection(pack_sets(tmp_path / "source"))
    rows = {part: list(range(number, 24, len(parts))) for number, part in enumerate(parts)}
    out = collection.write_split(rows, tmp_path / "out", how="copy")
    with warnings.catch_warnings(action="error"):
        again = read_collection(out)
    found = {part: one.frame["key"].tolist() for part, one in again.by_part().items()}
    assert found == {part: [f"{row:06d}" for row in rows[part]] for part in parts}


def test_lists_of_keys_are_read_from_their_shards(tmp_path: Path) -> None:
    """What write_split writes by default is a data set again, with the folder of the shards."""
    source = pack_sets(tmp_path / "source")
    collection = read_collection(source)
    out = collection.write_split({"train": [5, 0, 9], "mine": [1]}, tmp_path / "out")
    again = read_collection(out, "webdataset", root=source)
    assert again.parts is not None
    assert again.frame["key"].tolist() == ["000001", "000005", "000000", "000009"]
    assert again.parts.tolist() == ["mine"] + ["train"] * 3
    assert again.images == [collection.images[row] for row in (1, 5, 0, 9)]
    one = read_collection(out / "train.txt", "webdataset", root=source)
    assert one.parts is not None and one.parts.tolist() == ["train"] * 3
    for layout in ("auto", "webdataset"):
        with pytest.raises(LayoutError, match=r"folder of the(ir)? shards.* root="):
            read_collection(out, layout)
    (out / "train.txt").write_text("000001\nnone\n")
    with pytest.raises(LayoutError, match=r"train\.txt, entry 1: the key '000001' occurs twice"):
        read_collection(out, "webdataset", root=source)
    (out / "mine.txt").unlink()
    with pytest.raises(LayoutError, match=r"train\.txt, entry 2: the key 'none' is of no sample"):
        read_collection(out, "webdataset", root=source)


def test_metadata_of_members_are_kept(tmp_path: Path) -> None:
    """Owners, times and modes of members, and long names, are in the new shards as before."""
    long = "folder/" * 30 + "long"
    members = [(f"{long}é.jpg", picture(1)), (f"{long}é.txt", b"caption"), *sample(3)]
    collection = read_collection(pack(tmp_path / "a.tar", members))
    collection.write_split({"all": [1, 0]}, tmp_path / "out", how="copy")
    with (
        tarfile.open(tmp_path / "a.tar") as old,
        tarfile.open(tmp_path / "out/all/000000.tar") as new,
    ):
        facts = [
            {
                info.name: (info.mtime, info.uname, info.mode, tar.extractfile(info).read())  # type: ignore[union-attr]
                for info in tar
            }
            for tar in (old, new)
        ]
    assert facts[0] == facts[1]
    assert len(facts[0]) == 5


def test_lists_hold_keys(tmp_path: Path) -> None:
    """A list has a key per line, by which a pipeline of webdataset selects the samples."""
    collection = read_collection(pack_sets(tmp_path / "source"))
    rows = {"train": list(range(0, 24, 2)), "val": [1, 3]}
    collection.write_split(rows, tmp_path / "out")
    keys = (tmp_path / "out/val.txt").read_text().splitlines()
    assert keys == ["000001", "000003"]
    shards = (tmp_path / "source").glob("*.tar")
    chosen = [one for one in contents(*shards) if one[0] in keys]
    assert [one["jpg"] for _, one in chosen] == [picture(1), picture(3)]
    with pytest.raises(LayoutError, match="cannot be linked"):
        collection.write_split(rows, tmp_path / "links", how="link")
    assert not (tmp_path / "links").exists()


def test_shards_that_count_anew(tmp_path: Path) -> None:
    """Shards with the same keys stay apart: in names, in lists and in new shards."""
    members = [
        [("0.jpg", picture(n)), ("0.txt", b"%d" % n), ("1.jpg", picture(n + 9))] for n in (0, 1)
    ]
    for number in (0, 1):
        pack(tmp_path / "in" / f"{number}.tar", members[number])
    collection = read_collection(tmp_path / "in")
    assert collection.frame["key"].tolist() == ["0.tar/0", "0.tar/1", "1.tar/0", "1.tar/1"]
    collection.write_split({"all": [0, 1, 2, 3]}, tmp_path / "out", how="copy")
    found = contents(*(tmp_path / "out/all").glob("*.tar"))
    assert [one.get("txt") for _, one in found] == [b"0", None, b"1", None]
    assert len(read_collection(tmp_path / "out")) == 4


def test_shards_have_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new shard begins after a number of samples, or of bytes."""
    collection = read_collection(pack_sets(tmp_path / "in"))
    monkeypatch.setattr(_webdataset, "_SHARD_SAMPLES", 10)
    collection.write_split({"all": np.arange(24)}, tmp_path / "a", how="copy")
    assert [len(contents(one)) for one in sorted(tmp_path.glob("a/all/*.tar"))] == [10, 10, 4]
    monkeypatch.setattr(_webdataset, "_SHARD_BYTES", 9000)
    collection.write_split({"all": np.arange(24)}, tmp_path / "b", how="copy")
    shards = sorted(tmp_path.glob("b/all/*.tar"))
    assert len(shards) > 3 and len(contents(*shards)) == 24
    assert all(shard.stat().st_size < 30_000 for shard in shards)


def test_files_beside_shards_are_named(tmp_path: Path) -> None:
    """What a folder of shards holds beside them is counted in the note."""
    folder = pack_sets(tmp_path, 2)
    (folder / "shard-000_stats.json").write_text("{}")
    (folder / "shard-000.parquet").write_bytes(b"a table of what the shard holds")
    (folder / ".hidden.tar").write_bytes(b"")
    with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.parquet, 1 \.json, 1 hidden"):
        assert len(read_collection(folder)) == 16


def test_parts_are_folders_or_names(tmp_path: Path) -> None:
    """Shards in folders of parts, and shards named after parts, have parts."""
    pack(tmp_path / "a/train/0.tar", sample(1))
    pack(tmp_path / "a/val/0.tar", sample(2))
    pack(tmp_path / "b/set-train-000.tar", sample(1))
    pack(tmp_path / "b/set-test-000.tar", sample(2))
    parts = [read_collection(tmp_path / name).parts for name in "ab"]
    assert [part.tolist() for part in parts if part is not None] == [
        ["train", "val"],
        ["test", "train"],
    ]


def test_members_without_a_suffix(tmp_path: Path) -> None:
    """Contents decide where suffixes say nothing, and what is left out is named."""
    members = [
        ("photo", picture(1)),
        ("README", b"text"),
        ("scan.data", picture(2, "PNG")),
        (".hidden", b""),
        ("text.txt", b"no image"),
        ("__meta__/a.jpg", picture(3)),
        ("pair.mask.png", picture(4, "PNG")),
        ("pair.jpg", picture(5)),
    ]
    path = pack(tmp_path / "a.tar", members)
    with pytest.warns(SkippedFilesWarning) as caught:
        collection = read_collection(path)
    assert collection.frame["key"].tolist() == ["photo", "scan", "pair"]
    assert [image.resolve() for image in collection.images] == [
        picture(1),
        picture(2, "PNG"),
        picture(5),
    ]
    assert list(collection.frame["annotations"][2]) == ["mask.png"]
    text = str(caught[0].message)
    assert "1 .jpg" in text and "1 hidden" in text and "1 without a suffix" in text
    assert "skipped 1 sample without an image" in text
    assert "1 sample with several images" in text and "'jpg' of pair" in text


def test_labels_that_are_no_numbers(tmp_path: Path) -> None:
    """Labels are text unless all are whole numbers, and missing if any sample has none."""
    texts = [b"cat\n", b"7"]
    members = [
        m for n, text in enumerate(texts) for m in ((f"{n}.jpg", picture(n)), (f"{n}.cls", text))
    ]
    labels = read_collection(pack(tmp_path / "a.tar", members)).labels
    assert labels is not None and labels.tolist() == ["cat", "7"]
    assert (
        read_collection(pack(tmp_path / "b.tar", [*members, ("2.jpg", picture(2))])).labels is None
    )


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "x/../../a.jpg", "C:/a.jpg", "..\\a.jpg"])
def test_names_that_climb_out(tmp_path: Path, name: str) -> None:
    """A member whose name leaves its folder is an error that names the shard and the member."""
    path = pack(tmp_path / "bad.tar", [*sample(0), (name, picture(1))])
    with pytest.raises(LayoutError, match=r"bad\.tar, member .*a\.jpg: the name"):
        read_collection(path)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (tarfile.SYMTYPE, "a symbolic link"),
        (tarfile.LNKTYPE, "a hard link"),
        (tarfile.CHRTYPE, "a device"),
        (tarfile.FIFOTYPE, "a named pipe"),
    ],
)
def test_members_that_are_no_files(tmp_path: Path, kind: bytes, words: str) -> None:
    """A link or a device in a shard is an error that names it, and is never followed."""
    path = pack(tmp_path / "bad.tar", sample(0))
    with tarfile.open(path, "a") as tar:
        info = tarfile.TarInfo("1.jpg")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(LayoutError, match=rf"bad\.tar, member 1\.jpg: it is {words}"):
        read_collection(path)


@pytest.mark.parametrize("style", ["gnu", "posix"])
def test_sparse_members(tmp_path: Path, style: str) -> None:
    """A file with holes is not stored as its bytes, so it is an error that names it."""
    if shutil.which("tar") is None:
        pytest.skip("needs GNU tar")
    with open(tmp_path / "1.jpg", "wb") as file:
        file.write(picture(1))
        file.truncate(1 << 20)
    command = ["tar", f"--format={style}", "--sparse", "-cf", "bad.tar", "1.jpg"]
    if subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode:
        pytest.skip("needs GNU tar")
    with tarfile.open(tmp_path / "bad.tar") as tar:
        if not tar.getmembers()[0].issparse():
            pytest.skip("needs a file system with holes")
    with pytest.raises(LayoutError, match=r"bad\.tar, member 1\.jpg: it is a sparse file"):
        read_collection(tmp_path / "bad.tar")


def test_keys_that_occur_twice(tmp_path: Path) -> None:
    """Two members of the same name in a shard are an error; a sample in two places is one."""
    twice = pack(tmp_path / "twice.tar", [*sample(0), *sample(1), *sample(0)])
    with pytest.raises(LayoutError, match=r"twice\.tar, member 000000\.jpg.*has 'jpg' twice"):
        read_collection(twice)
    apart = [*sample(0)[:1], *sample(1), *sample(0)[1:]]
    collection = read_collection(pack(tmp_path / "apart.tar", apart))
    assert collection.frame["key"].tolist() == ["000000", "000001"]
    collection.write_split({"all": [0, 1]}, tmp_path / "out", how="copy")
    assert dict(contents(tmp_path / "out/all/000000.tar")) == {
        f"{number:06d}": {name.partition(".")[2]: data for name, data in sample(number)}
        for number in (0, 1)
    }


def test_sources_that_are_no_shards(tmp_path: Path) -> None:
    """Missing, empty and foreign files are errors that name them."""
    with pytest.raises(LayoutError, match=r"shard-001\.tar is missing"):
        pack(tmp_path / "shard-000.tar", sample(0))
        read_collection(tmp_path / "shard-{000..001}.tar")
    (tmp_path / "text.tar").write_bytes(b"no tar file" * 100)
    with pytest.raises(LayoutError, match=r"text\.tar cannot be read as a tar file"):
        read_collection(tmp_path / "text.tar")
    (tmp_path / "empty.tar").write_bytes(b"")
    with pytest.raises(LayoutError, match=r"empty\.tar cannot be read as a tar file"):
        read_collection(tmp_path / "empty.tar")
    with pytest.raises(LayoutError, match="no sample holds an image"):
        read_collection(pack(tmp_path / "texts.tar", [("a.txt", b"text")]))
    with pytest.raises(LayoutError, match="more than 1,000,000 files"):
        read_collection(tmp_path / "a-{0..9999999}.tar")
    with pytest.raises(LayoutError, match="Expected tar files"):
        read_collection(pd.DataFrame({"image": ["a.jpg"]}), layout="webdataset")


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz"])
def test_tar_files_in_one(tmp_path: Path, suffix: str) -> None:
    """Members behind the end mark of a tar file are never left out silently."""
    mode = "w" if suffix == ".tar" else "w:gz"
    first, second = (pack(tmp_path / f"{n}{suffix}", sample(n), mode) for n in (0, 1))
    (tmp_path / f"both{suffix}").write_bytes(first.read_bytes() + second.read_bytes())
    with pytest.raises(LayoutError, match=r"both\.tar.* goes on behind its end mark"):
        read_collection(tmp_path / f"both{suffix}")


def test_folder_of_images_with_a_tar_file(tmp_path: Path) -> None:
    """A backup beside images does not turn their folder into shards."""
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(picture(number))
    pack(tmp_path / "backup.tar", sample(0))
    with pytest.warns(SkippedFilesWarning, match=r"1 \.tar"):
        collection = read_collection(tmp_path)
    assert len(collection) == 3


def test_nothing_is_written_if_a_shard_changed(tmp_path: Path) -> None:
    """A split of shards that were written again since they were read writes nothing."""
    source = pack_sets(tmp_path / "in")
    collection = read_collection(source)
    pack(source / "shard-001.tar", sample(99))
    with pytest.raises(hashfeatures.ImageReadError, match="has changed"):
        collection.write_split({"all": np.arange(24)}, tmp_path / "out", how="copy")
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_broken_shards_never_surprise(tmp_path: Path, data: st.DataObject) -> None:
    """A damaged or truncated shard is a LayoutError that names it, or a set of whole members."""
    suffix, mode = data.draw(st.sampled_from([(".tar", "w"), (".tar.gz", "w:gz")]))
    path = pack(tmp_path / f"broken{suffix}", [*sample(0), *sample(1)], mode)
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 4))):
            place = data.draw(st.integers(0, len(whole) - 1))
            whole[place] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    try:
        collection = WebDatasetLayout.read(path)
    except LayoutError as error:
        assert path.name in str(error)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FailedImagesWarning)
        hashed = hashfeatures.hash_images(collection, ["dhash"], errors="coerce")
    assert len(hashed) == len(collection)


def test_memory_of_a_shard_is_bounded(tmp_path: Path) -> None:
    """A collection holds places in shards, never the bytes of images."""
    path = tmp_path / "large.tar"
    with tarfile.open(path, "w") as tar:
        for number in range(4):
            info = tarfile.TarInfo(f"{number}.jpg")
            info.size = 5 << 20
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    tracemalloc.start()
    read_collection(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 << 20
    assert os.path.getsize(path) > 20 << 20


def test_workers_of_shards_stay_small() -> None:
    """A worker that reads members of archives imports neither pandas nor scikit-learn."""
    code = (
        "import sys, hashfeatures.layouts.archives._tar, hashfeatures.images._archives; "
        "sys.exit(bool({'pandas', 'sklearn', 'scipy', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_packed_folder_has_its_parts_and_classes(tmp_path: Path) -> None:
    """A tar file of class folders means what the folder and a zip file of it mean."""
    names = [f"pets/{part}/{kind}/1.png" for part in ("train", "val") for kind in ("cat", "dog")]
    members = [(name, picture(number, "PNG")) for number, name in enumerate(names)]
    collection = read_collection(pack(tmp_path / "a.tar", members))
    assert collection.parts is not None and collection.labels is not None
    assert collection.parts.tolist() == ["train", "train", "val", "val"]
    assert collection.labels.tolist() == ["cat", "dog", "cat", "dog"]
    buckets = [("0/a.jpg", picture(0)), ("0/a.json", b"{}"), ("1/b.jpg", picture(1))]
    assert read_collection(pack(tmp_path / "b.tar", buckets)).labels is None
