"""Pairs of near duplicates in different parts, as lines and as JSON."""

from __future__ import annotations

from typing import Any

from .._utils.quantities import format_agreement
from ._inputs import name_image


def pair_as_json(pair: dict[str, Any]) -> dict[str, Any]:
    """Return a row of `LeakageReport.worst` as JSON values."""
    return {
        pair["left_part"]: name_image(pair["left_image"]),
        pair["right_part"]: name_image(pair["right_image"]),
        "distance": pair["distance"],
        **_describe_pixels(pair),
    }


def describe_pair(pair: dict[str, Any], *, with_parts: bool) -> str:
    """Return the line of a row of `LeakageReport.worst`."""
    from .._utils.path_text import show_path

    pixels = _describe_pixels(pair)
    facts = [f"{pair['distance']:>5} bits"]
    if pixels:
        facts.append(format_agreement(pixels["agreement"]))
    for side in ("left", "right"):
        facts += [pair[f"{side}_part"]] if with_parts else []
        facts.append(show_path(name_image(pair[f"{side}_image"])))
    return "  ".join([*facts, *([pixels["relation"]] if pixels else [])])


def _describe_pixels(pair: dict[str, Any]) -> dict[str, Any]:
    """Return the agreement and the relation of a pair; nothing if no pixels were compared."""
    if "agreement" not in pair:
        return {}
    return {"agreement": round(float(pair["agreement"]), 4), "relation": pair["relation"]}
