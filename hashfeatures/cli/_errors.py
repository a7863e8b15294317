"""The exit codes of the command, and the error that ends it."""

from __future__ import annotations

WELL, FOUND, MISUSED, FAILED, UNCHECKED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class CommandError(Exception):
    """The command cannot do its work, for a reason that fits into one or two lines."""
