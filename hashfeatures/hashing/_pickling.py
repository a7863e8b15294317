"""Image sources in a form that another process can receive."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from ..exceptions import ImageReadError
from ..images._decoding import Decoding
from ..images._errors import as_read_error
from ..images._open import read_whole
from ..images._read import DecodedImage, read_image
from ..images._references import ImageReference, Resolved
from ..images._sources import describe_source


def to_picklable(source: Any, decoding: Decoding) -> Any:
    """Return an equivalent of an image source that another process can receive.

    Open files cannot be pickled, nor can some paths, buffers and mappings. A PIL image loses its
    orientation and the transparency of its palette, so it is first brought upright and composed
    onto the background. An object that is not an image source becomes an `ImageReadError`.
    """
    try:
        if isinstance(source, ImageReadError):
            return source
        if isinstance(source, ImageReference):
            return source if source.reads_in_worker else _read_reference(source, decoding)
        if isinstance(source, Image.Image):
            return _image_to_picklable(read_image(source, decoding))
        if isinstance(source, Mapping):
            return _mapping_to_picklable(source, decoding)
        if isinstance(source, bytes | bytearray | memoryview):
            return bytes(source)
        if isinstance(source, str):
            return str(source)
        if isinstance(source, os.PathLike):
            return source if _is_picklable(source) else os.fspath(source)
        if isinstance(source, np.ndarray) and source.dtype == np.uint8:
            return np.asarray(source)
        if hasattr(source, "read"):
            return read_whole(source)
        read_image(source, decoding)  # raises the error of what is not an image source
    except ImageReadError as error:
        return error.without_traceback()
    except Exception as error:  # a foreign file object may raise anything
        return as_read_error(source, error)
    return source


def _read_reference(source: ImageReference, decoding: Decoding) -> Any:
    content = source.resolve()
    if isinstance(content, Image.Image):
        return _image_to_picklable(read_image(content, decoding))
    found = to_picklable(content, decoding)
    if isinstance(found, ImageReadError):
        return ImageReadError(source.name, found.cause, lasting=False)
    return Resolved(source.name, found)


def _mapping_to_picklable(source: Mapping[str, Any], decoding: Decoding) -> Any:
    data, path = source.get("bytes"), source.get("path")
    content = to_picklable(path if data is None else data, decoding)
    if isinstance(content, ImageReadError):
        return ImageReadError(describe_source(source), content.cause, lasting=False)
    if data is None:
        return {"path": content}
    return {"bytes": content, "path": path if isinstance(path, str) else None}


def _image_to_picklable(decoded: DecodedImage) -> DecodedImage:
    image, shown = _stripped(decoded.image), decoded.shown
    if shown is None or shown is decoded.image:
        return replace(decoded, image=image, shown=image)
    if shown.mode in ("P", "PA"):
        shown = shown.convert("RGBA" if shown.has_transparency_data else "RGB")
    return replace(decoded, image=image, shown=_stripped(shown))


def _stripped(image: Image.Image) -> Image.Image:
    """Return an image without metadata that cannot be pickled."""
    if _is_picklable(image.info):
        return image
    copy = image.copy()
    copy.info = {name: value for name, value in image.info.items() if name == "transparency"}
    return copy


def _is_picklable(thing: Any) -> bool:
    try:
        pickle.loads(pickle.dumps(thing))
    except Exception:  # a foreign object may raise anything
        return False
    return True
