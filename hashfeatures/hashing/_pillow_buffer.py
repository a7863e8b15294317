"""The memory of a Pillow image as an array, without a copy.

Pillow exports its memory through the Arrow C data interface, which numpy does not support. This
module reads the address of the pixels from it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image


class _ArrowArray(ctypes.Structure):
    """The struct ``ArrowArray`` of the interface."""


_ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
    ("dictionary", ctypes.c_void_p),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


def borrow_memory(image: Image.Image) -> NDArray[np.uint8] | None:
    """Return the bytes of an image in memory without copying them.

    Parameters
    ----------
    image : PIL.Image.Image
        A loaded image of mode L, with one byte per pixel, or RGB, with four bytes per pixel of
        which the last is unused.

    Returns
    -------
    ndarray of shape (n_bytes,), dtype uint8, or None
        A read-only array that keeps the image alive. None if Pillow cannot export the memory in
        one piece, as for large images and in older releases.

    References
    ----------
    Apache Arrow, "The Arrow C data interface" and "The Arrow PyCapsule Interface".
    """
    if not _pillow_exports():
        return None
    try:
        _, capsule = image.__arrow_c_array__()
    except (ValueError, MemoryError):
        return None
    array = _struct_of(capsule)
    while array.n_children == 1:  # pixels of several bytes are lists of bytes
        array = array.children[0].contents
    n_bytes = image.width * image.height * (4 if image.mode == "RGB" else 1)
    if array.length != n_bytes or array.offset:
        return None
    return np.asarray(_Borrowed(array.buffers[1], n_bytes, capsule))


class _Borrowed:
    """Memory that numpy reads, and the capsule that keeps it, which numpy keeps in turn."""

    def __init__(self, address: int, n_bytes: int, owner: object) -> None:
        self.__array_interface__ = {
            "shape": (n_bytes,),
            "typestr": "|u1",
            "data": (address, True),  # read-only
            "version": 3,
        }
        self._owner = owner


def _struct_of(capsule: object) -> _ArrowArray:
    return _ArrowArray.from_address(_pointer_of()(capsule, b"arrow_array"))


@cache
def _pointer_of() -> Callable[[object, bytes], int]:
    function = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    return function(("PyCapsule_GetPointer", ctypes.pythonapi))


@cache
def _pillow_exports() -> bool:
    """Return whether the installed Pillow exports its memory.

    Pillow 12 has the interface too, and crashes if the memory is that of an array or of a mapped
    file, as of a gray BMP.
    """
    return int(PIL.__version__.partition(".")[0]) >= 13 and hasattr(ctypes, "pythonapi")
