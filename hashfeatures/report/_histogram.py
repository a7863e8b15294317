"""The layout of a histogram of distances, for SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_WIDTH = 640
_HEIGHT = 150

# The margins around the bars, with room for the numbers below them.
_LEFT, _BOTTOM, _TOP = 8, 22, 16


def draw_histogram(counts: Sequence[int], settings: dict[str, Any]) -> dict[str, Any] | None:
    """Lay out a histogram.

    Parameters
    ----------
    counts : sequence of int
        The number of images at each distance, from 0 bits on.
    settings : dict
        The settings of the comparison, of which "radius" is marked.

    Returns
    -------
    dict or None
        The "width", "height" and "bottom" of the picture; the "bars", each with "x", "y",
        "width", "height", "distance", "count" and "near"; the "ticks", each with "x" and "text";
        "radius_x"; and the number of images "within" and "beyond" the radius. None if all counts
        are zero.
    """
    if not sum(counts):
        return None
    radius = int(settings["radius"])
    n_bars = max(len(counts), radius + 4)
    step = (_WIDTH - 2 * _LEFT) / n_bars
    room, greatest = _HEIGHT - _TOP - _BOTTOM, max(counts)
    bars = []
    for distance, number in enumerate(counts):
        # Even a rare distance gets a visible bar.
        height = max(room * number / greatest, 2) if number else 0
        bars.append(
            {
                "x": round(_LEFT + distance * step + 0.08 * step, 2),
                "y": round(_HEIGHT - _BOTTOM - height, 2),
                "width": round(0.84 * step, 2),
                "height": round(height, 2),
                "distance": distance,
                "count": number,
                "near": distance <= radius,
            }
        )
    apart = next(apart for apart in (1, 2, 5, 10, 20, 50, 100, 500, 5000) if apart * step >= 24)
    ticks = [
        {"x": round(_LEFT + (place + 0.5) * step, 2), "text": str(place)}
        for place in range(0, n_bars, apart)
    ]
    within = sum(counts[: radius + 1])
    return {
        "width": _WIDTH,
        "height": _HEIGHT,
        "bottom": _HEIGHT - _BOTTOM,
        "bars": [bar for bar in bars if bar["count"]],
        "ticks": ticks,
        "radius": radius,
        "radius_x": round(_LEFT + (radius + 1) * step, 2),
        "within": within,
        "beyond": sum(counts) - within,
    }
