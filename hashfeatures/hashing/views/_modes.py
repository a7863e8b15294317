"""The modes of comparison that `views` names: whole images, views, or segments."""

from __future__ import annotations

from .._spec import HashSpec
from ._segment_hashes import SegmentsSpec
from ._view_hashes import ViewsSpec
from ._windows import VIEW_SETS

_SEGMENTS = "segments"

VIEWS = (*VIEW_SETS, _SEGMENTS)

# Incremented whenever a bit of a view or of a segment changes.
VIEWS_VERSION = 2


def compare_by(
    specs: tuple[HashSpec, ...], views: str, min_detail: int = 0
) -> tuple[HashSpec, ...]:
    """Return the hashes to compute for a mode of comparison.

    Parameters
    ----------
    specs : tuple of HashSpec
        The hashes of each image, each view, or each segment.
    views : str
        One of `VIEWS`.
    min_detail : int
        The least detail, 0 to 100, of views and segments that are compared.

    Returns
    -------
    tuple of HashSpec
        The hashes themselves, or one spec that combines them.

    Raises
    ------
    ParameterError
        If a hash does not support the views.
    """
    if views == _SEGMENTS:
        return (SegmentsSpec.of(specs, min_detail),)
    return specs if views == "identity" else (ViewsSpec.of(specs, views, min_detail),)


def count_orientations(views: str) -> int:
    """Return the number of orientations, of eight, in which an image is compared."""
    return 1 if views == _SEGMENTS else VIEW_SETS[views].n_orientations
