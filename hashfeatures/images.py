"""Any source of an image as one upright, opaque Pillow image.

The route is the same for every source: find the bytes, decode the first frame, turn it as its
EXIF orientation says, then bring the pixels into a form that Pillow can turn into luma without
losing anything that a person would see (`flatten`).
"""

from __future__ import annotations

import io
import logging
import os
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageCms, ImageColor, UnidentifiedImageError

from .descriptions import describe_value, shorten
from .exceptions import ImageReadError, MissingExtraError
from .image_files import HEIF, recognize, say_heif_cure
from .parameters import check_bool, check_choice, check_int, refuse
from .remote import read_url
from .sources import (
    describe_source,
    is_data_uri,
    is_far,
    is_missing,
    is_url,
    local_path,
    read_data_uri,
)

# What Pillow logs of a broken file is printed if nobody handles it; the error says as much.
logging.getLogger("PIL").addHandler(logging.NullHandler())

_ORIENTATION_TAG = 0x0112
_LONGEST_CAUSE = 600  # letters of an error's text
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
class Decoding:
    """How files become pixels: the settings that every image of a run shares.

    Parameters
    ----------
    decode : {"full", "reduced"}
        Whether a JPEG is decoded at its full size or at an eighth, a quarter or a half of it.
    orient : bool
        Whether the EXIF orientation is applied.
    background : str, tuple of int or None
        What shows under transparent pixels, as `PIL.ImageColor.getrgb` reads it or as red, green
        and blue. None: the pixels stay as Pillow decodes them, which is what ImageHash sees.
    max_pixels : int or None
        The most pixels that an image may have; None leaves it to Pillow's own limit.
    reduced_side : int
        With ``decode="reduced"``: neither side of a JPEG is decoded to fewer pixels than this.
    colour : bool
        With ``decode="reduced"``: False allows the luma of a JPEG to be decoded alone.
    trim_borders : bool
        Whether uniform borders are cut off before hashing.
    load_truncated : bool
        Whether a file that is cut short is an image all the same, as Pillow's
        ``ImageFile.LOAD_TRUNCATED_IMAGES`` says.
    """

    decode: str = "full"
    orient: bool = True
    background: Any = "white"
    max_pixels: int | None = None
    reduced_side: int = 256
    colour: bool = True
    trim_borders: bool = False
    load_truncated: bool = False

    def check(self, owner: str) -> Decoding:
        """Return self, or raise `ParameterError` in the name of `owner`."""
        check_choice(owner, "decode", self.decode, {"full", "reduced"})
        check_bool(owner, "orient", self.orient)
        check_bool(owner, "trim_borders", self.trim_borders)
        if self.max_pixels is not None:
            check_int(owner, "max_pixels", self.max_pixels, 1)
        if self.background is not None:
            try:
                _as_rgb(self.background)
            except (ValueError, TypeError) as error:
                expected = (
                    "a colour that PIL.ImageColor.getrgb reads, three ints from 0 to 255, or None"
                )
                raise refuse(owner, "background", expected, self.background) from error
        return self


@dataclass(frozen=True)
class DecodedImage:
    """One image and what its file said of it.

    Parameters
    ----------
    image : PIL.Image.Image
        The pixels, upright and opaque.
    width, height : int
        The size in pixels of the image as it is seen, before any reduction.
    format : str or None
        Pillow's name of the file format; None for an image that came from memory.
    """

    image: Image.Image
    width: int
    height: int
    format: str | None

    @property
    def name(self) -> str:
        """What the image is called in messages."""
        return describe_source(self.image)


_quiet_limits: tuple[int | None, ...] = ()  # of the contexts that are open, the innermost last


