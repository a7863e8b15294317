"""Store named arrays in one file that is mapped into memory.

A file holds these parts in order:

====================  ===========================================================================
prefix, 32 bytes      the magic ``b"HASHFEAT"``, then little-endian: the version of the format
                      (uint32), the CRC-32 of the header (uint32), the length of the header
                      (uint64), the CRC-32 of the prefix up to here (uint32), four zeros
header                JSON in UTF-8, padded with spaces to a multiple of 64 bytes: the kind of the
                      store, its facts, and the name, dtype, shape and offset of each array
arrays                in C order, little-endian, each at a multiple of 64 bytes
checksums             the CRC-32 of each 4 MiB of the arrays (uint32)
====================  ===========================================================================

Nothing is pickled. Reading maps the arrays into memory, and compares the checksums in several
threads.
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
from .platforms import IS_WINDOWS
from .regular_files import open_regular

FORMAT_VERSION = 1

MAGIC = b"HASHFEAT"
_PREFIX = struct.Struct("<8sIIQ")
_PREFIX_SUM = struct.Struct("<I4x")
_PREFIX_SIZE = _PREFIX.size + _PREFIX_SUM.size
_ALIGNMENT = 64
_CHUNK = 1 << 22  # bytes that share a checksum
_PLAIN_KINDS = "biuf"  # numpy's booleans, integers and floats


class Strings(Sequence[str]):
    """A sequence of strings in one buffer, decoded on access.

    Parameters
    ----------
    text : ndarray of shape (n_bytes,), dtype uint8
        The concatenated strings in UTF-8. Lone surrogates, which stand for undecodable bytes of
        paths, are kept.
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
        """Encode strings, paths, and the ``str`` of other objects."""
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
        """Yield the strings. Decoding all at once is faster than one by one."""
        # All bytes of a character but the first are continuation bytes.
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
    """Write arrays to a file, which replaces an existing one once it is complete.

    Parameters
    ----------
    path : path-like
        The file.
    kind : str
        The kind of the content, such as "HammingNeighbors", which `read_store` checks.
    arrays : mapping of str to ndarray
        Arrays of booleans, integers or floats.
    facts : mapping of str to object
        Other values that JSON can represent.

    Raises
    ------
    TypeError
        If an array holds objects, or JSON cannot represent a fact.
    OSError
        If the file cannot be written. An existing file stays as it was.
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
    prefix = _PREFIX.pack(MAGIC, FORMAT_VERSION, zlib.crc32(header), len(header))

    with open_whole(path) as file:
        file.write(prefix + _PREFIX_SUM.pack(zlib.crc32(prefix)) + header)
        for array in plain.values():
            file.write(array.data if array.size else b"")
            file.write(bytes(-array.nbytes % _ALIGNMENT))
        file.flush()
        with _mapped(file) as view:
            file.write(_checksums(view[_PREFIX_SIZE + len(header) :]).tobytes())


def read_store(
    path: str | os.PathLike[str], kind: str, expected: str = "that save() wrote"
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Map a file of `write_store` into memory, and verify its checksums.

    Parameters
    ----------
    path : path-like
        The file.
    kind : str
        The expected kind of the content.
    expected : str, default="that save() wrote"
        Which files hold this kind, for messages.

    Returns
    -------
    arrays : dict of str to ndarray
        The arrays, read-only. The file stays mapped as long as one of them is in use.
    facts : dict of str to object
        The other values.

    Raises
    ------
    StoreError
        If the file is not a store, holds another kind, is truncated or damaged, or was written by
        a newer release.
    OSError
        If it cannot be opened.
    """
    with open_regular(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        header = _read_header(path, file.read(_PREFIX_SIZE), file, expected)
        contents = json.loads(header)
        first = _PREFIX_SIZE + len(header)
        last = first + contents["size"]
        n_bytes = last + 4 * -(-contents["size"] // _CHUNK)
        if length != n_bytes:
            state = "is truncated" if length < n_bytes else "has extra bytes at its end"
            raise StoreError(
                f"{_quote(path)} {state}. Expected {n_bytes} bytes, got {length}. Copy or save "
                f"it again."
            )
        if contents["kind"] != kind:
            raise StoreError(
                f"{_quote(path)} holds a {contents['kind']}, not a {kind}. Pass a file {expected}."
            )
        if not contents["size"]:
            payload = np.empty(0, dtype=np.uint8)
        else:
            file.seek(0)
            # Windows would not let the file be replaced or deleted while it is mapped.
            mapped = (
                np.fromfile(file, dtype=np.uint8)
                if IS_WINDOWS
                else np.memmap(file, dtype=np.uint8, mode="r")
            )
            payload = mapped[first:last].view(np.ndarray)
            wanted = mapped[last:].tobytes()
            if _checksums(payload.data).tobytes() != wanted:
                raise _damaged(path)
    arrays = {place["name"]: _view(payload, place) for place in contents["arrays"]}
    return arrays, contents["facts"]


def is_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a file begins as those of `write_store` do."""
    try:
        with open_regular(path) as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _read_header(path: str | os.PathLike[str], prefix: bytes, file: Any, expected: str) -> bytes:
    if prefix[: len(MAGIC)] != MAGIC[: len(prefix)] or not prefix:
        raise StoreError(f"{_quote(path)} is not a file of hashfeatures. Pass a file {expected}.")
    if len(prefix) < _PREFIX_SIZE:
        raise StoreError(f"{_quote(path)} is truncated within its first {_PREFIX_SIZE} bytes.")
    _, version, header_sum, length = _PREFIX.unpack(prefix[: _PREFIX.size])
    if prefix[_PREFIX.size :] != _PREFIX_SUM.pack(zlib.crc32(prefix[: _PREFIX.size])):
        raise _damaged(path)
    if version > FORMAT_VERSION:
        raise StoreError(
            f"{_quote(path)} was saved by a newer release of hashfeatures, in format {version}. "
            f"This release reads formats up to {FORMAT_VERSION}. Upgrade, or save the file again "
            f"with this release."
        )
    header: bytes = file.read(length)
    if len(header) < length:
        raise StoreError(f"{_quote(path)} is truncated within its header.")
    if zlib.crc32(header) != header_sum:
        raise _damaged(path)
    return header


def _as_plain(name: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind not in _PLAIN_KINDS:
        raise TypeError(
            f"Expected arrays of booleans, integers or floats. Got dtype {array.dtype} for array "
            f"{name!r}. Pack strings with Strings.pack."
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
    """Return the checksum of each chunk, from threads, as zlib releases the interpreter."""
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    with ThreadPoolExecutor() as threads:
        return np.array(list(threads.map(zlib.crc32, chunks)), dtype="<u4")


def _quote(path: str | os.PathLike[str]) -> str:
    return repr(os.fspath(path))


def _damaged(path: str | os.PathLike[str]) -> StoreError:
    return StoreError(
        f"{_quote(path)} is damaged: its checksum does not match its content. Copy or save it "
        f"again."
    )
