"""``hashfeatures index``: a file of hashes that grows, and what is asked of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from .._console import echo
from .._context import Asked, Common, Gathering
from .._errors import CommandError
from .._finders import check_readable, check_settings, make_finder
from .._inputs import Collection, collect
from .._options import (
    check_outputs,
    common_options,
    decode_option,
    echo_json,
    finder_options,
    input_options,
)

if TYPE_CHECKING:
    import pandas as pd


@click.group("index")
def command() -> None:
    """Keep a collection, and ask what is known.

    INDEX is a file of hashes (.csv, .parquet or .json), as "hashfeatures hash" writes it, so that
    every other command reads it as well.

    \b
      hashfeatures index add known.csv photos
      hashfeatures index query known.csv new.jpg
    """


@command.command("add")
@click.argument("index")
@click.argument("paths", nargs=-1, required=True)
@click.option("--hashes", default=None, metavar="NAMES",
              help="The hashes of a new index. [default: phash,dhash]")  # fmt: skip
@decode_option("[default: full; of an index, what it was made with]")
@input_options
@common_options
def add(
    common: Common,
    gathering: Gathering,
    index: str,
    paths: tuple[str, ...],
    hashes: str | None,
    decode: str | None,
) -> None:
    """Hash PATHS and add them to INDEX, which is made if there is none.

    A path that is in the index already is hashed again, and takes its place. Images that cannot be
    read are left out; one that was read before stays in the index as it was.
    """
    import pandas as pd

    from ...hashing._hash_table import hash_images
    from ...hashing._spec import parse_hashes
    from .._evidence import to_columns
    from .._hash_files import SETTINGS, check_format, is_hash, say_settings, write_table

    check_format(index)
    check_outputs([index], force=True)
    names = [str(spec) for spec in parse_hashes(hashes.split(","))] if hashes else None
    known = _open(index, common) if os.path.exists(index) else None
    if known is not None:
        decode = check_settings(known, decode) if known.sources else decode
        columns = [str(name) for name in _table(known).columns if is_hash(name)]
        if columns and names is not None and names != columns:
            raise CommandError(f"{index} holds {', '.join(columns)}, and not {', '.join(names)}.")
        names = columns or names  # an empty one in JSON has no columns
    collection = collect(paths, gathering, common)
    decode = decode or "full"
    new: Any = hash_images(
        collection.sources,
        names or ["phash", "dhash"],
        decode=decode,
        n_jobs=common.n_jobs,
        cache=common.cache,
        progress=common.progress,
    )
    check_readable(len(new), new["error"].dropna())
    new = new.assign(**to_columns(collection.states), **{SETTINGS: say_settings(decode)})
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
    _tell(common, counts | ({"unreadable": n_unreadable} if n_unreadable else {}))


@command.command("query")
@click.argument("index")
@click.argument("paths", nargs=-1, required=True)
@finder_options
@input_options
@common_options
def query(
    common: Common, gathering: Gathering, asked: Asked, index: str, paths: tuple[str, ...]
) -> None:
    """Tell which of PATHS are known: near duplicates of images in INDEX.

    Others are new; those that cannot be read are neither.
    """
    from ..._utils.path_text import show_path
    from ...report._text import count

    known = _open(index, common)
    collection = collect(paths, gathering, common)
    finder = make_finder(asked, known, common)
    fitted = finder.fit_table(_table(known)) if known.sources else finder.fit([])
    signed = fitted._sign(collection.sources)
    errors = dict(zip(signed.failures["position"], signed.failures["error"], strict=True))
    check_readable(len(collection.sources), errors.values())
    pairs = fitted.matches(signed)
    found: list[list[dict[str, Any]]] = [[] for _ in collection.sources]
    for left, right, distance in zip(pairs.left, pairs.right, pairs.distance, strict=True):
        found[left].append({"path": known.sources[right], "distance": int(distance)})
    answers: list[dict[str, Any]] = [
        {"path": path, "matches": sorted(matches, key=lambda match: int(match["distance"]))}
        | ({"error": errors[row]} if row in errors else {})
        for row, (path, matches) in enumerate(zip(collection.sources, found, strict=True))
    ]
    if common.as_json:
        echo_json(answers)
        return
    for answer in answers:
        matches = answer["matches"]
        told = "unread" if "error" in answer else "known" if matches else "new"
        echo(f"{told:<6} {show_path(str(answer['path']))}")
        for match in matches:
            bits = count(match["distance"], "bit")
            echo(f"{bits:>14}  {show_path(match['path'])}")


@command.command("remove")
@click.argument("index")
@click.argument("paths", nargs=-1, required=True)
@common_options
def remove(common: Common, index: str, paths: tuple[str, ...]) -> None:
    """Take PATHS out of INDEX; a folder takes all below it along. No image is touched."""
    from .._hash_files import write_table

    table = _table(_open(index, common))
    gone = table["image"].isin(paths)
    for path in paths:
        below = table["image"].str.startswith(path.rstrip(os.sep) + os.sep)
        if not (below.any() or (table["image"] == path).any()):
            raise CommandError(
                f"{path} is not in {index}: nothing was removed. Paths are spelled as "
                f"in its column 'image'."
            )
        gone |= below
    write_table(table[~gone], index)
    _tell(common, {"removed": int(gone.sum()), "images": int((~gone).sum())})


def _open(index: str, common: Common) -> Collection:
    known = collect([index], Gathering(), common, may_be_empty=True)
    if known.sources and not known.is_hashed:
        raise CommandError(f"{index} is no file of hashes: hashfeatures index add {index} PATHS")
    return known


def _table(collection: Collection) -> pd.DataFrame:
    assert collection.columns is not None
    return collection.columns


def _tell(common: Common, counts: dict[str, int]) -> None:
    if common.as_json:
        echo_json(counts)
    else:
        common.note(", ".join(f"{name} {number}" for name, number in counts.items()))
