"""The journal of file actions: one JSON object per line, written before each action."""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict, dataclass
from typing import Any, TextIO

from .._utils.path_text import show_path
from .._utils.regular_files import open_regular
from ._errors import CommandError
from ._file_state import FileState

KINDS = ("delete", "move", "hardlink")

# The kind of an entry that withdraws the entry before it of the same file.
_LEFT = "left"


@dataclass(frozen=True)
class Action:
    """An action on one duplicate. The fields are the keys of the journal.

    Parameters
    ----------
    kind : {"delete", "move", "hardlink"}
        The action.
    path : str
        The duplicate.
    kept : str
        The file that is kept for it.
    target : str or None
        Where the duplicate is moved to.
    folder : str or None
        The folder that all duplicates are moved to.
    was, stays : FileState or None
        The states of the duplicate and of the kept file when they were hashed.
    """

    kind: str
    path: str
    kept: str
    target: str | None = None
    folder: str | None = None
    was: FileState | None = None
    stays: FileState | None = None

    def describe(self, is_done: bool = False) -> str:
        """Return a line about the action, in the past tense if it is done."""
        path, kept = shorten_path(self.path), shorten_path(self.kept)
        if self.kind == "move":
            return f"move{'d' * is_done} {path} to {shorten_path(str(self.target))}"
        if self.kind == "hardlink":
            return f"link{'ed' * is_done} {path} to {kept}"
        return f"delete{'d' * is_done} {path} and {'kept' if is_done else 'keep'} {kept}"


def shorten_path(path: str) -> str:
    """Return a path relative to the current folder if it is inside, and else as it is."""
    here = os.path.join(os.getcwd(), "")
    return show_path(path.removeprefix(here))


def announce(file: TextIO, action: Action) -> None:
    """Write an action to an open journal, before it begins."""
    _write_line(file, asdict(action))


def withdraw(file: TextIO, action: Action) -> None:
    """Write to an open journal that an announced action did not take place."""
    _write_line(file, {"kind": _LEFT, "path": action.path})


def _write_line(file: TextIO, entry: dict[str, Any]) -> None:
    file.write(json.dumps(entry) + "\n")
    file.flush()
    os.fsync(file.fileno())


def read_journal(journal: str) -> list[Action]:
    """Return the actions of a journal in their order, without those that were withdrawn.

    Raises
    ------
    CommandError
        If the file is not a journal.
    """
    actions: list[Action] = []
    with open_regular(journal) as opened:
        file = io.TextIOWrapper(opened, encoding="utf-8")
        for number, line in enumerate(file, 1):
            if line.startswith("{") and not line.endswith("\n"):
                break  # cut short by a crash or a full disk: its action never began
            try:
                entry = json.loads(line)
                if entry["kind"] == _LEFT:
                    actions = [action for action in actions if action.path != entry["path"]]
                    continue
                states = {
                    name: FileState(**entry[name]) for name in ("was", "stays") if entry.get(name)
                }
                action = Action(**entry | states)
                if action.kind not in KINDS:
                    raise ValueError(action.kind)
            except (ValueError, TypeError, AttributeError, KeyError):
                raise CommandError(
                    f"{journal} is not a journal: line {number} cannot be read."
                ) from None
            actions.append(action)
    return actions
