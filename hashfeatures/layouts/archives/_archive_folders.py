"""What the folders inside an archive mean: parts, classes, or nothing."""

from __future__ import annotations

from ..._utils.part_names import role_of
from ..folders._class_folders import NO_CLASSES
from ..folders._part_folders import choose_parts


def read_folders(keys: list[str]) -> tuple[list[str] | None, list[str] | None]:
    """Return the parts and the labels of images by their folders; None where there are none.

    Examples
    --------
    >>> from hashfeatures.layouts.archives._archive_folders import read_folders
    >>> read_folders(["pets/train/cat/1.png", "pets/test/dog/1.png"])
    (['train', 'test'], ['cat', 'dog'])
    >>> read_folders(["1.png", "2.png"])
    (None, None)
    """
    parts = labels = None
    folders = [name.split("/")[:-1] for name in below_common_folder(keys)]
    if _are_parts(folders):
        parts = [words[0] for words in folders]
        folders = [words[1:] for words in folders]
    if _are_classes(folders):
        labels = [words[0] for words in folders]
    return parts, labels


def below_common_folder(keys: list[str]) -> list[str]:
    """Return the names below the folder that holds all images, unless it is that of a part."""
    folders = [key.split("/")[:-1] for key in keys]
    n_common = 0
    for words in zip(*folders, strict=False):
        if len(set(words)) > 1 or role_of(words[0]) is not None:
            break
        n_common += 1
    return ["/".join(key.split("/")[n_common:]) for key in keys]


def _are_parts(folders: list[list[str]]) -> bool:
    """Return whether the uppermost folders are parts by their names."""
    if not all(folders):
        return False
    names = {words[0] for words in folders}
    return len(choose_parts(list(names), lambda _: True)) == len(names)


def _are_classes(folders: list[list[str]]) -> bool:
    """Return whether the uppermost folders are classes, with every image in one of several."""
    if not all(folders):
        return False
    names = {words[0] for words in folders}
    return len(names) > 1 and not any(name.lower() in NO_CLASSES for name in names)
