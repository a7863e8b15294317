"""Undoing what a journal tells: only what is still what was moved or linked is brought back."""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass

from .._utils.path_text import show_path
from .._utils.regular_files import open_regular
from ._errors import CommandError
from ._evidence import FileState, look
from ._file_actions import KINDS, LEFT, Action, are_one
from ._moving import move, replace_by_copy

# Some file systems keep times less exactly: to 100 ns, a microsecond, a second, or two.
_GRAINS = (1, 100, 10**3, 10**6, 10**9, 2 * 10**9)


@dataclass
class Undone:
    """What came of undoing.

    Parameters
    ----------
    n_back, n_there, n_lost : int
        How many files were brought back, were back already, and cannot be.
    """

    n_back: int = 0
    n_there: int = 0
    n_lost: int = 0


def undo(journal: str, tell: Callable[[str], None]) -> Undone:
    """Undo what a journal tells, from its end.

    Only what is still the file that was moved or linked is brought back. Folders that are emptied
    go, as far up as the one that files were moved to.

    Parameters
    ----------
    journal : str
        The file.
    tell : callable
        Is told of each file that is brought back, and of each that cannot be.

    Returns
    -------
    Undone
        How many files are where they were, and how many are not.
    """
    ways = {"delete": _find_deleted, "move": _move_back, "hardlink": _unlink_back}
    undone = Undone()
    for action in reversed(_read_journal(journal)):
        path = show_path(action.path)
        try:
            is_moved = ways[action.kind](action)
        except OSError as error:
            undone.n_lost += 1
            tell(f"not undone: {path}: {error.strerror or error}")
            continue
        if is_moved:
            undone.n_back += 1
            tell(f"back: {path}")
        else:
            undone.n_there += 1
        if action.target is not None and action.folder is not None:
            _remove_empty(os.path.dirname(action.target), action.folder)
    return undone


def _find_deleted(action: Action) -> bool:
    """Raise unless a file that was to be deleted is there after all."""
    if not _is_still(action.path, action.was):
        raise FileNotFoundError(errno.ENOENT, "was deleted", action.path)
    return False


def _move_back(action: Action) -> bool:
    """Move a file back, and tell whether that was needed."""
    target = str(action.target)
    if not os.path.lexists(target):
        if not _is_still(action.path, action.was):
            raise FileNotFoundError(errno.ENOENT, f"{show_path(target)} is gone", target)
        return False
    if not _is_still(target, action.was):
        raise OSError(errno.EBUSY, f"{show_path(target)} has changed since it was moved", target)
    if are_one(target, action.path):  # the move was cut short
        os.unlink(target)
    else:
        move(target, action.path)
    return True


def _unlink_back(action: Action) -> bool:
    """Give a linked file its own bytes again, and tell whether that was needed."""
    now, stays = look(action.path), action.stays
    if now is None:
        raise FileNotFoundError(errno.ENOENT, "is gone", action.path)
    is_linked = (
        are_one(action.path, action.kept)
        if stays is None or stays.inode is None
        else now.file == stays.file
    )
    if not is_linked:
        if not _is_still(action.path, action.was):
            raise OSError(errno.EBUSY, "has changed since it was linked", action.path)
        return False
    if not _is_still(action.path, stays):
        raise OSError(errno.EBUSY, "has changed since it was linked", action.path)
    replace_by_copy(action.path, action.was)
    return True


def _is_still(path: str, was: FileState | None) -> bool:
    """Tell whether a file holds what it held, as far as its size and its time tell."""
    now = look(path)
    if now is None or was is None:
        return now is not None
    is_as_old = any(
        now.mtime_ns == was.mtime_ns
        or (now.mtime_ns % grain == 0 and abs(now.mtime_ns - was.mtime_ns) < grain)
        for grain in _GRAINS
    )
    return now.size == was.size and is_as_old


def _remove_empty(folder: str, top: str) -> None:
    """Remove a folder and those above it, up to one of them, as long as they are empty."""
    while folder == top or folder.startswith(os.path.join(top, "")):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:  # there is something in it, or no permission
            return
        folder = os.path.dirname(folder)


def _read_journal(journal: str) -> list[Action]:
    actions: list[Action] = []
    with open_regular(journal) as opened:
        file = io.TextIOWrapper(opened, encoding="utf-8")
        for number, line in enumerate(file, 1):
            if line.startswith("{") and not line.endswith("\n"):
                break  # cut short by a crash or a full disk: its action never began
            try:
                entry = json.loads(line)
                if entry["kind"] == LEFT:
                    actions = [action for action in actions if action.path != entry["path"]]
                    continue
                states = {
                    name: FileState(**entry[name]) for name in ("was", "stays") if entry.get(name)
                }
                action = Action(**entry | states)
                if action.kind not in KINDS:
                    raise ValueError(action.kind)
            except (ValueError, TypeError, AttributeError, KeyError):
                raise CommandError(f"{journal}, line {number}: this is no journal.") from None
            actions.append(action)
    return actions
