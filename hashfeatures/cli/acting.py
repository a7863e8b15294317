"""Deleting, moving and linking duplicates, with a journal by which it can be undone.

Everything is checked before anything is done. The journal is written line by line before each
action, so it is right whenever the work stops. A file is never overwritten.
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..path_text import show_path
from .asked import CommandError

_KINDS = ("delete", "move", "hardlink")

# What the file systems say that have no hard links, or not from one to another.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EOPNOTSUPP}


@dataclass(frozen=True)
class Action:
    """What is done with one duplicate.

    Parameters
    ----------
    kind : {"delete", "move", "hardlink"}
        What.
    path : str
        The duplicate.
    kept : str
        The file that stands for it.
    target : str or None
        Where it is moved to.
    """

    kind: str
    path: str
    kept: str
    target: str | None = None

    def describe(self) -> str:
        """Say what it does in a line."""
        path, kept = _shorten(self.path), _shorten(self.kept)
        if self.kind == "move":
            return f"move {path} to {_shorten(str(self.target))}"
        if self.kind == "hardlink":
            return f"link {path} to {kept}"
        return f"delete {path}, of which {kept} stays"


def _shorten(path: str) -> str:
    """Return a path as it is seen from here, if it is below."""
    here = os.path.join(os.getcwd(), "")
    return show_path(path.removeprefix(here))


def plan(
    kind: str,
    duplicates: Sequence[tuple[str, str]],
    folder: str | None,
    note: Callable[[str], None],
) -> list[Action]:
    """Plan what is to be done.

    Parameters
    ----------
    kind : {"delete", "move", "hardlink"}
        What.
    duplicates : sequence of tuple of str
        Each duplicate and the file that stands for it.
    folder : str or None
        Where duplicates are moved to, with the folders below what they have in common.
    note : callable
        Is told what is left out.

    Returns
    -------
    list of Action
        Symbolic links can be deleted, and are else left out: from another place they would point
        elsewhere. Of hard links, only those of files that hold the same bytes: nothing else can
        be one file.

    Raises
    ------
    CommandError
        If any of it cannot be done: then nothing is.
    """
    from ..sources import is_url

    for path in {path for pair in duplicates for path in pair}:
        if is_url(path) or not os.path.isfile(path):
            raise CommandError(f"{show_path(path)} is no file here: nothing was done.")
    _check_apart(duplicates)
    if kind != "delete":
        n_all = len(duplicates)
        duplicates = [pair for pair in duplicates if not os.path.islink(pair[0])]
        if n_links := n_all - len(duplicates):
            note(f"{n_links} symbolic links, left out: they can only be deleted")
    paths = [_place(path) for path, _ in duplicates]
    for path in paths:
        if not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
            raise CommandError(
                f"No permission to change the folder of {show_path(path)}: nothing was done."
            )
    if kind == "move":
        assert folder is not None
        return _plan_moves(duplicates, paths, folder)
    actions = [
        Action(kind, path, _place(kept)) for path, (_, kept) in zip(paths, duplicates, strict=True)
    ]
    if kind == "hardlink":
        actions = [action for action in actions if _could_be_one(action.path, action.kept)]
    return actions


def _place(path: str) -> str:
    """Return the absolute path of a file, or of a link itself, the links on the way followed.

    By its text alone, as `os.path.abspath` does it, "link/../file" would be another file.
    """
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def _check_apart(duplicates: Sequence[tuple[str, str]]) -> None:
    """Fail if a file would be both removed and kept, or removed twice."""
    kept = {os.path.realpath(kept) for _, kept in duplicates}
    removed: set[str] = set()
    for path, _ in duplicates:
        real = os.path.realpath(path)
        if real in kept or real in removed:
            raise CommandError(f"{show_path(path)} is the same file twice: nothing was done.")
        removed.add(real)


def _plan_moves(
    duplicates: Sequence[tuple[str, str]], paths: Sequence[str], folder: str
) -> list[Action]:
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise CommandError(f"{show_path(folder)} exists and is no folder: nothing was moved.")
    folder = os.path.realpath(folder)
    above = next(part for part in [Path(folder), *Path(folder).parents] if part.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise CommandError(
            f"No permission to write to {show_path(str(above))}: nothing was moved."
        )
    root = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    actions = []
    for path, (_, kept) in zip(paths, duplicates, strict=True):
        target = os.path.join(folder, os.path.relpath(path, root))
        if os.path.lexists(target):
            raise CommandError(f"{show_path(target)} exists already: nothing was moved.")
        actions.append(Action("move", path, _place(kept), target))
    return actions


def _could_be_one(path: str, kept: str) -> bool:
    return not os.path.samefile(path, kept) and filecmp.cmp(path, kept, shallow=False)


def act(actions: Sequence[Action], journal: str, tell: Callable[[str], None]) -> int:
    """Do what was planned.

    Parameters
    ----------
    actions : sequence of Action
        The plan.
    journal : str
        The file that remembers what was done; it must not exist.
    tell : callable
        Is told of each action when it is done.

    Returns
    -------
    int
        How many were done.

    Raises
    ------
    CommandError
        If one fails. Those before it are done and in the journal; it itself is not half done.
    """
    works: dict[str, Callable[[Action], None]] = {
        "delete": lambda action: os.unlink(action.path),
        "move": lambda action: move(action.path, str(action.target)),
        "hardlink": lambda action: replace_by_link(action.path, action.kept),
    }
    try:
        file = open(journal, "x", encoding="ascii")  # noqa: SIM115
    except FileExistsError:
        raise CommandError(f"{journal} exists already: name another by --journal.") from None
    try:
        for number, action in enumerate(actions):
            try:
                if not os.path.isfile(action.kept):
                    raise FileNotFoundError(errno.ENOENT, "is gone", action.kept)
                _write_line(file, asdict(action))
                works[action.kind](action)
            except OSError as error:
                raise CommandError(
                    f"Stopped at {show_path(action.path)} after {number} of {len(actions)}: "
                    f"{error.strerror or error}.\nWhat was done is in {journal}: "
                    f"hashfeatures undo {journal}"
                ) from error
            tell(action.describe())
    finally:
        with contextlib.suppress(OSError):  # of a full disk, which was told of above
            file.close()
    return len(actions)


def _write_line(file: Any, entry: dict[str, Any]) -> None:
    file.write(json.dumps(entry) + "\n")
    file.flush()
    os.fsync(file.fileno())


def undo(journal: str, tell: Callable[[str], None]) -> tuple[int, int]:
    """Undo what a journal tells, from its end.

    Parameters
    ----------
    journal : str
        The file.
    tell : callable
        Is told of each file that is back, and of each that cannot be.

    Returns
    -------
    n_back, n_lost : int
        How many files are where they were, and how many are not.
    """
    n_back = n_lost = 0
    for action in reversed(list(_read_journal(journal))):
        path = show_path(action.path)
        try:
            if action.kind == "delete":
                if not os.path.lexists(action.path):
                    raise FileNotFoundError(errno.ENOENT, "was deleted", action.path)
            elif action.kind == "move":
                if os.path.lexists(str(action.target)):
                    move(str(action.target), action.path)
                elif not os.path.lexists(action.path):
                    raise FileNotFoundError(errno.ENOENT, "is gone", action.target)
            elif os.path.samefile(action.path, action.kept):
                replace_by_copy(action.path)
        except OSError as error:
            n_lost += 1
            tell(f"not undone: {path}: {error.strerror or error}")
        else:
            n_back += 1
            tell(f"back: {path}")
    return n_back, n_lost


def _read_journal(journal: str) -> Iterable[Action]:
    with open(journal, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("{") and not line.endswith("\n"):
                return  # cut short by a crash or a full disk: its action never began
            try:
                action = Action(**json.loads(line))
                if action.kind not in _KINDS:
                    raise ValueError(action.kind)
            except (ValueError, TypeError):
                raise CommandError(f"{journal}, line {number}: this is no journal.") from None
            yield action


def move(source: str, target: str) -> None:
    """Move a file, whole or not at all, and overwrite nothing.

    Raises
    ------
    OSError
        If it cannot be moved; it is then where it was.
    """
    os.makedirs(os.path.dirname(target), exist_ok=True)
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _copy(source, target)
    try:
        os.unlink(source)
    except OSError:
        os.unlink(target)
        raise


def _copy(source: str, target: str) -> None:
    """Copy a file under a temporary name, and rename it where nothing is."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".hashfeatures-")
    os.close(handle)
    try:
        shutil.copy2(source, temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        try:
            os.link(temporary, target)
        except OSError as error:
            if error.errno not in _NO_LINK:
                raise
            if os.path.lexists(target):
                raise FileExistsError(errno.EEXIST, "exists already", target) from None
            os.rename(temporary, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def replace_by_link(path: str, kept: str) -> None:
    """Make a file one with another that holds the same bytes."""
    temporary = tempfile.mktemp(dir=os.path.dirname(path), prefix=".hashfeatures-")
    os.link(os.path.realpath(kept), temporary)  # of a link, some systems would link the link
    try:
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def replace_by_copy(path: str) -> None:
    """Give a linked file its own bytes again."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".hashfeatures-")
    os.close(handle)
    try:
        shutil.copy2(path, temporary)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
