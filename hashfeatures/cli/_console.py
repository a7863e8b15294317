"""Lines on stdout and stderr, which nobody has to read to their end."""

from __future__ import annotations

import os
import sys
from typing import TextIO

import click


def echo(text: str, err: bool = False, nl: bool = True) -> None:
    """Print a line; once its reader has gone away, as ``head`` does, the work goes on silently."""
    try:
        click.echo(text, err=err, nl=nl)
    except BrokenPipeError:
        silence(sys.stderr if err else sys.stdout)


def silence(stream: TextIO) -> None:
    """Let a stream take all that follows, and drop it."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
