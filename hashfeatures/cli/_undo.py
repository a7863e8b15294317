"""Undo the actions in a journal, for files that have not changed since."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass

from .._utils.path_text import show_path
from ._file_operations import move, replace_by_copy
from ._file_state import FileState, is_same_file, look
from ._journal import Action, read_journal

# Some file systems keep times in steps of 100 ns, a microsecond, a second, or two.
_TIME_STEPS = (1, 100, 10**3, 10**6, 10**9, 2 * 10**9)


@dataclass
class Undone:
    """The result of undoing a journal.

    Parameters
    ----------
    n_back, n_there, n_lost : int
        The number of files that were brought back, that were already back, and that are lost.
    """

    n_back: int = 0
    n_there: int = 0
    n_lost: int = 0


def undo(journal: str, tell: Callable[[str], None]) -> Undone:
    """Undo the actions in a journal, the last one first.

    A file is brought back only if it has not changed since it was moved or linked. Folders that
    become empty are removed, up to the folder that files were moved to.

    Parameters
    ----------
    journal : str
        The path of the journal.
    tell : callable
        Receives a line for each file that is brought back or cannot be.

    Returns
    -------
    Undone
        The number of files by result.
    """
    ways = {"delete": _find_deleted, "move": _move_back, "hardlink": _unlink_back}
    undone = Undone()
    for action in reversed(read_journal(journal)):
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
    """Raise if a file was deleted; return False if it still exists."""
    if not _is_unchanged(action.path, action.was):
        raise FileNotFoundError(errno.ENOENT, "was deleted", action.path)
    return False


def _move_back(action: Action) -> bool:
    """Move a file back, and return whether that was needed."""
    target = str(action.target)
    if not os.path.lexists(target):
        if not _is_unchanged(action.path, action.was):
            raise FileNotFoundError(errno.ENOENT, f"{show_path(target)} is gone", target)
        return False
    if not _is_unchanged(target, action.was):
        raise OSError(errno.EBUSY, f"{show_path(target)} has changed since it was moved", target)
    if is_same_file(target, action.path):  # the move was cut short
        os.unlink(target)
    else:
        move(target, action.path)
    return True


def _unlink_back(action: Action) -> bool:
    """Replace a hard link by a copy, and return whether that was needed."""
    now, stays = look(action.path), action.stays
    if now is None:
        raise FileNotFoundError(errno.ENOENT, "is gone", action.path)
    is_linked = (
        is_same_file(action.path, action.kept)
        if stays is None or stays.inode is None
        else now.file == stays.file
    )
    if not is_linked:
        if not _is_unchanged(action.path, action.was):
            raise OSError(errno.EBUSY, "has changed since it was linked", action.path)
        return False
    if not _is_unchanged(action.path, stays):
        raise OSError(errno.EBUSY, "has changed since it was linked", action.path)
    replace_by_copy(action.path, action.was)
    return True


def _is_unchanged(path: str, was: FileState | None) -> bool:
    """Return whether a file has the size and the time that it had."""
    now = look(path)
    if now is None or was is None:
        return now is not None
    has_same_time = any(
        now.mtime_ns == was.mtime_ns
        or (now.mtime_ns % step == 0 and abs(now.mtime_ns - was.mtime_ns) < step)
        for step in _TIME_STEPS
    )
    return now.size == was.size and has_same_time


def _remove_empty(folder: str, top: str) -> None:
    """Remove a folder and the folders above it, up to `top`, while they are empty."""
    while folder == top or folder.startswith(os.path.join(top, "")):
        try:
            os.rmdir(folder)
        except FileNotFoundError:
            pass
        except OSError:  # the folder is not empty, or there is no permission
            return
        folder = os.path.dirname(folder)
