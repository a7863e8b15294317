"""Python code that converts an array or tensor to 8-bit images, for error messages."""

from __future__ import annotations

from typing import Any

_CHANNELS = (1, 3, 4)

# The conversion of each package's arrays to numpy.
_TO_NUMPY = {"torch": "{}.numpy()", "tensorflow": "{}.numpy()", "cupy": "{}.get()"}


def is_tensor(source: object) -> bool:
    """Return whether an object is an array of a package other than numpy, pandas or polars."""
    package = type(source).__module__.partition(".")[0]
    is_array = hasattr(source, "shape") and hasattr(source, "dtype") and hasattr(source, "ndim")
    return is_array and package not in ("numpy", "scipy", "pandas", "polars", "pyarrow")


def is_single(shape: tuple[int, ...]) -> bool:
    """Return whether an array of this shape is one image, not a batch."""
    return len(shape) == 2 or (len(shape) == 3 and shape[-1] in _CHANNELS)


def is_ambiguous(shape: tuple[int, ...]) -> bool:
    """Return whether an array may be one channels-first image or three or four gray ones."""
    return len(shape) == 3 and shape[0] in (3, 4) and shape[-1] not in _CHANNELS


def conversion_code(array: Any, name: str, is_batch: bool) -> str:
    """Return the expression that converts an array to uint8 with its channels last.

    Parameters
    ----------
    array : array or tensor
        One image, or a batch of them along the first axis.
    name : str
        The name of the array in the expression. It is returned if no conversion is needed.
    is_batch : bool
        Whether the first axis counts images.

    Returns
    -------
    str
        A Python expression.

    Examples
    --------
    >>> import numpy as np
    >>> from hashfeatures.images._arrays import conversion_code
    >>> conversion_code(np.ones((3, 8, 9)), "image", is_batch=False)
    "(image.transpose(1, 2, 0) * 255).round().astype('uint8')"
    """
    text = name
    if is_tensor(array):
        package = type(array).__module__.partition(".")[0]
        if getattr(array, "requires_grad", False):
            text += ".detach()"
        if str(getattr(array, "device", "cpu")) != "cpu" and package == "torch":
            text += ".cpu()"
        text = _TO_NUMPY.get(package, "np.asarray({})").format(text)
    shape = tuple(array.shape)[int(is_batch) :]
    if len(shape) == 3 and shape[0] in _CHANNELS and shape[-1] not in _CHANNELS:
        text += ".transpose(0, 2, 3, 1)" if is_batch else ".transpose(1, 2, 0)"
    return _as_uint8(array, text)


def _as_uint8(array: Any, text: str) -> str:
    """Append the conversion of the values of an array to 0 to 255."""
    kind = str(getattr(array.dtype, "name", array.dtype)).rpartition(".")[2]
    if kind == "uint8":
        return text
    if kind == "bool":
        return f"({text} * 255).astype('uint8')"
    try:
        low, high = float(array.min()), float(array.max())
    except Exception:  # the array is empty, or its package has other methods
        low, high = 0.0, 1.0
    if low >= 0 and high <= 1 and "float" in kind:
        return f"({text} * 255).round().astype('uint8')"
    if low >= 0 and high <= 255:
        return f"{text}.round().astype('uint8')"
    if low >= 0 and high <= 65535 and "float" not in kind:
        return f"({text} >> 8).astype('uint8')"
    return f"(({text} - {text}.min()) / np.ptp({text}) * 255).round().astype('uint8')"
