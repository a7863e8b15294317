"""Pillow's plugins, limits and flags, and their transfer to worker processes.

They are globals of Pillow's modules. A worker is a new process and has only Pillow's own. A run
records the state of the process that started it, and each worker puts it in place before it opens
a file.
"""

from __future__ import annotations

import pickle
import platform
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import PIL
from PIL import Image

from .._utils.joblib_internals import pickle_for_worker
from ..exceptions import EngineError
from ._known_plugins import (
    KNOWN_FORMATS,
    leave_plugins_alone,
    register_known_plugins,
    version_of,
)

# The globals that determine which files can be read, or their pixels.
_FLAGS = (
    ("Image", "MAX_IMAGE_PIXELS"),
    ("ImageFile", "LOAD_TRUNCATED_IMAGES"),
    ("PngImagePlugin", "MAX_TEXT_CHUNK"),
    ("PngImagePlugin", "MAX_TEXT_MEMORY"),
    ("GifImagePlugin", "LOADING_STRATEGY"),
    ("TiffImagePlugin", "READ_LIBTIFF"),
    ("BmpImagePlugin", "USE_RAW_ALPHA"),
)
# The options of other plugins that do, by module.
_OPTIONS = (
    ("pillow_heif.options", "ALLOW_INCORRECT_HEADERS"),
    ("pillow_heif.options", "DISABLE_SECURITY_LIMITS"),
    ("pillow_heif.options", "THUMBNAILS"),
)
# Formats that Pillow only recognizes. A registered handler reads them.
_STUBS = ("BUFR", "GRIB", "HDF5", "WMF")

# Pillow tries these first, then the others in the order of its list.
_COMMON = ("Bmp", "Gif", "Jpeg", "Ppm", "Png")
_MODULES = [f"PIL.{name}ImagePlugin" for name in _COMMON]
_MODULES += [
    f"PIL.{name}" for name in getattr(PIL, "_plugins", ()) if f"PIL.{name}" not in _MODULES
]
_RANK = {name: place for place, name in enumerate(_MODULES)}

_LOADING = threading.Lock()
_known: tuple[list[str], dict[str, Any]] = ([], {})


def load_plugins(*, again: bool = False) -> list[str]:
    """Load all of Pillow's plugins, in one order, and return their formats in that order.

    Plugins of other packages are registered if they are known and installed, see
    `register_known_plugins`.

    Pillow loads some plugins when it meets their suffixes, and tries formats in the order in which
    they were loaded. A file that two plugins accept would be read by the one whose suffix came
    first. Here third-party plugins come first, and of these the ones that are registered here
    last. Then come those that Pillow calls common, then the rest in the order of its list.

    Parameters
    ----------
    again : bool, default=False
        Whether to look for packages again that were missing.
    """
    global _known
    with _LOADING:
        Image.init()
        register_known_plugins(again=again)
        if _known != (Image.ID, Image.OPEN):
            Image.ID[:] = sorted(Image.ID, key=_rank)
            _known = (list(Image.ID), dict(Image.OPEN))
    return Image.ID


def _rank(name: str) -> tuple[int, str]:
    if not _is_pillows_own(name):
        if name in KNOWN_FORMATS:  # whoever registered them
            return -1, name
        return -2, ""  # in the order of registration
    return _RANK.get(Image.OPEN[name][0].__module__, len(_RANK)), name


def _is_pillows_own(name: str) -> bool:
    return name in Image.OPEN and _is_pillows(Image.OPEN[name][0])


def _is_pillows(thing: Any) -> bool:
    return (getattr(thing, "__module__", None) or "").partition(".")[0] == "PIL"