@contextmanager
def quiet_decoding(max_pixels: int | None = None) -> Iterator[None]:
    """Silence what Pillow warns of while it reads odd files, and set the limit of their size.

    Both belong to the whole process, so only its main thread may change them: a pool of threads is
    started from inside this context. Inside another one of the same limit nothing is left to do.

    Parameters
    ----------
    max_pixels : int, optional
        The most pixels that an image may have; None leaves Pillow's own limit.
    """
    global _quiet_limits
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or _quiet_limits[-1:] == (max_pixels,):
        yield
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        limit = Image.MAX_IMAGE_PIXELS
        if max_pixels is not None:
            Image.MAX_IMAGE_PIXELS = -(-max_pixels // 2)  # Pillow refuses what is twice as large
        _quiet_limits += (max_pixels,)
        try:
            yield
        finally:
            _quiet_limits = _quiet_limits[:-1]
            Image.MAX_IMAGE_PIXELS = limit


@contextmanager
def _quiet_libtiff(image: Image.Image) -> Iterator[None]:
    """Keep what libtiff prints of a broken file from the terminal.

    It writes to the file descriptor, which belongs to the whole process: other threads could lose
    their words, so only the main thread turns it away, and for no longer than it decodes.
    """
    is_alone = threading.current_thread() is threading.main_thread()
    try:
        stderr = os.dup(2) if image.format == "TIFF" and is_alone else None
    except OSError:  # there is no stderr
        stderr = None
    if stderr is None:
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def read_image(source: Any, decoding: Decoding = Decoding()) -> DecodedImage:
    """Open any source of an image.

    Parameters
    ----------
    source : str, PathLike, bytes, file object, PIL.Image, ndarray or mapping
        A path, a URL, an encoded image, an open file, an image in memory (uint8 arrays of shape
        (height, width), (height, width, 3) or (height, width, 4)), or a mapping with the keys
        ``"bytes"`` and ``"path"``, as a Hugging Face data set holds it. Of an animation the first
        frame is read; a PIL image is taken at the frame it stands at. A file object is read
        from its beginning and left open, where it was.
    decoding : Decoding
        The settings of the run.

    Returns
    -------
    DecodedImage
        The image and its size and format.

    Raises
    ------
    ImageReadError
        Whatever is wrong with the source.
    MissingExtraError
        If the source is a URL and the extra ``remote`` is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.images import read_image
    >>> decoded = read_image(np.zeros((3, 4), dtype="uint8"))
    >>> decoded.image.mode, decoded.width, decoded.height
    ('L', 4, 3)
    """
    try:
        with quiet_decoding(decoding.max_pixels):
            if isinstance(source, Image.Image):
                source.load()
                return _finish(source, source.size, None, decoding)
            if isinstance(source, np.ndarray):
                image = _image_from_array(source)
                return _finish(image, image.size, None, decoding)
            return _read_file(source, decoding)
    except (ImageReadError, MissingExtraError):
        raise
    except Exception as error:  # Pillow's plugins raise whatever a broken file leads them to
        raise ImageReadError(
            describe_source(source),
            describe_error(error),
            lasting=is_lasting(error) and not is_far(source),
        ) from error


def is_lasting(error: Exception) -> bool:
    """Tell an error of the content from one of the system, which may pass."""
    is_of_the_system = isinstance(error, OSError) and error.errno is not None
    return not (is_of_the_system or isinstance(error, MemoryError | TimeoutError))


def describe_error(error: Exception) -> str:
    """Return the class and the text of an error on one line, which no long name swells."""
    names = {getattr(error, name, None) for name in ("filename", "filename2")}
    text = str(error)
    for name in names:
        if isinstance(name, str | bytes):
            text = text.replace(repr(name), describe_value(name))
    text = shorten(" ".join(text.split()), _LONGEST_CAUSE)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _read_file(source: Any, decoding: Decoding) -> DecodedImage:
    file = _find_file(source)
    try:
        image = Image.open(file)
    except UnidentifiedImageError as error:
        raise ImageReadError(describe_source(source), _say_unidentified(file)) from error
    with image:
        _check_size(image, decoding.max_pixels)
        drafted = None
        if decoding.decode == "reduced":
            whole = image.size
            side = decoding.reduced_side
            drafted = image.draft(None if decoding.colour else "L", (side, side))
        with _quiet_libtiff(image):
            image.load()
        size = whole if drafted else image.size
        return _finish(image, size, image.format, decoding)


def _check_size(image: Image.Image, max_pixels: int | None) -> None:
    """Refuse an image that is too large, in whichever thread it is opened."""
    n_pixels = image.width * image.height
    if max_pixels is not None and n_pixels > max_pixels:
        raise Image.DecompressionBombError(
            f"the image has {n_pixels} pixels, more than the limit of {max_pixels}"
        )


def _find_file(source: Any) -> str | bytes | io.BytesIO:
    """Return what `PIL.Image.open` can open and will close."""
    if isinstance(source, Mapping):
        if not {"bytes", "path"} & set(source):
            raise TypeError(
                f"a mapping needs 'bytes' or 'path'; it has {describe_value(list(source))}"
            )
        data = source.get("bytes")
        return _find_file(source.get("path") if data is None else data)
    if is_missing(source):
        raise ValueError(f"missing value {source!r}: there is no image")
    if isinstance(source, bytes | bytearray | memoryview):
        return io.BytesIO(source)
    if is_data_uri(source):
        return io.BytesIO(read_data_uri(source))
    path = local_path(source)
    if path is None and is_url(source):
        return io.BytesIO(read_url(source))
    if path is not None:
        if not path:
            raise FileNotFoundError("the path is empty")
        if "\0" in os.fsdecode(path):
            raise ValueError("the path holds a NUL character, which no file's name has")
        if os.path.isdir(path):
            raise IsADirectoryError("is a directory, not an image file")
        return path
    if hasattr(source, "read"):
        return io.BytesIO(read_whole(source))
    raise TypeError(
        f"{type(source).__name__} is no image source; expected a path, a URL, bytes, an open "
        f"file, a PIL image, a uint8 array or a mapping with 'bytes' and 'path'"
    )


def read_whole(file: Any) -> bytes:
    """Read an open file from its beginning, and leave it where it was."""
    seekable = getattr(file, "seekable", lambda: False)()
    if not seekable:
        data = file.read()
    else:
        position = file.tell()
        file.seek(0)
        data = file.read()
        file.seek(position)
    if not isinstance(data, bytes):
        raise TypeError(f"the file gives {type(data).__name__}; open it in binary mode")
    return data


def _say_unidentified(file: str | bytes | io.BytesIO) -> str:
    if isinstance(file, io.BytesIO):
        start = file.getvalue()[:16]
    else:
        with open(file, "rb") as opened:
            start = opened.read(16)
    if not start:
        return "the file is empty"
    if recognize(start) == HEIF:
        return say_heif_cure()
    return f"no image format that Pillow knows; the data begins with {start!r}"


def _image_from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    shape = array.shape
    if array.dtype != np.uint8:
        raise TypeError(f"expected an array of dtype uint8 (0 to 255), got {array.dtype}")
    if array.ndim == 3 and shape[2] == 1:
        array = array[:, :, 0]
    elif not (array.ndim == 2 or (array.ndim == 3 and shape[2] in (3, 4))):
        raise ValueError(
            f"expected an array of shape (height, width), (height, width, 3) or "
            f"(height, width, 4), got {shape}"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _finish(
    image: Image.Image, size: tuple[int, int], format_: str | None, decoding: Decoding
) -> DecodedImage:
    if 0 in image.size:
        raise ValueError(f"the image has no pixels: {image.width}x{image.height}")
    if decoding.orient:
        turn = _UPRIGHT.get(read_orientation(image))
        if turn is not None:
            image = image.transpose(turn)
            if turn not in (
                Image.Transpose.FLIP_LEFT_RIGHT,
                Image.Transpose.FLIP_TOP_BOTTOM,
                Image.Transpose.ROTATE_180,
            ):
                size = size[::-1]
    if decoding.background is not None:
        image = flatten(image, decoding.background)
    return DecodedImage(image, size[0], size[1], format_)


def read_orientation(image: Image.Image) -> int:
    """Return the EXIF orientation of an image, 1 to 8; 1 if it has none."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # a damaged EXIF block says nothing of the pixels, which are whole
        return 1


def flatten(image: Image.Image, background: Any = "white") -> Image.Image:
    """Bring an image into an opaque 8-bit form without losing what is seen.

    Parameters
    ----------
    image : PIL.Image.Image
        An image of any mode.
    background : str or tuple of int
        The colour under transparent pixels.

    Returns
    -------
    PIL.Image.Image
        The image itself where it is opaque and of 8 bits; else a new one of mode L or RGB.
        Transparency is composed onto the background. Integers of 16 bits are scaled to 8.
        Integers of 32 bits and floats are taken as they are within 0 to 255, as 16-bit within
        0 to 65535, floats within 0 to 1 as fractions of white, and stretched from their least to
        their greatest value otherwise. LAB is converted to sRGB.

    Raises
    ------
    ValueError
        If a float image holds NaN or infinity.
    """
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _scale_to_8_bits(image, background)
    if image.has_transparency_data:
        below = Image.new("RGBA", image.size, _as_rgb(background))
        return Image.alpha_composite(below, image.convert("RGBA")).convert("RGB")
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _lab_to_srgb()) or image
    return image


def _scale_to_8_bits(image: Image.Image, background: Any) -> Image.Image:
    values = np.asarray(image)
    if image.mode.startswith("I;16"):
        low, high = 0.0, 65535.0
    else:
        low, high = float(values.min()), float(values.max())
        if not np.isfinite([low, high]).all():
            raise ValueError("the image holds NaN or infinite values")
        known = [255.0, 65535.0] if image.mode == "I" else [1.0, 255.0, 65535.0]
        if low >= 0:
            low, high = 0.0, next((top for top in known if high <= top), high)
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low if high > low else 1.0))
    opaque = Image.fromarray(np.rint(scaled).astype(np.uint8))
    clear = image.info.get("transparency")
    if clear is None:
        return opaque
    below = Image.new("RGB", image.size, _as_rgb(background))
    return Image.composite(below, opaque.convert("RGB"), Image.fromarray(values == clear))


@cache
def _lab_to_srgb() -> ImageCms.ImageCmsTransform:
    lab = ImageCms.createProfile("LAB")
    return ImageCms.buildTransform(lab, ImageCms.createProfile("sRGB"), "LAB", "RGB")


def _as_rgb(background: Any) -> tuple[int, int, int]:
    if isinstance(background, str):
        return ImageColor.getrgb(background)[:3]
    red, green, blue = background
    for value in (red, green, blue):
        if not 0 <= value <= 255:
            raise ValueError(f"{value} is out of the range 0 to 255")
    return int(red), int(green), int(blue)
