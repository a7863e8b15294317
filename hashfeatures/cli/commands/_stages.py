"""``hashfeatures stages``: process a data set of any size in stages, here or on Ray."""

from __future__ import annotations

from typing import Any

import click

from .._console import echo, echo_json
from .._context import GroupingOptions, ReadingOptions
from .._errors import CommandError
from .._finders import finder_of
from .._layouts import list_images
from .._options import option_groups


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
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.25,
    show_default=True,
    metavar="SIZE",
    help="The fraction of images in the test part.",
)
@click.option(
    "--stratify-by",
    metavar="CLASS",
    help="'parent' takes the name of each image's folder as its class; any other value is a "
    "table of images and classes.",
)
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
@option_groups(options=GroupingOptions, common=ReadingOptions)
def command(
    common: ReadingOptions,
    options: GroupingOptions,
    source: str,
    output: str,
    column: str | None,
    test_size: float,
    stratify_by: str | None,
    engine: str,
    address: str | None,
    n_jobs: int,
) -> None:
    """Hash, group and split a large data set.

    The command works in stages, so the data set may be too large for memory, or with Ray for one
    machine.

    SOURCE is a folder, a bucket, a table (.csv, .parquet) of paths or URLs, a pattern of tar
    files, or a file that names the images of a data set, such as data.yaml of YOLO. The command
    writes Parquet files to the folders hashes, pairs, groups and split in DIR, and the lists
    train.txt, test.txt and unreadable.txt. Run it again after a crash or with new images:
    finished work is not repeated. Images are identified by name, so choose a new DIR if images
    were changed or deleted.

    \b
      hashfeatures stages photos -o run
      hashfeatures stages s3://bucket/photos -o s3://bucket/run --engine ray
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
    executor: Any = LocalExecutor(n_jobs)
    if engine == "ray":
        executor = RayExecutor(address or "local")
    folder = output.rstrip("/")
    if not folder:
        raise CommandError("-o names the root of the file system. Give a folder.")
    stratify: Any = stratify_by
    if stratify_by not in (None, "parent"):
        stratify = read_classes(stratify_by)
    shared = {"executor": executor, "progress": common.progress}
    hashed = hash_dataset(
        list_images(source, common) or source,
        f"{folder}/hashes",
        finder_of(options),
        column=column,
        **shared,
    )
    if hashed.n_images and hashed.n_failed == hashed.n_images:
        raise CommandError(
            f"None of the {hashed.n_images} images could be read, so there is nothing to split. "
            f"The column 'error' of {hashed.out} holds the reasons."
        )
    paired = find_pairs(hashed.out, f"{folder}/pairs", **shared)
    grouped = components(paired.out, f"{folder}/groups", hashes=hashed.out)
    assigned = assign(grouped.out, f"{folder}/split", test_size, stratify)
    write_lists(assigned.out, folder)
    counts = {
        "images": hashed.n_images,
        "new": hashed.n_new,
        "failed": hashed.n_failed,
        "pairs": paired.n_pairs,
        "groups": grouped.n_groups,
        "duplicates": grouped.n_duplicates,
        "train": assigned.n_train,
        "test": assigned.n_test,
        "moved": len(assigned.conflicts),
    }
    if common.as_json:
        echo_json(counts)
        return
    for name, number in counts.items():
        echo(f"{name:<10} {number:>12,}")
