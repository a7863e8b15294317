"""From one image source to its record: what runs in a worker.

Workers import this module and what it needs, so it stays clear of pandas and scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..exceptions import ImageReadError
from ..images._decoding import Decoding
from ..images._process_state import Surroundings
from ..images._quiet import quiet_decoding
from ..images._read import DecodedImage, read_image, read_what_is_left_out
from ..images._sources import describe_source
from ._planes import Plate, measure_detail
from ._record import ImageRecord
from ._spec import HashSpec
from .views._borders import trim_borders


def hash_one(
    source: Any, specs: Sequence[HashSpec], decoding: Decoding, digest_below: int | None = 0
) -> ImageRecord:
    """Hash one image.

    Parameters
    ----------
    source : image source or DecodedImage
        See `hashfeatures.images._read.read_image`.
    specs : sequence of HashSpec
        The hashes.
    decoding : Decoding
        How files become pixels.
    digest_below : int or None
        Images of less detail than this are given a digest of all that they show, for which they
        are decoded in full. None: the detail is not measured, and told as 0.

    Returns
    -------
    ImageRecord
        The bits, and what else is known of the image.

    Raises
    ------
    ImageReadError
        If the image cannot be read. Any other error is not the image's.
    """
    decoded = read_image(source, decoding)
    try:
        with quiet_decoding(decoding.max_pixels):
            plate = _plate_of(decoded, decoding, needs_colour(specs))
            detail = 0 if digest_below is None else measure_detail(plate)
            hashes = {
                str(spec): np.packbits(spec.algorithm.compute(plate, spec.size)).tobytes()
                for spec in specs
            }
            digest = None
            if digest_below is not None and detail < digest_below:
                digest = _digest(source, decoded, decoding)
    except ImageReadError as error:  # a mode that Pillow cannot turn into luma, say
        name = describe_source(source)
        raise ImageReadError(name, error.cause, lasting=error.lasting) from error
    return ImageRecord(hashes, detail, decoded.width, decoded.height, decoded.format, digest)


def _digest(source: Any, decoded: DecodedImage, decoding: Decoding) -> bytes:
    """Return the digest of all that the file of an image shows."""
    shown, file = decoded.shown, decoded.file
    if shown is None:  # at a smaller size, or as luma alone, images may be equal that are not
        again = source if isinstance(file, str) else file  # what came from afar is at hand
        shown = read_image(again, replace(decoding, decode="full", background=None)).shown
        assert shown is not None
    return Plate(shown).digest(b"" if file is None else read_what_is_left_out(file))


def _plate_of(decoded: DecodedImage, decoding: Decoding, colour: bool) -> Plate:
    image = trim_borders(decoded.image) if decoding.trim_borders else decoded.image
    return Plate(image, colour)


def needs_colour(specs: Sequence[HashSpec]) -> bool:
    """Tell whether any of the hashes looks at more than luma."""
    return any(spec.algorithm.colour for spec in specs)


def hash_chunk(
    jobs: Sequence[tuple[Any, tuple[HashSpec, ...]]],
    decoding: Decoding,
    digest_below: int | None,
    stop_early: bool,
    surroundings: Surroundings,
) -> list[ImageRecord | ImageReadError]:
    """Hash some images, each for its own hashes; errors of images are returned, not raised."""
    outcomes: list[ImageRecord | ImageReadError] = []
    surroundings.apply()
    with quiet_decoding(decoding.max_pixels):  # once for all of them
        for source, specs in jobs:
            try:
                if isinstance(source, ImageReadError):
                    raise source
                outcomes.append(hash_one(source, specs, decoding, digest_below))
            except ImageReadError as error:
                outcomes.append(error.alone())
                if stop_early:
                    break
    return outcomes
