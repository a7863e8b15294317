"""``hashfeatures stages``: a data set of any size, stage by stage, on this machine or on Ray."""

from __future__ import annotations

from typing import Any

import click

from .._console import echo
from .._context import Common
from .._errors import CommandError
from .._options import echo_json, pixels_option, telling_options


@click.command("stages")
@click.argument("source")
@click.option(
    "-o", "--output", required=True, metavar="DIR", help="A folder or URL, made if need be."
)
@click.option("--column", metavar="NAME", help="The column of a table that holds paths or URLs.")
@click.option("--hashes", default="phash,dhash", show_default=True, metavar="NAMES")
@click.option(
    "--trim-borders",
    is_flag=True,
    help="Cut off uniform borders before hashing, as of letterboxes.",
)
@click.option(
    "--radius",
    type=click.IntRange(min=0),
    metavar="BITS",
    help="How many bits near duplicates may differ in. [default: what suits the hashes; 12 of the "
    "128 bits of phash and dhash]",
)
@click.option(
    "--test-size",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.25,
    show_default=True,
    help="The share of the images for the test part.",
)
@click.option(
    "--stratify-by",
    metavar="CLASS",
    help="'parent', the name of an image's folder; or a table of images and classes.",
)
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Processes of this machine, or a Ray cluster.",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    help="Of the Ray cluster: 'auto', 'host:port' or 'ray://host:port'. [default: start one here]",
)
@click.option(
    "-j",
    "--jobs",
    "n_jobs",
    type=int,
    default=-1,
    show_default=True,
    metavar="N",
    help="Local processes; -1 uses every core.",
)
@pixels_option
@telling_options
def command(
    common: Common,
    source: str,
    output: str,
    column: str | None,
    hashes: str,
    trim_borders: bool,
    radius: int | None,
    test_size: float,
    stratify_by: str | None,
    engine: str,
    address: str | None,
    n_jobs: int,
) -> None:
    """Do all of it in stages, on Ray too.

    A data set that is too large for memory, or for one machine, is hashed, joined, grouped and
    split.

    SOURCE is a folder, a bucket, a table (.csv, .parquet) of paths or URLs, or a pattern of tar
    files. DIR gets the folders hashes, pairs, groups and split, each of Parquet files, and the
    lists train.txt, test.txt and unreadable.txt. What is finished is not done again: after a
    crash, or when there are new images, run it again. Images are known by their names: after
    some were changed or deleted, take a new DIR.

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
        raise click.UsageError("--address is that of a Ray cluster: say --engine ray.")
    executor: Any = LocalExecutor(n_jobs)
    if engine == "ray":
        executor = RayExecutor(address or "local")
    folder = output.rstrip("/")
    if not folder:
        raise CommandError("-o names the root of everything: give a folder.")
    stratify: Any = stratify_by
    if stratify_by not in (None, "parent"):
        stratify = read_classes(stratify_by)
    shared = {"executor": executor, "progress": common.progress}
    hashed = hash_dataset(
        source,
        f"{folder}/hashes",
        hashes=hashes.split(","),
        column=column,
        trim_borders=trim_borders,
        **shared,
    )
    if hashed.n_images and hashed.n_failed == hashed.n_images:
        raise CommandError(
            f"None of the {hashed.n_images} images could be read: there is nothing to split. The "
            f"column 'error' of {hashed.out} says why."
        )
    paired = find_pairs(hashed.out, f"{folder}/pairs", radius, **shared)
    grouped = components(paired.out, f"{folder}/groups", hashes=hashed.out)
    dealt = assign(grouped.out, f"{folder}/split", test_size, stratify)
    write_lists(dealt.out, folder)
    told = {
        "images": hashed.n_images,
        "new": hashed.n_new,
        "failed": hashed.n_failed,
        "pairs": paired.n_pairs,
        "groups": grouped.n_groups,
        "duplicates": grouped.n_duplicates,
        "train": dealt.n_train,
        "test": dealt.n_test,
        "moved": len(dealt.conflicts),
    }
    if common.as_json:
        echo_json(told)
        return
    for name, count in told.items():
        echo(f"{name:<10} {count:>12,}")
