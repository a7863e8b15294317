"""``hashfeatures duplicates``: groups of near duplicates, and what to do with them."""

from __future__ import annotations

import time
from typing import Any

import click

from ..acting import Action, act, plan
from ..asked import Asked, CommandError, Common, Gathering
from ..collecting import collect
from ..finding import fit, make_finder
from ..options import (
    check_outputs,
    common_options,
    echo_json,
    finder_options,
    force_option,
    input_options,
)
from ..telling import echo

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
@click.option("--yes", is_flag=True, help="Do it. Without this, it is only shown.")
@click.option(
    "--journal",
    metavar="FILE",
    help="Where what was done is written down. [default: hashfeatures-TIME.journal here]",
)
@click.option("-o", "--output", metavar="FILE", help="Write the groups to a .csv or .json file.")
@force_option
@finder_options
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
    yes: bool,
    journal: str | None,
    output: str | None,
    force: bool,
) -> None:
    """Find near duplicates; delete, move or link them.

    All but one of each few are meant: every image that goes is within the radius of one that
    stays. Nothing is changed without --yes. What is done is written to a journal, by which
    "hashfeatures undo" brings moved and linked files back. Deleted files are gone.

    \b
      hashfeatures duplicates photos
      hashfeatures duplicates photos --move-to copies         what would be moved
      hashfeatures duplicates photos --move-to copies --yes   moves it
    """
    from ...duplicate_report import report_fitted

    kinds = [
        name for name, on in (("delete", delete), ("move", folder), ("hardlink", hardlink)) if on
    ]
    if len(kinds) > 1:
        raise click.UsageError("Choose one of --delete, --move-to and --hardlink.")
    if output and not output.lower().endswith((".csv", ".json")):
        raise CommandError(f"{output}: groups are written to a .csv or .json file.")
    check_outputs([output], force)
    collection = collect(paths, gathering, common)
    finder = fit(make_finder(asked, collection, common), collection)
    images = collection.columns if collection.is_hashed else collection.sources
    report = report_fitted(finder, images, keep=keep, max_thumbnails=0)
    summary = report.summary
    if output:
        _write(summary, output)
    actions: list[Action] = []
    if kinds:
        duplicates = [
            (image["path"], collection.sources[image["stand_in"]])
            for image in summary["images"]
            if not image["kept"]
        ]
        actions = plan(kinds[0], duplicates, folder, common.note)
    if common.as_json:
        done = [vars(action) for action in actions]
        echo_json(summary | ({"actions": done, "done": yes} if kinds else {}))
    elif not kinds and not output:
        echo(report.to_text(whole=True))
    if kinds:
        _do(kinds[0], actions, yes, journal, common)


def _do(kind: str, actions: list[Action], yes: bool, journal: str | None, common: Common) -> None:
    tell = (lambda text: None) if common.as_json else echo
    if not actions:
        common.note("there is nothing to do")
        return
    if not yes:
        for action in actions:
            tell(f"would {action.describe()}")
        common.note(f"nothing was done; with --yes, {len(actions)} files are {_DONE[kind]}")
        return
    journal = journal or time.strftime("hashfeatures-%Y%m%d-%H%M%S.journal")
    n_done = act(actions, journal, tell)
    common.note(f"{n_done} files were {_DONE[kind]}; hashfeatures undo {journal}")


def _write(summary: dict[str, Any], output: str) -> None:
    import json

    import pandas as pd

    from ...path_text import write_path
    from ...whole_files import write_whole

    if output.lower().endswith(".json"):
        write_whole(output, json.dumps(summary, indent=1).encode("ascii"))
        return
    names = ("path", "kept", "distance", "width", "height", "format", "bytes")
    rows = [
        {"group": number, **image, "path": write_path(image["path"])}
        for number, group in enumerate(summary["groups"])
        for image in (summary["images"][place] for place in group["images"])
    ]
    table = pd.DataFrame(rows, columns=["group", *names])
    for name in ("distance", "width", "height", "bytes"):
        table[name] = table[name].astype("Int64")
    write_whole(output, table.to_csv(index=False).encode("utf-8", "backslashreplace"))
