"""Named arrays in one file: what is fitted once and searched for years.

A file holds, one behind the other:

====================  ===========================================================================
prefix, 32 bytes      the magic ``b"HASHFEAT"``, then little-endian: the version of the format
                      (uint32), the CRC-32 of the header (uint32), the length of the header
                      (uint64), the CRC-32 of the prefix up to here (uint32), four zeros
header                JSON in UTF-8, filled up with spaces to a multiple of 64 bytes: the kind of
                      the store, its facts, and the name, dtype, shape and place of each array
arrays                in C order, little-endian, each at a multiple of 64 bytes
checksums             the CRC-32 of each 4 MiB of the arrays (uint32)
====================  ===========================================================================

Nothing is pickled. Arrays are mapped into memory, not read; the checksums are compared by several
threads, which takes a tenth of a second for ten million codes of 128 bits.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from ..exceptions import StoreError
from .atomic_write import open_whole
from .regular_files import open_regular

FORMAT_VERSION = 1

_MAGIC = b"HASHFEAT"
_PREFIX = struct.Struct("<8sIIQ")
_PREFIX_SUM = struct.Struct("<I4x")
_PREFIX_SIZE = _PREFIX.size + _PREFIX_SUM.size
_ALIGNMENT = 64
_CHUNK = 1 << 22  # bytes that share a checksum
_PLAIN_KINDS = "biuf"  # numpy's booleans, integers and floats


class Strings(Sequence[str]):
    """Strings in one buffer, decoded when they are asked for.

    Parameters
    ----------
    text : ndarray of shape (n_bytes,), dtype uint8
        The strings in UTF-8, one behind the other. The lone surrogates that paths of undecodable
        bytes hold are kept.
    ends : ndarray of shape (n_strings,), dtype int64
        Where each string ends.

    Examples
    --------
    >>> from hashfeatures._utils.array_file import Strings
    >>> names = Strings.pack(["cat.jpg", "dog.jpg"])
    >>> len(names), names[1], list(names)
    (2, 'dog.jpg', ['cat.jpg', 'dog.jpg'])
    """

    def __init__(self, text: NDArray[np.uint8], ends: NDArray[np.int64]) -> None:
        self.text = text
        self.ends = ends

    @classmethod
    def pack(cls, strings: Iterable[object]) -> Strings:
        """Encode strings, and paths and whatever else can be told as one."""
        texts = (
            os.fsdecode(string) if isinstance(string, os.PathLike) else str(string)
            for string in strings
        )
        encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(item) for item in encoded], dtype=np.int64)
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[str]:
        """Yield the strings: all are decoded at once, in less time than one by one."""
        # Every character but the first byte of each goes on from the one before.
        is_first = (self.text & 0xC0) != 0x80
        n_characters = np.concatenate([[0], np.cumsum(is_first)])
        ends = n_characters[self.ends].tolist()
        text = self.text.tobytes().decode("utf-8", "surrogatepass")
        yield from map(text.__getitem__, map(slice, [0, *ends[:-1]], ends))

    @overload
    def __getitem__(self, item: int) -> str: ...

    @overload
    def __getitem__(self, item: slice) -> list[str]: ...

    def __getitem__(self, item: int | slice) -> str | list[str]:
        if isinstance(item, slice):
            return [self[row] for row in range(*item.indices(len(self)))]
        row = range(len(self))[item]
        start = self.ends[row - 1] if row else 0
        return self.text[start : self.ends[row]].tobytes().decode("utf-8", "surrogatepass")


def write_store(
    path: str | os.PathLike[str],
    kind: str,
    arrays: Mapping[str, NDArray[Any]],
    facts: Mapping[str, Any],
) -> None:
    """Write arrays to a file, which appears under its name only when it is whole.

    Parameters
    ----------
    path : str or PathLike
        The file; one that exists is replaced.
    kind : str
        What the store holds, such as "HammingNeighbors"; `read_store` asks for it.
    arrays : mapping of str to ndarray
        Arrays of booleans, integers or floats.
    facts : mapping of str to object
        Whatever else is to be known, as JSON can tell it.

    Raises
    ------
    TypeError
        If an array holds objects, or a fact is nothing that JSON can tell.
    OSError
        If the file cannot be written; what was there before stays.
    """
    places, size = [], 0
    plain = {name: _as_plain(name, array) for name, array in arrays.items()}
    for name, array in plain.items():
        places.append(
            {"name": name, "dtype": array.dtype.str, "shape": array.shape, "offset": size}
        )
        size += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
    contents = {"kind": kind, "facts": dict(facts), "arrays": places, "size": size}
    header = json.dumps(contents, allow_nan=False).encode()
    header += b" " * (-(_PREFIX_SIZE + len(header)) % _ALIGNMENT)
    prefix = _PREFIX.pack(_MAGIC, FORMAT_VERSION, zlib.crc32(header), len(header))

    with open_whole(path) as file:
        file.write(prefix + _PREFIX_SUM.pack(zlib.crc32(prefix)) + header)
        for array in plain.values():
            file.write(array.data if array.size else b"")
            file.write(bytes(-array.nbytes % _ALIGNMENT))
        file.flush()
        with _mapped(file) as view:
            file.write(_checksums(view[_PREFIX_SIZE + len(header) :]).tobytes())


def read_store(
    path: str | os.PathLike[str], kind: str
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Map a file of `write_store` into memory, and make sure that it is as it was written.

    Parameters
    ----------
    path : str or PathLike
        The file.
    kind : str
        What it should hold.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays, read-only; the file stays mapped as long as one of them is in use.
    facts : dict of str to object
        What else was written.

    Raises
    ------
    StoreError
        If the file is no store, holds another kind, was cut short, is damaged, or was written by
        a newer release.
    OSError
        If it cannot be opened.
    """
    with open_regular(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        header = _read_header(path, file.read(_PREFIX_SIZE), file)
        contents = json.loads(header)
        first = _PREFIX_SIZE + len(header)
        last = first + contents["size"]
        expected = last + 4 * -(-contents["size"] // _CHUNK)
        if length != expected:
            state = "was cut short" if length < expected else "goes on behind its end"
            raise StoreError(
                f"{_named(path)} {state}: it has {length} bytes, {expected} were written. "
                f"Copy or save it again."
            )
        if contents["kind"] != kind:
            raise StoreError(f"{_named(path)} holds a {contents['kind']}, not a {kind}.")
        if not contents["size"]:
            payload = np.empty(0, dtype=np.uint8)
        else:
            mapped = np.memmap(file, dtype=np.uint8, mode="r")
            payload = mapped[first:last].view(np.ndarray)
            wanted = mapped[last:].tobytes()
            if _checksums(payload.data).tobytes() != wanted:
                raise _damaged(path)
    arrays = {place["name"]: _view(payload, place) for place in contents["arrays"]}
    return arrays, contents["facts"]


def _read_header(path: str | os.PathLike[str], prefix: bytes, file: Any) -> bytes:
    if prefix[: len(_MAGIC)] != _MAGIC[: len(prefix)] or not prefix:
        raise StoreError(
            f"{_named(path)} is no file that hashfeatures saved: name one that its save() wrote."
        )
    if len(prefix) < _PREFIX_SIZE:
        raise StoreError(f"{_named(path)} was cut short within its first {_PREFIX_SIZE} bytes.")
    _, version, header_sum, length = _PREFIX.unpack(prefix[: _PREFIX.size])
    if prefix[_PREFIX.size :] != _PREFIX_SUM.pack(zlib.crc32(prefix[: _PREFIX.size])):
        raise _damaged(path)
    if version > FORMAT_VERSION:
        raise StoreError(
            f"{_named(path)} was saved by a newer release of hashfeatures (format {version}; this "
            f"one reads up to {FORMAT_VERSION}): upgrade, or save it again with this release."
        )
    header: bytes = file.read(length)
    if len(header) < length:
        raise StoreError(f"{_named(path)} was cut short within its header.")
    if zlib.crc32(header) != header_sum:
        raise _damaged(path)
    return header


def _as_plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in _PLAIN_KINDS:
        raise TypeError(
            f"Array {name!r} has dtype {array.dtype}: only booleans, integers and floats can be "
            f"stored. Strings pass through Strings.pack."
        )
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def _view(payload: NDArray[np.uint8], place: dict[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(place["dtype"])
    n_bytes = dtype.itemsize * int(np.prod(place["shape"], dtype=np.int64))
    start = place["offset"]
    array: NDArray[Any] = payload[start : start + n_bytes].view(dtype).reshape(place["shape"])
    array.flags.writeable = False
    return array


def _mapped(file: Any) -> memoryview:
    return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _checksums(data: memoryview) -> NDArray[np.uint32]:
    """Return the checksum of each chunk; zlib releases the interpreter while it counts."""
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    with ThreadPoolExecutor() as threads:
        return np.array(list(threads.map(zlib.crc32, chunks)), dtype="<u4")


def _named(path: str | os.PathLike[str]) -> str:
    return repr(os.fspath(path))


def _damaged(path: str | os.PathLike[str]) -> StoreError:
    return StoreError(
        f"{_named(path)} is damaged: its checksum is not that of what was written. Copy or save "
        f"it again."
    )
