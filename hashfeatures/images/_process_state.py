"""State of a process that determines which images can be read, sent to its workers."""

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
    """The state of a process that determines how images are read, for its workers.

    Parameters
    ----------
    pillow : PillowState
        Readers, limits and flags.
    network : Network
        The settings for reading URLs.
    folder : str or None
        The working directory. None if it was deleted.
    process : int
        The id of that process.
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
        """Put the state in place in a worker."""
        self.pillow.apply()
        self.network.apply()
        if self.folder is not None and os.getpid() != self.process:
            # Workers survive between runs and keep the folder of the first run. On another
            # machine the folder may not exist, and relative paths are useless there anyway.
            with suppress(OSError):
                os.chdir(self.folder)

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Put the state in place, then call a function."""
        self.apply()
        return function(*arguments)
