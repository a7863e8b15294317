"""``hashfeatures seal``: write fingerprints of images, without the images."""

from __future__ import annotations

import os

import click

from ..._utils.quantities import count
from .._console import echo_json
from .._context import GlobalOptions, InputOptions, SealingOptions
from .._finders import make_finder
from .._inputs import collect
from .._options import force_option, option_groups
from .._outputs import check_outputs
from .._parts import allow_unreadable_option
from .._seals import refuse_hashes


@click.command("seal")
@click.argument("paths", nargs=-1, required=True)
@click.option("-o", "--output", required=True, metavar="FILE", help="The seal to write.")
@force_option
@allow_unreadable_option
@option_groups(options=SealingOptions, inputs=InputOptions, common=GlobalOptions)
def command(
    common: GlobalOptions,
    inputs: InputOptions,
    options: SealingOptions,
    paths: tuple[str, ...],
    output: str,
    force: bool,
    allowed: float | int,
) -> None:
    """Seal a test set, so that others can check for leaks.

    The seal holds fingerprints of the images in PATHS: no names, no pixels and nothing of their
    order. Whoever has training images and the seal can run "hashfeatures leaks", which says for
    each training image whether the sealed set has a near duplicate of it. Hashes alone are
    compared, by the options given here. The guide docs/how-to/share-a-sealed-test-set.md says
    what can be learned from a seal.

    \b
      hashfeatures seal data/test -o test.seal
      hashfeatures leaks data/train --against test.seal
    """
    from ...model_selection.seals._seal_images import seal_images

    if options.verify or options.min_agreement is not None:
        name = "--verify" if options.verify else "--min-agreement"
        raise click.UsageError(
            f"{name} concerns pixels, and a seal holds none: hashes alone are compared. Leave "
            f"{name} out."
        )
    check_outputs([output], force)
    collection = collect(paths, inputs, common)
    refuse_hashes(collection)
    finder = make_finder(options, collection, common)
    facts = seal_images(collection.sources, output, finder=finder, allow_unreadable=allowed)
    if common.as_json:
        echo_json({"output": output} | facts)
        return
    common.note(
        f"wrote {output} ({os.path.getsize(output):,} bytes): {count(facts['images'], 'image')}, "
        f"{facts['unreadable']} unreadable, "
        f"{count(facts['fingerprints'], 'different fingerprint')}; radius {facts['radius']} of "
        f"{facts['bits']} bits"
    )
