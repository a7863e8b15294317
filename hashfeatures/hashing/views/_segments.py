"""Crop-resistant hashes: the bright and the dark segments of an image, each hashed separately.

A crop leaves most segments whole, so their hashes match wherever they lie in the crop.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy import ndimage

from ...exceptions import ParameterError
from .._algorithms import Bits
from .._planes import ImagePlanes, Pixels
from .._spec import HashSpec
from ._borders import Box

# ImageHash's own parameters.
_SIDE = 300
_THRESHOLD = 128
_MIN_PIXELS = 500

# The greatest number of segments of an image.
MOST_SEGMENTS = _SIDE * _SIDE // (_MIN_PIXELS + 1)

# ImageHash stops when it has seen as many pixels as the image has, counting a frame of pixels
# around the image. So it omits the last small valleys.
_FRAME = 4 * _SIDE


def crop_resistant_hash(image: Image.Image, hash: str = "dhash") -> list[Bits]:
    """Hash each bright and each dark segment of an image.

    The image is resized to 300 by 300 pixels and smoothed. Each connected region, brighter than
    128 or not, is a segment if it has more than 500 pixels. The bounding box of each segment is
    cut out of the image and hashed.

    Parameters
    ----------
    image : PIL.Image.Image
        An image of any mode that Pillow can convert to L.
    hash : str, default="dhash"
        The hash, as in `ImageHashFeaturizer`. It must need luma alone.

    Returns
    -------
    list of ndarray of dtype bool
        The hash of each segment, the bright ones first. The bits and their order equal those of
        the ``segment_hashes`` of `imagehash.crop_resistant_hash` with its default parameters. An
        image without segments is one segment. Where ImageHash fails, this function omits segments
        instead, such as boxes without a pixel in a very small image.

    Raises
    ------
    ParameterError
        If the hash does not exist or needs colors.

    References
    ----------
    Steinebach, Liu and Yannikos, "Efficient Cropping-Resistant Robust Image Hashing", 2014.

    Examples
    --------
    >>> from PIL import Image
    >>> from skimage import data
    >>> from hashfeatures.hashing import crop_resistant_hash
    >>> hashes = crop_resistant_hash(Image.fromarray(data.coins()))
    >>> len(hashes), hashes[0].shape
    (25, (8, 8))
    """
    spec = HashSpec.parse(hash)
    check_luma(spec)
    return [spec.algorithm.compute(part, spec.size) for part in cut_segments(ImagePlanes(image))]


def check_luma(spec: HashSpec) -> None:
    """Raise if a hash needs colors, as segments are cut out of the luma."""
    if spec.algorithm.color:
        raise ParameterError(
            f"Hashes of segments use luma alone, and {str(spec)!r} needs colors. Name another "
            f"hash, such as 'dhash'."
        )


def cut_segments(planes: ImagePlanes) -> list[ImagePlanes]:
    """Return the bounding box of each segment as an image, see `crop_resistant_hash`."""
    height, width = planes.luma.shape
    boxes = [_enlarge(box, width, height) for box in _find_segments(planes)]
    boxes = [box for box in boxes if box.left < box.right and box.top < box.bottom]
    # Bright and dark segments may both span the image. One object resizes it for both.
    parts = {box: _cut(planes, box) for box in boxes}
    return [parts[box] for box in boxes] or [planes]


def _find_segments(planes: ImagePlanes) -> Iterator[Box]:
    """Yield the bounding boxes of the segments, in the image of 300 by 300 pixels."""
    image = Image.fromarray(planes.lanczos(_SIDE, _SIDE))
    smooth = image.filter(ImageFilter.GaussianBlur()).filter(ImageFilter.MedianFilter())
    is_hill = np.asarray(smooth) > _THRESHOLD
    n_seen = _FRAME
    for mask, seen_at_most in ((is_hill, np.inf), (~is_hill, _SIDE * _SIDE)):
        labels, n_labels = ndimage.label(mask)
        sizes = np.bincount(labels.ravel(), minlength=n_labels + 1)[1:]
        counted = np.where(sizes > 1, sizes, 0)  # a lone pixel is never marked as seen
        boxes = ndimage.find_objects(labels)
        order = np.argsort(_first_pixels(labels, n_labels), kind="stable")
        seen_before = n_seen + np.cumsum(counted[order]) - counted[order]
        for label in order[(seen_before < seen_at_most) & (sizes[order] > _MIN_PIXELS)]:
            rows, columns = boxes[label]
            yield Box(columns.start, rows.start, columns.stop, rows.stop)
        n_seen += int(counted.sum())


def _first_pixels(labels: NDArray[np.int32], n_labels: int) -> NDArray[np.intp]:
    """Return the first pixel of each label, row by row."""
    first = np.zeros(n_labels + 1, dtype=np.intp)
    first[labels.ravel()[::-1]] = np.arange(labels.size)[::-1]  # the last value written stays
    return first[1:]


def _enlarge(box: Box, width: int, height: int) -> Box:
    """Scale a box to the image itself, with Pillow's rounding."""
    across, down = width / _SIDE, height / _SIDE
    return Box(
        *(round(box.left * across), round(box.top * down)),
        *(round(box.right * across), round(box.bottom * down)),
    )


def _cut(planes: ImagePlanes, box: Box) -> ImagePlanes:
    part: Pixels = planes.luma[box.top : box.bottom, box.left : box.right]
    return ImagePlanes(Image.fromarray(part))
