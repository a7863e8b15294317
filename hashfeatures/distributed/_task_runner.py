"""Run the tasks of a stage that all have to succeed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..exceptions import EngineError
from ._executors import Executor


@dataclass(frozen=True)
class TaskRunner:
    """Runs tasks, each of which writes a file.

    Parameters
    ----------
    workers : Executor
        The workers.
    retries : int
        How often a task runs again if its worker dies.
    caller : str
        The function that makes the stage, for messages.
    address : str
        The directory of the stage, for messages.
    bar : tqdm
        The progress bar, which counts the finished tasks.
    """

    workers: Executor
    retries: int
    caller: str
    address: str
    bar: Any

    def run(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> None:
        """Call a function for each task, which has the attribute `name`.

        Raises
        ------
        EngineError
            If a task kills each worker that runs it.
        """
        for outcome in self.workers.run(function, iter(tasks), self.retries):
            if outcome.lost is not None:
                raise EngineError(
                    f"{outcome.task.name} of {self.address} cannot be made: {outcome.lost}. "
                    f"There may be too little memory for so many workers. Run {self.caller} "
                    f"again with fewer workers. It keeps the finished parts."
                )
            self.bar.update()
