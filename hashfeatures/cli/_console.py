"""Output on stdout and stderr: lines, and results as JSON."""

from __future__ import annotations

import errno
import json
import os
import sys
from typing import Any, TextIO

import click

from .._utils.platforms import IS_WINDOWS


def echo(text: str, err: bool = False, nl: bool = True) -> None:
    """Print a line. If the reader has closed the pipe, as ``head`` does, go on silently."""
    try:
        click.echo(text, err=err, nl=nl)
    except OSError as error:
        if not is_closed_pipe(error):
            raise
        silence(sys.stderr if err else sys.stdout)


def is_closed_pipe(error: OSError) -> bool:
    """Return whether the reader of a pipe has closed it, for which Windows reports EINVAL."""
    return isinstance(error, BrokenPipeError) or (IS_WINDOWS and error.errno == errno.EINVAL)


def silence(stream: TextIO) -> None:
    """Discard everything that is written to a stream from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def echo_json(value: Any) -> None:
    """Print a value as JSON in ASCII, so that file names of any bytes survive.

    JSON has no numbers that are not finite: NaN and infinity become null.
    """
    text = json.dumps(value, default=_to_plain)
    finite = json.loads(text, parse_constant=lambda constant: None)
    echo(json.dumps(finite, indent=1))


def _to_plain(value: Any) -> Any:
    """Convert scalars of numpy and pandas to Python's."""
    if hasattr(value, "item"):
        return value.item()
    return None if value != value or type(value).__name__ == "NAType" else str(value)
