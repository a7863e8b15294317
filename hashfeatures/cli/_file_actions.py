"""Deleting, moving and linking duplicates, with a journal by which it can be undone.

Everything is checked before anything is done, and each file again right before its turn: what is
no longer what was hashed is left alone, and so is what it stands for, and what holds more than was
compared. The journal is written line by line before each action, so it is right whenever the work
stops. A file is never overwritten.
"""

from __future__ import annotations

import contextlib
import filecmp
import json
import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .._utils.descriptions import shorten
from .._utils.path_text import show_path
from ._errors import CommandError
from ._evidence import FileState, find_place, look
from ._moving import move, replace_by_link

KINDS = ("delete", "move", "hardlink")

# What a journal says of a file whose action it announced, and that was left alone after all.
LEFT = "left"


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
    folder : str or None
        The folder that all are moved to.
    was, stays : FileState or None
        What the two files were when they were hashed.
    """

    kind: str
    path: str
    kept: str
    target: str | None = None
    folder: str | None = None
    was: FileState | None = None
    stays: FileState | None = None

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


@dataclass
class Plan:
    """What is to be done, and what is left alone.

    Parameters
    ----------
    actions : list of Action
        What is to be done.
    left : list of dict
        The duplicates that are left alone because something changed: "path" and "why".
    done : list of Action
        What was done of it.
    """

    actions: list[Action] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    done: list[Action] = field(default_factory=list)

    def leave(self, path: str, why: str, tell: Callable[[str], None]) -> None:
        """Leave a duplicate alone, and say so."""
        self.left.append({"path": path, "why": why})
        tell(f"left {_shorten(path)}: {why}")


@dataclass(frozen=True)
class Duplicate:
    """A duplicate and the file that stands for it, and what they were when they were hashed.

    Parameters
    ----------
    path, kept : str
        The two files.
    was, stays : FileState or None
        What they were; None if nobody knows.
    """

    path: str
    kept: str
    was: FileState | None
    stays: FileState | None


def plan(
    kind: str,
    duplicates: Sequence[Duplicate],
    folder: str | None,
    note: Callable[[str], None],
    tell: Callable[[str], None] = lambda text: None,
) -> Plan:
    """Plan what is to be done.

    Parameters
    ----------
    kind : {"delete", "move", "hardlink"}
        What.
    duplicates : sequence of Duplicate
        Each duplicate and the file that stands for it.
    folder : str or None
        Where duplicates are moved to, with the folders below what they have in common.
    note : callable
        Is told what is left out.
    tell : callable
        Is told of each file that is left alone because it changed.

    Returns
    -------
    Plan
        Symbolic links can be deleted, and are else left out: from another place they would point
        elsewhere. Of hard links, only those of files that hold the same bytes: nothing else can
        be one file.

    Raises
    ------
    CommandError
        If any of it cannot be done: then nothing is.
    """
    from ..images._sources import is_far

    for path in {path for pair in duplicates for path in (pair.path, pair.kept)}:
        if is_far(path):
            raise CommandError(
                f"{shorten(show_path(path))} is no file here, and no others "
                f"can be moved, linked or deleted: nothing was done."
            )
    for pair in duplicates:
        if pair.was is None or pair.stays is None:
            unknown = pair.path if pair.was is None else pair.kept
            raise CommandError(
                f"Nothing says what {show_path(unknown)} was when it was hashed (its size and "
                f"times), so nobody can tell whether it is still the same: nothing was done. Hash "
                f"the images again: hashfeatures hash PATHS -o FILE."
            )
    _check_apart(duplicates)
    if kind == "hardlink":  # what is one file already needs nothing
        duplicates = [pair for pair in duplicates if not are_one(pair.path, pair.kept)]
    planned = Plan()
    unchanged = []
    for pair in duplicates:
        if why := _why_not(pair, {}) or _why_more(pair):
            planned.leave(find_place(pair.path), why, tell)
        else:
            unchanged.append(pair)
    duplicates = unchanged
    if kind != "delete":
        n_all = len(duplicates)
        duplicates = [pair for pair in duplicates if not os.path.islink(pair.path)]
        if n_links := n_all - len(duplicates):
            note(f"{n_links} symbolic links, left out: they can only be deleted")
    paths = [find_place(pair.path) for pair in duplicates]
    for path in paths:
        if not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
            raise CommandError(
                f"No permission to change the folder of {show_path(path)}: nothing was done."
            )
    targets: Sequence[str | None] = [None] * len(paths)
    if kind == "move":
        assert folder is not None
        targets = _plan_targets(paths, folder)
        folder = os.path.realpath(folder)
    planned.actions = [
        Action(kind, path, find_place(pair.kept), target, folder, pair.was, pair.stays)
        for path, pair, target in zip(paths, duplicates, targets, strict=True)
        if kind != "hardlink" or filecmp.cmp(path, pair.kept, shallow=False)
    ]
    return planned


def _why_not(pair: Duplicate | Action, touched: dict[Any, int | None]) -> str | None:
    """Return why a duplicate must be left alone now; None if nothing has changed.

    Linking a file and deleting one of its names change its ctime. `touched` has the files to
    which this happened here, and the ctime that they have since, None if nobody looked.
    """
    kept = _shorten(pair.kept)
    for path, before, name in ((pair.kept, pair.stays, kept), (pair.path, pair.was, "it")):
        now = look(path)
        whose = f"{name}, which would stay for it," if path == pair.kept else name
        if now is None:
            what = "is no regular file any more" if os.path.lexists(path) else "is gone"
            return f"{whose} {what}"
        ours = now.file in touched and touched[now.file] in (None, now.ctime_ns)
        if before is not None and not before.is_same(now, ctime=not ours):
            return f"{whose} has changed since it was hashed"
    return None


def _why_more(pair: Duplicate) -> str | None:
    """Return why a duplicate must be left alone as it is: it shows more than was compared."""
    from ..images._read import holds_further_pictures

    if not holds_further_pictures(pair.path) or filecmp.cmp(pair.path, pair.kept, shallow=False):
        return None
    return "it holds further frames or pages, and only the first was compared"


def are_one(path: str, kept: str) -> bool:
    """Tell whether two paths lead to one file."""
    try:
        return os.path.samefile(path, kept)
    except OSError:  # one is gone, which is told of later
        return False


def check_not_searched(folder: str, searched: Iterable[str]) -> None:
    """Fail if duplicates would be moved to where they would be found again.

    Parameters
    ----------
    folder : str
        Where they are to be moved to.
    searched : iterable of str
        The folders in which images are looked for.

    Raises
    ------
    CommandError
        If `folder` is one of them, or below one.
    """
    target = os.path.realpath(folder)
    for each in sorted(set(searched)):
        above = os.path.realpath(each)
        if target == above or target.startswith(os.path.join(above, "")):
            raise CommandError(
                f"{show_path(folder)} is in {show_path(each)}, where images are looked for: the "
                f"next search would find the duplicates again. Choose a folder outside of it."
            )


def _check_apart(duplicates: Sequence[Duplicate]) -> None:
    """Fail if a file would be both removed and kept, or removed twice."""
    kept = {_entry(os.path.realpath(pair.kept)) for pair in duplicates}
    removed: set[Any] = set()
    for pair in duplicates:
        entry = _entry(os.path.realpath(pair.path))
        if entry in kept or entry in removed:
            raise CommandError(
                f"{show_path(pair.path)} is the same file twice: nothing was done. Name it once."
            )
        removed.add(entry)


def _entry(path: str) -> Any:
    """Return what is equal for two spellings of one name: of its letters, or of the way to it.

    Hard links are names of their own: one may go as long as another stays.
    """
    folder, name = os.path.split(path)
    state = look(path)
    try:
        above = os.stat(folder)
    except OSError:
        return path
    # Some file systems take names for equal that differ in case, or in how they spell umlauts.
    alike = unicodedata.normalize("NFC", name).casefold()
    return above.st_dev, above.st_ino, None if state is None else state.file, alike


def check_folder(folder: str) -> None:
    """Fail if files cannot be moved into a folder, which may be made."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise CommandError(
            f"{show_path(folder)} exists and is no folder: nothing was moved. Choose another name."
        )
    place = Path(os.path.realpath(folder))
    above = next(part for part in [place, *place.parents] if part.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise CommandError(
            f"No permission to write to {show_path(str(above))}: nothing was moved."
        )


def _plan_targets(paths: Sequence[str], folder: str) -> list[str]:
    """Return where files are moved to, or fail if it cannot be."""
    check_folder(folder)
    folder = os.path.realpath(folder)
    root = os.path.commonpath([os.path.dirname(path) for path in paths]) if paths else ""
    targets = []
    for path in paths:
        target = os.path.join(folder, os.path.relpath(path, root))
        if os.path.lexists(target):
            raise CommandError(
                f"{show_path(target)} exists already: nothing was moved. Choose another folder."
            )
        targets.append(target)
    return targets


def act(planned: Plan, journal: str, tell: Callable[[str], None]) -> None:
    """Do what was planned.

    Parameters
    ----------
    planned : Plan
        The plan; it is told what was done, and what has changed meanwhile and is left alone.
    journal : str
        The file that remembers what was done; it must not exist.
    tell : callable
        Is told of each action when it is done, and of each file that is left alone.

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
    touched: dict[Any, int | None] = {}
    try:
        for number, action in enumerate(planned.actions):
            if why := _why_not(action, touched):
                planned.leave(action.path, why, tell)
                continue
            try:
                _write_line(file, asdict(action))
                if why := _why_not(action, touched):  # once more: writing took time
                    _write_line(file, {"kind": LEFT, "path": action.path})
                    planned.leave(action.path, why, tell)
                    continue
                before = look(action.path) if os.lstat(action.path).st_nlink > 1 else None
                works[action.kind](action)
            except OSError as error:
                way_back = "" if action.kind == "delete" else f": hashfeatures undo {journal}"
                raise CommandError(
                    f"Stopped at {show_path(action.path)} after {number} of "
                    f"{len(planned.actions)}: {error.strerror or error}.\n"
                    f"What was done is in {journal}{way_back}"
                ) from error
            planned.done.append(action)
            if before is not None:
                touched[before.file] = None  # it has other names, which nobody looked at
            if after := look(action.kept):
                touched[after.file] = after.ctime_ns
            tell(action.describe())
    finally:
        with contextlib.suppress(OSError):  # of a full disk, which was told of above
            file.close()
    if not planned.done:
        os.unlink(journal)


def _write_line(file: Any, entry: dict[str, Any]) -> None:
    file.write(json.dumps(entry) + "\n")
    file.flush()
    os.fsync(file.fileno())
