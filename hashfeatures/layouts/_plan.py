"""What a split of a data set consists of, and how it is written: completely or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .._utils.descriptions import shorten
from .._utils.path_text import show_path
from .._utils.platforms import IS_WINDOWS
from ..exceptions import LayoutError
from ..images._sources import local_path
from ._unique_names import fold_name

_DRIVE = re.compile("[A-Za-z]:")
# What Windows does not allow as the name of a file or folder.
_REFUSED = re.compile(
    r'.*[\x00-\x1f<>:"|?*].*|.*[. ]|(con|prn|aux|nul|(com|lpt)[0-9¹²³])\s*(\..*)?',
    re.IGNORECASE | re.DOTALL,
)
_CANNOT_LINK = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}
_ALIKE = "under names that differ only in case, or in how accents are encoded"


@dataclass
class Plan:
    """What to write into a folder.

    Parameters
    ----------
    contents : dict of str to bytes
        Small files: their content by relative name, with "/" as separator.
    files : dict of str to str
        Existing files to copy or link, by relative name.
    streams : dict of str to callable
        Functions that write a file or a folder at the path that they receive, by relative name.
    copied : dict of str to str
        Existing files to copy even where `files` are linked, by relative name.
    """

    contents: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    streams: dict[str, Callable[[Path], None]] = field(default_factory=dict)
    copied: dict[str, str] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Return all relative names."""
        return [*self.contents, *self.files, *self.streams, *self.copied]


def safe_name(name: object, where: str) -> str:
    r"""Return a relative name with "/" as separator, or raise if it leaves its folder.

    Parameters
    ----------
    name : str
        A name from a file that may be hostile.
    where : str
        The file and the line or key, for the message.

    Returns
    -------
    str
        The name without "." and doubled separators.

    Raises
    ------
    LayoutError
        If the name is empty, absolute, or has ".." among its folders.

    Examples
    --------
    >>> from hashfeatures.layouts._plan import safe_name
    >>> safe_name("train\\.\\1.png", "list.txt, line 1")
    'train/1.png'
    >>> safe_name("../1.png", "list.txt, line 1")
    Traceback (most recent call last):
    hashfeatures.exceptions.LayoutError: list.txt, line 1: the name '../1.png' leaves its folder...
    """
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise LayoutError(f"{where}: expected the name of a file. Got {name!r}.")
    words = re.split(r"[/\\]", name)
    if not words[0] or _DRIVE.match(words[0]):
        raise LayoutError(
            f"{where}: the name {shorten(name)!r} is absolute. Write it relative to the folder of "
            f"the data set."
        )
    if ".." in words:
        raise LayoutError(
            f"{where}: the name {shorten(name)!r} leaves its folder. Write it without '..'."
        )
    kept = [word for word in words if word not in ("", ".")]
    if not kept:
        raise LayoutError(f"{where}: expected the name of a file. Got {name!r}.")
    return "/".join(kept)


def refuse_inside(out: Path, folders: Iterable[str]) -> None:
    """Raise if a folder to write is in a folder of images, where it would be read as some of them.

    Raises
    ------
    LayoutError
        If `out` is one of the folders or below it.
    """
    real = Path(os.path.realpath(out))
    if not {real, *real.parents}.isdisjoint(Path(os.path.realpath(each)) for each in folders):
        raise LayoutError(
            f"{shorten(show_path(str(out)))} is inside a folder of images. Name another folder."
        )


def write_plan(plan: Plan, out: Path, how: str) -> None:
    """Write a plan into a new or empty folder, completely or not at all.

    Parameters
    ----------
    plan : Plan
        What to write.
    out : Path
        The folder. Missing folders above it are made.
    how : {"lists", "link", "copy"}
        Whether the files of the plan are linked or copied. Links are symbolic and absolute.

    Raises
    ------
    LayoutError
        If a name leaves the folder, if names collide, if a file is missing, or if the folder is
        not empty.
    OSError
        If the folder cannot be written.
    """
    _check_names(plan.names())
    check_files([*plan.files.values(), *plan.copied.values()])
    out = Path(os.path.realpath(out))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        kind = "a folder that is not empty" if out.is_dir() else "not a folder"
        raise LayoutError(
            f"{shorten(show_path(str(out)))} is {kind}. Name a new folder, so that nothing is "
            f"overwritten."
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.parent / f".{out.name[:40]}.{secrets.token_hex(4)}.tmp"
    try:
        temporary.mkdir()
    except PermissionError as error:
        raise PermissionError(error.errno, error.strerror, str(out)) from error
    try:
        _write_all(plan, temporary, how)
        if out.exists():
            out.rmdir()
        temporary.rename(out)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _write_all(plan: Plan, folder: Path, how: str) -> None:
    for name in plan.names():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name, content in plan.contents.items():
        (folder / name).write_bytes(content)
    for name, source in plan.files.items():
        if how == "link":
            _link(folder / name, source)
        else:
            shutil.copy2(source, folder / name)
    for name, source in plan.copied.items():
        shutil.copy2(source, folder / name)
    for name, write in plan.streams.items():
        write(folder / name)


def _link(link: Path, source: str) -> None:
    try:
        link.symlink_to(os.path.abspath(source))
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        raise LayoutError(
            f"The system does not allow links here: {error.strerror}. Write how='copy'. On "
            f"Windows, Developer Mode allows links."
        ) from error


def _check_names(names: list[str]) -> None:
    """Raise if a name leaves its folder, or two names are one on some file system."""
    seen: dict[str, str] = {}
    for name in names:
        safe_name(name, "A file to write")
        if IS_WINDOWS and any(map(_REFUSED.fullmatch, name.split("/"))):
            raise LayoutError(
                f"Windows does not allow the name {shorten(name)!r}. Rename the image, or pass "
                f"how='lists', which leaves files where they are."
            )
        before = seen.get(fold_name(name))
        if before is not None:
            how = "twice" if before == name else _ALIKE
            raise LayoutError(
                f"{shorten(name)!r} would be written {how}. Rename one of the images."
            )
        seen[fold_name(name)] = name
    folders: dict[str, str] = {}
    above = dict.fromkeys(str(folder) for name in names for folder in PurePosixPath(name).parents)
    for folder in above:
        if fold_name(folder) in seen:
            raise LayoutError(
                f"{shorten(seen[fold_name(folder)])!r} would be a file and a folder. Rename one."
            )
        if folders.setdefault(fold_name(folder), folder) != folder:
            raise LayoutError(
                f"The folder {shorten(folder)!r} would be written {_ALIKE}. Rename one of the "
                f"folders."
            )


def check_files(files: Iterable[str]) -> None:
    """Raise if files that a split consists of are missing; URLs are not looked for."""
    local = [file for file in files if local_path(file) is not None]
    missing = [file for file in local if not os.path.isfile(local_path(file) or file)]
    if missing:
        images = "1 file is" if len(missing) == 1 else f"{len(missing)} files are"
        raise LayoutError(
            f"{images} missing, such as {shorten(show_path(missing[0]))}. Leave the images out of "
            f"the parts, or restore them. Nothing was written."
        )
