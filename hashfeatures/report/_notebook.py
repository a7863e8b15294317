"""The display of objects in a notebook, as small parts of a report.

Nothing is fetched from the network, and images in memory have no picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._utils.frames import is_missing
from ._page import NOTEBOOK_BYTES, NOTEBOOK_GROUPS, NOTEBOOK_IMAGES, write_parts
from ._summary import Grouping, Match, summarize
from ._thumbnails import make_thumbnails


def show_groups(
    title: str,
    grouping: Grouping,
    settings: dict[str, Any],
    distances: Sequence[int],
    n_measured: int,
) -> str:
    """Return groups of near duplicates as HTML.

    Parameters
    ----------
    title : str
        The heading.
    grouping : Grouping
        The groups.
    settings, distances, n_measured
        As for `summarize`.

    Returns
    -------
    str
        A fragment of a page.
    """
    few = grouping.first_rows(NOTEBOOK_GROUPS, NOTEBOOK_IMAGES)
    facts, thumbnails = _picture([grouping.sources[row] for row in few])
    summary = summarize(
        grouping,
        dict(zip(few, facts, strict=True)),
        title=title,
        settings=settings,
        distances=distances,
        n_measured=n_measured,
    )
    return write_parts(summary, thumbnails)


def show_pairs(title: str, text: str, pairs: pd.DataFrame) -> str:
    """Return a text and the first pairs of images, side by side, as HTML.

    Parameters
    ----------
    title, text : str
        The heading, and the text below it.
    pairs : pandas.DataFrame
        The columns "left_image", "right_image" and "distance"; "left_part" and "right_part" if
        the images are in parts of a split; and "agreement" and "relation" if their pixels
        confirm the pairs.

    Returns
    -------
    str
        A fragment of a page.
    """
    pairs = pairs[:NOTEBOOK_GROUPS]
    sources = _interleave(pairs["left_image"], pairs["right_image"])
    parts = None
    if "left_part" in pairs.columns:
        parts = _interleave(pairs["left_part"], pairs["right_part"])
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
        matches=_match_right(pairs),
    )
    known = dict(enumerate(facts))
    # The pairs keep their order: the nearest come first.
    summary = summarize(grouping, known, title=title, settings={}, in_order=True)
    return write_parts(summary, thumbnails, text)


def _match_right(pairs: pd.DataFrame) -> dict[int, Match]:
    """Return how the right image of each pair follows from the left one, by its place."""
    if "agreement" not in pairs.columns:
        return {}
    known = zip(pairs["agreement"], pairs["relation"], strict=True)
    return {
        2 * place + 1: Match(float(agreement), str(relation))
        for place, (agreement, relation) in enumerate(known)
        if not is_missing(agreement)
    }


def _interleave(left: pd.Series[Any], right: pd.Series[Any]) -> list[Any]:
    return [value for pair in zip(left, right, strict=True) for value in pair]


def _picture(sources: Sequence[Any]) -> Any:
    return make_thumbnails(sources, max_number=len(sources), max_bytes=NOTEBOOK_BYTES, fetch=False)
