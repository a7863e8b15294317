"""Recordings that a path names with a number, such as ``patient12`` or ``clip_3``.

Whatever follows in the path belongs to the recording: frames, slices, other views, folders.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ._paths import SplitPath

_RECORDING = re.compile(
    r"(?<![a-z])(patient|subject|case|person|participant|video|vid|clip|track|seq|sequence|scene"
    r"|scan|series|session|recording|drive|flight|trip)([ _-]?)([0-9]{1,18})(?![0-9])",
    re.IGNORECASE,
)
# A word names recordings if at least this share of its images is not alone in its recording.
_LEAST_SHARED = 0.5


class Recording(NamedTuple):
    """The recording of an image.

    Parameters
    ----------
    key : str
        What is the same for all images of the recording.
    kind : tuple of (str, bool)
        The word, in lower case, and whether it is in the name of a folder.
    pattern : str
        How the paths of such recordings are made, as a template.
    """

    key: str
    kind: tuple[str, bool]
    pattern: str


def find_recordings(paths: Sequence[SplitPath], folders: Sequence[str]) -> list[Recording | None]:
    """Return the recording that each path names, or None.

    Parameters
    ----------
    paths : sequence of SplitPath
        The images.
    folders : sequence of str
        Their folders, see `join_part_folders`.

    Returns
    -------
    list of Recording or None
        None too if a word such as "person" only numbers images, as in ``person_017.jpg``. The
        folders that all images are in name no recording.

    Examples
    --------
    >>> from hashfeatures.model_selection.sequences._paths import split_path
    >>> from hashfeatures.model_selection.sequences._recordings import find_recordings
    >>> names = ["set/patient7/left.png", "set/patient7/t2/1.png", "set/patient8/left.png"]
    >>> paths = [split_path(name) for name in names]
    >>> find_recordings(paths, [path.folder for path in paths])[1]
    Recording(key='patient7', kind=('patient', True), pattern='patient{patient}/*/*')
    """
    root = _root_of(set(folders))
    found = [
        _read("/".join(part for part in (folder[root:].lstrip("/"), path.stem) if part))
        for path, folder in zip(paths, folders, strict=True)
    ]
    sizes = Counter(each.key for each in found if each is not None)
    n_images = Counter(each.kind for each in found if each is not None)
    n_shared = Counter(each.kind for each in found if each is not None and sizes[each.key] > 1)
    numbers_images = {kind for kind, n in n_images.items() if n_shared[kind] < _LEAST_SHARED * n}
    return [None if each is None or each.kind in numbers_images else each for each in found]


def _root_of(folders: set[str]) -> int:
    """Return how many letters name the folder that holds all folders."""
    common: list[str] | None = None
    for folder in folders:
        parts = folder.split("/")
        if common is None:
            common = parts
        n_equal = next(
            (n for n, pair in enumerate(zip(common, parts, strict=False)) if pair[0] != pair[1]),
            min(len(common), len(parts)),
        )
        common = common[:n_equal]
    return len("/".join(common or []))


def _read(path: str) -> Recording | None:
    match = _RECORDING.search(path)
    if match is None:
        return None
    word = match[1].lower()
    before, after = path[: match.start(3)], path[match.end(3) :]
    folder, _, text = before.rpartition("/")
    begin = ("{folder}/" if folder else "") + re.sub("[0-9]+", "*", text)
    end = ("" if after.startswith("/") else "*") + "/*" * after.count("/")
    kind = (word, "/" in after)
    return Recording(f"{before}{int(match[3])}", kind, f"{begin}{{{word}}}{end}")
