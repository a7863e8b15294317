"""``hashfeatures undo``: what a journal tells, undone."""

from __future__ import annotations

import click

from .._console import echo
from .._context import Common
from .._errors import CommandError
from .._options import echo_json, telling_options
from .._undoing import undo


@click.command("undo")
@click.argument("journal")
@telling_options
def command(common: Common, journal: str) -> None:
    """Bring files back that were moved or linked.

    JOURNAL is what "hashfeatures duplicates" wrote. Nothing is overwritten: a file whose place
    is taken stays where it is, and is named; so does one that was changed since. Folders that are
    empty then are removed. Deleted files are gone, and are named too.
    """
    from ...report._text import count

    told: list[str] = []
    undone = undo(journal, told.append if common.as_json else echo)
    n_all = undone.n_back + undone.n_there + undone.n_lost
    if common.as_json:
        numbers = {"back": undone.n_back, "already": undone.n_there, "lost": undone.n_lost}
        echo_json(numbers | {"told": told})
    elif undone.n_back:
        echo(f"{count(undone.n_back, 'file')} brought back")
    elif not undone.n_lost:
        echo("nothing is left to undo")
    if undone.n_lost:
        raise CommandError(f"{undone.n_lost} of {count(n_all, 'file')} could not be brought back.")
