"""The comparison of a hashed data set with another one, in stages."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import click

from ._console import echo, echo_json
from ._context import OutputOptions
from ._errors import FOUND, UNCHECKED, WELL
from ._leak_pairs import describe_pair, pair_as_json

if TYPE_CHECKING:
    from ..duplicates._finder import NearDuplicateFinder

_N_LISTED = 10


def check_options(against: str | None, allowed: float | int, of_split: Sequence[str]) -> None:
    """Raise if options have no effect, or if no such number of images may be unreadable.

    Parameters
    ----------
    against : str or None
        The other data set.
    allowed : int or float
        The number or the share of images that may be unreadable.
    of_split : sequence of str
        The given options of a split.
    """
    from .._utils.validation import check_count_or_share

    check_count_or_share("stages", "--allow-unreadable", allowed)
    if against is None and allowed:
        raise click.UsageError("--allow-unreadable has no effect without --against. Omit it.")
    if against is not None and of_split:
        raise click.UsageError(
            f"{of_split[0]} has no effect with --against, which splits no data set. Omit one of "
            f"them."
        )


def name_folder(folder: str, against: str) -> str:
    """Return the folder for what concerns another data set, which is the same in all runs."""
    from ..images._sources import local_path

    local = local_path(against)
    address = against if local is None else os.path.abspath(os.path.expanduser(local))
    digest = blake2b(os.fsencode(address), digest_size=4).hexdigest()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", address.rstrip("/").rpartition("/")[2])
    return f"{folder}/against/{name[:40]}-{digest}"


def list_leaks(
    hashes: str,
    source: Any,
    folder: str,
    finder: NearDuplicateFinder,
    column: str | None,
    allowed: float | int,
    shared: Mapping[str, Any],
    common: OutputOptions,
) -> int:
    """Hash another data set, find what it shares with a hashed one, and print the report.

    Parameters
    ----------
    hashes : str
        The directory of hashes.
    source : str or Collection
        The other data set.
    folder : str
        The folder to write to.
    finder : NearDuplicateFinder
        Says which images are near duplicates.
    column : str or None
        The column of a table that holds paths or URLs.
    allowed : int or float
        The number or the share of images that may be unreadable.
    shared : dict of str to object
        The options of all stages.
    common : OutputOptions
        How to print the report.

    Returns
    -------
    int
        The exit code.
    """
    from ..distributed import find_leaks, find_pairs, hash_dataset

    against = hash_dataset(source, f"{folder}/hashes", finder, column=column, **shared).out
    paired = find_pairs(hashes, f"{folder}/pairs", against=against, **shared)
    report = find_leaks(paired.out, f"{folder}/leaks", hashes=hashes, against=against)
    records: list[Any] = report.worst(_N_LISTED).to_dict("records")
    unchecked = report.why_unchecked(allowed)
    if common.as_json:
        pairs = [pair_as_json(pair) for pair in records]
        echo_json(report.summary() | {"unchecked": unchecked, "worst": pairs, "out": report.out})
    else:
        echo(str(report))
        for pair in records:
            echo(describe_pair(pair, with_parts=False))
    if report.leaks:
        return FOUND
    if unchecked is not None:
        echo(f"hashfeatures: {unchecked} Check the paths, or see --allow-unreadable.", err=True)
        return UNCHECKED
    return WELL
