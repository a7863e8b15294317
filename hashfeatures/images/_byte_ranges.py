"""Runs of bytes of a remote file, compared with what was requested of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_WHOLE, _PARTIAL = 200, 206
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_VERSIONS = ("ETag", "Last-Modified")


class Part(NamedTuple):
    """A run of bytes of a remote file.

    Parameters
    ----------
    content : bytes
        The bytes. All of the file, if the server does not send parts.
    n_total : int
        The length of the file in bytes.
    version : tuple of str
        What changes with the content of the file, as far as the server says so.
    is_whole : bool
        Whether the server sent the whole file at once.
    """

    content: bytes
    n_total: int
    version: tuple[str, ...] = ()
    is_whole: bool = False


class PartError(OSError):
    """A server sent other bytes than those that were requested."""


def request_headers(span: tuple[int, int], options: Mapping[str, Any]) -> dict[str, str]:
    """Return the configured headers of requests, and those that request a span of bytes."""
    wanted = {"Range": f"bytes={span[0]}-{span[1] - 1}", "Accept-Encoding": "identity"}
    return {**(options.get("headers") or {}), **wanted}


def _status_of(file: Any) -> Any:
    """Return the HTTP status of a file that fsspec streams, or None if it does not show it."""
    return getattr(getattr(file, "r", None), "status", None)


def sends_whole_file(file: Any) -> bool:
    """Return whether a server ignored the requested span, and sends the whole file."""
    return bool(_status_of(file) == _WHOLE)


def check_answer(content: bytes, file: Any, span: tuple[int, int]) -> Part:
    """Return the content of a web server's answer, or raise unless it is what it must be."""
    if sends_whole_file(file):
        return Part(content, len(content), is_whole=True)
    status, headers = _status_of(file), getattr(getattr(file, "r", None), "headers", {})
    told = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if (
        status != _PARTIAL
        or told is None
        or headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise PartError(f"the server answered {status} to a request of a part")
    first, last, n_total = map(int, told.groups())
    if (first, last) != (span[0], min(span[1], n_total) - 1) or len(content) != last + 1 - first:
        raise PartError(f"the server sent bytes {first} to {last} instead of {span[0]} and up")
    return Part(content, n_total, tuple(headers.get(name, "") for name in _VERSIONS))


def read_span(system: Any, path: str, span: tuple[int, int]) -> Part:
    """Read a span of bytes from a file system of fsspec."""
    n_total = system.size(path)
    if not isinstance(n_total, int):
        raise PartError("the length of the file is not known")
    start, stop = span[0], min(span[1], n_total)
    content = system.cat_file(path, start=start, end=stop) if start < stop else b""
    if len(content) != stop - start:
        raise PartError(f"got {len(content)} bytes instead of {stop - start}")
    return Part(bytes(content), n_total)
