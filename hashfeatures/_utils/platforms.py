"""What Windows does differently."""

from __future__ import annotations

import os

IS_WINDOWS = os.name == "nt"

_MOST_LETTERS = 259  # of a path, unless the system allows more


def explain_missing(error: OSError) -> str:
    """Return what to do about a file that is missing because its path is long; often nothing."""
    name = error.filename
    is_long = isinstance(name, str) and len(os.path.abspath(name)) > _MOST_LETTERS
    if not (IS_WINDOWS and is_long and isinstance(error, FileNotFoundError)):
        return ""
    return f" (Windows allows {_MOST_LETTERS} characters in a path unless long paths are enabled)"
