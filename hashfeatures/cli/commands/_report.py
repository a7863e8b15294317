"""``hashfeatures report``: a page to look at."""

from __future__ import annotations

import os

import click

from .._console import echo
from .._context import Asked, Common, Gathering
from .._finders import fit, make_finder
from .._inputs import collect
from .._options import (
    check_outputs,
    common_options,
    finder_options,
    force_option,
    input_options,
    linkage_option,
)


@click.command("report")
@click.argument("paths", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE", default="report.html", show_default=True,
              help="The page; a name that ends in .json or .txt gives those.")  # fmt: skip
@click.option(
    "--classes-by",
    metavar="CLASS",
    help="Mark groups of different classes: 'parent' is the name of an image's folder, any other "
    "a column of the table.",
)
@click.option(
    "--parts-by",
    metavar="PART",
    help="Mark groups in different parts of a split: 'parent', 'grandparent' or a column.",
)
@click.option("--title", default="Near duplicates", show_default=True)
@click.option("--thumbnails", type=click.IntRange(min=0), default=1500, show_default=True,
              metavar="N", help="Pictures in the page, at the most.")  # fmt: skip
@force_option
@finder_options
@linkage_option
@input_options
@common_options
def command(
    common: Common,
    gathering: Gathering,
    asked: Asked,
    paths: tuple[str, ...],
    output: str,
    classes_by: str | None,
    parts_by: str | None,
    title: str,
    thumbnails: int,
    force: bool,
) -> None:
    """Write a page that shows the near duplicates.

    The page is one file that needs nothing but itself: it can be opened anywhere and sent by
    e-mail. It makes no request. A page that was written before is replaced.

    \b
      hashfeatures report photos -o report.html
      hashfeatures report data --classes-by parent --parts-by grandparent
    """
    from ...duplicates._report import report_fitted

    check_outputs([output], force or _is_page(output))
    collection = collect(paths, gathering, common)
    classes, parts = collection.classes(classes_by), collection.classes(parts_by)
    finder = fit(make_finder(asked, collection, common), collection)
    report = report_fitted(
        finder,
        collection.columns if collection.is_hashed else collection.sources,
        classes=classes,
        parts=parts,
        title=title,
        max_thumbnails=thumbnails,
    )
    report.save(output)
    if common.as_json:
        echo(report.to_json())
    else:
        echo(report.to_text().splitlines()[0])
        common.note(f"{output} ({os.path.getsize(output):,} bytes)")


def _is_page(output: str) -> bool:
    """Tell whether a file is a page that this command wrote, which it may replace."""
    from ...report._page import is_page

    if not os.path.isfile(output):
        return False
    with open(output, encoding="utf-8", errors="replace") as file:
        return is_page(file.read(4096))
