"""``hashfeatures duplicates``: groups of near duplicates, and what to do with them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from .._console import echo
from .._context import Asked, Common, Gathering
from .._errors import FAILED, WELL, CommandError
from .._file_actions import (
    Duplicate,
    Plan,
    act,
    check_folder,
    check_not_searched,
    plan,
)
from .._finders import fit, make_finder
from .._inputs import collect, find_listed
from .._options import (
    check_outputs,
    common_options,
    echo_json,
    finder_options,
    force_option,
    input_options,
    linkage_option,
)

_DONE = {"delete": "deleted", "move": "moved", "hardlink": "linked"}


@click.command("duplicates")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--keep",
    type=click.Choice(["largest", "first"]),
    default="largest",
    show_default=True,
    help="Which image stays of those near it.",
)
@click.option("--delete", "delete", is_flag=True, help="Delete the others.")
@click.option("--move-to", "folder", metavar="DIR", help="Move the others into this folder.")
@click.option(
    "--hardlink",
    "hardlink",
    is_flag=True,
    help="Make the others one file with the image that stays, if they hold the same bytes.",
)
@click.option(
    "--from",
    "listed",
    metavar="LIST",
    help="Act on those that this list names, as the page of a report gives it, and on no others: "
    "each must be a near duplicate of an image that the list does not name.",
)
@click.option("--yes", is_flag=True, help="Do it. Without this, it is only shown.")
@click.option(
    "--journal",
    metavar="FILE",
    help="Where what was done is written down. [default: hashfeatures-TIME.journal here]",
)
@click.option("-o", "--output", metavar="FILE", help="Write the groups to a .csv or .json file.")
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
    keep: str,
    delete: bool,
    folder: str | None,
    hardlink: bool,
    listed: str | None,
    yes: bool,
    journal: str | None,
    output: str | None,
    force: bool,
) -> int:
    """Find near duplicates; delete, move or link them.

    All but one of each few are meant: every image that goes is within the radius of one that
    stays. Nothing is changed without --yes. A file that is no longer what was hashed is left alone
    and named, and the exit code is 3 then. So is an animation or a document of many pages, of
    which only the first is compared, unless the other file is its exact copy. What is
    done is written to a journal, by which "hashfeatures undo" brings moved and linked files back.
    Deleted files are gone.

    \b
      hashfeatures duplicates photos
      hashfeatures duplicates photos --move-to copies         what would be moved
      hashfeatures duplicates photos --move-to copies --yes   moves it
      hashfeatures duplicates photos --from images.txt --move-to copies --yes
    """
    import numpy as np

    from ...duplicates._report import report_fitted
    from ...duplicates._representatives import choose_outside

    kinds = [
        name for name, on in (("delete", delete), ("move", folder), ("hardlink", hardlink)) if on
    ]
    if len(kinds) > 1:
        raise click.UsageError("Choose one of --delete, --move-to and --hardlink.")
    if listed and not kinds:
        raise click.UsageError("--from needs one of --delete, --move-to and --hardlink.")
    if output and not output.lower().endswith((".csv", ".json")):
        raise CommandError(f"{output}: groups are written to a .csv or .json file.")
    check_outputs([output], force)
    if kinds and yes:
        check_outputs([journal], force=False)
    if folder:
        check_folder(folder)
        check_not_searched(folder, filter(os.path.isdir, paths))
    collection = collect(paths, gathering, common)
    if folder and collection.columns is not None:
        check_not_searched(folder, {os.path.dirname(path) or "." for path in collection.sources})
    places = find_listed(listed, collection) if listed else None
    finder = fit(make_finder(asked, collection, common), collection)
    images = collection.columns if collection.is_hashed else collection.sources
    report = report_fitted(finder, images, keep=keep, max_thumbnails=0)
    summary = report.summary
    if output:
        _write(summary, output)
    if not kinds:
        if common.as_json:
            echo_json(summary)
        elif not output:
            echo(report.to_text(whole=True))
        return WELL
    if places is None:
        spare = [image for image in summary["images"] if not image["kept"]]
        stand_in = {image["row"]: image["stand_in"] for image in spare}
    else:
        stand_in = dict(zip(places, choose_outside(finder._near, np.array(places)), strict=True))
    sources, states = collection.sources, collection.states
    duplicates = [
        Duplicate(sources[row], sources[kept], states[row], states[kept])
        for row, kept in stand_in.items()
        if kept >= 0
    ]
    tell = _ignore if common.as_json else echo
    planned = plan(kinds[0], duplicates, folder, common.note, tell)
    for row, kept in stand_in.items():
        if kept < 0:
            planned.leave(sources[row], "nothing that it is a near duplicate of stays", tell)
    try:
        _do(kinds[0], planned, yes, journal, common, tell)
    finally:
        if common.as_json:
            actions = [asdict(action) for action in (planned.done if yes else planned.actions)]
            echo_json(summary | {"actions": actions, "left": planned.left, "done": yes})
    return FAILED if planned.left else WELL


def _ignore(text: str) -> None:
    """Tell nobody."""


def _do(
    kind: str,
    planned: Plan,
    yes: bool,
    journal: str | None,
    common: Common,
    tell: Callable[[str], None],
) -> None:
    from ...report._text import count

    n_actions = len(planned.actions)
    if not yes:
        for action in planned.actions:
            tell(f"would {action.describe()}")
        if n_actions:
            told = f"nothing was done; with --yes, {count(n_actions, 'file')} would be"
            common.note(f"{told} {_DONE[kind]}")
    elif n_actions:
        journal = journal or time.strftime("hashfeatures-%Y%m%d-%H%M%S.journal")
        act(planned, journal, tell)
        if planned.done:
            one = len(planned.done) == 1
            told = f"{count(len(planned.done), 'file')} {'was' if one else 'were'} {_DONE[kind]}"
            way_back = (
                f"listed in {journal}" if kind == "delete" else f"hashfeatures undo {journal}"
            )
            common.note(f"{told}; {way_back}")
    if not (n_actions or planned.left):
        common.note("there is nothing to do")
    if planned.left:
        common.note(
            f"{count(len(planned.left), 'file')} left alone; where something changed after the "
            f"images were hashed, hash them again"
        )


def _write(summary: dict[str, Any], output: str) -> None:
    import json

    import pandas as pd

    from ..._utils.atomic_write import write_whole
    from ..._utils.path_text import write_path

    if output.lower().endswith(".json"):
        write_whole(output, json.dumps(summary, indent=1).encode("ascii"))
        return
    names = ("path", "kept", "distance", "width", "height", "format", "bytes")
    rows = [
        {"group": group["label"], **image, "path": write_path(image["path"])}
        for group in summary["groups"]
        for image in (summary["images"][place] for place in group["images"])
    ]
    table = pd.DataFrame(rows, columns=["group", *names])
    for name in ("distance", "width", "height", "bytes"):
        table[name] = table[name].astype("Int64")
    write_whole(output, table.to_csv(index=False).encode("utf-8", "backslashreplace"))
