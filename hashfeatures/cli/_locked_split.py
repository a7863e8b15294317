"""The split of a command that stays as it is in a lock."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from .._utils.descriptions import shorten
from .._utils.quantities import count
from ._context import GlobalOptions
from ._inputs import InputImages, name_image
from ._options import OptionGroup, option
from ._outputs import check_outputs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..duplicates._finder import NearDuplicateFinder


@dataclass(frozen=True)
class LockOptions(OptionGroup):
    """Whether a split stays as it is when images are added.

    Parameters
    ----------
    lock : str or None
        The file that records the part of each image.
    priority : str or None
        The parts that keep groups, in order, separated by commas.
    """

    lock: str | None = option(
        "--lock",
        metavar="FILE",
        help="Keep the part of each image in this file, which is created if it does not exist. "
        "New images join the part of their near duplicates or fill the parts up. The file is "
        "JSON, or Parquet if its name ends in .parquet.",
    )
    priority: str | None = option(
        "--priority",
        metavar="PART",
        help="With --lock, the part that keeps a group when new images connect two parts, or "
        "several parts in order, as in 'test,train', or 'majority'.  [default: train]",
    )

    def check(self, *, keeps_unreadable: bool) -> None:
        """Raise if the options cannot be used together, or the file cannot be written."""
        if self.lock is None and self.priority is not None:
            raise click.UsageError("--priority has no effect without --lock.")
        if self.lock is not None and keeps_unreadable:
            raise click.UsageError(
                "--keep-unreadable has no effect with --lock. Omit one, because a lock records "
                "what images show."
            )
        check_outputs([self.lock], force=True)

    def priorities(self) -> str | list[str]:
        """Return the parts that keep groups, as `assign_split` takes them."""
        priority = (self.priority or "train").split(",")
        return priority if len(priority) > 1 else priority[0]

    def usual_sizes(
        self, given: dict[str, float | None], usual: dict[str, float]
    ) -> dict[str, float]:
        """Return the usual sizes of the parts without a given one; none if a lock holds sizes."""
        if self.lock is not None and os.path.exists(self.lock):
            return {}
        return {name: size for name, size in usual.items() if given[name] is None}

    def choose_sizes(self, given: dict[str, float | None]) -> dict[str, float]:
        """Return the sizes by part: the given ones, then those in the lock, then the default."""
        from ..model_selection.allocation._sizes import choose_sizes
        from ..model_selection.locks._lock import LockFile

        held = None if self.lock is None else LockFile(self.lock).load()
        return choose_sizes(given, {} if held is None else held.settings["sizes"])


def assign(
    options: LockOptions,
    collection: InputImages,
    finder: NearDuplicateFinder,
    common: GlobalOptions,
    **parameters: Any,
) -> tuple[dict[str, NDArray[np.intp]], list[Any], dict[str, Any]]:
    """Split images by a lock, and note each image that moves.

    Parameters
    ----------
    options : LockOptions
        The file of the lock.
    collection : InputImages
        The images.
    finder : NearDuplicateFinder
        The finder, which is fitted on them.
    common : GlobalOptions
        Prints notes.
    **parameters
        For `assign_split`.

    Returns
    -------
    rows : dict of str to ndarray of intp
        The rows of the images of each part.
    unreadable : list
        The images that could not be read and are in no part.
    moves : dict
        The images that moved, for JSON: a list as "moved".
    """
    import warnings

    import numpy as np

    from .._utils.containers import take_rows
    from .._utils.path_text import show_path
    from ..exceptions import SplitMoveWarning
    from ..model_selection.locks._assign import assign_split

    images = collection.columns if collection.is_hashed else collection.sources
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitMoveWarning)  # each move is noted below
        named, info = assign_split(
            images,
            lock=options.lock,
            finder=finder,
            priority=options.priorities(),
            return_info=True,
            **parameters,
        )
    moved = []
    for move in info.moved.to_dict("records"):
        facts = {
            "image": name_image(move["image"]),
            "from": move["from_part"],
            "to": move["to_part"],
        }
        new = collection.names[move["joined_by"]] if move["joined_by"] >= 0 else None
        moved.append(facts | {"joined_by": new})
        why = "" if new is None else f", joined by {shorten(show_path(new))}"
        image = shorten(show_path(facts["image"]))
        common.note(f"moved {image} from {facts['from']} to {facts['to']}{why}")
    rows = {name: np.flatnonzero(named == name) for name in info.sizes}
    unreadable = take_rows(collection.sources, np.flatnonzero(named.isna()))
    if n_kept := len(info.unreadable) - len(unreadable):
        keep = "keeps its part" if n_kept == 1 else "keep their parts"
        common.note(f"{count(n_kept, 'image')} could not be read and {keep}, as in the lock")
    return rows, unreadable, {"moved": moved}
