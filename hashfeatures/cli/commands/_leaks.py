"""``hashfeatures leaks``: find near duplicates in different parts of a split."""

from __future__ import annotations

from typing import Any

import click

from .._console import echo, echo_json
from .._context import FinderOptions, GlobalOptions, InputOptions
from .._errors import FOUND, UNCHECKED, WELL
from .._groups import GroupOptions
from .._inputs import collect, name_image
from .._layouts import name_data_sets
from .._leak_pairs import describe_pair, pair_as_json
from .._options import given_options, option_groups
from .._parts import allow_unreadable_option, collect_parts, compare_collections, why_skipped
from .._seals import check_sealed


@click.command("leaks")
@click.argument("paths", nargs=-1, required=True)
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
    "--against",
    "seal",
    metavar="FILE",
    help="A sealed set, as 'hashfeatures seal' writes it, in place of a part. PATHS are then "
    "images to compare with it, by the settings of the seal.",
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
    paths: tuple[str, ...],
    n: int,
    seal: str | None,
    allowed: float | int,
) -> int:
    """Find near duplicates in different parts of a split.

    PATHS are the training part and the test part: folders, lists, tables, files of hashes or data
    sets. One folder or data set may hold the parts, such as data.yaml of YOLO, and so may a table
    with a column "part" or "split". The exit code is 1
    if the split leaks, so the command can stop a build. It is 4 if no leaks were found but some
    images were not compared, because they could not be read for example. With --groups, a group
    in several parts is a leak too.

    With --against, the command says which of the images in PATHS have a near duplicate in a sealed
    set, and nothing else about that set. The exit codes are the same.

    \b
      hashfeatures leaks train.txt test.txt
      hashfeatures leaks instances_train.json instances_val.json
      hashfeatures leaks data.yaml
      hashfeatures leaks data/train data/test --json
      hashfeatures leaks data/train data/test --groups sequences
      hashfeatures leaks data/train --against test.seal
    """
    from ..._utils.validation import check_count_or_share
    from ...model_selection.leakage._leakage_report import LeakageReport

    check_count_or_share("leaks", "--allow-unreadable", allowed)
    if seal is not None:
        if given := given_options(options) + given_options(grouping):
            raise click.UsageError(
                f"{given[0]} has no effect with --against: the seal says how images are compared. "
                f"Leave {given[0]} out."
            )
        return check_sealed(collect(paths, inputs, common), seal, common, n, allowed)
    if len(paths) == 2:
        sides = zip(name_data_sets(paths) or ("train", "test"), paths, strict=True)
        parts = {name: collect([path], inputs, common) for name, path in sides}
    else:
        parts = collect_parts(paths, None, inputs, common)
    groups = grouping.read(list(parts.values()), common)
    compared = compare_collections("leaks", parts, options, common, groups)
    report = LeakageReport(compared)
    records: list[Any] = report.worst(n).to_dict("records")
    unchecked = why_skipped(parts, report.unreadable, allowed) or report.why_unchecked(allowed)
    if common.as_json:
        pairs = [pair_as_json(pair) for pair in records]
        table = report.straddling.head(n).reset_index().astype({"group": str})
        table["image"] = [name_image(image) for image in table["image"]]
        listed = {} if groups is None else {"worst_groups": table.to_dict("records")}
        echo_json(report.summary() | {"unchecked": unchecked, "worst": pairs} | listed)
    else:
        echo(str(report))
        for pair in records:
            echo(describe_pair(pair, with_parts=len(parts) > 2))
        for group, counts in report.straddling.head(n).iterrows():
            noun = compared.own.noun if compared.own else "group"
            echo(_describe_group(group, counts.to_dict(), noun))
    if report.leaks:
        return FOUND
    if unchecked is not None:
        echo(f"hashfeatures: {unchecked} Check the paths, or see --allow-unreadable.", err=True)
        return UNCHECKED
    return WELL


def _describe_group(group: Any, counts: dict[Any, Any], noun: str) -> str:
    """Return the line of a group in more than one part."""
    from ..._utils.path_text import show_path

    image = show_path(name_image(counts.pop("image")))
    in_parts = ", ".join(f"{part} {n_images}" for part, n_images in counts.items())
    return f"  {noun} {show_path(str(group))}  {in_parts}  {image}"