@dataclass(frozen=True)
class _Plugins:
    """Third-party plugins that are registered with Pillow.

    Parameters
    ----------
    readers : tuple of (str, callable, callable or None)
        Formats, the functions that open them, and those that recognize them.
    decoders : tuple of (str, type)
        Decoders by name.
    handlers : tuple of (str, object)
        Handlers of the formats that Pillow only recognizes, by format.
    suffixes : tuple of (str, str)
        Suffixes and their formats.
    """

    readers: tuple[tuple[str, Any, Any], ...]
    decoders: tuple[tuple[str, Any], ...]
    handlers: tuple[tuple[str, Any], ...]
    suffixes: tuple[tuple[str, str], ...]

    @classmethod
    def registered(cls, order: tuple[str, ...]) -> _Plugins:
        readers = [(name, *Image.OPEN[name][:2]) for name in order if not _is_pillows_own(name)]
        theirs = {name for name, *_ in readers}
        decoders = [pair for pair in sorted(Image.DECODERS.items()) if not _is_pillows(pair[1])]
        handlers = [(name, _handler_of(name)) for name in _STUBS]
        return cls(
            tuple(readers),
            tuple(decoders),
            tuple(
                (name, handler)
                for name, handler in handlers
                if handler is not None and not _is_pillows(type(handler))
            ),
            tuple(pair for pair in sorted(Image.EXTENSION.items()) if pair[1] in theirs),
        )

    def names(self) -> list[str]:
        """Return the names of the plugins with the versions of their packages."""
        things = [(name, factory) for name, factory, _ in self.readers]
        things += [*self.decoders, *((name, type(thing)) for name, thing in self.handlers)]
        return [f"{name}: {_describe(thing)}" for name, thing in things]

    def register(self) -> None:
        """Register everything with the Pillow of this process."""
        for name, factory, accept in self.readers:
            Image.register_open(name, factory, accept)
        for name, decoder in self.decoders:
            Image.register_decoder(name, decoder)
        for name, handler in self.handlers:
            _module_of(name).register_handler(handler)
        for suffix, name in self.suffixes:
            Image.register_extension(name, suffix)


def _handler_of(name: str) -> Any:
    """Return the handler of a format that Pillow only recognizes."""
    if name not in Image.OPEN:
        return None
    factory = Image.OPEN[name][0]  # newer releases store the handler there
    return getattr(factory, "_handler", None) or getattr(_module_of(name), "_handler", None)


def _module_of(name: str) -> Any:
    return sys.modules[Image.OPEN[name][0].__module__]


def _module(name: str) -> Any:
    return import_module(f"PIL.{name}")


def _describe(thing: Any) -> str:
    module = getattr(thing, "__module__", None) or type(thing).__module__
    name = getattr(thing, "__qualname__", type(thing).__qualname__)
    return f"{module}.{name} {version_of(module.partition('.')[0])}".rstrip()


