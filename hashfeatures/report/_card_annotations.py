"""What a card says of near duplicates whose boxes or masks disagree."""

from __future__ import annotations

from typing import Any

from .._utils.quantities import count

# The pairs in a card, and the objects that a line of its table names; the summary has more.
_MOST_PAIRS = 8
_MOST_NAMED = 3


def list_annotation_conflicts(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the pairs with annotations in conflict that a card shows."""
    return list((summary["annotations"] or {"worst": []})["worst"][:_MOST_PAIRS])


def describe_annotation_conflicts(annotations: dict[str, Any]) -> list[str]:
    """Return sentences on the number of pairs whose annotations disagree."""
    compared = count(annotations["compared"], "pair")
    if not annotations["pairs"]:
        return [f"The boxes and masks of all {compared} of near duplicates agree."]
    within = ", ".join(f"{n:,} within {name}" for name, n in annotations["within"].items())
    kinds = ", ".join(f"{kind} {n:,}" for kind, n in annotations["kinds"].items())
    disagree = "disagrees" if annotations["pairs"] == 1 else "disagree"
    return [
        f"{annotations['pairs']:,} of {compared} of near duplicates {disagree} on "
        f"{count(annotations['objects'], 'object')}: {annotations['across']:,} across parts, "
        f"{within}.",
        f"Objects by kind: {kinds}.",
    ]


def describe_disagreement(found: dict[str, Any]) -> str:
    """Return a disagreement on an object in words.

    Examples
    --------
    >>> from hashfeatures.report._card_annotations import describe_disagreement
    >>> cat, dog = {"class": "cat", "box": []}, {"class": "dog", "box": []}
    >>> describe_disagreement({"kind": "class differs", "iou": 0.912, "left": cat, "right": dog})
    'class differs: cat, dog (IoU 0.91)'
    >>> describe_disagreement({"kind": "missing in left", "iou": None, "left": None, "right": dog})
    'missing in left: dog'
    """
    sides = [side for side in (found["left"], found["right"]) if side is not None]
    classes = dict.fromkeys(side["class"] or "without a class" for side in sides)
    iou = "" if found["iou"] is None else f" (IoU {found['iou']:.2f})"
    return f"{found['kind']}: {', '.join(classes)}{iou}"


def describe_disagreements(pair: dict[str, Any]) -> str:
    """Return the first disagreements of a pair in words, and how many there are more."""
    texts = [describe_disagreement(found) for found in pair["objects"][:_MOST_NAMED]]
    if n_more := pair["size"] - len(texts):
        texts.append(f"and {n_more:,} more")
    return "; ".join(texts)
