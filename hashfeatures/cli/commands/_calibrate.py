"""``hashfeatures calibrate``: the radius that suits the images."""

from __future__ import annotations

import click

from .._console import echo
from .._context import Asked, Common, Gathering
from .._errors import CommandError
from .._finders import make_finder
from .._inputs import collect
from .._options import (
    check_outputs,
    common_options,
    echo_json,
    finder_options,
    force_option,
    input_options,
)


@click.command("calibrate")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--target", type=click.FloatRange(min=0, min_open=True), default=10, show_default=True,
    help="The most false matches in a million pairs of different images.",
)  # fmt: skip
@click.option("--sample", type=click.IntRange(min=2), default=5000, show_default=True,
              help="Images that are compared with each other, at the most.")  # fmt: skip
@click.option("--edited", type=click.IntRange(min=1), default=100, show_default=True,
              help="Images that are edited to see whether they are found.")  # fmt: skip
@click.option("-o", "--output", metavar="FILE", help="Write the table by radius to a .csv file.")
@force_option
@finder_options
@input_options
@common_options
def command(
    common: Common,
    gathering: Gathering,
    asked: Asked,
    paths: tuple[str, ...],
    target: float,
    sample: int,
    edited: int,
    output: str | None,
    force: bool,
) -> None:
    """Choose the radius from your own images.

    Copies of some images are made (resized, recompressed, cropped and so on) and looked for, and
    different images are compared with each other. The radius is the greatest that keeps to the
    target of false matches.

    \b
      hashfeatures calibrate photos
      hashfeatures duplicates photos --radius 10
    """
    from ...duplicates._calibrate import calibrate

    check_outputs([output], force)
    collection = collect(paths, gathering, common)
    if collection.is_hashed:
        raise CommandError("A calibration edits images, so it needs the images, not their hashes.")
    if asked.radius is not None:
        raise click.UsageError("--radius is what a calibration finds out: leave it out.")
    common.note(
        f"compares a sample of {min(sample, len(collection.sources))} images with each other, and "
        f"looks for edited copies of {min(edited, len(collection.sources))}: this takes a while."
    )
    calibration = calibrate(
        collection.sources,
        finder=make_finder(asked, collection, common),
        target=target,
        n_sampled=sample,
        n_edited=edited,
        progress=common.progress,
    )
    if output:
        from ..._utils.atomic_write import write_whole

        write_whole(output, calibration.table.to_csv().encode("utf-8"))
    if common.as_json:
        echo_json(calibration.summary())
    else:
        echo(str(calibration))
