"""The options of a command that splits a data set in stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import click

from ._errors import CommandError
from ._options import OptionGroup, Size, option

_TABLES = (".csv", ".parquet")
# What is not a column, unless the table has one of that name.
_KEYWORDS = ("parent", "sequences")


@dataclass(frozen=True)
class StageSplitOptions(OptionGroup):
    """How the images of a stage are split.

    Parameters
    ----------
    test_size, validation_size : float, int or None
        The shares or the numbers of images.
    stratify_by : str or None
        "parent", the name of a column, or a file of images and classes.
    groups : str or None
        "sequences" or the name of a column.
    table : str or None
        The file with the columns.
    seed : int or None
        The seed of the random split.
    """

    test_size: float | None = option(
        "--test-size",
        type=Size(),
        help="The fraction or the number of images in the test part.  [default: as in the lock or "
        "in an earlier run, or 0.25]",
    )
    validation_size: float | None = option(
        "--validation-size",
        type=Size(),
        help="The same for a validation part.  [default: as in the lock or in an earlier run, or "
        "no such part]",
    )
    stratify_by: str | None = option(
        "--stratify-by",
        metavar="CLASS",
        help="Give every part the same proportions of classes. 'parent' takes the name of each "
        "image's folder as its class; any other value is a column of --table, or a table of "
        "images and classes.",
    )
    groups: str | None = option(
        "--groups",
        metavar="NAME",
        help="Images that must stay in one part besides near duplicates. 'sequences' finds the "
        "frames of videos and the like; any other name is a column of --table.",
    )
    table: str | None = option(
        "--table",
        metavar="FILE",
        help="A table (.csv, .parquet) with a row for each image, in any order.  [default: "
        "SOURCE, if it is a table or a data set]",
    )
    seed: int | None = option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="N",
        help="Seed of the random split.  [default: 0, or as in the lock or in an earlier run]",
    )

    def read(self, source: str, data_set: Any, column: str | None) -> dict[str, Any]:
        """Return what to pass to `assign`, read before any image is hashed.

        Parameters
        ----------
        source : str
            The source of the command.
        data_set : Collection or None
            The data set that the source describes.
        column : str or None
            The column of the source with the images.

        Returns
        -------
        dict of str to object
            The parameters.

        Raises
        ------
        CommandError
            If there is no such column.
        """
        from ..distributed.splits._split import read_classes

        stratify: Any = self.stratify_by
        named = [self.groups]
        if stratify is not None and stratify.lower().endswith(_TABLES):
            stratify = read_classes(stratify)
        else:
            named.append(stratify)
        table: Any = self.table
        if table is None and any(named):
            table = source if source.lower().endswith(_TABLES) else data_set
        _check_columns(table, [name for name in named if name is not None])
        return {
            "test_size": self.test_size,
            "validation_size": self.validation_size,
            "stratify": stratify,
            "groups": self.groups,
            "table": table,
            "column": column if self.table is None else None,
            "random_state": self.seed,
        }


def _check_columns(table: Any, names: list[str]) -> None:
    from .._utils.frames import column_names
    from ..distributed.splits._image_table import list_columns

    columns = list_columns(table) if isinstance(table, str) else column_names(table)
    for name in names:
        if name not in (*columns, *_KEYWORDS):
            where = f"the table has the columns {', '.join(map(str, columns[:10]))}"
            if table is None:
                where = "there is no table; add --table FILE"
            raise CommandError(f"{name!r} is not a column of images: {where}.")
