"""What was asked for on the command line, in plain values; the error of what cannot be done."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from ._console import echo


@dataclass(frozen=True)
class Common:
    """What every command is told.

    Parameters
    ----------
    as_json : bool
        Whether results are JSON.
    quiet : bool
        Whether notes and progress are left out.
    cache : str or None
        The file that keeps hashes.
    n_jobs : int or None
        How many processes hash.
    """

    as_json: bool = False
    quiet: bool = False
    cache: str | None = None
    n_jobs: int | None = None

    @property
    def progress(self) -> bool:
        """Whether somebody is there to look at a bar."""
        return not self.quiet and sys.stderr.isatty()

    def note(self, text: str) -> None:
        """Say something beside the results."""
        if not self.quiet:
            echo(f"hashfeatures: {text}", err=True)


@dataclass(frozen=True)
class Gathering:
    """How images are looked for.

    Parameters
    ----------
    globs : tuple of str
        What the names of files in folders must match; none means the formats of Pillow.
    column : str or None
        The column of tables that holds images.
    links : bool
        Whether folders behind symbolic links are searched.
    """

    globs: tuple[str, ...] = ()
    column: str | None = None
    links: bool = False


@dataclass(frozen=True)
class Asked:
    """What is asked of a finder; None leaves it to the finder."""

    hashes: str | None = None
    radius: int | None = None
    views: str | None = None
    decode: str | None = None
    linkage: str = "single"
