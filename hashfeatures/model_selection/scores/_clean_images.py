"""Which images of the last part of a split leak, and which are clean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._utils.quantities import count
from ...duplicates._labels import Labels, relabel
from .._parts import ComparedParts


@dataclass(frozen=True)
class KindsOfImages:
    """The leaking and the clean images of the last part.

    Parameters
    ----------
    leaking : ndarray, dtype intp
        The rows of the images with a near duplicate in an earlier part.
    clean : ndarray, dtype intp
        The rows of the images whose group is in no earlier part, as far as they were compared.
    groups : ndarray of shape (n_images,), dtype intp
        The group of each image of the last part, from 0 on.
    why_unknown : str or None
        A sentence that says why no image is known to be clean.
    notes : list of str
        Sentences on images of neither kind.
    """

    leaking: Labels
    clean: Labels
    groups: Labels
    why_unknown: str | None
    notes: list[str]

    @classmethod
    def of(cls, parts: ComparedParts, leaking: Labels) -> KindsOfImages:
        """Return the kinds of the images in the last of some parts.

        Parameters
        ----------
        parts : ComparedParts
            The parts.
        leaking : ndarray, dtype intp
            The rows of the images in the last part that leak.
        """
        *earlier, name = parts.names
        in_last = parts.part == len(parts.sizes) - 1
        groups = parts.groups
        in_earlier = parts.count(groups)[:, :-1].sum(axis=1) > 0
        is_reached = in_earlier[groups[in_last]]
        is_leaking = np.zeros(parts.sizes[-1], dtype=bool)
        is_leaking[leaking] = True
        is_unknown = (parts.graph.node_of_image < 0)[in_last] & ~is_leaking
        is_linked = is_reached & ~is_leaking & ~is_unknown
        why_unknown = None
        known = [size - n for size, n in zip(parts.sizes, parts.counts.uncompared, strict=True)]
        if not any(known[:-1]):
            why_unknown = (
                f"No image of {name} is known to be clean, as no image of {' or '.join(earlier)} "
                f"could be compared."
            )
        notes = []
        if n_unknown := int(is_unknown.sum()):
            notes.append(
                f"{count(n_unknown, 'image')} of {name} could not be compared and counted neither "
                f"as leaking nor as clean."
            )
        if n_linked := int(is_linked.sum()):
            notes.append(
                f"{count(n_linked, 'image')} of {name} resembled only leaking images and "
                f"counted neither as leaking nor as clean."
            )
        if why_unknown is None and (n_missing := sum(parts.counts.uncompared[:-1])):
            notes.append(
                f"{count(n_missing, 'image')} of {' and '.join(earlier)} could not be compared, "
                f"so some clean images may leak."
            )
        clean = np.flatnonzero(~(is_reached | is_leaking | is_unknown))
        return cls(leaking, clean, relabel(groups[in_last]), why_unknown, notes)
