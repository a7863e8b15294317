"""How many images the parts of a split have, and how many of them were compared."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PartCounts:
    """The numbers of images in the parts of a split.

    Parameters
    ----------
    names : list of str
        The names of the parts.
    sizes : list of int
        The number of images in each part.
    unreadable : list of int
        The number of images of each part that could not be read.
    low_detail : list of int
        The number of images in each part with too little detail for their hashes that were not
        compared by their pixels either.
    """

    names: list[str]
    sizes: list[int]
    unreadable: list[int]
    low_detail: list[int]

    @property
    def uncompared(self) -> list[int]:
        """The number of images in each part that were not compared, for either reason."""
        return [one + other for one, other in zip(self.unreadable, self.low_detail, strict=True)]

    @property
    def unseen(self) -> list[bool]:
        """Whether each part has images, but none that was compared."""
        return [0 < size == n for size, n in zip(self.sizes, self.uncompared, strict=True)]

    def why_unchecked(self, allowed: float | int = 0) -> str | None:
        """Return why too few images were compared to rule out leaks.

        Parameters
        ----------
        allowed : int or float, default=0
            The number or the share of images that may be left out of the comparison.

        Returns
        -------
        str or None
            A sentence, or None if enough images were compared.
        """
        what = "read or compared" if any(self.low_detail) else "read"
        for name, size, is_unseen in zip(self.names, self.sizes, self.unseen, strict=True):
            if not size:
                return f"Not checked: {name} has no images."
            if is_unseen:
                return f"Not checked: none of {_count(size)} in {name} could be {what}."
        n_uncompared, n_images = sum(self.uncompared), sum(self.sizes)
        n_or_share = n_uncompared / n_images if isinstance(allowed, float) else n_uncompared
        if n_or_share <= allowed:
            return None
        which = ", ".join(
            f"{name} {n} of {size}"
            for name, n, size in zip(self.names, self.uncompared, self.sizes, strict=True)
            if n
        )
        how_many = f"{n_uncompared} of {_count(n_images)}"
        return f"Not checked: {how_many} could not be {what} ({which}), and {allowed:g} may be."

    def describe_uncompared(self) -> str:
        """Return sentences on the images that were not compared, or "" if all were."""
        detail = "too little detail for their hashes"
        reasons = [
            (self.unreadable, "could not be read", "could not be read"),
            (self.low_detail, f"has {detail}", f"have {detail}"),
        ]
        text = ""
        for counts, one, many in reasons:
            if n_images := sum(counts):
                text += f" {_count(n_images)} "
                text += f"{one} and was" if n_images == 1 else f"{many} and were"
                where = zip(self.names, counts, strict=True)
                by_part = ", ".join(f"{name} {n}" for name, n in where)
                text += f" not compared. By part: {by_part}."
        return text


def _count(n_images: int) -> str:
    return "1 image" if n_images == 1 else f"{n_images} images"
