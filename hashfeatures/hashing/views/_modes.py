"""What images are compared by, as `views` names it: hashes as they are, of views, of segments."""

from __future__ import annotations

from .._spec import HashSpec
from ._segment_hashes import SegmentsSpec
from ._view_hashes import ViewsSpec
from ._windows import VIEW_SETS

_SEGMENTS = "segments"

VIEWS = (*VIEW_SETS, _SEGMENTS)

# Counts up whenever a bit of a view or of a segment changes, though none of a whole image's does.
VIEWS_VERSION = 2


def compare_by(
    specs: tuple[HashSpec, ...], views: str, min_detail: int = 0
) -> tuple[HashSpec, ...]:
    """Return what is hashed so that images can be compared.

    Parameters
    ----------
    specs : tuple of HashSpec
        The hashes of an image as it is, of each view, or of each segment.
    views : str
        One of `VIEWS`.
    min_detail : int
        The least detail, 0 to 100, of a view or a segment that is compared.

    Returns
    -------
    tuple of HashSpec
        The hashes themselves, or one that holds them all.

    Raises
    ------
    ParameterError
        If a hash cannot be had of the views.
    """
    if views == _SEGMENTS:
        return (SegmentsSpec.of(specs, min_detail),)
    return specs if views == "identity" else (ViewsSpec.of(specs, views, min_detail),)


def count_orientations(views: str) -> int:
    """Return in how many of the eight turns and mirrors an image is looked at."""
    return 1 if views == _SEGMENTS else VIEW_SETS[views].n_orientations
