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
from ..images._process_state import ProcessState
from ..images._quiet import quiet_decoding
from ..images._read import DecodedImage, digest_undecoded, read_image
from ..images._sources import describe_source
from ._planes import ImagePlanes, measure_detail
from ._record import ImageRecord
from ._spec import HashSpec
from .views._borders import trim_borders


def hash_one(
    source: Any, specs: Sequence[HashSpec], decoding: Decoding, min_detail: int | None = 0
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
    min_detail : int or None
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
            planes = _planes_of(decoded, decoding, needs_color(specs))
            detail = 0 if min_detail is None else measure_detail(planes)
            hashes = {
                str(spec): np.packbits(spec.algorithm.compute(planes, spec.size)).tobytes()
                for spec in specs
            }
            digest = None
            if min_detail is not None and detail < min_detail:
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
    return ImagePlanes(shown).digest(b"" if file is None else digest_undecoded(file))


def _planes_of(decoded: DecodedImage, decoding: Decoding, color: bool) -> ImagePlanes:
    image = trim_borders(decoded.image) if decoding.trim_borders else decoded.image
    return ImagePlanes(image, color)


def needs_color(specs: Sequence[HashSpec]) -> bool:
    """Tell whether any of the hashes looks at more than luma."""
    return any(spec.algorithm.color for spec in specs)


def hash_chunk(
    jobs: Sequence[tuple[Any, tuple[HashSpec, ...]]],
    decoding: Decoding,
    min_detail: int | None,
    stop_early: bool,
    process_state: ProcessState,
) -> list[ImageRecord | ImageReadError]:
    """Hash some images, each for its own hashes; errors of images are returned, not raised."""
    outcomes: list[ImageRecord | ImageReadError] = []
    process_state.apply()
    with quiet_decoding(decoding.max_pixels):  # once for all of them
        for source, specs in jobs:
            try:
                if isinstance(source, ImageReadError):
                    raise source
                outcomes.append(hash_one(source, specs, decoding, min_detail))
            except ImageReadError as error:
                outcomes.append(error.without_traceback())
                if stop_early:
                    break
    return outcomes
