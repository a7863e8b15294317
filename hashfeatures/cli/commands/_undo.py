"""``hashfeatures undo``: bring back the files that a journal lists."""

from __future__ import annotations

import click

from ..._utils.quantities import count
from .._console import echo, echo_json
from .._context import OutputOptions
from .._errors import CommandError
from .._options import option_groups
from .._undo import undo


@click.command("undo")
@click.argument("journal")
@option_groups(common=OutputOptions)
def command(common: OutputOptions, journal: str) -> None:
    """Bring back files that were moved or linked.

    JOURNAL is the file that "hashfeatures duplicates" wrote. Nothing is overwritten: the command
    skips and names a file if its old place is taken, or if it was changed since. It also removes
    folders that become empty. Deleted files cannot be brought back; the command names them.
    """
    told: list[str] = []
    undone = undo(journal, told.append if common.as_json else echo)
    n_all = undone.n_back + undone.n_there + undone.n_lost
    if common.as_json:
        numbers = {"back": undone.n_back, "already": undone.n_there, "lost": undone.n_lost}
        echo_json(numbers | {"told": told})
    elif undone.n_back:
        echo(f"{count(undone.n_back, 'file')} brought back")
    elif not undone.n_lost:
        echo("nothing left to undo")
    if undone.n_lost:
        raise CommandError(f"{undone.n_lost} of {count(n_all, 'file')} could not be brought back.")
