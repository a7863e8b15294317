"""Plugins of Pillow that are registered wherever their packages are installed.

Whoever installs such a package wants the files of its format to be read. The plugins are
registered before the first image is opened, whether or not an image needs them: they belong to
the settings of a cache, which must not depend on what was opened before.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any

from PIL import Image

# By format, the package, and the function that registers its plugin if importing it does not.
_PLUGINS = {
    "HEIF": ("pillow_heif", "register_heif_opener"),
    "JXL": ("pillow_jxl", None),
    "AVIF": ("pillow_avif", None),
}
# The suffix by which Pillow tells that it reads a format itself.
_SUFFIXES = {"HEIF": ".heic", "JXL": ".jxl", "AVIF": ".avif"}

# Packages are distributed under other names.
_DISTRIBUTIONS = {"pillow_jxl": "pillow-jxl-plugin", "pillow_avif": "pillow-avif-plugin"}

KNOWN_FORMATS = tuple(_PLUGINS)

_tried: set[str] = set()
_is_over = False


def register_known_plugins(*, again: bool = False) -> None:
    """Register the plugins whose packages are installed, after `PIL.Image.init`.

    A format that Pillow reads already, by itself or by a plugin that the caller registered, is
    left as it is.

    Parameters
    ----------
    again : bool, default=False
        Whether to look for packages again that were missing.
    """
    if _is_over:
        return
    for kind, (package, function) in _PLUGINS.items():
        if _is_read(kind) or (kind in _tried and not again):
            continue
        _tried.add(kind)
        with suppress(Exception):  # a broken plugin must not keep others from being read
            module = import_module(package)
            if function is not None:
                getattr(module, function)()


def _is_read(kind: str) -> bool:
    if _SUFFIXES[kind] in Image.EXTENSION:
        return True
    # Pillow can open formats that it was not built for, and then registers no suffix.
    return kind in Image.OPEN and not Image.OPEN[kind][0].__module__.startswith("PIL.")


def leave_plugins_alone() -> None:
    """Register no plugin from here on, as those of another process are in place."""
    global _is_over
    _is_over = True


@cache
def version_of(package: str) -> str:
    """Return the version of an imported package, or an empty string."""
    version: Any = getattr(sys.modules.get(package), "__version__", None)
    if version is None:
        from importlib import metadata  # here, as it is slow and rarely needed

        with suppress(metadata.PackageNotFoundError):
            version = metadata.version(_DISTRIBUTIONS.get(package, package))
    return str(version or "")
