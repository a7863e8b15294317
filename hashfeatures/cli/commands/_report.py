"""``hashfeatures report``: write a page that shows near duplicates."""

from __future__ import annotations

import os

import click

from .._console import echo
from .._context import GlobalOptions, GroupingOptions, InputOptions
from .._finders import fit, make_finder
from .._inputs import collect
from .._options import force_option, option_groups
from .._outputs import check_outputs


@click.command("report")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="report.html",
    show_default=True,
    help="The page to write. A name ending in .json or .txt selects that format.",
)
@click.option(
    "--classes-by",
    metavar="CLASS",
    help="Mark groups that span classes. 'parent' takes the name of each image's folder as its "
    "class; any other name is a column of the table.  [default: the labels of a data set]",
)
@click.option(
    "--parts-by",
    metavar="PART",
    help="Mark groups that span parts of a split: 'parent', 'grandparent' or a column.  [default: "
    "the parts of a data set]",
)
@click.option(
    "--title",
    default="Near duplicates",
    show_default=True,
    metavar="TEXT",
    help="The heading of the page.",
)
@click.option(
    "--thumbnails",
    type=click.IntRange(min=0),
    default=1500,
    show_default=True,
    metavar="N",
    help="The most pictures to embed in the page.",
)
@force_option
@option_groups(options=GroupingOptions, inputs=InputOptions, common=GlobalOptions)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    options: GroupingOptions,
    paths: tuple[str, ...],
    output: str,
    classes_by: str | None,
    parts_by: str | None,
    title: str,
    thumbnails: int,
    force: bool,
) -> None:
    """Write a page that shows the near duplicates.

    The page is a single file that makes no network requests, so you can open it anywhere and
    send it by email. A page from an earlier run is replaced.

    \b
      hashfeatures report photos -o report.html
      hashfeatures report data --classes-by parent --parts-by grandparent
      hashfeatures report data.yaml -o report.html
    """
    from ...duplicates._report import report_fitted

    check_outputs([output], force or _is_page(output))
    collection = collect(paths, inputs, common)
    classes = collection.classes(classes_by or collection.known_column("label"))
    parts = collection.classes(parts_by or collection.known_column("part"))
    finder = fit(make_finder(options, collection, common), collection)
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
        common.note(f"wrote {output} ({os.path.getsize(output):,} bytes)")


def _is_page(output: str) -> bool:
    """Return whether a file is a page that this command wrote and may replace."""
    from ...report._page import is_page

    if not os.path.isfile(output):
        return False
    with open(output, encoding="utf-8", errors="replace") as file:
        return is_page(file.read(4096))
