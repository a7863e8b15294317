"""The command line: ``hashfeatures demo``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__
from .exceptions import MissingExtraError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the name of the command; None means what this process was started with.

    Returns
    -------
    int
        0 if all went well, 1 if not. Wrong arguments exit with 2.
    """
    parser = make_parser()
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        parser.print_help()
        return 0
    # Not at the top: --help is not to wait for scikit-learn and pandas.
    from .demo import run_demo

    try:
        run_demo(parsed.output, parsed.seed)
    except (MissingExtraError, OSError) as error:
        print(f"hashfeatures: {error}", file=sys.stderr)
        return 1
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="hashfeatures", description="Near-duplicate images for scikit-learn."
    )
    parser.add_argument("--version", action="version", version=f"hashfeatures {__version__}")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="plant copies among photos, find them, and show what they do to a score",
        description="Plant copies among photos, find them, and show what they do to a score.",
    )
    demo.add_argument(
        "-o",
        "--output",
        type=_png_path,
        default=Path("hashfeatures_demo.png"),
        help="the contact sheet to write, a PNG file (default: %(default)s)",
    )
    demo.add_argument(
        "--seed",
        type=_seed,
        default=0,
        help="chooses the images and the splits (default: %(default)s)",
    )
    return parser


def _png_path(text: str) -> Path:
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"the contact sheet is a PNG file, not {text!r}")
    return Path(text)


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"a seed is a whole number from 0 on, not {text!r}")
    return int(text)
