"""``hashfeatures demo``: all of it, on photos that ship in a package."""

from __future__ import annotations

from pathlib import Path

import click


def _png_path(ctx: click.Context, parameter: click.Parameter, value: str) -> Path:
    if not value.lower().endswith(".png"):
        raise click.BadParameter(f"the contact sheet is a PNG file, not {value!r}.")
    return Path(value)


@click.command("demo")
@click.option(
    "-o",
    "--output",
    default="hashfeatures_demo.png",
    show_default=True,
    metavar="FILE",
    callback=_png_path,
    help="The contact sheet to write, a PNG file.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Chooses the images and the splits.",
)
def command(output: Path, seed: int) -> None:
    """See it at work on photos with planted copies.

    Copies are planted, found, and shown to spoil a score. Needs the packages of the extra "demo";
    without them, the command that installs these is shown.
    """
    from ..demo._walkthrough import run_demo

    run_demo(output, seed)
