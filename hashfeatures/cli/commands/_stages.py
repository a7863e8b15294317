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
from .._options import given_options, option_groups
from .._parts import allow_unreadable_option
from .._stage_split import StageSplitOptions
from .._walk import refuse_store


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
@option_groups(
    splitting=StageSplitOptions, locks=LockOptions, options=GroupingOptions, common=ReadingOptions
)
def command(
    common: ReadingOptions,
    splitting: StageSplitOptions,
    locks: LockOptions,
    options: GroupingOptions,
    source: str,
    output: str,
    column: str | None,
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
    from ...distributed.splits._split import write_lists

    if address is not None and engine != "ray":
        raise click.UsageError("--address names a Ray cluster. Add --engine ray.")
    check_options(against, allowed, given_options(splitting) + given_options(locks))
    executor: Any = LocalExecutor(n_jobs)
    if engine == "ray":
        executor = RayExecutor(address or "local")
    folder = output.rstrip("/")
    if not folder:
        raise CommandError("-o names the root of the file system. Give a folder.")
    if locks.lock is not None:
        locks.check(keeps_unreadable=False)
    for path in (source, against):
        refuse_store(path or "")
    data_set = read_description(source, common)
    other: Any = None if against is None else read_description(against, common)
    parameters = splitting.read(source, data_set, column)
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
        priority=locks.priorities(),
        lock=locks.lock,
        hashes=hashed.out,
        **parameters,
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
