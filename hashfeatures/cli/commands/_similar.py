"""``hashfeatures similar``: the images most like one."""

from __future__ import annotations

from typing import Any

import click

from ..._utils.descriptions import shorten
from .._console import echo
from .._context import Common, Gathering
from .._finders import check_columns, check_readable, check_settings
from .._inputs import collect
from .._options import common_options, decode_option, echo_json, input_options


@click.command("similar")
@click.argument("queries", nargs=-1, required=True)
@click.option(
    "--in",
    "among",
    required=True,
    multiple=True,
    metavar="PATH",
    help="Where to look: a folder, images, or a file of hashes.",
)
@click.option(
    "-n", "n", type=click.IntRange(min=1), default=10, show_default=True, help="How many."
)
@click.option("--by", default="phash", show_default=True, help="The hash to compare by.")
@click.option(
    "--radius", type=click.IntRange(min=0), metavar="BITS", help="None farther than this."
)
@decode_option("[default: full; of a file of hashes, what it was made with]")
@input_options
@common_options
def command(
    common: Common,
    gathering: Gathering,
    queries: tuple[str, ...],
    among: tuple[str, ...],
    n: int,
    by: str,
    radius: int | None,
    decode: str | None,
) -> None:
    """Rank images by their likeness to others.

    Those nearest to each QUERY come first. A QUERY is an image, a URL, or the hex digits of a
    hash.

    \b
      hashfeatures similar cat.jpg --in photos
      hashfeatures similar cat.jpg --in hashes.csv --by dhash -n 3
    """
    from ..._utils.path_text import show_path
    from ...duplicates._similar import find_similar, is_hex
    from ...hashing._hash_table import hash_images
    from ...hashing._spec import HashSpec
    from ...images._sources import local_path
    from ...report._text import count

    spec = HashSpec.parse(by)
    by = str(spec)
    if radius is not None and radius > spec.n_bits:
        raise click.UsageError(
            f"--radius is at most {spec.n_bits}, the bits of {by}. Got {radius}."
        )
    collection = collect(among, gathering, common)
    table: Any
    if collection.is_hashed:
        decode = check_settings(collection, decode)
        check_columns(collection, [by])
    decode = decode or "full"
    # Before any other: a query that is not there is found at once.
    asked = {
        query: query
        if is_hex(query, spec.n_bits)
        else _hash(local_path(query) or query, by, decode)
        for query in queries
    }
    if collection.is_hashed:
        table = collection.columns
    else:
        table = hash_images(
            collection.sources,
            [by],
            decode=decode,
            n_jobs=common.n_jobs,
            cache=common.cache,
            progress=common.progress,
        )
    failed = table[by].isna()
    causes = (
        table["error"][failed] if "error" in table.columns else ["It has no hash."] * sum(failed)
    )
    check_readable(len(table), causes)
    answers: list[dict[str, Any]] = []
    for query in queries:
        similar = find_similar(table[["image", by]], asked[query], by=by, n=n)
        if radius is not None:
            similar = similar[similar["hamming_distance"] <= radius]
        found = zip(similar["image"], similar["hamming_distance"], strict=True)
        rows = [{"path": str(path), "distance": int(bits)} for path, bits in found]
        answers.append({"query": query, "by": by, "similar": rows})
    if common.as_json:
        echo_json(answers)
        return
    for answer in answers:
        echo(click.style(shorten(show_path(answer["query"])), bold=True))
        for row in answer["similar"]:
            bits = count(row["distance"], "bit")
            echo(f"{bits:>9}  {show_path(row['path'])}")
        if not answer["similar"]:
            echo("     none")


def _hash(query: str, by: str, decode: str) -> str:
    """Return the hash of an image, or fail if it cannot be read."""
    from ...hashing._hash_table import hash_images

    digits: str = hash_images([query], [by], decode=decode, errors="raise")[by].iloc[0]
    return digits
