"""Exit codes of the command, and the error that ends it."""

from __future__ import annotations

# The exit codes.
WELL, FOUND, MISUSED, FAILED, UNCHECKED, INTERRUPTED = 0, 1, 2, 3, 4, 130


class CommandError(Exception):
    """The work cannot be done, for a reason that one or two lines tell."""