@dataclass(frozen=True)
class PillowState:
    """The readers, limits and flags of Pillow in one process.

    In the process where it was recorded, `apply` changes nothing. In a process that received it,
    `apply` puts it in place.

    Parameters
    ----------
    flags : tuple
        The values of the globals.
    order : tuple of str
        The formats in the order in which they are tried.
    plugins : _Plugins or bytes or None
        The third-party plugins. Pickled in another process, and None if they cannot be.
    names : tuple of str
        The names of the plugins.
    options : tuple
        The options of plugins, None where they are not known.
    """

    flags: tuple[Any, ...]
    order: tuple[str, ...]
    plugins: _Plugins | bytes | None
    names: tuple[str, ...]
    options: tuple[Any, ...] = ()

    @classmethod
    def here(cls) -> PillowState:
        """Return the state of this process."""
        order = tuple(load_plugins(again=True))
        flags = [getattr(_module(module), name, None) for module, name in _FLAGS]
        flags[0] = max_image_pixels()
        plugins = _Plugins.registered(order)
        options = [getattr(sys.modules.get(module), name, None) for module, name in _OPTIONS]
        names = tuple(plugins.names())
        return cls(tuple(flags), order, plugins, names, tuple(options))

    def __reduce__(self) -> Any:
        return type(self), (self.flags, self.order, self._pickled, self.names, self.options)

    @cached_property
    def _pickled(self) -> bytes | None:
        if not isinstance(self.plugins, _Plugins):
            return self.plugins
        try:
            return bytes(pickle_for_worker(self.plugins))
        except Exception:  # a third-party plugin may hold anything
            return None

    def apply(self) -> None:
        """Put the state in place in a process that received it.

        Raises
        ------
        EngineError
            If the package of a plugin is not installed there.
        """
        global _installed
        if isinstance(self.plugins, _Plugins) or self == _installed:
            return
        Image.init()
        leave_plugins_alone()
        # Plugins of the process itself stay. Those of an earlier run are removed.
        kept = [name for name in Image.ID if name not in _brought and not _is_pillows_own(name)]
        for name, before in _brought.items():
            Image.OPEN.pop(name, None)
            if before is not None:
                Image.OPEN[name] = before
        _brought.clear()
        if self.plugins is not None:
            try:
                plugins = pickle.loads(self.plugins)
            except ImportError as error:
                raise EngineError(
                    f"A worker on {platform.node()} lacks plugins of the process that started "
                    f"the run ({', '.join(self.names)}): {error}. Install the same packages there."
                ) from error
            _brought.update((name, Image.OPEN.get(name)) for name, *_ in plugins.readers)
            plugins.register()
        names = dict.fromkeys([*self.order, *kept])
        Image.ID[:] = [name for name in names if name in Image.OPEN]
        for (module, name), value in zip(_FLAGS, self.flags, strict=True):
            setattr(_module(module), name, value)
        for (module, name), value in zip(_OPTIONS, self.options, strict=True):
            if value is not None and module in sys.modules:
                setattr(sys.modules[module], name, value)
        _installed = self

    def settings(self) -> Mapping[str, Any]:
        """Return the part of the state that belongs to the settings of a cache.

        The limit of pixels is left out, as `Decoding` has its own.
        """
        flags = {name: value for (_, name), value in zip(_FLAGS, self.flags, strict=True)}
        del flags["MAX_IMAGE_PIXELS"]
        flags["LOADING_STRATEGY"] = int(flags["LOADING_STRATEGY"] or 0)
        for (module, name), value in zip(_OPTIONS, self.options, strict=True):
            if value is not None:
                flags[f"{module}.{name}"] = value
        return flags | {"readers": list(self.names)}


_installed: PillowState | None = None
_brought: dict[str, Any] = {}  # formats of the applied state, and their plugins before


def missing_readers() -> str:
    """Return a note on plugins that this process could not receive, or an empty string."""
    if _installed is None or _installed.plugins is not None:
        return ""
    return (
        f" (the plugins {', '.join(_installed.names)} cannot be pickled and are missing in this "
        f"worker. Use n_jobs=1 or the backend 'threading')"
    )


# ---- The limit of pixels ----

_LOCK = threading.Lock()
_needed: list[int] = []  # by the open contexts of all threads
_own: int | None = None  # the limit before the first of them
_raised: int | None = None  # the limit that was set


def max_image_pixels() -> int | None:
    """Return ``PIL.Image.MAX_IMAGE_PIXELS`` as the user set it."""
    with _LOCK:
        is_raised = _needed and _raised == Image.MAX_IMAGE_PIXELS
        return _own if is_raised else Image.MAX_IMAGE_PIXELS


def raised_pixel_limit(max_pixels: int | None) -> AbstractContextManager[None]:
    """Let Pillow open images of up to `max_pixels`, in every thread, while the context is open.

    The limit belongs to the process. It is only ever raised, so that other threads can still open
    what they could before. To enforce a lower limit, check the size of the image.
    """
    limit = max_image_pixels()
    if max_pixels is None or limit is None or max_pixels <= 2 * limit:  # what Pillow allows
        return nullcontext()
    return _raise_limit(max_pixels)


@contextmanager
def _raise_limit(max_pixels: int) -> Iterator[None]:
    global _own
    with _LOCK:
        if not _needed:
            _own = Image.MAX_IMAGE_PIXELS
        _needed.append(max_pixels)  # not half of it, as Pillow warns above its limit
        _adjust()
    try:
        yield
    finally:
        with _LOCK:
            _needed.remove(max_pixels)
            _adjust()


def _adjust() -> None:
    """Set the limit to the greatest one needed, or back to the user's own."""
    global _own, _raised
    limit = Image.MAX_IMAGE_PIXELS
    if limit not in (_own, _raised):  # the user set it in the meantime
        _own = limit
    _raised = None if _own is None else max([_own, *_needed])
    Image.MAX_IMAGE_PIXELS = _raised
