"""The memory of a Pillow image as an array, where that needs no copy.

Pillow lends its memory by the Arrow C data interface, which numpy does not speak: the one address
that is of interest is read out of it here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image


class _ArrowArray(ctypes.Structure):
    """The struct of that name in the interface."""


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
    """Return the bytes of an image as they lie in memory, without copying them.

    Parameters
    ----------
    image : PIL.Image.Image
        A loaded image of mode L, of a byte a pixel, or RGB, of four of which the last says
        nothing.

    Returns
    -------
    ndarray of shape (n_bytes,), dtype uint8, or None
        Read-only; it keeps the image alive. None where Pillow cannot lend it in one piece: older
        releases cannot at all, and large images lie in several.

    References
    ----------
    Apache Arrow, "The Arrow C data interface" and "The Arrow PyCapsule Interface".
    """
    if not _pillow_lends():
        return None
    try:
        _, capsule = image.__arrow_c_array__()
    except (ValueError, MemoryError):
        return None
    array = _struct_of(capsule)
    while array.n_children == 1:  # pixels of several bytes are lists of them
        array = array.children[0].contents
    n_bytes = image.width * image.height * (4 if image.mode == "RGB" else 1)
    if array.length != n_bytes or array.offset:
        return None
    memory: Any = (ctypes.c_uint8 * n_bytes).from_address(array.buffers[1])
    memory.owner = capsule  # gives the image back when it goes
    borrowed = np.frombuffer(memory, dtype=np.uint8)
    borrowed.flags.writeable = False
    return borrowed


def _struct_of(capsule: object) -> _ArrowArray:
    return _ArrowArray.from_address(_pointer_of()(capsule, b"arrow_array"))


@cache
def _pointer_of() -> Callable[[object, bytes], int]:
    function = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    return function(("PyCapsule_GetPointer", ctypes.pythonapi))


@cache
def _pillow_lends() -> bool:
    """Tell whether the installed Pillow lends its memory."""
    return int(PIL.__version__.partition(".")[0]) >= 12 and hasattr(ctypes, "pythonapi")
