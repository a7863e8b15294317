"""What the commands share: options, notes on stderr, and results on stdout or in files."""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ._console import echo
from ._context import Asked, Common, Gathering
from ._errors import CommandError


def telling_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what it tells; it gets them as `common`."""

    @functools.wraps(function)
    def command(as_json: bool, quiet: bool, verbose: bool, **others: Any) -> Any:
        click.get_current_context().find_root().meta.update(quiet=quiet, verbose=verbose)
        logging.getLogger("hashfeatures.progress").disabled = quiet
        if verbose:
            logging.basicConfig(stream=sys.stderr, format="%(name)s: %(message)s")
            logging.getLogger("hashfeatures").setLevel(logging.DEBUG)
        return function(common=Common(as_json, quiet), **others)

    options = [
        click.option("--json", "as_json", is_flag=True, help="Print the results as JSON."),
        click.option("-q", "--quiet", is_flag=True, help="No notes and no progress on stderr."),
        click.option("-v", "--verbose", is_flag=True, help="Tell where errors come from."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def pixels_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that says how large an image may be."""

    @click.option(
        "--max-pixels",
        type=click.IntRange(min=1),
        metavar="N",
        help="The most pixels that an image may have, against decompression bombs. "
        "[default: Pillow's own limit, 178,956,970]",
    )
    @functools.wraps(function)
    def command(max_pixels: int | None, **others: Any) -> Any:
        if max_pixels is None:
            return function(**others)
        from PIL import Image

        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = -(-max_pixels // 2)  # Pillow refuses what is over twice as large
        try:
            return function(**others)
        finally:
            Image.MAX_IMAGE_PIXELS = before

    return command


def _check_jobs(ctx: click.Context, parameter: click.Parameter, value: int | None) -> int | None:
    if value == 0:
        raise click.BadParameter("0 processes hash nothing; give a number, or -1 for every core.")
    return value


def common_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of all that hash images; it gets them as `common`."""

    @functools.wraps(function)
    def command(common: Common, cache: str | None, n_jobs: int | None, **others: Any) -> Any:
        return function(common=replace(common, cache=cache, n_jobs=n_jobs), **others)

    options = [
        click.option(
            "--cache",
            metavar="FILE",
            help="Keep hashes in this file, so that none is computed twice. All commands may "
            "share one.",
        ),
        click.option(
            "-j",
            "--jobs",
            "n_jobs",
            type=int,
            metavar="N",
            callback=_check_jobs,
            help="Processes that hash; -1 uses every core. [default: 1]",
        ),
    ]
    told = telling_options(pixels_option(command))
    for option in reversed(options):
        told = option(told)
    return told


def input_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which images; it gets them as `gathering`."""

    @functools.wraps(function)
    def command(globs: tuple[str, ...], column: str | None, links: bool, **others: Any) -> Any:
        return function(gathering=Gathering(globs, column, links), **others)

    options = [
        click.option(
            "--glob",
            "globs",
            multiple=True,
            metavar="PATTERN",
            help="Of folders, take the files whose name matches, as in '*.jpg', and no others. "
            "May be given more than once. [default: what Pillow reads]",
        ),
        click.option(
            "--column", metavar="NAME", help="The column of tables that holds paths or URLs."
        ),
        click.option(
            "--follow-links", "links", is_flag=True, help="Search folders behind links as well."
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def finder_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what a near duplicate is; it gets them as `asked`."""

    @functools.wraps(function)
    def command(
        hashes: str | None, radius: int | None, views: str | None, decode: str | None,
        **others: Any,
    ) -> Any:  # fmt: skip
        return function(asked=Asked(hashes, radius, views, decode), **others)

    options = [
        click.option(
            "--radius",
            type=click.IntRange(min=0),
            metavar="BITS",
            help="How many bits near duplicates may differ in. [default: what suits the hashes "
            "and views; 12 of the 128 bits of phash and dhash, 4 of the 64 of dhash]",
        ),
        click.option(
            "--hashes",
            metavar="NAMES",
            help="The hashes to compare by, as in 'phash:16' or 'phash,dhash'. "
            "[default: phash,dhash]",
        ),
        click.option(
            "--views",
            type=click.Choice(["identity", "flips", "dihedral", "robust", "segments"]),
            help="Also find mirrored, turned or cropped copies. [default: identity]",
        ),
        decode_option("[default: reduced; of a file of hashes, what it was made with]"),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def linkage_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command that shows groups the option that says what a group is, in its `asked`."""

    @functools.wraps(function)
    def command(asked: Asked, linkage: str, **others: Any) -> Any:
        return function(asked=replace(asked, linkage=linkage), **others)

    return click.option(
        "--linkage",
        type=click.Choice(["single", "complete"]),
        default="single",
        show_default=True,
        help="What a group is: with 'single', whatever is near one of its members belongs to it; "
        "with 'complete', all of its members are near each other.",
    )(command)


def decode_option(default: str) -> Callable[..., Any]:
    """Return the option that says how JPEG files are decoded."""
    return click.option(
        "--decode",
        type=click.Choice(["full", "reduced"]),
        help=f"Decode JPEGs in full, or reduced: many times faster, a bit or two may change. "
        f"{default}",
    )


class Size(click.ParamType):  # type: ignore[type-arg]  # generic in some releases only
    """A share between 0 and 1, or a number of images."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | int:
        """Read a size."""
        try:
            return int(value) if str(value).isdigit() else float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a share, as 0.2, nor a number of images.", param, ctx)


def force_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option to overwrite its output."""
    return click.option("--force", is_flag=True, help="Overwrite files that exist.")(function)


def check_outputs(outputs: Sequence[str | None], force: bool) -> None:
    """Fail before the work if its results cannot be written, or would overwrite a file.

    An image is not overwritten by `force` either.
    """
    from ..images._files import holds_image

    for output in outputs:
        if output is None or output == "-":
            continue
        path = Path(output)
        if path.is_dir():
            raise CommandError(f"{output} is a folder: -o needs the name of a file.")
        if not path.absolute().parent.is_dir():
            raise CommandError(f"{output} cannot be written: there is no folder {path.parent}.")
        if path.exists() and not force:
            raise CommandError(f"{output} exists already: choose another name, or --force.")
        if path.is_file() and holds_image(output):  # a name too many after --out, say
            raise CommandError(
                f"{output} is an image, which is never overwritten: choose another."
            )
        _check_permission(path)


def _check_permission(path: Path) -> None:
    """Fail without leave to make files in a folder, or to write to a pipe or a device."""
    if path.exists() and not path.is_file():
        may_write = os.access(path, os.W_OK)
    else:
        may_write = os.access(os.path.dirname(os.path.realpath(path)), os.W_OK | os.X_OK)
    if not may_write:
        raise CommandError(f"{path} cannot be written: there is no permission to write there.")


def echo_json(value: Any) -> None:
    """Print a value as JSON, all of it ASCII: file names of any bytes survive.

    JSON has no numbers for what is not finite: NaN and infinity are null.
    """
    text = json.dumps(value, default=_plain)
    finite = json.loads(text, parse_constant=lambda constant: None)
    echo(json.dumps(finite, indent=1))


def _plain(value: Any) -> Any:
    """Turn numpy's and pandas' scalars into Python's."""
    if hasattr(value, "item"):
        return value.item()
    return None if value != value or type(value).__name__ == "NAType" else str(value)
