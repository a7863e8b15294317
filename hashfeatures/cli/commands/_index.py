"""``hashfeatures index``: maintain a file of hashes and search it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from ..._utils.quantities import count
from .._console import echo, echo_json
from .._context import (
    ComparisonOptions,
    FinderOptions,
    GlobalOptions,
    InputOptions,
    OutputOptions,
)
from .._errors import CommandError
from .._finders import check_readable, check_settings, make_finder
from .._inputs import InputImages, collect
from .._options import option_groups
from .._outputs import check_outputs

if TYPE_CHECKING:
    import pandas as pd


@click.group("index")
def command() -> None:
    """Maintain an index of images and search it.

    INDEX is a file of hashes (.csv, .parquet or .json), in the format of "hashfeatures hash". The
    other commands accept it as well.

    \b
      hashfeatures index add known.csv photos
      hashfeatures index query known.csv new.jpg
    """


@command.command("add")
@click.argument("index")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--hashes",
    default=None,
    metavar="NAMES",
    help="The hashes of a new index.  [default: phash,dhash]",
)
@option_groups(hashing=ComparisonOptions, inputs=InputOptions, common=GlobalOptions)
def add(
    common: GlobalOptions,
    inputs: InputOptions,
    hashing: ComparisonOptions,
    index: str,
    paths: tuple[str, ...],
    hashes: str | None,
) -> None:
    """Hash PATHS and add them to INDEX.

    If INDEX does not exist, the command creates it. A path that is already in the index is hashed
    again, and its row is replaced. Images that cannot be read are skipped, and their rows in the
    index stay as they are.
    """
    import pandas as pd

    from ...hashing._spec import is_hash, parse_hashes
    from .._hash_files import check_format, hash_collection, write_table

    check_format(index)
    check_outputs([index], force=True)
    names = [str(spec) for spec in parse_hashes(hashes.split(","))] if hashes else None
    decode, trim_borders = hashing.decode or "full", hashing.trim_borders
    known = _open(index, common) if os.path.exists(index) else None
    if known is not None:
        if known.sources:
            decode, trim_borders = check_settings(known, hashing)
        columns = [str(name) for name in _table(known).columns if is_hash(name)]
        if columns and names is not None and names != columns:
            raise CommandError(f"{index} holds {', '.join(columns)}, not {', '.join(names)}.")
        names = columns or names  # an empty index in JSON has no columns
    collection = collect(paths, inputs, common)
    new = hash_collection(collection, names or ["phash", "dhash"], decode, trim_borders, common)
    check_readable(len(new), new["error"].dropna())
    new = new[new["error"].isna()]
    n_unreadable = len(collection.sources) - len(new)
    n_replaced = 0
    if known is not None and known.sources:
        old = _table(known)
        is_replaced = old["image"].isin(new["image"])
        n_replaced = int(is_replaced.sum())
        new = pd.concat([old[~is_replaced], new], ignore_index=True)
    write_table(new, index)
    n_added = len(collection.sources) - n_unreadable - n_replaced
    counts = {"added": n_added, "replaced": n_replaced, "images": len(new)}
    _show_counts(common, counts | ({"unreadable": n_unreadable} if n_unreadable else {}))


@command.command("query")
@click.argument("index")
@click.argument("paths", nargs=-1, required=True)
@option_groups(options=FinderOptions, inputs=InputOptions, common=GlobalOptions)
def query(
    common: GlobalOptions,
    inputs: InputOptions,
    options: FinderOptions,
    index: str,
    paths: tuple[str, ...],
) -> None:
    """Show which of PATHS are near duplicates of images in INDEX.

    The command prints "known" for these, "new" for other images, and "unread" for files that
    cannot be read.
    """
    from ..._utils.path_text import show_path

    known = _open(index, common)
    collection = collect(paths, inputs, common)
    finder = make_finder(options, known, common)
    fitted = finder.fit_table(_table(known)) if known.sources else finder.fit([])
    queries = fitted.fingerprint(collection.sources)
    errors = dict(zip(queries.failures["position"], queries.failures["error"], strict=True))
    check_readable(len(collection.sources), errors.values())
    pairs = fitted.matches(queries)
    found: list[list[dict[str, Any]]] = [[] for _ in collection.sources]
    for left, right, distance in zip(pairs.left, pairs.right, pairs.distance, strict=True):
        found[left].append({"path": known.sources[right], "distance": int(distance)})
    answers: list[dict[str, Any]] = [
        {"path": path, "matches": sorted(matches, key=lambda match: int(match["distance"]))}
        | ({"error": errors[row]} if row in errors else {})
        for row, (path, matches) in enumerate(zip(collection.names, found, strict=True))
    ]
    if common.as_json:
        echo_json(answers)
        return
    for answer in answers:
        matches = answer["matches"]
        status = "unread" if "error" in answer else "known" if matches else "new"
        echo(f"{status:<6} {show_path(answer['path'])}")
        for match in matches:
            bits = count(match["distance"], "bit")
            echo(f"{bits:>14}  {show_path(match['path'])}")


@command.command("remove")
@click.argument("index")
@click.argument("paths", nargs=-1, required=True)
@option_groups(common=GlobalOptions)
def remove(common: GlobalOptions, index: str, paths: tuple[str, ...]) -> None:
    """Remove PATHS from INDEX; a folder includes everything below it.

    The images themselves are not touched.
    """
    from .._hash_files import write_table

    table = _table(_open(index, common))
    is_removed = table["image"].isin(paths)
    for path in paths:
        below = table["image"].str.startswith(path.rstrip(os.sep) + os.sep)
        if not (below.any() or (table["image"] == path).any()):
            raise CommandError(
                f"{path} is not in {index}. Nothing was removed. Spell paths as in its column "
                f"'image'."
            )
        is_removed |= below
    write_table(table[~is_removed], index)
    counts = {"removed": int(is_removed.sum()), "images": int((~is_removed).sum())}
    _show_counts(common, counts)


def _open(index: str, common: OutputOptions) -> InputImages:
    known = collect([index], InputOptions(), common, may_be_empty=True)
    if known.sources and not known.is_hashed:
        raise CommandError(
            f"{index} is not a file of hashes. Create one: hashfeatures index add FILE PATHS"
        )
    return known


def _table(collection: InputImages) -> pd.DataFrame:
    assert collection.columns is not None
    return collection.columns


def _show_counts(common: OutputOptions, counts: dict[str, int]) -> None:
    if common.as_json:
        echo_json(counts)
    else:
        common.note(", ".join(f"{name} {number}" for name, number in counts.items()))
