"""What a worker must share with the process that started its run: what can be read, and how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .pillow_state import PillowState
from .remote import Network


@dataclass(frozen=True)
class Surroundings:
    """The state of one process on which it depends what is read, for workers that do not share it.

    Parameters
    ----------
    pillow : PillowState
        Readers, limits and flags.
    network : Network
        How URLs are read.
    """

    pillow: PillowState
    network: Network

    @classmethod
    def here(cls) -> Surroundings:
        """Return the state of this process."""
        return cls(PillowState.here(), Network.here())

    def apply(self) -> None:
        """Make this process a worker of the one whose state it is."""
        self.pillow.apply()
        self.network.apply()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a worker."""
        self.apply()
        return function(*arguments)
