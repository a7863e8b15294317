"""A damaged archive or table costs its own images, under a clear error, and no others."""

import io
import json
import tarfile

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from hashfeatures.distributed.sources import _part_sources
from hashfeatures.distributed.sources._part_sources import cut_by_size, read_batches
from hashfeatures.exceptions import ImageReadError


class Unsteady(MemoryFileSystem):
    """A bucket whose connections break after a few reads, so many times."""

    protocol = "unsteady"
    store: dict = {}  # noqa: RUF012
    n_faults = 0

    @classmethod
    def _strip_protocol(cls, path):
        return "/" + path.removeprefix("unsteady://").lstrip("/")

    def _open(self, path, mode="rb", **options):
        file = super()._open(path, mode, **options)
        if Unsteady.n_faults and mode == "rb":
            Unsteady.n_faults -= 1
            return Breaking(file.getvalue())
        return file


class Breaking(io.BytesIO):
    """A file that breaks off in its middle."""

    def read(self, *size):
        if self.tell() > len(self.getvalue()) // 2:
            raise RuntimeError("payload is not completed")
        return super().read(*size)


fsspec.register_implementation("unsteady", Unsteady, clobber=True)


@pytest.fixture
def pause(monkeypatch):
    monkeypatch.setattr(_part_sources, "_PAUSE", 0.0)


def pack(*members, mode="w"):
    """Return a tar file of members: a name with content, or a header alone."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            entry = tarfile.TarInfo(member[0])
            entry.size = len(member[1])
            tar.addfile(entry, io.BytesIO(member[1]))
    return packed.getvalue()


def read(path, content=None, reference=None):
    """Return the names of the images in a file inside it, and their bytes or errors."""
    if content is not None:
        path.write_bytes(content)
    found = {}
    for names, sources in read_batches([str(path)], [reference]):
        for name, source in zip(names, sources, strict=True):
            value = source["bytes"] if isinstance(source, dict) else source
            found[name.removeprefix(f"{path}/")] = value
    return found


@pytest.fixture
def image(png_bytes):
    return png_bytes


def test_one_image_a_sample(tmp_path, image):
    """That of the fewest dots in its name, and one without a suffix of images by its content."""
    content = pack(
        ("a.seg.png", b"mask"),
        ("a.jpg", b"photo"),
        ("a.cls", image),
        ("sub/./a.jpg", b"other"),
        ("b.bin", image),
        ("c.json", b"{}"),
        ("__meta__/d.png", b"meta"),
    )
    assert read(tmp_path / "s.tar", content) == {
        "a.jpg": b"photo",
        "sub/a.jpg": b"other",
        "b.bin": image,
    }


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_compressed_archives(tmp_path, mode):
    content = pack(("a.jpg", b"photo"), ("b.jpg", b"other"), mode=mode)
    assert read(tmp_path / "s.tar", content) == {"a.jpg": b"photo", "b.jpg": b"other"}


@pytest.mark.parametrize("name", ["long/" * 60 + "ä.jpg", "a\udcff.jpg", "two\nlines.jpg"])
def test_unusual_names(tmp_path, name):
    assert read(tmp_path / "s.tar", pack((name, b"photo"))) == {name: b"photo"}


def test_equal_names_stay_apart(tmp_path):
    content = pack(("a.jpg", b"1"), ("a.jpg", b"2"), ("./a.jpg", b"3"), ("../a.jpg", b"4"))
    assert read(tmp_path / "s.tar", content) == {
        "a.jpg": b"1",
        "a (2).jpg": b"2",
        "a (3).jpg": b"3",
        "../a.jpg": b"4",
    }


def test_links_are_errors(tmp_path):
    link = tarfile.TarInfo("b.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "a.jpg"
    found = read(tmp_path / "s.tar", pack(("a.jpg", b"1"), link))
    assert found["a.jpg"] == b"1"
    assert "Pack the files themselves" in found["b.jpg"].cause


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda whole: whole[:700], "ReadError"),
        (lambda whole: whole[: 2 * 1024 + 100], "truncated"),
        (lambda whole: whole[:1024] + b"x" * 512 + whole[1536:], "damaged"),
        (lambda whole: whole + whole, "goes on behind its end mark"),
        (lambda whole: b"no archive at all", "ReadError"),
    ],
    ids=["in a member", "in a header", "a broken header", "two archives in one", "another file"],
)
def test_damaged_archives(tmp_path, damage, said):
    """What comes before the damage is read, and the archive is a failure under its name."""
    whole = pack(*((f"{number}.jpg", b"photo") for number in range(3)))
    path = tmp_path / "s.tar"
    found = read(path, damage(whole))
    error = found.pop(str(path))
    assert isinstance(error, ImageReadError)
    assert said in error.cause
    assert set(found.values()) <= {b"photo"}


def test_missing_archives(tmp_path):
    (error,) = read(tmp_path / "s.tar").values()
    assert "FileNotFoundError" in error.cause


@pytest.mark.parametrize("n_faults", [2, 3])
def test_broken_connections_are_tried_again(pause, n_faults):
    """Each image arrives once. The last fault is that of the archive."""
    content = pack(*((f"{number}.jpg", bytes([number]) * 3000) for number in range(9)))
    fsspec.filesystem("unsteady").pipe("/s.tar", content)
    Unsteady.n_faults = n_faults
    ((names, sources),) = read_batches(["unsteady://s.tar"], [None])
    expected = [f"unsteady://s.tar/{number}.jpg" for number in range(9)]
    if n_faults == 2:
        assert names == expected
        assert [source["bytes"][0] for source in sources] == list(range(9))
    else:
        assert names[-1] == "unsteady://s.tar"
        assert 0 < len(names) - 1 < 9 and names[:-1] == expected[: len(names) - 1]
        assert "payload is not completed" in sources[-1].cause


def rows(group, start, stop):
    facts = {"kind": "rows", "column": "image", "group": group, "start": start, "stop": stop}
    return json.dumps(facts)


@pytest.fixture
def table(tmp_path):
    """Return a Parquet file of two row groups of four images."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    images = arrow.table({"image": [bytes([row]) * 50_000 for row in range(8)]})
    path = tmp_path / "t.parquet"
    parquet.write_table(images, path, row_group_size=4, compression="none", use_dictionary=False)
    return path


