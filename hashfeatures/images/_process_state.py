"""What a worker must share with the process that started its run: what can be read, and how."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ._pillow_state import PillowState
from ._remote import Network


@dataclass(frozen=True)
class ProcessState:
    """The state of one process on which it depends what is read, for workers that do not share it.

    Parameters
    ----------
    pillow : PillowState
        Readers, limits and flags.
    network : Network
        How URLs are read.
    folder : str or None
        The folder that relative paths start from; None if it was deleted.
    process : int
        The process whose state it is.
    """

    pillow: PillowState
    network: Network
    folder: str | None = None
    process: int = field(default_factory=os.getpid, compare=False)

    @classmethod
    def here(cls) -> ProcessState:
        """Return the state of this process."""
        folder = None
        with suppress(FileNotFoundError):
            folder = os.getcwd()
        return cls(PillowState.here(), Network.here(), folder)

    def apply(self) -> None:
        """Make this process a worker of the one whose state it is."""
        self.pillow.apply()
        self.network.apply()
        if self.folder is not None and os.getpid() != self.process:
            # Workers are kept between runs, and their folder is that of the first. On another
            # machine there may be none of that name: relative paths lead nowhere there anyway.
            with suppress(OSError):
                os.chdir(self.folder)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a worker."""
        self.apply()
        return function(*arguments)
