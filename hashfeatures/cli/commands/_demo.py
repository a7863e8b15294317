"""``hashfeatures demo``: a tour on photos that ship with a package."""

from __future__ import annotations

from pathlib import Path

import click


def _png_path(ctx: click.Context, parameter: click.Parameter, value: str) -> Path:
    if not value.lower().endswith(".png"):
        raise click.BadParameter(f"must be the name of a .png file. Got {value!r} instead.")
    return Path(value)


@click.command("demo")
@click.option(
    "-o",
    "--output",
    default="hashfeatures_demo.png",
    show_default=True,
    metavar="FILE",
    callback=_png_path,
    help="The contact sheet to write, a .png file.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Seed for the choice of images and the splits.",
)
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the photos into this new folder, and keep them.",
)
def command(output: Path, seed: int, photos: Path | None) -> None:
    """Take a tour on photos with planted copies.

    The demo plants copies among photos, finds them, and shows how they inflate the score of a
    classifier. It needs the packages of the extra "demo" and names the command that installs
    them.
    """
    from ..demo._walkthrough import run_demo

    run_demo(output, seed, photos)
