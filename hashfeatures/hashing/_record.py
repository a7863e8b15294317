"""What is known of one hashed image."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class ImageRecord:
    """The hashes and the facts of one image, or why there are none.

    Parameters
    ----------
    hashes : dict of str to bytes
        For each hash by its name ("phash", "dhash:16"), its bits packed eight to a byte, the first
        bit the highest of the first byte.
    detail : int
        How much structure the image has, 0 to 100.
    width, height : int
        The size in pixels of the image as it is seen.
    format : str or None
        Pillow's name of the file format.
    digest : bytes or None
        Of the decoded pixels, 16 bytes, where the image has less detail than was asked for.
    error : str or None
        Why the image could not be read or hashed.
    """

    hashes: dict[str, bytes] = field(default_factory=dict)
    detail: int = 0
    width: int = 0
    height: int = 0
    format: str | None = None
    digest: bytes | None = None
    error: str | None = None
