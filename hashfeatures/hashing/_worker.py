"""One image source to its record, in a worker.

Workers import this module, so it imports neither pandas nor scikit-learn.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..exceptions import ImageReadError
from ..images._decoding import Decoding, Reduction
from ..images._fast_jpeg import JpegPixels, decode_baseline
from ..images._flatten import find_opacity
from ..images._process_state import ProcessState
from ..images._quiet import quiet_decoding
from ..images._read import DecodedImage, read_image
from ..images._sources import describe_source
from ..images._undecoded import digest_undecoded
from ._planes import DETAIL_SIZE, ImagePlanes, Sizes, measure_detail
from ._record import ImageRecord
from ._spec import HashSpec
from .views._borders import find_inside


def hash_one(
    source: Any,
    specs: Sequence[HashSpec],
    decoding: Decoding,
    min_detail: int | None = 0,
    reduction: Reduction = Reduction(),
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
        Images of less detail than this are decoded in full for a digest of all that they show.
        With None, the detail is not measured and recorded as 0.
    reduction : Reduction
        With ``decode="reduced"``: how much of a JPEG the hashes need.

    Returns
    -------
    ImageRecord
        The bits and the facts of the image.

    Raises
    ------
    ImageReadError
        If the image cannot be read. Any other error has another cause than the image.
    """
    fast = None
    if not decoding.trim_borders:
        fast = decode_baseline(source, decoding, reduction)
    if fast is not None:
        return _record_of(fast, source, specs, decoding, min_detail)
    decoded = read_image(source, decoding, reduction)
    try:
        with quiet_decoding(decoding.max_pixels):
            planes = _planes_of(decoded, decoding, specs, min_detail is not None)
            detail, hashes = _measure(planes, specs, min_detail)
            digest = None
            if min_detail is not None and detail < min_detail:
                digest = _digest(source, decoded, decoding)
    except ImageReadError as error:  # a mode that Pillow cannot turn into luma, say
        name = describe_source(source.image if isinstance(source, DecodedImage) else source)
        raise ImageReadError(name, error.cause, lasting=error.lasting) from error
    return ImageRecord(hashes, detail, decoded.width, decoded.height, decoded.format, digest)


def _record_of(
    fast: JpegPixels,
    source: Any,
    specs: Sequence[HashSpec],
    decoding: Decoding,
    min_detail: int | None,
) -> ImageRecord:
    """Hash the pixels of a JPEG that Pillow did not decode."""
    sizes = _sizes_for(tuple(specs), min_detail is not None, min(fast.pixels.shape[:2]))
    planes = ImagePlanes(fast.pixels, needs_color(specs), sizes=sizes)
    detail, hashes = _measure(planes, specs, min_detail)
    digest = None
    if min_detail is not None and detail < min_detail:
        whole = replace(decoding, decode="full")
        digest = _digest(source, read_image(source, whole), decoding)
    return ImageRecord(hashes, detail, fast.width, fast.height, "JPEG", digest)


def _measure(
    planes: ImagePlanes, specs: Sequence[HashSpec], min_detail: int | None
) -> tuple[int, dict[str, bytes]]:
    detail = 0 if min_detail is None else measure_detail(planes)
    return detail, {str(spec): spec.pack(planes) for spec in specs}


def _digest(source: Any, decoded: DecodedImage, decoding: Decoding) -> bytes:
    """Return a digest of everything that the file of an image shows."""
    shown, file = decoded.shown, decoded.file
    if shown is None:  # different images may be equal at a smaller size or in luma alone
        again = file if isinstance(file, io.BytesIO) else source  # whole remote files are here
        whole = read_image(again, replace(decoding, decode="full", background=None))
        shown, file = whole.shown, whole.file
        assert shown is not None
    return ImagePlanes(shown).digest(b"" if file is None else digest_undecoded(file))


def _planes_of(
    decoded: DecodedImage, decoding: Decoding, specs: Sequence[HashSpec], with_detail: bool
) -> ImagePlanes:
    image, opacity = decoded.image, None
    if decoded.shown is not None and any(spec.needs_chroma for spec in specs):
        opacity = find_opacity(decoded.shown)
    if decoding.trim_borders:
        box = find_inside(image)
        if box != (0, 0, *image.size):
            image = image.crop(box)
            opacity = None if opacity is None else opacity.crop(box)
    sizes = _sizes_for(tuple(specs), with_detail, min(image.size))
    return ImagePlanes(image, needs_color(specs), opacity, sizes)


@lru_cache(maxsize=256)
def _sizes_for(specs: tuple[HashSpec, ...], with_detail: bool, side: int) -> Sizes:
    """Return the sizes of the luma that the hashes and the detail of an image need."""
    sizes = [size for spec in specs for size in spec.luma_sizes(side)]
    return tuple(dict.fromkeys([*sizes, DETAIL_SIZE] if with_detail else sizes))


def needs_color(specs: Sequence[HashSpec]) -> bool:
    """Return whether any of the hashes needs more than luma."""
    return any(spec.algorithm.color for spec in specs)


def hash_chunk(
    jobs: Sequence[tuple[Any, tuple[HashSpec, ...]]],
    decoding: Decoding,
    reduction: Reduction,
    min_detail: int | None,
    stop_early: bool,
    process_state: ProcessState,
) -> list[ImageRecord | ImageReadError]:
    """Compute the given hashes of each image, and return errors of images instead of raising."""
    outcomes: list[ImageRecord | ImageReadError] = []
    process_state.apply()
    with quiet_decoding(decoding.max_pixels):  # once for all images
        for source, specs in jobs:
            try:
                if isinstance(source, ImageReadError):
                    raise source
                outcomes.append(hash_one(source, specs, decoding, min_detail, reduction))
            except ImageReadError as error:
                outcomes.append(error.without_traceback())
                if stop_early:
                    break
    return outcomes
