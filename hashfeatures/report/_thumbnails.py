"""Thumbnails that are embedded in a page, and facts about the image files."""

from __future__ import annotations

import base64
import contextlib
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from .._utils.progress import progress_bar
from ..images._decoding import Decoding, Reduction
from ..images._open import open_image, read_orientation
from ..images._quiet import quiet_decoding
from ..images._read import read_image
from ..images._references import resolve
from ..images._sources import count_bytes, is_data_uri, is_remote, local_path

# The longest side of a thumbnail in pixels: as a page shows it, and as it can be enlarged and
# compared if the page has room. The room is estimated from the bytes that a pixel takes as text.
_SIDE = 144
_LARGE_SIDE = 512
_BYTES_A_PIXEL = 0.35
_QUALITY = 70
_WIDTH_TAG, _HEIGHT_TAG = 256, 257


@dataclass(frozen=True)
class Facts:
    """Facts about an image file; None where unknown.

    Parameters
    ----------
    width, height : int or None
        In pixels, after the image is turned upright.
    format : str or None
        Pillow's name of the file format.
    bytes : int or None
        The size of the file in bytes.
    """

    width: int | None = None
    height: int | None = None
    format: str | None = None
    bytes: int | None = None


def read_facts(source: Any) -> Facts:
    """Read the facts about an image from the head of its file, or from an image in memory.

    URLs are not fetched. A file that cannot be read has no facts.
    """
    n_bytes = count_bytes(source)
    # Pillow's plugins raise all kinds of errors for broken files.
    with contextlib.suppress(Exception), quiet_decoding():
        source = resolve(source)
        if isinstance(source, Image.Image):
            return Facts(*source.size)
        if isinstance(source, bytes) or is_data_uri(source) or local_path(source) is not None:
            with open_image(source) as image:
                stored = _stored_size(image)
                size = stored[::-1] if read_orientation(image) >= 5 else stored
                return Facts(*size, image.format, n_bytes)
    shape = getattr(source, "shape", (None, None))
    return Facts(shape[1], shape[0], None, n_bytes)


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Return the width and height of an opened image before it is turned upright."""
    tags = getattr(image, "tag_v2", {})  # newer versions of Pillow give the upright size of a TIFF
    width, height = image.size
    return int(tags.get(_WIDTH_TAG, width)), int(tags.get(_HEIGHT_TAG, height))


@dataclass(frozen=True)
class View:
    """How a page shows an image: as a finder compared it.

    Parameters
    ----------
    decoding : Decoding
        How files become pixels.
    find_part : callable, optional
        Returns the box of a Pillow image that was compared: left, top, right and bottom.
    """

    decoding: Decoding = Decoding("reduced")
    find_part: Callable[[Image.Image], tuple[int, int, int, int]] | None = None


def make_thumbnail(source: Any, side: int = _SIDE, view: View = View()) -> tuple[Facts, str]:
    """Return the facts about an image, and a small JPEG of it as a data URI.

    Raises
    ------
    ImageReadError
        If the image cannot be read.
    """
    decoded = read_image(source, view.decoding, Reduction(2 * side))
    image = decoded.image.convert("RGB")
    if view.find_part is not None:
        image = image.crop(view.find_part(decoded.image))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    uri = f"data:image/jpeg;base64,{_encode(image)}"
    return Facts(decoded.width, decoded.height, decoded.format, count_bytes(source)), uri


def shrink(uri: str) -> str:
    """Return a thumbnail at the size at which a page shows it."""
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


def make_thumbnails(
    sources: Sequence[Any],
    *,
    max_number: int,
    max_bytes: int,
    fetch: bool,
    progress: bool = False,
    large: Collection[int] = (),
    view: View = View(),
) -> tuple[list[Facts], dict[int, str]]:
    """Return the facts about images, and thumbnails of the first of them.

    Parameters
    ----------
    sources : sequence of image sources
        The images, the most important first.
    max_number, max_bytes : int
        The most thumbnails, and their greatest total length.
    fetch : bool
        Whether to fetch URLs.
    progress : bool
        Whether to show a progress bar.
    large : collection of int
        The positions of the images to show at the greatest size, the first of them in little room.
    view : View
        How to show the images.

    Returns
    -------
    facts : list of Facts
        The facts about each image.
    thumbnails : dict of int to str
        Data URIs by the position of the image. They are larger where there is room.
    """
    facts: list[Facts] = []
    thumbnails: dict[int, str] = {}
    room = max_bytes
    n_shown = min(max_number, len(sources))
    bytes_of_large = _BYTES_A_PIXEL * _LARGE_SIDE**2
    large = sorted(large)[: int(max_bytes / 2 / bytes_of_large)]  # half of the room at most
    rest = max_bytes - len(large) * bytes_of_large
    side = int((rest / (_BYTES_A_PIXEL * max(n_shown - len(large), 1))) ** 0.5)
    side = min(max(side, _SIDE), _LARGE_SIDE)
    shown = progress and max_number > 0 and len(sources) > 0
    bar = progress_bar(shown, total=len(sources), unit="picture")
    for place, source in enumerate(sources):
        fact = None
        if len(thumbnails) < max_number and room > 0 and (fetch or not is_remote(source)):
            # The page shows no picture of a broken file.
            with contextlib.suppress(Exception):
                fact, uri = make_thumbnail(source, _LARGE_SIDE if place in large else side, view)
                if len(uri) <= room:
                    thumbnails[place] = uri
                room -= len(uri)
        facts.append(read_facts(source) if fact is None else fact)
        bar.update()
    bar.close()
    return facts, thumbnails
