"""``hashfeatures duplicates``: list groups of near duplicates, and delete, move or link them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import click

from ..._utils.quantities import count
from .._companions import check_movable, note_companions
from .._console import echo, echo_json
from .._context import GlobalOptions, GroupingOptions, InputOptions
from .._data_set_output import (
    check_apart,
    check_folder,
    check_outside,
    how_option,
    keep_in_parts,
    rehearse,
    write_parts,
)
from .._errors import FAILED, WELL, CommandError
from .._file_actions import (
    Duplicate,
    Plan,
    act,
    check_not_searched,
    check_target,
    confirm,
    plan,
)
from .._finders import fit, make_finder
from .._inputs import collect, find_listed
from .._options import force_option, option_groups
from .._outputs import check_outputs

_DONE = {"delete": "deleted", "move": "moved", "hardlink": "linked"}


@click.command("duplicates")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--keep",
    type=click.Choice(["largest", "first"]),
    default="largest",
    show_default=True,
    help="Which of several near duplicates to keep: the one with the most pixels, or the first.",
)
@click.option("--delete", "delete", is_flag=True, help="Delete the other images.")
@click.option("--move-to", "folder", metavar="DIR", help="Move the other images into this folder.")
@click.option(
    "--hardlink",
    "hardlink",
    is_flag=True,
    help="Replace the other images by hard links to the image that is kept, if the bytes are "
    "the same.",
)
@click.option(
    "--from",
    "listed",
    metavar="LIST",
    help="Act only on the images in this list, such as one downloaded from a report. Each must "
    "be a near duplicate of an image outside the list.",
)
@click.option("--yes", is_flag=True, help="Change the files instead of only showing how.")
@click.option(
    "--journal",
    metavar="FILE",
    help="Where to record the changes.  [default: hashfeatures-TIME.journal in this folder]",
)
@click.option("-o", "--output", metavar="FILE", help="Write the groups to a .csv or .json file.")
@click.option(
    "--out",
    "clean",
    metavar="DIR",
    help="Write the data set without the other images into this new folder, in its own layout. "
    "The source is not changed.",
)
@how_option
@force_option
@option_groups(options=GroupingOptions, inputs=InputOptions, common=GlobalOptions)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    options: GroupingOptions,
    paths: tuple[str, ...],
    keep: str,
    delete: bool,
    folder: str | None,
    hardlink: bool,
    listed: str | None,
    yes: bool,
    journal: str | None,
    output: str | None,
    clean: str | None,
    how: str | None,
    force: bool,
) -> int:
    """Find near duplicates; delete, move or link them.

    By default, the command lists the groups. With --delete, --move-to or --hardlink, it keeps
    some images of each group, so that every other image is a near duplicate of a kept one, and
    acts on the others. Without --yes, it only shows what it would do.

    A file is deleted or moved only if its pixels confirm that it shows the same picture as the
    kept one. With --no-verify and for a file of hashes, the command reads both images to confirm
    each pair, by --min-agreement.

    The command leaves a file alone if it is not confirmed, if it has changed since it was hashed,
    or if it holds several frames or pages, of which only the first was compared. The exit code is
    then 3. An exact copy of the kept file counts as compared.

    Images of a data set with annotations, such as YOLO or COCO, are not deleted or moved, because
    their annotations would stay behind. Images inside archives cannot be changed at all. For
    both, --out writes the data set without the duplicates. The images that stay keep their parts.

    A journal records the changes, and "hashfeatures undo" uses it to bring back moved and linked
    files. Deleted files cannot be brought back.

    \b
      hashfeatures duplicates photos
      hashfeatures duplicates photos --move-to copies         shows the moves
      hashfeatures duplicates photos --move-to copies --yes   moves the files
      hashfeatures duplicates photos --from images.txt --move-to copies --yes
      hashfeatures duplicates data.yaml --out data-clean
    """
    import numpy as np
    from sklearn.base import clone

    from ...duplicates._pixel_comparison import compare_pixels
    from ...duplicates._removal import (
        choose_representatives,
        plan_listed_removal,
        plan_removal,
    )
    from ...duplicates._report import report_fitted

    kinds = [
        name for name, on in (("delete", delete), ("move", folder), ("hardlink", hardlink)) if on
    ]
    if len(kinds) > 1 or (kinds and clean):
        raise click.UsageError("Choose one of --delete, --move-to, --hardlink and --out.")
    if listed and not (kinds or clean):
        raise click.UsageError("--from needs one of --delete, --move-to, --hardlink and --out.")
    if how and not clean:
        raise click.UsageError("--how needs --out.")
    if output and not output.lower().endswith((".csv", ".json")):
        raise CommandError(f"{output}: groups can be written to a .csv or .json file only.")
    check_outputs([output], force)
    if clean:
        check_folder(clean)
        check_outside(clean, [output])
    if kinds and yes:
        check_outputs([journal], force=False)
    if folder:
        check_target(folder)
        check_not_searched(folder, filter(os.path.isdir, paths))
    collection = collect(paths, inputs, common, whole=clean is not None)
    check_apart(clean, collection)
    rehearse(clean, collection, list(keep_in_parts(collection, [])), how)
    if kinds:
        check_movable(kinds[0], collection)
    if folder and collection.columns is not None:
        check_not_searched(folder, {os.path.dirname(path) or "." for path in collection.names})
    places = find_listed(listed, collection) if listed else None
    has_pixels = options.verify is not False and not collection.is_hashed
    # Before an action, the agreement also concerns pairs that were found by hashes alone.
    sought = (
        replace(options, min_agreement=None) if (kinds or clean) and not has_pixels else options
    )
    finder = fit(make_finder(sought, collection, common), collection)
    images = collection.columns if collection.is_hashed else collection.sources
    kept = choose_representatives(finder, images, keep)
    report = report_fitted(finder, images, representatives=kept, max_thumbnails=0)
    if output:
        _write(report.summary, output)
    if places is None:
        removals = plan_removal(finder, kept)
    else:
        removals = plan_listed_removal(finder, np.array(places))
    # An image goes only if its pixels confirm that it shows what the kept one shows.
    confirming = None if has_pixels else clone(finder).set_params(verify=True)
    if confirming is not None and options.min_agreement is not None:
        confirming.set_params(min_agreement=options.min_agreement)
    if clean:
        pairs = [(each.kept, each.row) for each in removals if each.kept is not None]
        if confirming is not None:
            images = collection.sources
            shown = [(images[kept], images[row]) for kept, row in pairs]
            compared = compare_pixels(shown, confirming)
            pairs = [pair for pair, one in zip(pairs, compared, strict=True) if one.is_confirmed]
        parts = keep_in_parts(collection, [row for _, row in pairs])
        write_parts(clean, collection, parts, how or "lists")
        sizes = ", ".join(f"{name} {len(rows)}" for name, rows in parts.items())
        common.note(f"wrote {clean}: {sizes}; left out {count(len(pairs), 'image')}")
    if not kinds:
        if common.as_json:
            echo_json(report.summary)
        elif not (output or clean):
            echo(report.to_text(whole=True))
        return WELL
    sources, states = collection.names, collection.states
    duplicates = [
        Duplicate(sources[each.row], sources[each.kept], states[each.row], states[each.kept])
        for each in removals
        if each.kept is not None
    ]
    if kinds[0] != "hardlink":
        note_companions([each.path for each in duplicates], common)
    tell = _ignore if common.as_json else echo
    planned = plan(kinds[0], duplicates, folder, common.note, tell)
    if kinds[0] != "hardlink" and confirming is not None:  # links need the same bytes
        confirm(planned, confirming, tell)
    for each in removals:
        if each.kept is None:
            planned.leave(sources[each.row], "none of its near duplicates is kept", tell)
    try:
        _act(kinds[0], planned, yes, journal, common, tell)
    finally:
        if common.as_json:
            actions = [asdict(action) for action in (planned.done if yes else planned.actions)]
            echo_json(report.summary | {"actions": actions, "left": planned.left, "done": yes})
    return FAILED if planned.left else WELL


def _ignore(text: str) -> None:
    """Discard a line of text."""


def _act(
    kind: str,
    planned: Plan,
    yes: bool,
    journal: str | None,
    common: GlobalOptions,
    tell: Callable[[str], None],
) -> None:
    """Take the planned actions if `yes`, or list them, and print notes about them."""
    n_actions = len(planned.actions)
    if not yes:
        for action in planned.actions:
            tell(f"would {action.describe()}")
        if n_actions:
            common.note(
                f"nothing was changed; with --yes, {count(n_actions, 'file')} would be "
                f"{_DONE[kind]}"
            )
    elif n_actions:
        journal = journal or time.strftime("hashfeatures-%Y%m%d-%H%M%S.journal")
        act(planned, journal, tell)
        if planned.done:
            was = "was" if len(planned.done) == 1 else "were"
            cure = (
                f"see {journal}" if kind == "delete" else f"to undo: hashfeatures undo {journal}"
            )
            common.note(f"{count(len(planned.done), 'file')} {was} {_DONE[kind]}; {cure}")
    if not (n_actions or planned.left):
        common.note("nothing to do")
    if planned.left:
        was = "was" if len(planned.left) == 1 else "were"
        common.note(
            f"{count(len(planned.left), 'file')} {was} left alone; hash images again if their "
            f"files have changed"
        )


def _write(summary: dict[str, Any], output: str) -> None:
    """Write the groups of a report to a file, as JSON or as a table."""
    import json

    import pandas as pd

    from ..._utils.atomic_write import write_whole
    from ..._utils.path_text import write_path

    if output.lower().endswith(".json"):
        write_whole(output, json.dumps(summary, indent=1).encode("ascii"))
        return
    names = (
        "path",
        "kept",
        "distance",
        "agreement",
        "relation",
        "width",
        "height",
        "format",
        "bytes",
    )
    rows = [
        {"group": group["label"], **image, "path": write_path(image["path"])}
        for group in summary["groups"]
        for image in (summary["images"][place] for place in group["images"])
    ]
    table = pd.DataFrame(rows, columns=["group", *names])
    for name in ("distance", "width", "height", "bytes"):
        table[name] = table[name].astype("Int64")
    write_whole(output, table.to_csv(index=False).encode("utf-8", "backslashreplace"))
