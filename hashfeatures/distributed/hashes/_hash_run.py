"""One run of `hash_dataset`: the parts that are left, as tasks of the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..._utils.descriptions import shorten
from ..._utils.progress import progress_bar
from ...exceptions import EngineError, StageError
from .._executors import Executor
from .._hash_stage import LISTING
from .._stages import Stage
from ..sources._listing_parts import LISTED, next_number, write_listing
from ._hash_worker import HashTask, SentTask, hash_part, hash_sent
from ._senders import SENT, Batch, Sender, SentPart


@dataclass(frozen=True)
class HashRun:
    """What the parts of a run share.

    Parameters
    ----------
    stage : Stage
        The directory of hashes.
    workers : Executor
        What runs the tasks.
    part_size : int
        The most images of a part.
    retries : int
        How often a part is hashed again if its worker dies.
    progress : bool
        Whether to show a bar.
    """

    stage: Stage
    workers: Executor
    part_size: int
    retries: int
    progress: bool

    def hash_listed(self) -> None:
        """Hash the unfinished parts that the workers read."""
        done = set(self.stage.names())
        left = [name for name in self.stage.sub(LISTING).names(LISTED) if name not in done]

        def tasks(names: Iterable[str], isolated: bool) -> Iterator[HashTask]:
            return (HashTask(self.stage.address, name, isolated) for name in names)

        self._run(hash_part, tasks(left, False), lambda lost: tasks(lost, True), len(left))

    def hash_sent(self, sender: Sender) -> None:
        """Hash the images of a sender that are not hashed yet.

        Raises
        ------
        StageError
            If the sender failed. What it gave before is hashed.
        """
        listing = self.stage.sub(LISTING)
        done = set(self.stage.names())
        failures: list[StageError] = []

        def known() -> list[SentPart]:
            return [SentPart.read(listing, name) for name in listing.names(SENT)]

        def batches() -> Iterator[tuple[str, Batch]]:
            parts = known()
            number = next_number([part.part for part in parts])
            try:
                yield from sender.again(listing, parts, {part.part for part in parts} - done)
                for batch in sender.rest(listing, parts, self.part_size):
                    name = f"{SENT}{number:08d}.parquet"
                    write_listing(listing, name, batch.entries())
                    number += 1
                    yield name, batch
            except StageError as error:  # the workers finish what they have
                failures.append(error)

        def tasks(images: Iterator[tuple[str, Batch]], isolated: bool) -> Iterator[SentTask]:
            for name, batch in images:
                yield SentTask(self.stage.address, name, batch.names, batch.sources, isolated)

        self._run(
            hash_sent,
            tasks(batches(), False),
            lambda lost: tasks(sender.again(listing, known(), set(lost)), True),
        )
        if failures:
            raise failures[0]

    def check_finished(self) -> None:
        """Raise if parts are left whose images neither the workers nor the sender could read."""
        listing = self.stage.sub(LISTING)
        left = set(listing.names(SENT)) - set(self.stage.names())
        if left:
            part = SentPart.read(listing, min(left))
            raise StageError(
                f"An earlier run listed {shorten(part.first)!r} and other images of a stream or a "
                f"data set in memory, and did not hash them. Pass this source again. All images "
                f"of the source of this run are hashed."
            )

    def _run(
        self,
        function: Callable[[Any], None],
        tasks: Iterable[Any],
        isolate: Callable[[list[str]], Iterable[Any]],
        n_tasks: int | None = None,
    ) -> None:
        """Run tasks, and those that killed their workers again with each image on its own."""
        lost: list[str] = []
        with progress_bar(self.progress, total=n_tasks, unit="part") as bar:
            for outcome in self.workers.run(function, tasks, self.retries):
                if outcome.lost is None:
                    bar.update()
                else:
                    lost.append(outcome.task.name)
            if not lost:
                return
            for outcome in self.workers.run(function, isolate(lost), self.retries):
                if outcome.lost is not None:
                    raise EngineError(
                        f"The part {outcome.task.name} of {self.stage.address} cannot be hashed, "
                        f"not even image by image: {outcome.lost}. There may be too little memory "
                        f"for one worker. A further run keeps the finished parts."
                    )
                bar.update()
