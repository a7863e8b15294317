"""Any source of an image as one upright, opaque Pillow image.

The steps are the same for every source. Find the bytes, decode the first frame, and apply the EXIF
orientation. Then bring the pixels into a form that Pillow can convert to luma without losing what
a person would see (`flatten`).
"""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from ..exceptions import ImageReadError, MissingExtraError
from ._arrays import conversion_code
from ._decoding import Decoding, Reduction
from ._errors import CONVERSION_ERRORS, as_read_error
from ._flatten import flatten
from ._open import check_size, find_address, find_file, open_file, read_orientation
from ._progressive import cut_behind_first_scans
from ._quiet import quiet_decoding, quiet_libtiff
from ._references import resolve
from ._remote import read_url
from ._remote_scans import RemoteImage, read_remote

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class DecodedImage:
    """One decoded image with the facts of its file.

    Parameters
    ----------
    image : PIL.Image.Image
        The pixels, upright and opaque.
    width, height : int
        The size of the upright image in pixels, before any reduction.
    format : str or None
        Pillow's name of the file format. None for an image in memory.
    shown : PIL.Image.Image or None
        The same pixels, upright, with transparency and more than 8 bits as the file has them.
        None if fewer pixels or only luma were decoded.
    file : str, BytesIO or None
        The file that was decoded. None for an image in memory, and if only a part of a remote
        file was read.
    """

    image: Image.Image
    width: int
    height: int
    format: str | None
    shown: Image.Image | None = None
    file: str | io.BytesIO | None = None


def read_image(
    source: Any, decoding: Decoding = Decoding(), reduction: Reduction = Reduction()
) -> DecodedImage:
    """Decode any source of an image.

    Parameters
    ----------
    source : path, bytes, file object, PIL.Image, ndarray, mapping, ImageReference or DecodedImage
        A path, a URL, an encoded image, an open file, an image in memory (uint8 arrays of shape
        (height, width), (height, width, 3) or (height, width, 4)), a mapping with the keys
        ``"bytes"`` and ``"path"``, as in a Hugging Face data set, or a reference to any of these.
        The first frame of an animation is read. A PIL image is read at its current frame. A file
        object is read from its beginning, stays open and keeps its position.
    decoding : Decoding
        The settings of the run.
    reduction : Reduction
        With ``decode="reduced"``: how much of a JPEG must be decoded.

    Returns
    -------
    DecodedImage
        The image and its size and format.

    Raises
    ------
    ImageReadError
        If the source cannot be read, for whatever reason.
    MissingExtraError
        If the source is a URL and the extra ``remote`` is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.images._read import read_image
    >>> decoded = read_image(np.zeros((3, 4), dtype="uint8"))
    >>> decoded.image.mode, decoded.width, decoded.height
    ('L', 4, 3)
    """
    if isinstance(source, DecodedImage):
        return source
    with quiet_decoding(decoding.max_pixels):
        try:
            found = _decode(source, decoding, reduction)
        except (ImageReadError, MissingExtraError):
            raise
        except Exception as error:  # a broken file may raise anything in a plugin of Pillow
            raise as_read_error(source, error) from error
        try:
            return _finish(found, decoding)
        except CONVERSION_ERRORS as error:
            raise as_read_error(source, error) from error


class _Found(NamedTuple):
    """An image as its file holds it, not yet upright or opaque."""

    image: Image.Image
    size: tuple[int, int]  # before any reduction
    format: str | None = None
    is_whole: bool = True
    file: str | io.BytesIO | None = None


def _decode(source: Any, decoding: Decoding, reduction: Reduction) -> _Found:
    content = resolve(source)
    if isinstance(content, Image.Image):
        _load_image(content)
        return _Found(content, content.size)
    if isinstance(content, np.ndarray):
        image = _image_from_array(content)
        return _Found(image, image.size)
    address = find_address(content) if decoding.decode == "reduced" else None
    if address is not None:
        remote = read_remote(address, reduction)
        if not remote.is_whole:
            found = _decode_first_scans(remote.content, None, source, decoding, reduction)
            if found is not None:
                return found
            remote = RemoteImage(read_url(address))
        file: str | io.BytesIO = io.BytesIO(remote.content)
    else:
        file = find_file(content)
    with open_file(file, source, decoding.max_pixels) as image:
        if decoding.decode == "reduced":
            first = cut_behind_first_scans(image, reduction)
            if first is not None:
                found = _decode_first_scans(first, file, source, decoding, reduction)
                if found is not None:
                    return found
        return _decode_opened(image, file, decoding, reduction)


def _decode_first_scans(
    content: bytes,
    file: str | io.BytesIO | None,
    source: Any,
    decoding: Decoding,
    reduction: Reduction,
) -> _Found | None:
    """Decode the first scans of a file. None if that fails, since the whole file may not."""
    with (
        suppress(Exception),
        open_file(io.BytesIO(content), source, decoding.max_pixels) as image,
    ):
        return _decode_opened(image, file, decoding, reduction)
    return None


def _decode_opened(
    image: Image.Image, file: str | io.BytesIO | None, decoding: Decoding, reduction: Reduction
) -> _Found:
    drafted = None
    if decoding.decode == "reduced":
        whole = image.size
        side = reduction.min_side
        drafted = image.draft(reduction.mode, (side, side))
    with quiet_libtiff(image):
        image.load()
    check_size(image, decoding.max_pixels)  # the size of an icon is known only now
    size = whole if drafted else image.size
    return _Found(image, size, image.format, not drafted, file)


def _load_image(image: Image.Image) -> None:
    """Load the pixels of an image in memory, or raise `ValueError` if it was closed."""
    try:
        image.load()
    except (AssertionError, AttributeError, ValueError) as error:
        file = getattr(image, "fp", None)
        if (file is None or file.closed) and getattr(
            image, "_im", getattr(image, "im", None)
        ) is None:
            raise ValueError(
                "the image was closed before its pixels were loaded. Call load() on it before it "
                "is closed, or pass the path of its file"
            ) from error
        raise


def _image_from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    shape = array.shape
    if array.dtype != np.uint8:
        raise TypeError(
            f"expected an array of dtype uint8 (0 to 255), got {array.dtype}. Write "
            f"{conversion_code(array, 'array', is_batch=False)}"
        )
    if array.ndim == 3 and shape[2] == 1:
        array = array[:, :, 0]
    elif not (array.ndim == 2 or (array.ndim == 3 and shape[2] in (3, 4))):
        raise ValueError(
            f"expected an array of shape (height, width), (height, width, 3) or "
            f"(height, width, 4), got {shape}{_channels_hint(array)}"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _channels_hint(array: np.ndarray[Any, Any]) -> str:
    """Return advice for an array whose channels come first."""
    text = conversion_code(array, "array", is_batch=False)
    return "" if text == "array" else f". Its channels come first. Write {text}"


def _finish(found: _Found, decoding: Decoding) -> DecodedImage:
    """Bring a decoded image upright and into an opaque form."""
    image, size = found.image, found.size
    if 0 in image.size:
        raise ValueError(f"the image has no pixels: {image.width}x{image.height}")
    if decoding.orient:
        transpose = _UPRIGHT.get(read_orientation(image))
        if transpose is not None:
            image = image.transpose(transpose)
            if transpose not in (
                Image.Transpose.FLIP_LEFT_RIGHT,
                Image.Transpose.FLIP_TOP_BOTTOM,
                Image.Transpose.ROTATE_180,
            ):
                size = size[::-1]
    shown = image if found.is_whole else None
    if decoding.background is not None:
        image = flatten(image, decoding.background)
    return DecodedImage(image, *size, found.format, shown, found.file)
