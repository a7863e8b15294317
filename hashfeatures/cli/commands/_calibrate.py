"""``hashfeatures calibrate``: choose the radius and the agreement that suit the images."""

from __future__ import annotations

import click

from ..._utils.quantities import count
from .._console import echo, echo_json
from .._context import CalibrationOptions, GlobalOptions, InputOptions
from .._errors import CommandError
from .._finders import make_finder
from .._inputs import collect
from .._options import force_option, option_groups
from .._outputs import check_outputs


@click.command("calibrate")
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--target",
    type=click.FloatRange(min=0, min_open=True),
    default=10,
    show_default=True,
    metavar="N",
    help="The most false matches allowed per million pairs of different images.",
)
@click.option(
    "--sample",
    type=click.IntRange(min=2),
    default=5000,
    show_default=True,
    metavar="N",
    help="The most images to compare with each other.",
)
@click.option(
    "--edited",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    metavar="N",
    help="The number of images to edit and search for.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    help="Write the table by radius and agreement to a .csv file.",
)
@force_option
@option_groups(options=CalibrationOptions, inputs=InputOptions, common=GlobalOptions)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    options: CalibrationOptions,
    paths: tuple[str, ...],
    target: float,
    sample: int,
    edited: int,
    output: str | None,
    force: bool,
) -> None:
    """Choose the radius and the agreement that suit your images.

    The command edits some of the images (resizes, recompresses, crops them and so on) and
    measures how many of these copies each radius and agreement finds. It also compares different
    images with each other. Of the radii and agreements that meet the target for false matches, it
    recommends those that find the most copies.

    \b
      hashfeatures calibrate photos
      hashfeatures duplicates photos --radius 28 --min-agreement 0.9
    """
    from ...duplicates._calibrate import calibrate

    check_outputs([output], force)
    collection = collect(paths, inputs, common)
    if collection.is_hashed:
        raise CommandError("A calibration edits images, so it needs images and not their hashes.")
    if options.radius is not None:
        raise click.UsageError("A calibration finds the radius. Leave --radius out.")
    if options.min_agreement is not None:
        raise click.UsageError("A calibration finds the agreement. Leave --min-agreement out.")
    n_images = len(collection.sources)
    common.note(
        f"comparing {count(min(sample, n_images), 'image')} with each other, and searching for "
        f"edited copies of {count(min(edited, n_images), 'image')}; this takes a while"
    )
    calibration = calibrate(
        collection.sources,
        finder=make_finder(options, collection, common),
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
