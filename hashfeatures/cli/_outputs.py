"""Checks of output files, made before the work begins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ._errors import CommandError


def check_outputs(outputs: Sequence[str | None], force: bool) -> None:
    """Raise if results cannot be written to some files, or would overwrite one.

    Even with `force`, an image is never overwritten.
    """
    from ..images._files import holds_image

    for output in outputs:
        if output is None or output == "-":
            continue
        path = Path(output)
        if path.is_dir():
            raise CommandError(f"{output} is a folder. Give the name of a file.")
        if not path.absolute().parent.is_dir():
            raise CommandError(
                f"{output} cannot be written: the folder {path.parent} does not exist."
            )
        if path.exists() and not force:
            raise CommandError(f"{output} exists already. Choose another name or add --force.")
        if path.is_file() and holds_image(output):  # a name too many after --out, say
            raise CommandError(
                f"{output} is an image, which is never overwritten. Choose another name."
            )
        _check_permission(path)


def _check_permission(path: Path) -> None:
    """Raise without permission to create files in the folder, or to write to a pipe or device."""
    if path.exists() and not path.is_file():
        may_write = os.access(path, os.W_OK)
    else:
        may_write = os.access(os.path.dirname(os.path.realpath(path)), os.W_OK | os.X_OK)
    if not may_write:
        raise CommandError(f"{path} cannot be written: there is no permission to write there.")
