"""The record of one hashed image."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ImageRecord:
    """The hashes and the facts of one image, or the reason why it has none.

    Parameters
    ----------
    hashes : dict of str to bytes
        The bits of each hash by its name ("phash", "dhash:16"), packed eight to a byte. The first
        bit is the highest of the first byte.
    detail : int
        How much structure the image has, 0 to 100.
    width, height : int
        The size of the upright image in pixels.
    format : str or None
        Pillow's name of the file format.
    digest : bytes or None
        The digest of the pixels, of 16 bytes, for an image of low detail.
    error : str or None
        The reason why the image could not be read or hashed.
    """

    hashes: dict[str, bytes] = field(default_factory=dict)
    detail: int = 0
    width: int = 0
    height: int = 0
    format: str | None = None
    digest: bytes | None = None
    error: str | None = None
