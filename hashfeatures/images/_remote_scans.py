"""The first scans of remote progressive JPEGs, by ranges of bytes where the server sends them."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from ._byte_ranges import PartError
from ._decoding import Reduction
from ._progressive import END_OF_IMAGE, FirstScans
from ._remote import read_part, read_url

# Most photos of web pages are shorter, so they arrive whole by the first request.
_FIRST = 2**18  # bytes; each further request is for as many as all before


class RemoteImage(NamedTuple):
    """An image that was read from a URL.

    Parameters
    ----------
    content : bytes
        The file, or a JPEG of its first scans.
    is_whole : bool
        Whether it is the file.
    """

    content: bytes
    is_whole: bool = True


def read_remote(url: str, reduction: Reduction) -> RemoteImage:
    """Read as much of a URL as a reduced decode needs.

    The function reads a beginning of the file. If that is a progressive JPEG, it reads on to the
    end of the first scans, and the last two bytes, which a file that is cut off lacks. It reads
    all other files whole. So the pixels are those of a file that was read whole.

    Parameters
    ----------
    url : str
        The address, with its protocol.
    reduction : Reduction
        How much of the image must be decoded.

    Returns
    -------
    RemoteImage
        The image.

    Raises
    ------
    OSError
        See `hashfeatures.images._remote.read_url`.
    """
    is_chain = "::" in url and not url.lower().startswith(("http://", "https://"))
    if not is_chain:  # most chains of file systems read a file whole to find a part of it
        with suppress(PartError):
            return _read_by_parts(url, reduction)
    return RemoteImage(read_url(url))


def _read_by_parts(url: str, reduction: Reduction) -> RemoteImage:
    part = read_part(url, 0, _FIRST)
    n_total, version = part.n_total, part.version
    content, scans = bytearray(part.content), FirstScans(reduction)

    def read_on(start: int, stop: int) -> bytes:
        part = read_part(url, start, stop)
        if (part.n_total, part.version) != (n_total, version) or part.is_whole:
            raise PartError("the file changed between two requests")
        return part.content

    while not part.is_whole and len(content) < n_total:
        if scans.look_at(content).is_done:
            break
        content += read_on(len(content), 2 * len(content))
    if len(content) == n_total:
        return RemoteImage(bytes(content))
    if scans.n_bytes is not None:
        end = read_on(n_total - len(END_OF_IMAGE), n_total)
        if end == END_OF_IMAGE:
            return RemoteImage(scans.cut(content), is_whole=False)
    return RemoteImage(bytes(content + read_on(len(content), n_total)))
