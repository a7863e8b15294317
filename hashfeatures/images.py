"""Any source of an image as one upright, opaque Pillow image.

The route is the same for every source: find the bytes, decode the first frame, turn it as its
EXIF orientation says, then bring the pixels into a form that Pillow can turn into luma without
losing anything that a person would see (`flatten`).
"""

from __future__ import annotations

import errno
import hashlib
import io
import logging
import os
import struct
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from traceback import clear_frames
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageColor, UnidentifiedImageError

from .descriptions import describe_value, shorten
from .exceptions import ImageReadError, MissingExtraError
from .image_arrays import is_tensor, spell_out
from .image_files import HEAD, say_what
from .parameters import check_bool, check_choice, check_int, refuse
from .pillow_state import at_least, load_plugins, max_image_pixels, missing_readers
from .regular_files import name_kind, open_regular
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
    """

    decode: str = "full"
    orient: bool = True
    background: Any = "white"
    max_pixels: int | None = None
    reduced_side: int = 256
    colour: bool = True
    trim_borders: bool = False

    def with_limit(self) -> Decoding:
        """Return the same with Pillow's limit of pixels, if it has none of its own."""
        if self.max_pixels is not None:
            return self
        limit = max_image_pixels()  # Pillow refuses what is over twice as large
        return replace(self, max_pixels=sys.maxsize if limit is None else 2 * limit)

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
    shown : PIL.Image.Image or None
        The same pixels, upright, with all that the file shows: transparency and more than 8 bits.
        None if fewer were decoded.
    file : str, BytesIO or None
        Where it was decoded from; None for an image that came from memory.
    """

    image: Image.Image
    width: int
    height: int
    format: str | None
    shown: Image.Image | None = None
    file: str | io.BytesIO | None = None

    @property
    def name(self) -> str:
        """What the image is called in messages."""
        return describe_source(self.image)


_is_quiet = False  # whether the main thread is in a context of `quiet_decoding`


@contextmanager
def quiet_decoding(max_pixels: int | None = None) -> Iterator[None]:
    """Silence what Pillow warns of while it reads odd files, and allow files of a size.

    Warnings belong to the whole process, so only its main thread may silence them: a pool of
    threads is started from inside this context.

    Parameters
    ----------
    max_pixels : int, optional
        The most pixels that an image may have; None leaves Pillow's own limit.
    """
    global _is_quiet
    with at_least(max_pixels):
        if _is_quiet or threading.current_thread() is not threading.main_thread():
            yield
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _is_quiet = True
            try:
                yield
            finally:
                _is_quiet = False


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
    source : str, PathLike, bytes, file object, PIL.Image, ndarray, mapping or DecodedImage
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
    if isinstance(source, DecodedImage):
        return source
    with quiet_decoding(decoding.max_pixels):
        try:
            found = _decode(source, decoding)
        except (ImageReadError, MissingExtraError):
            raise
        except Exception as error:  # Pillow's plugins raise whatever a broken file leads them to
            raise charge(source, error) from error
        try:
            return _finish(found, decoding)
        except _OF_PIXELS as error:
            raise charge(source, error) from error


# What Pillow raises if it cannot bring the pixels of an image into another form.
_OF_PIXELS = (ValueError, OSError, MemoryError)

# Errors of the system that are not those of any one file.
_OF_THE_SYSTEM = {errno.EMFILE, errno.ENFILE, errno.ENOSPC, getattr(errno, "EDQUOT", -1)}

# How Pillow begins its message on content that will be as broken the next time.
_OF_THE_CONTENT = ("image file is truncated", "broken data stream", "unrecognized data stream")


def charge(source: Any, error: Exception) -> ImageReadError:
    """Return what an error that was met while an image was opened and decoded says of the image.

    Parameters
    ----------
    source : image source
        The image.
    error : Exception
        The error. What its traceback holds, such as pixels, is let go of.

    Returns
    -------
    ImageReadError
        The error of the image.

    Raises
    ------
    Exception
        The error itself if the image is not to blame: a package cannot be imported, the disk is
        full, too many files are open, or a file other than the image's may not be used.
    """
    if _is_of_the_environment(source, error):
        error.add_note(f"This was met while {describe_source(source)!r} was read.")
        raise error
    _let_go(error)
    lasting = _lasts(error) and not is_far(source)
    return ImageReadError(describe_source(source), describe_error(error), lasting=lasting)


def _let_go(error: BaseException | None) -> None:
    """Let go of what the frames hold in which an error was met, such as pixels."""
    while error is not None:
        clear_frames(error.__traceback__)
        error = error.__context__


def _is_of_the_environment(source: Any, error: Exception) -> bool:
    if isinstance(error, ImportError):
        return True
    if not isinstance(error, OSError) or error.errno is None:
        return False
    if error.errno in _OF_THE_SYSTEM:
        return True
    if error.filename is None or is_far(source):
        return False
    is_refused = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
    return is_refused and os.fsdecode(error.filename) != _path_of(source)


def _path_of(source: Any) -> str | None:
    """Return the path that an image source names, None if it names none."""
    if isinstance(source, Mapping):
        return _path_of(source.get("path")) if source.get("bytes") is None else None
    return local_path(source)


def _lasts(error: Exception) -> bool:
    """Tell an error that the same content leads to again from one that may pass.

    What Pillow cannot identify may be known to another release, or with another plugin; the limit
    of pixels may be another; codecs and memory may be missing. All of these raise `OSError` too.
    """
    if isinstance(error, OSError):
        return error.errno is None and str(error).startswith(_OF_THE_CONTENT)
    return isinstance(error, SyntaxError | EOFError | struct.error)


def describe_error(error: Exception) -> str:
    """Return the class and the text of an error on one line, which no long name swells."""
    names = {getattr(error, name, None) for name in ("filename", "filename2")}
    text = str(error)
    for name in names:
        if isinstance(name, str | bytes):
            text = text.replace(repr(name), describe_value(name))
    text = shorten(" ".join(text.split()), _LONGEST_CAUSE)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


class _Found(NamedTuple):
    """An image as its file holds it."""

    image: Image.Image
    size: tuple[int, int]  # before any reduction
    format: str | None = None
    is_whole: bool = True
    file: str | io.BytesIO | None = None


def _decode(source: Any, decoding: Decoding) -> _Found:
    if isinstance(source, Image.Image):
        load_image(source)
        return _Found(source, source.size)
    if isinstance(source, np.ndarray):
        image = _image_from_array(source)
        return _Found(image, image.size)
    file = _find_file(source)
    with _open_file(file, source, decoding.max_pixels) as image:
        drafted = None
        if decoding.decode == "reduced":
            whole = image.size
            side = decoding.reduced_side
            drafted = image.draft(None if decoding.colour else "L", (side, side))
        with _quiet_libtiff(image):
            image.load()
        _check_size(image, decoding.max_pixels)  # of icons, it is known only now
        size = whole if drafted else image.size
        return _Found(image, size, image.format, not drafted, file)


def load_image(image: Image.Image) -> None:
    """Load the pixels of an image in memory, or raise `ValueError` if it was closed."""
    try:
        image.load()
    except (AssertionError, AttributeError, ValueError) as error:
        file = getattr(image, "fp", None)
        if (file is None or file.closed) and getattr(
            image, "_im", getattr(image, "im", None)
        ) is None:
            raise ValueError(
                "the image was closed before its pixels were loaded: call its load() before it "
                "is closed, or pass the path of its file"
            ) from error
        raise


@contextmanager
def open_image(source: Any, max_pixels: int | None = None) -> Iterator[Image.Image]:
    """Open the file of an image, whose pixels are not decoded yet.

    Parameters
    ----------
    source : str, PathLike, bytes, file object or mapping
        See `read_image`.
    max_pixels : int, optional
        The most pixels that the image may have; None leaves it to Pillow's own limit.

    Yields
    ------
    PIL.Image.Image
        The image, which is closed at the end.
    """
    with _open_file(_find_file(source), source, max_pixels) as image:
        yield image


@contextmanager
def _open_file(
    file: str | io.BytesIO, source: Any, max_pixels: int | None
) -> Iterator[Image.Image]:
    load_plugins()
    try:
        image = Image.open(file)
    except UnidentifiedImageError as error:
        _let_go(error)
        raise ImageReadError(
            describe_source(source), _say_unidentified(file), lasting=False
        ) from error
    except Image.DecompressionBombError as error:
        raise Image.DecompressionBombError(f"{error} {_MORE_PIXELS}") from error
    with image:
        _check_size(image, max_pixels)
        yield image


_MORE_PIXELS = "If you trust the file, allow more with max_pixels (in commands, --max-pixels)."


def _check_size(image: Image.Image, max_pixels: int | None) -> None:
    """Refuse an image that is too large, in whichever thread it is opened."""
    n_pixels = image.width * image.height
    if max_pixels is not None and n_pixels > max_pixels:
        raise Image.DecompressionBombError(
            f"the image has {n_pixels} pixels, more than the limit of {max_pixels}. {_MORE_PIXELS}"
        )


def _find_file(source: Any) -> str | io.BytesIO:
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
        return _check_path(path)
    if hasattr(source, "read"):
        return io.BytesIO(read_whole(source))
    if is_tensor(source):
        text = spell_out(source, "image", is_batch=False)
        raise TypeError(f"{describe_value(source)} is no image source: write {text}")
    raise TypeError(
        f"{type(source).__name__} is no image source; expected a path, a URL, bytes, an open "
        f"file, a PIL image, a uint8 array or a mapping with 'bytes' and 'path'"
    )


def _check_path(path: str) -> str:
    """Return the path of a regular file that holds something, or raise."""
    if not path:
        raise FileNotFoundError("the path is empty")
    if "\0" in path:
        raise ValueError("the path holds a NUL character, which no file's name has")
    status = os.stat(path)
    kind = name_kind(status)
    if kind == "a directory":
        raise IsADirectoryError("is a directory, not an image file")
    if kind is not None:
        raise OSError(f"is {kind}, not an image file")
    if not status.st_size:  # or one of /proc, which might wait
        raise ValueError("the file is empty")
    return path


def convert(image: Image.Image, mode: str) -> Image.Image:
    """Return an image in another mode, or raise `ImageReadError` if Pillow cannot do that."""
    try:
        return image.convert(mode)
    except _OF_PIXELS as error:
        raise charge(image, error) from error


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


def _say_unidentified(file: str | io.BytesIO) -> str:
    if isinstance(file, io.BytesIO):
        start = file.getvalue()[:HEAD]
    else:
        with open(file, "rb") as opened:
            start = opened.read(HEAD)
    if not start:
        return "the file is empty"
    return say_what(start) + missing_readers()


def _image_from_array(array: np.ndarray[Any, Any]) -> Image.Image:
    shape = array.shape
    if array.dtype != np.uint8:
        raise TypeError(
            f"expected an array of dtype uint8 (0 to 255), got {array.dtype}: write "
            f"{spell_out(array, 'array', is_batch=False)}"
        )
    if array.ndim == 3 and shape[2] == 1:
        array = array[:, :, 0]
    elif not (array.ndim == 2 or (array.ndim == 3 and shape[2] in (3, 4))):
        raise ValueError(
            f"expected an array of shape (height, width), (height, width, 3) or "
            f"(height, width, 4), got {shape}{_say_turned(array)}"
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _say_turned(array: np.ndarray[Any, Any]) -> str:
    text = spell_out(array, "array", is_batch=False)
    return "" if text == "array" else f", whose channels come first: write {text}"


def _finish(found: _Found, decoding: Decoding) -> DecodedImage:
    image, size = found.image, found.size
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
    shown = image if found.is_whole else None
    if decoding.background is not None:
        image = flatten(image, decoding.background)
    return DecodedImage(image, *size, found.format, shown, found.file)


def read_what_is_left_out(file: str | io.BytesIO) -> bytes:
    """Return the digest of a file if it may show more than what is decoded of it, else nothing.

    Of an animation one frame is decoded, and of some formats 8 of 16 bits: such files show the
    same for certain only if they are the same.
    """
    try:
        with open_image(file) as image:
            if not _shows_more(image):
                return b""
        return _digest_content(file)
    except ImageReadError:
        raise
    except Exception as error:  # the file may be another by now
        raise charge(file, error) from error


def _digest_content(file: str | io.BytesIO) -> bytes:
    content = hashlib.sha256()
    with open_regular(file) if isinstance(file, str) else io.BytesIO(file.getvalue()) as opened:
        while block := opened.read(_READ):
            content.update(block)
    return content.digest()


_READ = 2**20  # bytes at a time


def holds_further_pictures(file: str) -> bool:
    """Tell whether a file holds frames, pages or layers beside the one that is decoded of it.

    What phones put beside a photo (MPO: a preview, a map of its brightness) is not counted. Pixels
    are not decoded, so an image of any size is looked at.
    """
    try:
        with quiet_decoding(sys.maxsize), open_image(file) as image:
            return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # the further frames of a broken file
        return True


# Formats of which Pillow does not say with how many bits they were written.
_OF_ANY_DEPTH = {"JPEG2000", "AVIF", "HEIF"}


def _shows_more(image: Image.Image) -> bool:
    try:
        is_animated = getattr(image, "is_animated", False)
    except Exception:  # the further frames of a broken file
        return True
    if is_animated or image.format in _OF_ANY_DEPTH:
        return True
    if image.mode.startswith("I") or image.mode == "F":
        return False
    for tile in getattr(image, "tile", ()):
        arguments = tile[3] if isinstance(tile[3], tuple) else (tile[3],)
        words = [tile[0], *arguments]
        if any("16" in word for word in words if isinstance(word, str)):
            return True
        if tile[0].startswith("ppm") and isinstance(arguments[-1], int) and arguments[-1] > 255:
            return True
    return False


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
        The colour under transparent pixels. An image that is blank on it is laid on black if it
        is a light one, on white if it is a dark one, if more is seen there.

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
        gray = _scale_to_8_bits(image)
        clear = image.info.get("transparency")
        if clear is None:
            return gray
        opaque = Image.fromarray(np.asarray(image) != clear)
        return _lay(gray.convert("RGB"), opaque, background)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return _lay(rgba, None, background)
    if image.mode == "LAB":
        return ImageCms.applyTransform(image, _lab_to_srgb()) or image
    return image


# Of an image whose luma spans no more than this, of 255, hardly anything is seen.
_BLANK = 25


def _lay(image: Image.Image, opaque: Image.Image | None, background: Any) -> Image.Image:
    """Lay an image on a background, or where it is blank on that one, on black or white."""
    rgb = _as_rgb(background)
    laid = _lay_on(image, opaque, rgb)
    span = _span(laid)
    if span > _BLANK:
        return laid
    is_light = Image.new("RGB", (1, 1), rgb).convert("L").getpixel((0, 0)) >= 128  # type: ignore[operator]
    other = _lay_on(image, opaque, (0, 0, 0) if is_light else (255, 255, 255))
    return other if _span(other) > span else laid


def _lay_on(
    image: Image.Image, opaque: Image.Image | None, rgb: tuple[int, int, int]
) -> Image.Image:
    if opaque is not None:
        return Image.composite(image, Image.new("RGB", image.size, rgb), opaque)
    below = Image.new("RGBA", image.size, rgb)
    return Image.alpha_composite(below, image).convert("RGB")


def _span(image: Image.Image) -> int:
    """Return how far the luma of an image spans."""
    low, high = image.convert("L").getextrema()
    return int(high) - int(low)  # type: ignore[arg-type]


def _scale_to_8_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image)
    low, high = find_range(image, values)
    if not np.isfinite([low, high]).all():
        raise ValueError(
            "the image holds NaN or infinite values: numpy.nan_to_num(array) replaces them"
        )
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low if high > low else 1.0))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def find_range(image: Image.Image, values: NDArray[Any]) -> tuple[float, float]:
    """Return which values of an image of 16 bits, 32 bits or floats are black and white."""
    if image.mode.startswith("I;16"):
        return 0.0, 65535.0
    low, high = float(values.min()), float(values.max())
    if low >= 0:
        known = [255.0, 65535.0] if image.mode == "I" else [1.0, 255.0, 65535.0]
        return 0.0, next((top for top in known if high <= top), high)
    return low, high


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
