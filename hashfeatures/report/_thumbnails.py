"""Small pictures that a page carries in itself, and the facts of the files that they show."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .._utils.progress import progress_bar
from ..images._decoding import Decoding
from ..images._errors import describe_error
from ..images._quiet import quiet_decoding
from ..images._read import open_image, read_image, read_orientation
from ..images._sources import count_bytes, is_data_uri, is_far, local_path

# The longest side of a thumbnail in pixels: what a page shows, and what it enlarges to if there is
# room for so many bytes, of which a square pixel takes so many as text.
_SIDE = 144
_LARGE_SIDE = 320
_BYTES_A_PIXEL = 0.35
_QUALITY = 70
_WIDTH_TAG, _HEIGHT_TAG = 256, 257


@dataclass(frozen=True)
class Facts:
    """What is known of a file.

    Parameters
    ----------
    width, height : int or None
        In pixels, as the image is seen.
    format : str or None
        Pillow's name of the file format.
    bytes : int or None
        The size of the file.
    """

    width: int | None = None
    height: int | None = None
    format: str | None = None
    bytes: int | None = None


def look_at(source: Any) -> Facts:
    """Read the facts of an image from the head of its file; of one from memory, its size.

    A URL is not fetched, and what cannot be read has no facts.
    """
    n_bytes = count_bytes(source)
    try:
        with quiet_decoding():
            if isinstance(source, Image.Image):
                return Facts(*source.size)
            if is_data_uri(source) or local_path(source) is not None:
                with open_image(source) as image:
                    stored = _stored_size(image)
                    size = stored[::-1] if read_orientation(image) >= 5 else stored
                    return Facts(*size, image.format, n_bytes)
    except Exception as error:  # Pillow's plugins raise whatever a broken file leads them to
        del error
    shape = getattr(source, "shape", (None, None))
    return Facts(shape[1], shape[0], None, n_bytes)


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height of an opened image before it is turned upright."""
    tags = getattr(image, "tag_v2", {})  # newer Pillows tell of a TIFF what is seen
    width, height = image.size
    return int(tags.get(_WIDTH_TAG, width)), int(tags.get(_HEIGHT_TAG, height))


def make_thumbnail(source: Any, side: int = _SIDE) -> tuple[Facts, str]:
    """Return the facts of an image, and a small JPEG of it as a data URI.

    Raises
    ------
    ImageReadError
        If the image cannot be read.
    """
    decoded = read_image(source, Decoding("reduced", reduced_side=2 * side))
    image = decoded.image.convert("RGB")
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    uri = f"data:image/jpeg;base64,{_encode(image)}"
    return Facts(decoded.width, decoded.height, decoded.format, count_bytes(source)), uri


def shrink(uri: str) -> str:
    """Return a thumbnail that is no larger than a page shows it."""
    head, _, data = uri.partition(",")
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        if max(image.size) <= _SIDE:
            return uri
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
        return f"{head},{_encode(image)}"


def _encode(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def picture(
    sources: Sequence[Any],
    *,
    max_number: int,
    max_bytes: int,
    fetch: bool,
    progress: bool = False,
) -> tuple[list[Facts], dict[int, str]]:
    """Return the facts of images, and thumbnails of the first of them.

    Parameters
    ----------
    sources : sequence of image sources
        The images, the most important first.
    max_number, max_bytes : int
        How many thumbnails there may be, and how long they may be in all.
    fetch : bool
        Whether URLs are fetched.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    facts : list of Facts
        One an image.
    thumbnails : dict of int to str
        Data URIs, by the place of the image; the fewer, the larger.
    """
    facts: list[Facts] = []
    thumbnails: dict[int, str] = {}
    room = max_bytes
    n_shown = max(1, min(max_number, len(sources)))
    side = int((max_bytes / (_BYTES_A_PIXEL * n_shown)) ** 0.5)
    side = min(max(side, _SIDE), _LARGE_SIDE)
    shown = progress and max_number > 0 and len(sources) > 0
    bar = progress_bar(shown, total=len(sources), unit="picture")
    for place, source in enumerate(sources):
        fact = None
        if len(thumbnails) < max_number and room > 0 and (fetch or not is_far(source)):
            try:
                fact, uri = make_thumbnail(source, side)
            except Exception as error:  # the page tells of it without a picture
                describe_error(error)
            else:
                if len(uri) <= room:
                    thumbnails[place] = uri
                room -= len(uri)
        facts.append(look_at(source) if fact is None else fact)
        bar.update()
    bar.close()
    return facts, thumbnails
