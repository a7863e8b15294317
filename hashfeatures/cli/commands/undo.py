"""``hashfeatures undo``: what a journal tells, undone."""

from __future__ import annotations

import click

from ..acting import undo
from ..asked import CommandError, Common
from ..options import echo_json, telling_options
from ..telling import echo


@click.command("undo")
@click.argument("journal")
@telling_options
def command(common: Common, journal: str) -> None:
    """Bring files back that were moved or linked.

    JOURNAL is what "hashfeatures duplicates" wrote. Nothing is overwritten: a file whose place
    is taken stays where it is, and is named.
    """
    told: list[str] = []
    n_back, n_lost = undo(journal, told.append if common.as_json else echo)
    if common.as_json:
        echo_json({"back": n_back, "lost": n_lost, "told": told})
    if n_lost:
        raise CommandError(f"{n_lost} of {n_back + n_lost} files could not be brought back.")
