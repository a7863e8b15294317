"""``hashfeatures leaks``: near duplicates on two sides of a split."""

from __future__ import annotations

from typing import Any

import click

from .._console import echo
from .._context import Asked, Common, Gathering
from .._errors import FOUND, UNCHECKED, WELL, CommandError
from .._finders import make_finder
from .._inputs import Collection, collect
from .._options import (
    Size,
    common_options,
    echo_json,
    finder_options,
    input_options,
)


@click.command("leaks")
@click.argument("train")
@click.argument("test")
@click.option(
    "-n", "n", type=click.IntRange(min=0), default=10, show_default=True,
    help="How many of the leaks are listed, the nearest first.",
)  # fmt: skip
@click.option(
    "--allow-unreadable", "allowed", type=Size(), default="0", show_default=True, metavar="N",
    help="How many images may be unreadable, or which share of them, as 0.01. Of each side, one "
    "at least must be readable.",
)  # fmt: skip
@finder_options
@input_options
@common_options
def command(
    common: Common,
    gathering: Gathering,
    asked: Asked,
    train: str,
    test: str,
    n: int,
    allowed: float | int,
) -> int:
    """Find near duplicates on two sides of a split.

    TRAIN and TEST are folders, lists, tables or files of hashes. Ends with exit code 1 if
    there are any, so that a check of a data set can stop a build; and with 4 if none were found
    but images could not be read, so that nobody can tell.

    \b
      hashfeatures leaks train.txt test.txt
      hashfeatures leaks data/train data/test --json
    """
    from ..._utils.path_text import show_path
    from ..._utils.validation import check_count_or_share

    check_count_or_share("leaks", "--allow-unreadable", allowed)
    parts = [collect([part], gathering, common) for part in (train, test)]
    report = _compare(parts, asked, common)
    worst = report.worst(n)
    unchecked = _why_left_out(parts, report, allowed) or report.why_unchecked(allowed)
    if common.as_json:
        pairs = [
            {
                "train": str(pair["left_image"]),
                "test": str(pair["right_image"]),
                "distance": pair["distance"],
            }
            for pair in worst.to_dict("records")
        ]
        echo_json(report.summary() | {"unchecked": unchecked, "worst": pairs})
    else:
        echo(str(report))
        for pair in worst.to_dict("records"):
            echo(
                f"{pair['distance']:>5} bits  {show_path(str(pair['left_image']))}  "
                f"{show_path(str(pair['right_image']))}"
            )
    if report.n_pairs:
        return FOUND
    if unchecked is not None:
        echo(f"hashfeatures: {unchecked} Check the paths, or see --allow-unreadable.", err=True)
        return UNCHECKED
    return WELL


def _why_left_out(parts: list[Collection], report: Any, allowed: float | int) -> str | None:
    """Say what of the folders and tables was not looked at, though images are in it or may be."""
    from ..._utils.descriptions import shorten
    from ..._utils.path_text import show_path

    for folder in (folder for part in parts for folder in part.unsearched):
        return f"Not checked: {shorten(show_path(folder))} could not be searched."
    for link in (link for part in parts for link in part.unfollowed):
        return (
            f"Not checked: {shorten(show_path(link))} is a link to a folder, which was not "
            f"followed: see --follow-links."
        )
    foreign = [path for part in parts for path in part.foreign]
    n_nameless = sum(part.n_nameless for part in parts)
    n_left_out = len(foreign) + n_nameless
    n_unread = n_left_out + sum(report.unreadable.values())
    n_images = n_left_out + sum(len(part.sources) for part in parts)
    is_allowed = (n_unread / n_images if isinstance(allowed, float) else n_unread) <= allowed
    if not n_left_out or is_allowed:
        return None
    if n_nameless:
        return f"Not checked: {n_nameless} rows of the tables name no image."
    first = shorten(show_path(foreign[0]))
    return (
        f"Not checked: {len(foreign)} images in the folders are in formats that Pillow does not "
        f"read here, as {first}."
    )


def _compare(parts: list[Collection], asked: Asked, common: Common) -> Any:
    from ...model_selection._leakage import leakage_report

    train, test = parts
    if train.is_hashed != test.is_hashed:
        raise CommandError(
            "One side is a file of hashes and the other is none: hash both, or neither."
        )
    finder = make_finder(asked, train, common)
    if not train.is_hashed:
        return leakage_report(train.sources, test.sources, finder=finder)
    make_finder(asked, test, common)
    if train.settings != test.settings:
        raise CommandError(
            f"The hashes of the two sides were made with other settings:\n"
            f"{train.settings or 'unknown'}, and {test.settings or 'unknown'}. "
            f"Hash one of them again."
        )
    return _compare_tables(finder, train, test)


def _compare_tables(finder: Any, train: Collection, test: Collection) -> Any:
    """Compare two tables of hashes; no image is read."""
    import pandas as pd

    from ...model_selection._leakage_report import LeakageReport
    from ...model_selection._parts import ComparedParts

    fitted = finder.fit_table(pd.concat([train.columns, test.columns], ignore_index=True))
    n_train, n_test = len(train.sources), len(test.sources)
    n_failed = int((fitted.failures_["position"] < n_train).sum())
    return LeakageReport(
        ComparedParts(
            ["train", "test"],
            [n_train, n_test],
            [*train.sources, *test.sources],
            fitted._near,
            [n_failed, len(fitted.failures_) - n_failed],
            has_distances=True,
        )
    )