def test_rows_of_a_group(table):
    found = read(table, None, rows(1, 4, 8))
    assert {name: content[0] for name, content in found.items()} == {
        str(row): row for row in range(4, 8)
    }


@pytest.mark.parametrize("wrong", [rows(1, 4, 9), rows(2, 8, 9)])
def test_a_table_that_has_changed(table, wrong):
    found = read(table, None, wrong)
    assert len(found) == json.loads(wrong)["stop"] - json.loads(wrong)["start"]
    assert all("has changed since" in error.cause for error in found.values())


def test_a_damaged_page(table):
    """Each row that cannot be read is a failure under its own name."""
    whole = bytearray(table.read_bytes())
    start = whole.index(bytes([5]) * 50_000)
    whole[start - 40 : start] = b"\xff" * 40
    table.write_bytes(whole)
    assert [content[0] for content in read(table, None, rows(0, 0, 4)).values()] == [0, 1, 2, 3]
    found = read(table, None, rows(1, 4, 8))
    assert list(found) == ["4", "5", "6", "7"]
    assert any(isinstance(value, ImageReadError) for value in found.values())


def test_missing_tables(tmp_path):
    found = read(tmp_path / "t.parquet", None, rows(0, 0, 2))
    assert ["FileNotFoundError" in error.cause for error in found.values()] == [True, True]


def test_batches_have_a_bounded_size(monkeypatch):
    monkeypatch.setattr(_part_sources, "MAX_BATCH_BYTES", 100)
    held = []

    def images():
        for number in range(20):
            held.append(number)
            yield str(number), {"bytes": bytes(30), "path": str(number)}

    for names, _ in cut_by_size(images()):
        assert len(names) <= 4
        assert held[-1] == int(names[-1])
