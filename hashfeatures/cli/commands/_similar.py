"""``hashfeatures similar``: rank images by similarity to others."""

from __future__ import annotations

from typing import Any

import click

from ..._utils.descriptions import shorten
from ..._utils.quantities import count, format_agreement
from .._console import echo, echo_json
from .._context import ComparisonOptions, GlobalOptions, InputOptions
from .._finders import check_columns, check_readable, check_settings
from .._inputs import collect, name_image
from .._options import option_groups


@click.command("similar")
@click.argument("queries", nargs=-1, required=True)
@click.option(
    "--in",
    "among",
    required=True,
    multiple=True,
    metavar="PATH",
    help="Where to search: a folder, images, or a file of hashes. Can be repeated.",
)
@click.option(
    "-n",
    "n",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="The most images to list per query.",
)
@click.option(
    "--by", default="phash", show_default=True, metavar="NAME", help="The hash to compare."
)
@click.option(
    "--radius",
    type=click.IntRange(min=0),
    metavar="BITS",
    help="List only images within this distance.",
)
@option_groups(hashing=ComparisonOptions, inputs=InputOptions, common=GlobalOptions)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    hashing: ComparisonOptions,
    queries: tuple[str, ...],
    among: tuple[str, ...],
    n: int,
    by: str,
    radius: int | None,
) -> None:
    """Rank images by similarity to others.

    For each QUERY, the command lists the most similar images first. A QUERY is an image, a URL,
    or the hex digits of a hash. Beside the distance stand the agreement of the pixels, from 0 to
    1, and what was done to the QUERY to get the image, if both show the same picture. Hashes
    have no pixels, so neither is known in a file of hashes or for a hash.

    \b
      hashfeatures similar cat.jpg --in photos
      hashfeatures similar cat.jpg --in hashes.csv --by dhash -n 3
    """
    from ..._utils.path_text import show_path
    from ..._utils.validation import check_radius
    from ...duplicates._finder import NearDuplicateFinder
    from ...duplicates._pixel_comparison import compare_pixels
    from ...duplicates._similar import find_similar, is_hex
    from ...hashing._hash_table import hash_images
    from ...hashing._spec import HashSpec
    from ...images._sources import local_path

    spec = HashSpec.parse(by)
    by = str(spec)
    if radius is not None:
        check_radius("similar", radius, spec.n_bits, "--radius")
    collection = collect(among, inputs, common)
    settings: dict[str, Any] = {
        "decode": hashing.decode or "full",
        "trim_borders": hashing.trim_borders,
    }
    if collection.is_hashed:
        settings["decode"], settings["trim_borders"] = check_settings(collection, hashing)
        check_columns(collection, [by])
    # Queries come first, so that a missing file is reported at once.
    digits = {
        query: query
        if is_hex(query, spec.n_bits)
        else hash_images([local_path(query) or query], [by], errors="raise", **settings)[by][0]
        for query in queries
    }
    table: Any = collection.columns
    if not collection.is_hashed:
        table = hash_images(
            collection.sources,
            [by],
            n_jobs=common.n_jobs,
            cache=common.cache,
            progress=common.progress,
            **settings,
        )
    failed = table[by].isna()
    causes = (
        table["error"][failed] if "error" in table.columns else ["It has no hash."] * sum(failed)
    )
    check_readable(len(table), causes)
    answers: list[dict[str, Any]] = []
    for query in queries:
        similar = find_similar(table[["image", by]], digits[query], by=by, n=n)
        if radius is not None:
            similar = similar[similar["hamming_distance"] <= radius]
        found = zip(similar["image"], similar["hamming_distance"], strict=True)
        rows: list[dict[str, Any]] = [
            {"path": name_image(image), "distance": int(bits)} for image, bits in found
        ]
        if not (collection.is_hashed or is_hex(query, spec.n_bits)):
            finder = NearDuplicateFinder(n_jobs=common.n_jobs, cache=common.cache, **settings)
            source = local_path(query) or query
            pixels = compare_pixels([(source, image) for image in similar["image"]], finder)
            for row, compared in zip(rows, pixels, strict=True):
                agreement = compared.agreement
                row["agreement"] = None if agreement is None else round(agreement, 4)
                row["relation"] = compared.relation
        answers.append({"query": query, "by": by, "similar": rows})
    if common.as_json:
        echo_json(answers)
        return
    for answer in answers:
        echo(click.style(shorten(show_path(answer["query"])), bold=True))
        for row in answer["similar"]:
            bits = count(row["distance"], "bit")
            texts = [f"{bits:>9}"]
            if "agreement" in row:
                agreement = row["agreement"]
                texts.append("    " if agreement is None else format_agreement(agreement))
            relation = row.get("relation")
            echo("  ".join([*texts, show_path(row["path"]), *([relation] if relation else [])]))
        if not answer["similar"]:
            echo("     none")
