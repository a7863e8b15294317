"""Delete, move and link duplicates, with a journal by which this can be undone.

Everything is checked before anything is done, and each file again right before its turn. A file is
left alone if it or the kept file changed since they were hashed, or if it shows more than was
compared. Each action is written to the journal before it begins, so the journal is right whenever
the work stops. No file is ever overwritten.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._utils.descriptions import shorten
from .._utils.path_text import show_path
from .._utils.quantities import count
from .._utils.relative_paths import common_folder
from ._errors import CommandError
from ._file_operations import move, replace_by_link
from ._file_state import FileState, find_place, is_same_file, look
from ._journal import Action, announce, shorten_path, withdraw

if TYPE_CHECKING:
    from ..duplicates._finder import NearDuplicateFinder


@dataclass
class Plan:
    """The actions to take, and the files to leave alone.

    Parameters
    ----------
    actions : list of Action
        The actions to take.
    left : list of dict
        The duplicates that are left alone: "path" and "why".
    done : list of Action
        The actions that were taken.
    """

    actions: list[Action] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    done: list[Action] = field(default_factory=list)

    def leave(self, path: str, why: str, tell: Callable[[str], None]) -> None:
        """Leave a duplicate alone, and pass a line about it to `tell`."""
        self.left.append({"path": path, "why": why})
        tell(f"left {shorten_path(path)}: {why}")


@dataclass(frozen=True)
class Duplicate:
    """A duplicate and the file that is kept for it, with their states when they were hashed.

    Parameters
    ----------
    path, kept : str
        The two files.
    was, stays : FileState or None
        Their states; None if unknown.
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
    """Plan the actions on duplicates.

    Parameters
    ----------
    kind : {"delete", "move", "hardlink"}
        The action.
    duplicates : sequence of Duplicate
        The duplicates, each with the file that is kept for it.
    folder : str or None
        Where duplicates are moved to, with the folders below the one that they share.
    note : callable
        Receives a note about symbolic links, which are skipped.
    tell : callable
        Receives a line for each file that is left alone.

    Returns
    -------
    Plan
        The actions. Symbolic links can be deleted but not moved, because they would point
        elsewhere. Only files with the same bytes are linked.

    Raises
    ------
    CommandError
        If one of the actions is impossible; then none is taken.
    """
    _check_local(duplicates)
    _check_states(duplicates)
    _check_apart(duplicates)
    if kind == "hardlink":  # what is one file already needs nothing
        duplicates = [pair for pair in duplicates if not is_same_file(pair.path, pair.kept)]
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
            note(f"skipped {count(n_links, 'symbolic link')}, which can only be deleted")
    paths = [find_place(pair.path) for pair in duplicates]
    for path in paths:
        if not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
            raise CommandError(
                f"No permission to change the folder of {show_path(path)}. Nothing was done."
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


def confirm(
    planned: Plan, finder: NearDuplicateFinder, tell: Callable[[str], None] = lambda text: None
) -> None:
    """Leave the files alone that do not show the same picture as the file that is kept.

    Parameters
    ----------
    planned : Plan
        The plan, of which only confirmed actions remain.
    finder : NearDuplicateFinder
        How to compare the pixels of two files.
    tell : callable
        Receives a line for each file that is left alone.
    """
    from ..duplicates._pixel_comparison import compare_pixels

    compared = compare_pixels([(action.kept, action.path) for action in planned.actions], finder)
    for action, found in zip(planned.actions, compared, strict=True):
        if found.unread is not None:
            what = "the file to keep" if found.unread == "left" else "it"
            why = f"{what} cannot be read, so its pixels cannot be compared. {found.cause}"
            planned.leave(action.path, why, tell)
        elif not found.is_confirmed:
            why = "its hashes are near those of the file to keep, but not its pixels"
            planned.leave(action.path, why, tell)
    planned.actions = [
        action
        for action, found in zip(planned.actions, compared, strict=True)
        if found.is_confirmed
    ]


def _check_local(duplicates: Sequence[Duplicate]) -> None:
    """Raise if a duplicate or the file that is kept for it is not on this machine."""
    from ..images._sources import is_remote

    for path in {path for pair in duplicates for path in (pair.path, pair.kept)}:
        if is_remote(path):
            raise CommandError(
                f"{shorten(show_path(path))} is not a local file. Only local files can be moved, "
                f"linked or deleted. Nothing was done."
            )


def _check_states(duplicates: Sequence[Duplicate]) -> None:
    """Raise if the state of a file when it was hashed is unknown."""
    for pair in duplicates:
        if pair.was is None or pair.stays is None:
            unknown = pair.path if pair.was is None else pair.kept
            raise CommandError(
                f"The size and times of {show_path(unknown)} when it was hashed are unknown, so "
                f"a later change would go unnoticed. Nothing was done. Hash the images again: "
                f"hashfeatures hash PATHS -o FILE."
            )


def _why_not(pair: Duplicate | Action, touched: dict[Any, int | None]) -> str | None:
    """Return why a duplicate must be left alone now; None if nothing has changed.

    Linking a file and deleting one of its names change its ctime. `touched` maps the files to
    which this happened here to the ctime that they have since, or to None if it is unknown.
    """
    kept = f"the file to keep, {shorten_path(pair.kept)},"
    for path, before, name in ((pair.kept, pair.stays, kept), (pair.path, pair.was, "it")):
        now = look(path)
        if now is None:
            what = "is no longer a regular file" if os.path.lexists(path) else "is gone"
            return f"{name} {what}"
        ours = now.file in touched and touched[now.file] in (None, now.ctime_ns)
        if before is not None and not before.is_same(now, ctime=not ours):
            return f"{name} has changed since it was hashed"
    return None


def _why_more(pair: Duplicate) -> str | None:
    """Return why a duplicate must be left alone if it shows more than was compared."""
    from ..images._undecoded import holds_further_pictures

    if not holds_further_pictures(pair.path) or filecmp.cmp(pair.path, pair.kept, shallow=False):
        return None
    return "it has several frames or pages, and only the first was compared"


def check_not_searched(folder: str, searched: Iterable[str]) -> None:
    """Raise if duplicates would be moved to a place where the next search finds them again.

    Parameters
    ----------
    folder : str
        The folder to move them to.
    searched : iterable of str
        The folders that are searched for images.

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
                f"{show_path(folder)} is inside {show_path(each)}, which is searched for images, "
                f"so the next search would find the duplicates again. Choose a folder outside."
            )


def _check_apart(duplicates: Sequence[Duplicate]) -> None:
    """Raise if a file would be both removed and kept, or removed twice."""
    kept = {_entry(os.path.realpath(pair.kept)) for pair in duplicates}
    removed: set[Any] = set()
    for pair in duplicates:
        entry = _entry(os.path.realpath(pair.path))
        if entry in kept or entry in removed:
            raise CommandError(
                f"{show_path(pair.path)} is named twice. Nothing was done. Name it once."
            )
        removed.add(entry)


def _entry(path: str) -> Any:
    """Return a value that is equal for two spellings of the name of one file.

    Hard links are separate names: one may be deleted while another is kept.
    """
    folder, name = os.path.split(path)
    state = look(path)
    try:
        above = os.stat(folder)
    except OSError:
        return path
    # Some file systems ignore case in names, or the Unicode form of accents.
    alike = unicodedata.normalize("NFC", name).casefold()
    return above.st_dev, above.st_ino, None if state is None else state.file, alike


def check_target(folder: str) -> None:
    """Raise if files cannot be moved into a folder, which need not exist yet."""
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise CommandError(
            f"{show_path(folder)} is not a folder. Nothing was moved. Choose another name."
        )
    place = Path(os.path.realpath(folder))
    above = next(part for part in [place, *place.parents] if part.exists())
    if not os.access(above, os.W_OK | os.X_OK):
        raise CommandError(
            f"No permission to write to {show_path(str(above))}. Nothing was moved."
        )


def _plan_targets(paths: Sequence[str], folder: str) -> list[str]:
    """Return the paths that files are moved to, or raise if one exists already."""
    check_target(folder)
    folder = os.path.realpath(folder)
    root = common_folder(paths) if paths else ""
    if root is None:
        raise CommandError(
            "The duplicates are on different drives. Nothing was moved. Move those of each drive "
            "alone."
        )
    targets = []
    for path in paths:
        target = os.path.join(folder, os.path.relpath(path, root))
        if os.path.lexists(target):
            raise CommandError(
                f"{show_path(target)} exists already. Nothing was moved. Choose another folder."
            )
        targets.append(target)
    return targets


def act(planned: Plan, journal: str, tell: Callable[[str], None]) -> None:
    """Take the planned actions.

    Parameters
    ----------
    planned : Plan
        The plan. The actions that were taken are added to its `done`, and files that have changed
        meanwhile to its `left`.
    journal : str
        The file that records the actions; it must not exist.
    tell : callable
        Receives a line for each action, and for each file that is left alone.

    Raises
    ------
    CommandError
        If an action fails. The actions before it are done and in the journal, and the failed one
        has changed nothing.
    """
    works: dict[str, Callable[[Action], None]] = {
        "delete": lambda action: os.unlink(action.path),
        "move": lambda action: move(action.path, str(action.target)),
        "hardlink": lambda action: replace_by_link(action.path, action.kept),
    }
    try:
        file = open(journal, "x", encoding="ascii")  # noqa: SIM115
    except FileExistsError:
        raise CommandError(
            f"{journal} exists already. Choose another name with --journal."
        ) from None
    touched: dict[Any, int | None] = {}
    try:
        for number, action in enumerate(planned.actions):
            if why := _why_not(action, touched):
                planned.leave(action.path, why, tell)
                continue
            try:
                announce(file, action)
                if why := _why_not(action, touched):  # once more, because writing took time
                    withdraw(file, action)
                    planned.leave(action.path, why, tell)
                    continue
                before = look(action.path) if os.lstat(action.path).st_nlink > 1 else None
                works[action.kind](action)
            except OSError as error:
                cure = "" if action.kind == "delete" else f"; to undo: hashfeatures undo {journal}"
                raise CommandError(
                    f"Stopped at {show_path(action.path)} after {number} of "
                    f"{count(len(planned.actions), 'file')}: {error.strerror or error}.\n"
                    f"The files before it are listed in {journal}{cure}"
                ) from error
            planned.done.append(action)
            if before is not None:
                touched[before.file] = None  # its ctime under its other names is unknown
            if after := look(action.kept):
                touched[after.file] = after.ctime_ns
            tell(action.describe(is_done=True))
    finally:
        with contextlib.suppress(OSError):  # a full disk was reported above
            file.close()
    if not planned.done:
        os.unlink(journal)
