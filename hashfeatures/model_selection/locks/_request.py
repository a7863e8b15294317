"""Requirements of a split that stays: its sizes, its seed, and which part keeps a group."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from ..._utils.validation import check_int
from .._priority import order_of_priority
from ..allocation._quotas import Counts
from ..allocation._sizes import choose_sizes, part_names, part_sizes

_WORD = 2**32


class SplitRequest(NamedTuple):
    """Requirements of a split.

    Parameters
    ----------
    caller : str
        The name of the function, for messages.
    sizes : dict of str to float or int
        The requested sizes by part, see `choose_sizes`.
    seed : int or other seed
        The seed.
    names : list of str
        The names of the parts, with those of the earlier split.
    priority : list of int, or "majority"
        The parts in the order in which they keep groups, see `order_of_priority`.
    """

    caller: str
    sizes: dict[str, Any]
    seed: Any
    names: list[str]
    priority: Any

    @classmethod
    def of(
        cls,
        caller: str,
        given: Mapping[str, Any],
        random_state: Any,
        priority: Any,
        earlier: Mapping[str, Any],
        earlier_parts: Iterable[str],
        *,
        is_recorded: bool,
    ) -> SplitRequest:
        """Combine what a user gives with what an earlier split holds.

        Parameters
        ----------
        caller : str
            The name of the function, for messages.
        given : dict of str to float, int or None
            The sizes that a user gives, by part.
        random_state : int or other seed, or None
            The seed. None means that of the earlier split.
        priority : str or sequence of str
            As in `assign_split`.
        earlier : dict
            The "sizes" and the "seed" of the earlier split.
        earlier_parts : iterable of str
            The names of its parts.
        is_recorded : bool
            Whether the seed is written down. Then it must be a number, because the next call could
            not continue a generator.

        Raises
        ------
        ParameterError
            If the seed cannot be recorded, or `priority` names no part.
        """
        sizes = choose_sizes(given, earlier["sizes"])
        names = part_names(sizes)
        names += [part for part in dict.fromkeys(earlier_parts) if part not in names]
        seed = random_state
        if seed is None:
            seed = earlier["seed"]
        elif is_recorded:
            seed = check_int(caller, "random_state", seed, 0)
        return cls(caller, sizes, seed, names, order_of_priority(caller, names, priority))

    def count_images(self, n_images: int) -> Counts:
        """Return the number of images in each part, of so many in all.

        Raises
        ------
        ValueError
            If there is no image, or the sizes are impossible.
        """
        if not n_images:
            raise ValueError("No image could be read, so there is nothing to assign.")
        sizes = part_sizes(
            self.caller,
            n_images,
            train_size=self.sizes.get("train"),
            validation_size=self.sizes.get("validation"),
            test_size=self.sizes.get("test"),
            default=0.25,
        )
        rest = [n_images - sum(sizes)] if len(self.names) > len(sizes) else []
        counts = np.zeros(len(self.names), dtype=np.int64)
        counts[: len(sizes) + len(rest)] = [*sizes, *rest]
        return counts

    def generator(self) -> np.random.RandomState:
        """Return the generator that draws, of a seed of any size."""
        if isinstance(self.seed, int) and self.seed >= _WORD:
            shifts = range(0, self.seed.bit_length(), 32)
            words = [self.seed >> shift & (_WORD - 1) for shift in shifts]
            return np.random.RandomState(words)
        rng: np.random.RandomState = check_random_state(self.seed)
        return rng
