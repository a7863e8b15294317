"""``hashfeatures leaks``: find near duplicates in different parts of a split."""

from __future__ import annotations

from typing import Any

import click

from ..._utils.quantities import format_agreement
from .._console import echo, echo_json
from .._context import FinderOptions, GlobalOptions, InputOptions
from .._errors import FOUND, UNCHECKED, WELL
from .._groups import GroupOptions
from .._inputs import collect
from .._options import option_groups
from .._parts import allow_unreadable_option, compare_collections, why_skipped


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
@allow_unreadable_option
@option_groups(
    grouping=GroupOptions, options=FinderOptions, inputs=InputOptions, common=GlobalOptions
)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    options: FinderOptions,
    grouping: GroupOptions,
    train: str,
    test: str,
    n: int,
    allowed: float | int,
) -> int:
    """Find near duplicates in different parts of a split.

    TRAIN and TEST are folders, lists, tables or files of hashes. The exit code is 1 if the split
    leaks, so the command can stop a build. It is 4 if no leaks were found but some images were
    not compared, because they could not be read for example. With --groups, a group in both parts
    is a leak too.

    \b
      hashfeatures leaks train.txt test.txt
      hashfeatures leaks data/train data/test --json
      hashfeatures leaks data/train data/test --groups sequences
    """
    from ..._utils.validation import check_count_or_share
    from ...model_selection.leakage._leakage_report import LeakageReport

    check_count_or_share("leaks", "--allow-unreadable", allowed)
    sides = {"train": train, "test": test}
    parts = {name: collect([path], inputs, common) for name, path in sides.items()}
    groups = grouping.read(list(parts.values()), common)
    compared = compare_collections("leaks", parts, options, common, groups)
    report = LeakageReport(compared)
    records: list[Any] = report.worst(n).to_dict("records")
    unchecked = why_skipped(parts, report.unreadable, allowed) or report.why_unchecked(allowed)
    if common.as_json:
        pairs = [
            {
                "train": str(pair["left_image"]),
                "test": str(pair["right_image"]),
                "distance": pair["distance"],
                **_describe_pixels(pair),
            }
            for pair in records
        ]
        table = report.straddling.head(n).reset_index().astype({"group": str, "image": str})
        listed = {} if groups is None else {"worst_groups": table.to_dict("records")}
        echo_json(report.summary() | {"unchecked": unchecked, "worst": pairs} | listed)
    else:
        echo(str(report))
        for pair in records:
            echo(_describe_pair(pair))
        for group in report.straddling.head(n).itertuples():
            echo(_describe_group(group, compared.own.noun if compared.own else "group"))
    if report.leaks:
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


def _describe_group(group: Any, noun: str) -> str:
    """Return the line of a group in more than one part."""
    from ..._utils.path_text import show_path

    name, image, train, test = group
    name, image = show_path(str(name)), show_path(str(image))
    return f"  {noun} {name}  train {train}, test {test}  {image}"


def _describe_pair(pair: dict[str, Any]) -> str:
    """Return the line of a pair."""
    from ..._utils.path_text import show_path

    pixels = _describe_pixels(pair)
    facts = [f"{pair['distance']:>5} bits"]
    if pixels:
        facts.append(format_agreement(pixels["agreement"]))
    paths = [show_path(str(pair[name])) for name in ("left_image", "right_image")]
    return "  ".join([*facts, *paths, *([pixels["relation"]] if pixels else [])])
