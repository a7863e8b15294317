"""``hashfeatures hash``: images to a file of hashes."""

from __future__ import annotations

import os
from typing import Any

import click

from .._console import echo
from .._context import Common, Gathering
from .._finders import check_readable
from .._inputs import collect
from .._options import (
    check_outputs,
    common_options,
    decode_option,
    force_option,
    input_options,
)


@click.command("hash")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The file of hashes: .parquet (extra parquet), .csv or .json. "
    "[default: CSV on standard output]",
)
@click.option(
    "--hashes",
    default="phash,dhash",
    show_default=True,
    metavar="NAMES",
    help="ahash, phash, phash_simple, dhash, dhash_vertical, whash, colorhash, colorgrid, "
    "pdq; each with a size if wanted, as in 'phash:16'.",
)
@decode_option("[default: full, equal to ImageHash's bit for bit]")
@force_option
@input_options
@common_options
def command(
    common: Common,
    gathering: Gathering,
    paths: tuple[str, ...],
    output: str | None,
    hashes: str,
    decode: str | None,
    force: bool,
) -> None:
    """Hash images into a file for the others.

    The file has a row for each image, also for those that cannot be read, and a column of hex
    digits for each hash, as ImageHash prints them. Other programs read it too.

    \b
      hashfeatures hash photos -o hashes.csv
      find . -name '*.jpg' | hashfeatures hash - --hashes phash:16 > hashes.csv
      hashfeatures hash urls.csv --column url -o hashes.parquet
    """
    from ...hashing._hash_table import hash_images
    from .._evidence import to_columns
    from .._hash_files import SETTINGS, check_format, say_settings, to_bytes, write_table

    check_outputs([output], force)
    if output is not None:
        check_format(output)
    collection = collect(paths, gathering, common)
    decode = decode or "full"
    table: Any = hash_images(
        collection.sources,
        hashes.split(","),
        decode=decode,
        n_jobs=common.n_jobs,
        cache=common.cache,
        progress=common.progress,
    )
    check_readable(len(table), table["error"].dropna())
    table = table.assign(**to_columns(collection.states), **{SETTINGS: say_settings(decode)})
    if output is None:
        data = to_bytes(table, ".json" if common.as_json else ".csv")
        echo(data.decode("utf-8"), nl=False)
        return
    write_table(table, output)
    failed = int(table["error"].notna().sum())
    if common.as_json:
        from .._options import echo_json

        echo_json({"output": output, "images": len(table), "unreadable": failed})
    else:
        size = os.path.getsize(output)
        common.note(f"{len(table)} images, {failed} unreadable: {output} ({size:,} bytes)")
