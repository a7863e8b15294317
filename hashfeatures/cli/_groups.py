"""Groups of images that a command keeps in one part, besides near duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from ._context import GlobalOptions
from ._inputs import InputImages
from ._options import OptionGroup, option

_SEQUENCES = "sequences"


@dataclass(frozen=True)
class GroupOptions(OptionGroup):
    """Which images must stay in one part.

    Parameters
    ----------
    groups : str or None
        "sequences", "parent", "grandparent" or the name of a column.
    pattern : str or None
        The template of the names of sequences.
    """

    groups: str | None = option(
        "--groups",
        metavar="NAME",
        help="Images that must stay in one part besides near duplicates. 'sequences' finds the "
        "frames of videos and the like by names, times and pixels; 'parent' takes the name of "
        "each image's folder; any other name is a column of the table.",
    )
    pattern: str | None = option(
        "--sequence-pattern",
        metavar="TEMPLATE",
        help="How the file names of sequences are made, such as '{sequence}_{frame}.ppm' or "
        "'{patient}/*_{frame}'. It implies --groups sequences.",
    )

    def read(self, collections: Sequence[InputImages], common: GlobalOptions) -> Any:
        """Return what to pass as groups.

        Parameters
        ----------
        collections : sequence of InputImages
            The parts.
        common : GlobalOptions
            The number of workers.

        Returns
        -------
        None, SequenceFinder, or list of lists
            The group of each image for each part, or what finds it.

        Raises
        ------
        CommandError
            If there is no such column.
        """
        if self.groups is None and self.pattern is None:
            return None
        columns = [part.columns for part in collections]
        has_column = any(table is not None and self.groups in table.columns for table in columns)
        if self.groups not in (None, _SEQUENCES) or has_column:
            if self.pattern is not None:
                raise click.UsageError("--sequence-pattern needs --groups sequences.")
            return [part.classes(self.groups) for part in collections]
        from ..model_selection.sequences import SequenceFinder

        return SequenceFinder(pattern=self.pattern, n_jobs=common.n_jobs)
