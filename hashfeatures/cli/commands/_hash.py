"""``hashfeatures hash``: write a file of hashes."""

from __future__ import annotations

import os
from typing import Any

import click

from ..._utils.quantities import count
from .._console import echo, echo_json
from .._context import GlobalOptions, HashingOptions, InputOptions
from .._finders import check_readable
from .._inputs import collect
from .._options import force_option, option_groups
from .._outputs import check_outputs


@click.command("hash")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="The file of hashes: .parquet (needs the extra 'parquet'), .csv or .json.  "
    "[default: CSV on standard output]",
)
@click.option(
    "--hashes",
    default="phash,dhash",
    show_default=True,
    metavar="NAMES",
    help="Any of ahash, phash, phash_simple, dhash, dhash_vertical, whash, colorhash, colorgrid "
    "and pdq, separated by commas. A size can follow each name, such as 'phash:16'.",
)
@force_option
@option_groups(hashing=HashingOptions, inputs=InputOptions, common=GlobalOptions)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    hashing: HashingOptions,
    paths: tuple[str, ...],
    output: str | None,
    hashes: str,
    force: bool,
) -> None:
    """Hash images and write the hashes to a file.

    The file has one row per image, including images that cannot be read, and one column of hex
    digits per hash, in the format of ImageHash. The other commands accept it in place of the
    images. With --decode full, which is the default, hashes equal those of ImageHash bit for bit.

    \b
      hashfeatures hash photos -o hashes.csv
      find . -name '*.jpg' | hashfeatures hash - --hashes phash:16 > hashes.csv
      hashfeatures hash urls.csv --column url -o hashes.parquet
    """
    from .._hash_files import check_format, hash_collection, to_bytes, write_table

    check_outputs([output], force)
    if output is not None:
        check_format(output)
    collection = collect(paths, inputs, common)
    table: Any = hash_collection(
        collection, hashes.split(","), hashing.decode or "full", hashing.trim_borders, common
    )
    check_readable(len(table), table["error"].dropna())
    if output is None:
        data = to_bytes(table, ".json" if common.as_json else ".csv")
        echo(data.decode("utf-8"), nl=False)
        return
    write_table(table, output)
    failed = int(table["error"].notna().sum())
    if common.as_json:
        echo_json({"output": output, "images": len(table), "unreadable": failed})
    else:
        size = os.path.getsize(output)
        common.note(
            f"wrote {output} ({size:,} bytes): {count(len(table), 'image')}, {failed} unreadable"
        )
