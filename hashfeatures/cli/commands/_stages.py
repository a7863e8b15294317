"""``hashfeatures stages``: process a data set of any size in stages, here or on Ray."""

from __future__ import annotations

from typing import Any

import click

from .._console import echo, echo_json
from .._context import GroupingOptions, ReadingOptions
from .._errors import WELL, CommandError
from .._finders import finder_of
from .._layouts import read_description
from .._leaking_sets import check_options, list_leaks, name_folder
from .._locked_split import LockOptions
from .._options import Size, given_options, option_groups
from .._parts import allow_unreadable_option

_TABLES = (".csv", ".parquet")


@click.command("stages")
@click.argument("source")
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="DIR",
    help="The folder or URL to write to; created if it does not exist.",
)
@click.option("--column", metavar="NAME", help="The column of a table that holds paths or URLs.")
@click.option(
    "--test-size",
    type=Size(),
    help="The fraction or the number of images in the test part.  [default: as in the lock or in "
    "an earlier run, or 0.25]",
)
@click.option(
    "--validation-size",
    type=Size(),
    help="The same for a validation part.  [default: as in the lock or in an earlier run, or no "
    "such part]",
)
@click.option(
    "--stratify-by",
    metavar="CLASS",
    help="Give every part the same proportions of classes. 'parent' takes the name of each "
    "image's folder as its class; any other value is a column of --table, or a table of images "
    "and classes.",
)
@click.option(
    "--groups",
    metavar="NAME",
    help="Images that must stay in one part besides near duplicates. 'sequences' finds the frames "
    "of videos and the like; any other name is a column of --table.",
)
@click.option(
    "--table",
    metavar="FILE",
    help="A table (.csv, .parquet) with a row for each image, in any order.  [default: SOURCE, if "
    "it is a table or a data set]",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    metavar="N",
    help="Seed of the random split.  [default: 0, or as in the lock or in an earlier run]",
)
@click.option(
    "--against",
    metavar="OTHER",
    help="Compare SOURCE with another data set, such as a test set, instead of splitting it: a "
    "source of any kind.",
)
@allow_unreadable_option
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Run on processes of this machine, or on a Ray cluster.",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    help="The Ray cluster: 'auto', 'host:port' or 'ray://host:port'.  [default: start one on this "
    "machine]",
)
@click.option(
    "-j",
    "--jobs",
    "n_jobs",
    type=int,
    default=-1,
    show_default=True,
    metavar="N",
    help="Number of local processes; -1 uses every core.",
)
@option_groups(locks=LockOptions, options=GroupingOptions, common=ReadingOptions)
def command(
    common: ReadingOptions,
    locks: LockOptions,
    options: GroupingOptions,
    source: str,
    output: str,
    column: str | None,
    test_size: float | None,
    validation_size: float | None,
    stratify_by: str | None,
    groups: str | None,
    table: str | None,
    seed: int | None,
    against: str | None,
    allowed: float | int,
    engine: str,
    address: str | None,
    n_jobs: int,
) -> int:
    """Hash, group and split a large data set.

    The command works in stages, so the data set may be too large for memory, or with Ray for one
    machine.

    SOURCE is a folder, a bucket, a table (.csv, .parquet) of paths or URLs, a pattern of tar
    files, or a file that names the images of a data set, such as data.yaml of YOLO. The command
    finds what 'hashfeatures duplicates' and 'hashfeatures split' find. It writes Parquet files to
    the folders hashes, pairs, groups and split in DIR, and the lists train.txt, test.txt and
    unreadable.txt. Run it again after a crash or with new images: finished work is not repeated,
    and images keep their part. Images are identified by name, so choose a new DIR if images were
    changed or deleted.

    With --against, the command says which images of OTHER have a near duplicate in SOURCE, as
    'hashfeatures leaks SOURCE OTHER' does, and with the same exit codes. It writes the hashes of
    OTHER, the pairs and the leaks to a folder of their own in DIR. In later runs, only images that
    were added to either data set cost time.

    \b
      hashfeatures stages photos -o run
      hashfeatures stages s3://bucket/photos -o s3://bucket/run --engine ray
      hashfeatures stages photos --against test -o run
      hashfeatures stages scans.csv -o run --stratify-by label --groups patient
    """
    from ...distributed import (
        LocalExecutor,
        RayExecutor,
        assign,
        components,
        find_pairs,
        hash_dataset,
    )
    from ...distributed._split import read_classes, write_lists

    if address is not None and engine != "ray":
        raise click.UsageError("--address names a Ray cluster. Add --engine ray.")
    of_split = {
        "--test-size": test_size,
        "--validation-size": validation_size,
        "--stratify-by": stratify_by,
        "--groups": groups,
        "--table": table,
        "--seed": seed,
    }
    given = [name for name, value in of_split.items() if value is not None]
    check_options(against, allowed, given + given_options(locks))
    executor: Any = LocalExecutor(n_jobs)
    if engine == "ray":
        executor = RayExecutor(address or "local")
    folder = output.rstrip("/")
    if not folder:
        raise CommandError("-o names the root of the file system. Give a folder.")
    if locks.lock is not None:
        locks.check(keeps_unreadable=False)
    data_set = read_description(source, common)
    other: Any = None if against is None else read_description(against, common)
    is_column = stratify_by is not None and not stratify_by.lower().endswith(_TABLES)
    known: Any = table
    named = [name for name in (groups, stratify_by if is_column else None) if name is not None]
    if table is None and named:
        known = source if source.lower().endswith(_TABLES) else data_set
    _check_columns(known, named)
    shared = {"executor": executor, "progress": common.progress}
    finder = finder_of(options)
    hashed = hash_dataset(
        source if data_set is None else data_set,
        f"{folder}/hashes",
        finder,
        column=column,
        **shared,
    )
    if against is not None:
        place = name_folder(folder, against)
        other = against if other is None else other
        return list_leaks(hashed.out, other, place, finder, column, allowed, shared, common)
    if hashed.n_images and hashed.n_failed == hashed.n_images:
        raise CommandError(
            f"None of the {hashed.n_images} images could be read, so there is nothing to split. "
            f"The column 'error' of {hashed.out} holds the reasons."
        )
    paired = find_pairs(hashed.out, f"{folder}/pairs", **shared)
    grouped = components(paired.out, f"{folder}/groups", hashes=hashed.out, **shared)
    assigned = assign(
        grouped.out,
        f"{folder}/split",
        test_size,
        stratify_by if is_column or stratify_by is None else read_classes(stratify_by),
        validation_size=validation_size,
        groups=groups,
        table=known,
        column=column,
        priority=locks.priorities(),
        random_state=seed,
        lock=locks.lock,
        hashes=hashed.out,
    )
    write_lists(assigned.out, folder)
    counts = {
        "images": hashed.n_images,
        "new": hashed.n_new,
        "failed": hashed.n_failed,
        "pairs": paired.n_pairs,
        "groups": grouped.n_groups,
        "duplicates": grouped.n_duplicates,
        **assigned.sizes,
        "moved": len(assigned.conflicts),
    }
    if common.as_json:
        echo_json(counts)
        return WELL
    for name, number in counts.items():
        echo(f"{name:<10} {number:>12,}")
    return WELL


def _check_columns(table: Any, names: list[str]) -> None:
    """Raise before any image is hashed if names are neither columns of a table nor keywords."""
    from ..._utils.frames import column_names
    from ...distributed._image_table import list_columns

    columns = list_columns(table) if isinstance(table, str) else column_names(table)
    for name in names:
        if name not in (*columns, "parent", "sequences"):
            where = f"the table has the columns {', '.join(map(str, columns[:10]))}"
            if table is None:
                where = "there is no table; add --table FILE"
            raise CommandError(f"{name!r} is no column of images: {where}.")
