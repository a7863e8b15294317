"""A stored file comes back as it was written, or says what is wrong with it."""

import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures._utils import array_file
from hashfeatures._utils import array_file as store
from hashfeatures._utils.array_file import Strings, read_store, write_store
from hashfeatures.exceptions import StoreError

ARRAYS = {
    "words": np.arange(300, dtype=np.uint64).reshape(100, 3),
    "present": np.arange(7) % 2 == 0,
    "big": np.arange(5, dtype=">i4"),
    "turned": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "none": np.empty((0, 4), dtype=np.uint8),
    "scalar": np.array(3, dtype=np.int64),
}
FACTS = {"n_bits": 42, "names": ["phash", "ä"], "radius": None}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "codes.hf"
    write_store(path, "codes", ARRAYS, FACTS)
    return path


@pytest.fixture(params=[1 << 22, 100], ids=["one chunk", "many chunks"])
def chunk(request, monkeypatch):
    monkeypatch.setattr(store, "_CHUNK", request.param)


@pytest.mark.usefixtures("chunk")
def test_what_was_written_is_read(tmp_path):
    path = tmp_path / "codes.hf"
    write_store(path, "codes", ARRAYS, FACTS)
    arrays, facts = read_store(path, "codes")
    assert facts == FACTS
    assert list(arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].shape == array.shape
        assert arrays[name].dtype == array.dtype.newbyteorder("<")
        assert not arrays[name].flags.writeable
        assert arrays[name].ctypes.data % 32 == 0 or not array.size


def test_nothing_is_a_store_too(tmp_path):
    write_store(tmp_path / "none", "nothing", {}, {})
    assert read_store(tmp_path / "none", "nothing") == ({}, {})


@pytest.mark.usefixtures("chunk")
def test_a_flipped_bit_is_found(tmp_path):
    path = tmp_path / "codes.hf"
    write_store(path, "codes", ARRAYS, FACTS)
    whole = path.read_bytes()
    for place in [*range(40), *range(40, len(whole), 11)]:
        broken = bytearray(whole)
        broken[place] ^= 1 << place % 8
        path.write_bytes(broken)
        with pytest.raises(StoreError, match=r"codes\.hf.* (is damaged|is not a file)"):
            read_store(path, "codes")


def test_every_cut_is_found(path):
    whole = path.read_bytes()
    for length in [*range(40), *range(40, len(whole), 37)]:
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError, match=r"is truncated|is not a file of hashfeatures"):
            read_store(path, "codes")
    path.write_bytes(whole + b"more")
    with pytest.raises(StoreError, match="has extra bytes at its end"):
        read_store(path, "codes")


@pytest.mark.parametrize("foreign", [b"", b"\x93NUMPY\x01\x00" * 9, b"HASH", b"PK\x03\x04"])
def test_foreign_files_are_told(tmp_path, foreign):
    (tmp_path / "foreign").write_bytes(foreign)
    with pytest.raises(StoreError, match=r"not a file of hashfeatures|is truncated"):
        read_store(tmp_path / "foreign", "codes")


def test_other_kinds_and_newer_formats_are_told(path):
    with pytest.raises(StoreError, match="holds a codes, not a finder"):
        read_store(path, "finder")
    whole = path.read_bytes()
    prefix = whole[:8] + struct.pack("<I", store.FORMAT_VERSION + 1) + whole[12:24]
    path.write_bytes(prefix + struct.pack("<I4x", zlib.crc32(prefix)) + whole[32:])
    with pytest.raises(StoreError, match=r"newer release .* format 2\. .* up to 1\. Upgrade"):
        read_store(path, "codes")
    with pytest.raises(FileNotFoundError):
        read_store(path.with_name("missing"), "codes")


def test_a_failed_write_leaves_what_was_there(path, monkeypatch):
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_store(path, "codes", {}, {})
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["codes.hf"]


@pytest.mark.skipif(os.name != "posix", reason="Windows counts the whole path")
def test_a_store_may_have_a_name_as_long_as_names_are(tmp_path):
    """Whatever name it has until it is whole."""
    write_store(tmp_path / ("c" * 255), "codes", ARRAYS, FACTS)
    assert read_store(tmp_path / ("c" * 255), "codes")[1] == FACTS


def test_a_store_can_be_replaced_while_it_is_mapped(path):
    arrays, _ = read_store(path, "codes")
    write_store(path, "codes", {"words": arrays["words"] + 1}, {})
    np.testing.assert_array_equal(arrays["words"], ARRAYS["words"])
    np.testing.assert_array_equal(read_store(path, "codes")[0]["words"], ARRAYS["words"] + 1)


def test_windows_can_replace_a_store_that_is_in_use(path, files_of_windows, monkeypatch):
    """An index that was loaded can be saved to its own file, and the file can be deleted."""
    arrays, _ = read_store(path, "codes")
    with pytest.raises(PermissionError, match=r"cannot be replaced\. Close it .*codes\.hf"):
        write_store(path, "codes", {"words": arrays["words"]}, {})
    assert [file.name for file in path.parent.iterdir()] == ["codes.hf"]
    del arrays
    monkeypatch.setattr(array_file, "IS_WINDOWS", True)
    arrays, facts = read_store(path, "codes")
    assert facts == FACTS
    np.testing.assert_array_equal(arrays["words"], ARRAYS["words"])
    write_store(path, "codes", {"words": arrays["words"]}, {})
    os.remove(path)


def test_what_cannot_be_stored_is_refused(tmp_path):
    with pytest.raises(TypeError, match="Got dtype object for array 'ids'"):
        write_store(tmp_path / "x", "codes", {"ids": np.array(["a"], dtype=object)}, {})
    with pytest.raises(TypeError, match="JSON"):
        write_store(tmp_path / "x", "codes", {}, {"what": object()})
    assert not list(tmp_path.iterdir())


def test_strings_come_back_with_their_surrogates():
    names = ["", "cat.jpg", "bild-ä.png", b"caf\xe9.jpg".decode("utf-8", "surrogateescape"), "🐈"]
    packed = Strings.pack(names)
    assert list(packed) == names
    assert packed[-1] == "🐈"
    assert packed[1:3] == names[1:3]
    assert len(Strings.pack([])) == 0
    with pytest.raises(IndexError):
        packed[5]


def test_a_path_is_its_text_whatever_its_class(path):
    """The `str` of an entry of `os.scandir` is not a path."""
    entries = [*os.scandir(path.parent), *os.scandir(os.fsencode(path.parent))]
    assert list(Strings.pack([path, *entries])) == [str(path)] * 3


@given(st.lists(st.text() | st.sampled_from(["\udcff", "\ud83d", "\ude00", "ä", ""]), max_size=12))
def test_strings_are_the_same_one_by_one_and_all_at_once(strings):
    """Lone surrogates of undecodable paths included, even where two would make a pair."""
    packed = Strings.pack(strings)
    assert list(packed) == [packed[row] for row in range(len(strings))] == strings
