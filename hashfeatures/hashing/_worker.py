"""One image source to its record, in a worker.

Workers import this module, so it imports neither pandas nor scikit-learn.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

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
    measured = measure_one(source, specs, decoding, min_detail, reduction)
    _pack_hashes([measured])
    return measured.record


class _Measured(NamedTuple):
    """The record of an image, still without hashes, and what each of its hashes depends on."""

    record: ImageRecord
    specs: Sequence[HashSpec]
    values: list[Any]


def _pack_hashes(images: Sequence[_Measured]) -> None:
    """Complete the records of images. Many at a time take less time."""
    for specs, group in groupby(images, lambda image: image.specs):
        records, _, values = zip(*group, strict=True)
        for spec, of_spec in zip(specs, zip(*values, strict=True), strict=True):
            name = str(spec)
            for record, packed in zip(records, spec.pack_all(of_spec), strict=True):
                record.hashes[name] = packed


def measure_one(
    source: Any,
    specs: Sequence[HashSpec],
    decoding: Decoding,
    min_detail: int | None,
    reduction: Reduction,
) -> _Measured:
    """Decode one image, and keep of it what its record depends on."""
    fast = None if decoding.trim_borders else decode_baseline(source, decoding, reduction)
    if fast is not None:
        return _measure_fast(fast, source, specs, decoding, min_detail)
    decoded = read_image(source, decoding, reduction)
    try:
        with quiet_decoding(decoding.max_pixels):
            planes = _planes_of(decoded, decoding, specs, min_detail is not None)
            detail, values = _measure_planes(planes, specs, min_detail)
            digest = None
            if min_detail is not None and detail < min_detail:
                digest = _digest(source, decoded, decoding)
    except ImageReadError as error:  # a mode that Pillow cannot turn into luma, say
        name = describe_source(source.image if isinstance(source, DecodedImage) else source)
        raise ImageReadError(name, error.cause, lasting=error.lasting) from error
    facts = (detail, decoded.width, decoded.height, decoded.format, digest)
    return _Measured(ImageRecord({}, *facts), specs, values)


def _measure_fast(
    fast: JpegPixels,
    source: Any,
    specs: Sequence[HashSpec],
    decoding: Decoding,
    min_detail: int | None,
) -> _Measured:
    """Measure the pixels of a JPEG that Pillow's reader did not open."""
    sizes = _sizes_for(tuple(specs), min_detail is not None, fast.least_side)
    planes = ImagePlanes(fast.pixels, needs_color(specs), sizes=sizes)
    detail, values = _measure_planes(planes, specs, min_detail)
    digest = None
    if min_detail is not None and detail < min_detail:
        digest = _digest(source, read_image(source, replace(decoding, decode="full")), decoding)
    facts = (detail, fast.width, fast.height, "JPEG", digest)
    return _Measured(ImageRecord({}, *facts), specs, values)


def _measure_planes(
    planes: ImagePlanes, specs: Sequence[HashSpec], min_detail: int | None
) -> tuple[int, list[Any]]:
    detail = 0 if min_detail is None else measure_detail(planes)
    return detail, [spec.measure(planes) for spec in specs]


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
    measured: list[_Measured] = []
    process_state.apply()
    with quiet_decoding(decoding.max_pixels):  # once for all images
        for source, specs in jobs:
            try:
                if isinstance(source, ImageReadError):
                    raise source
                image = measure_one(source, specs, decoding, min_detail, reduction)
                measured.append(image)
                outcomes.append(image.record)
            except ImageReadError as error:
                outcomes.append(error.without_traceback())
                if stop_early:
                    break
        _pack_hashes(measured)
    return outcomes
