"""``hashfeatures audit``: write a card of all that is wrong with a split."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .._console import echo, echo_json
from .._context import FinderOptions, GlobalOptions, InputOptions
from .._errors import FOUND, UNCHECKED, WELL, CommandError
from .._groups import GroupOptions
from .._options import Size, force_option, option_groups
from .._outputs import check_outputs
from .._parts import (
    allow_unreadable_option,
    choose_classes,
    collect_parts,
    compare_collections,
    why_skipped,
)

_SUFFIXES = (".html", ".htm", ".md", ".json", ".txt")


class _Limit(click.ParamType):  # type: ignore[type-arg]  # generic in some releases only
    """A name, "=", and the most that is allowed: a number or a fraction."""

    name = "limit"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, float | int]:
        """Read a limit."""
        from ...model_selection.audit._audit_limits import LIMITS

        name, _, limit = str(value).partition("=")
        if name not in LIMITS:
            self.fail(f"{name!r} is none of {', '.join(LIMITS)}.", param, ctx)
        most = Size().convert(limit, param, ctx)
        is_share = isinstance(most, float)
        if most < 0 or (is_share and not most < 1):
            self.fail(f"{limit!r} is neither a number nor a fraction below 1.", param, ctx)
        return name, most


@click.command("audit")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--part-column",
    metavar="NAME",
    help="The column of a table that holds the part of each image, such as 'train'.",
)
@click.option(
    "--classes-by",
    metavar="CLASS",
    help="The classes: 'parent' takes the name of each image's folder, 'none' takes none, and any "
    "other name is a column of the table.  [default: the labels of a data set, or parent if the "
    "parts share these folders]",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE",
    help="Write the card to this file: a page (.html), Markdown (.md), JSON (.json) or text "
    "(.txt). Can be repeated.",
)
@click.option("--title", metavar="TEXT", help="The heading of the card.")
@click.option(
    "--fail-on",
    "limits",
    type=_Limit(),
    multiple=True,
    metavar="NAME=LIMIT",
    help="Exit with code 1 only above this number, or this fraction if it has a decimal point: "
    "'leaks=0.01', 'identical=0', 'duplicates=0.1', 'conflicts=5', 'annotations=0', "
    "'straddling=0' or 'unreadable=3', which is --allow-unreadable. Can be repeated.  "
    "[default: leaks=0]",
)
@allow_unreadable_option
@click.option(
    "-n",
    "n_pairs",
    type=click.IntRange(min=0),
    default=12,
    show_default=True,
    metavar="N",
    help="The most pairs to show.",
)
@force_option
@option_groups(
    options=FinderOptions, grouping=GroupOptions, inputs=InputOptions, common=GlobalOptions
)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    grouping: GroupOptions,
    options: FinderOptions,
    paths: tuple[str, ...],
    part_column: str | None,
    classes_by: str | None,
    outputs: tuple[str, ...],
    title: str | None,
    limits: tuple[tuple[str, float | int], ...],
    allowed: float | int,
    n_pairs: int,
    force: bool,
) -> int:
    """Show all that is wrong with a split on one card.

    The card counts leaks, copies, conflicts of labels, unreadable images, and for data sets of
    boxes or masks the copies on whose objects these disagree.

    PATHS are the parts in the order of their use: folders, lists, tables, files of hashes or data
    sets. One folder may hold the parts as folders with the usual names, such as train and test.
    One data set, such as data.yaml of YOLO, names its parts itself. One table names the part of
    each image in --part-column.

    The exit code is 1 if the split leaks, or if a limit of --fail-on is exceeded. It is 4 if too
    few images could be compared, such as none of a part.

    \b
      hashfeatures audit data/train data/test -o card.html
      hashfeatures audit data.yaml -o card.html
      hashfeatures audit data --fail-on leaks=0.01 --fail-on conflicts=0
      hashfeatures audit images.csv --column path --part-column split
    """
    from ..._utils.validation import check_count_or_share
    from ...model_selection.audit._annotations import join_objects
    from ...model_selection.audit._audit import SplitAudit

    most = dict(limits) or {"leaks": 0}
    allowed = most.pop("unreadable", allowed)
    check_count_or_share("audit", "--allow-unreadable", allowed)
    _check_outputs(outputs, force)
    parts = collect_parts(paths, part_column, inputs, common)
    classes = choose_classes(parts, classes_by, common)
    if classes is None and "conflicts" in most:
        raise CommandError("--fail-on conflicts needs the classes of images: see --classes-by.")
    objects = join_objects({name: part.data_set for name, part in parts.items()})
    if objects is None and "annotations" in most:
        raise CommandError(
            "--fail-on annotations needs boxes or masks: name a data set that has them, such as "
            "one of YOLO or COCO."
        )
    groups = grouping.read(list(parts.values()), common)
    if groups is None and "straddling" in most:
        raise CommandError("--fail-on straddling needs groups: see --groups.")
    compared = compare_collections("audit", parts, options, common, groups)
    audit = SplitAudit(
        compared,
        classes,
        n_pairs=n_pairs,
        title=title or f"Audit of {', '.join(paths)}",
        allow_unreadable=allowed,
        skipped=why_skipped(parts, dict(zip(parts, compared.unreadable, strict=True)), allowed),
        has_pixels=not any(part.is_hashed for part in parts.values()),
        objects=objects,
    )
    summary, exceeded = audit.summary(), audit.exceeded(most)
    if common.as_json:
        echo_json(summary | {"exceeded": exceeded})
    else:
        echo(audit.to_text())
    for output in outputs:
        audit.save(output)
        common.note(f"wrote {output} ({os.path.getsize(output):,} bytes)")
    for sentence in exceeded:
        echo(f"hashfeatures: {sentence}", err=True)
    if exceeded:
        return FOUND
    if summary["unchecked"] is not None:
        echo(
            f"hashfeatures: {summary['unchecked']} Check the paths, or see --allow-unreadable.",
            err=True,
        )
        return UNCHECKED
    return WELL


def _check_outputs(outputs: Sequence[str], force: bool) -> None:
    """Raise if a card cannot be written, before the work begins. Cards replace cards."""
    for output in outputs:
        if Path(output).suffix.lower() not in _SUFFIXES:
            raise click.UsageError(f"{output} must end in {', '.join(_SUFFIXES)}.")
        check_outputs([output], force or _is_card(output))
    if len({os.path.realpath(output) for output in outputs}) < len(outputs):
        raise click.UsageError("-o names a file twice. Give each card a file of its own.")


def _is_card(output: str) -> bool:
    """Return whether a file is a page that this command wrote and may replace."""
    from ...report._card import is_card

    if not os.path.isfile(output):
        return False
    with open(output, encoding="utf-8", errors="replace") as file:
        return is_card(file.read(4096))
