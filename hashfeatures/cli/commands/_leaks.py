"""``hashfeatures leaks``: find near duplicates in different parts of a split."""

from __future__ import annotations

from typing import Any

import click

from ..._utils.quantities import count, format_agreement
from .._console import echo, echo_json
from .._context import FinderOptions, GlobalOptions, InputOptions
from .._errors import FOUND, UNCHECKED, WELL, CommandError
from .._finders import make_finder
from .._inputs import Collection, collect
from .._options import Size, option_groups


@click.command("leaks")
@click.argument("train")
@click.argument("test")
@click.option(
    "-n",
    "n",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="The most leaks to list; the nearest pairs come first.",
)
@click.option(
    "--allow-unreadable",
    "allowed",
    type=Size(),
    default="0",
    show_default=True,
    metavar="N",
    help="The number or the fraction of images that may be unreadable, such as 3 or 0.01. Each "
    "part needs at least one readable image.",
)
@option_groups(options=FinderOptions, inputs=InputOptions, common=GlobalOptions)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    options: FinderOptions,
    train: str,
    test: str,
    n: int,
    allowed: float | int,
) -> int:
    """Find near duplicates in different parts of a split.

    TRAIN and TEST are folders, lists, tables or files of hashes. The exit code is 1 if the split
    leaks, so the command can stop a build. It is 4 if no leaks were found but some images were
    not compared, because they could not be read for example.

    \b
      hashfeatures leaks train.txt test.txt
      hashfeatures leaks data/train data/test --json
    """
    from ..._utils.validation import check_count_or_share

    check_count_or_share("leaks", "--allow-unreadable", allowed)
    parts = [collect([part], inputs, common) for part in (train, test)]
    report = _compare(parts, options, common)
    worst = report.worst(n)
    unchecked = _why_skipped(parts, report, allowed) or report.why_unchecked(allowed)
    if common.as_json:
        pairs = [
            {
                "train": str(pair["left_image"]),
                "test": str(pair["right_image"]),
                "distance": pair["distance"],
                **_describe_pixels(pair),
            }
            for pair in worst.to_dict("records")
        ]
        echo_json(report.summary() | {"unchecked": unchecked, "worst": pairs})
    else:
        echo(str(report))
        for pair in worst.to_dict("records"):
            echo(_describe_pair(pair))
    if report.n_pairs:
        return FOUND
    if unchecked is not None:
        echo(f"hashfeatures: {unchecked} Check the paths, or see --allow-unreadable.", err=True)
        return UNCHECKED
    return WELL


def _describe_pixels(pair: dict[str, Any]) -> dict[str, Any]:
    """Return the agreement and the relation of a pair; nothing if no pixels were compared."""
    if "agreement" not in pair:
        return {}
    return {"agreement": round(float(pair["agreement"]), 4), "relation": pair["relation"]}


def _describe_pair(pair: dict[str, Any]) -> str:
    """Return the line of a pair."""
    from ..._utils.path_text import show_path

    pixels = _describe_pixels(pair)
    facts = [f"{pair['distance']:>5} bits"]
    if pixels:
        facts.append(format_agreement(pixels["agreement"]))
    paths = [show_path(str(pair[name])) for name in ("left_image", "right_image")]
    return "  ".join([*facts, *paths, *([pixels["relation"]] if pixels else [])])


def _why_skipped(parts: list[Collection], report: Any, allowed: float | int) -> str | None:
    """Return which images of the folders and tables were skipped; None if few enough."""
    from ..._utils.descriptions import shorten
    from ..._utils.path_text import show_path

    for folder in (folder for part in parts for folder in part.unsearched):
        return f"Not checked: {shorten(show_path(folder))} could not be searched."
    for link in (link for part in parts for link in part.unfollowed):
        return (
            f"Not checked: {shorten(show_path(link))} is a link to a folder, which was not "
            f"followed. See --follow-links."
        )
    foreign = [path for part in parts for path in part.foreign]
    n_nameless = sum(part.n_nameless for part in parts)
    n_skipped = len(foreign) + n_nameless
    n_unread = n_skipped + sum(report.unreadable.values())
    n_images = n_skipped + sum(len(part.sources) for part in parts)
    is_allowed = (n_unread / n_images if isinstance(allowed, float) else n_unread) <= allowed
    if not n_skipped or is_allowed:
        return None
    if n_nameless:
        name = "names" if n_nameless == 1 else "name"
        return f"Not checked: {count(n_nameless, 'row')} of the tables {name} no image."
    first = shorten(show_path(foreign[0]))
    images = count(len(foreign), "image")
    return (
        f"Not checked: Pillow cannot read the format of {images} in the folders, such as {first}."
    )


def _compare(parts: list[Collection], options: FinderOptions, common: GlobalOptions) -> Any:
    from ...model_selection._leakage import leakage_report

    train, test = parts
    if train.is_hashed != test.is_hashed:
        raise CommandError("Only one part is a file of hashes. Hash both parts, or neither.")
    finder = make_finder(options, train, common)
    if not train.is_hashed:
        return leakage_report(train.sources, test.sources, finder=finder)
    make_finder(options, test, common)
    if train.settings != test.settings:
        raise CommandError(
            f"The hashes of the two parts were made with different settings:\n"
            f"{train.settings or 'unknown'}, and {test.settings or 'unknown'}. "
            f"Hash one part again."
        )
    return _compare_tables(finder, train, test)


def _compare_tables(finder: Any, train: Collection, test: Collection) -> Any:
    """Compare two tables of hashes; no image is read."""
    from ...model_selection._leakage_report import LeakageReport
    from ...model_selection._parts import compare_parts

    parts = {"train": train.columns, "test": test.columns}
    return LeakageReport(compare_parts("leaks", parts, finder, use_hashes=True))
