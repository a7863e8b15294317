"""What objects show of themselves in a notebook: the parts of a report, few and small.

Nothing is fetched from the network for it, and images that came from memory have no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..duplicates._report import group_fitted, summarise_fitted
from ..duplicates._representatives import choose_kept
from ._page import (
    NOTEBOOK_BYTES,
    NOTEBOOK_GROUPS,
    NOTEBOOK_IMAGES,
    write_parts,
)
from ._summary import Grouping, summarise
from ._thumbnails import picture

if TYPE_CHECKING:
    from ..duplicates._calibrate import Calibration
    from ..duplicates._finder import NearDuplicateFinder
    from ..model_selection._leakage import LeakageReport


def show_finder(finder: NearDuplicateFinder) -> str:
    """Return the groups that a fitted finder found, as HTML."""
    sources = [
        f"image {row}" if source is None else source for row, source in enumerate(finder.ids_)
    ]
    grouping = replace(
        group_fitted(finder, sources, None, None),
        stand_in=choose_kept(finder, sources, "first").row,
    )
    first = islice(grouping.members().values(), NOTEBOOK_GROUPS)
    few = [row for members in first for row in members[:NOTEBOOK_IMAGES]]
    facts, thumbnails = _picture([sources[row] for row in few])
    known = dict(zip(few, facts, strict=True))
    summary = summarise_fitted(finder, grouping, known, type(finder).__name__)
    return write_parts(summary, thumbnails)


def show_leaks(report: LeakageReport) -> str:
    """Return a leakage report and its nearest pairs, as HTML."""
    worst = report.worst(NOTEBOOK_GROUPS)
    parts = [
        name for pair in zip(worst["left_part"], worst["right_part"], strict=True) for name in pair
    ]
    return _show_pairs("Leakage", str(report), worst, parts)


def show_calibration(calibration: Calibration) -> str:
    """Return a calibration and the pairs nearest to its radius, as HTML."""
    told = str(calibration)
    return _show_pairs("Calibration", told, calibration.borderline[:NOTEBOOK_GROUPS], None)


def _show_pairs(title: str, told: str, pairs: pd.DataFrame, parts: Sequence[str] | None) -> str:
    """Return pairs of images, side by side."""
    images = zip(pairs["left_image"], pairs["right_image"], strict=True)
    sources: list[Any] = [image for pair in images for image in pair]
    distance = pairs["distance"].fillna(-1).to_numpy(dtype=np.int64)
    facts, thumbnails = _picture(sources)
    grouping = Grouping(
        sources,
        np.repeat(np.arange(len(pairs)), 2),
        np.repeat(distance, 2),
        np.zeros(len(sources), dtype=np.intp) - 1,
        {row: int(bits) for row, bits in enumerate(distance) if bits >= 0},
        {},
        [],
        parts=parts,
    )
    # As they come: the nearest first.
    known = dict(enumerate(facts))
    summary = summarise(grouping, known, title=title, settings={}, in_order=True)
    return write_parts(summary, thumbnails, told)


def _picture(sources: Sequence[Any]) -> Any:
    return picture(sources, max_number=len(sources), max_bytes=NOTEBOOK_BYTES, fetch=False)
