"""The folders of a Pascal VOC data set, and the files of each image in them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from .._utils.descriptions import shorten
from .._utils.path_text import show_path
from .._utils.quantities import count
from .._utils.regular_files import open_regular
from ..exceptions import LayoutError
from ..images._files import LeftOut, holds_image, is_foreign_image

IMAGES, XML = "JPEGImages", "Annotations"
_OTHER_IMAGES = ("images", "Images", "imgs")
_MASKS = ("SegmentationClass", "SegmentationObject")
# What is looked at to recognize a data set: the first bytes of a file, and the first files.
_HEAD = 1000
_MOST_SEARCHED = 1000


@dataclass(frozen=True)
class VocTree:
    """The folders of a data set. XML may be beside the images, and both folders the same.

    Parameters
    ----------
    top, images, xml : Path
        The folder of the data set, and those of its images and its XML.
    """

    top: Path
    images: Path
    xml: Path

    @property
    def is_beside(self) -> bool:
        """Whether XML is beside the images."""
        return self.images == self.xml

    def find_masks(self, stem: str) -> dict[str, str]:
        """Return the masks of an image by their folders."""
        if self.is_beside:
            return {}
        masks = {folder: self.top / folder / f"{stem}.png" for folder in _MASKS}
        return {folder: str(mask) for folder, mask in masks.items() if mask.is_file()}

    def choose_image(self, stem: str, found: Sequence[str], file_name: str) -> str:
        """Return the image of a stem; the name in the XML decides among several."""
        named = PurePosixPath(file_name).name
        if not found:
            return f"{self.images / stem}{PurePosixPath(named).suffix or '.jpg'}"
        if len(found) == 1:
            return found[0]
        chosen = [path for path in found if os.path.basename(path) == named]
        if len(chosen) != 1:
            names = " and ".join(sorted(show(path) for path in found))
            raise LayoutError(f"{names} share one XML file. Rename one of them.")
        return chosen[0]


@dataclass
class VocListing:
    """The files of a data set.

    Parameters
    ----------
    images : dict of str to list of str
        The images of each stem, which is a name below the folder of images without a suffix.
    xml : dict of str to str
        The XML file of each stem.
    left_out : LeftOut
        Counts the other files.
    unfollowed : list of str
        Links to folders.
    """

    images: dict[str, list[str]] = field(default_factory=dict)
    xml: dict[str, str] = field(default_factory=dict)
    left_out: LeftOut = field(default_factory=LeftOut)
    unfollowed: list[str] = field(default_factory=list)

    def describe_left_out(self) -> list[str]:
        """Return notes on what was left out."""
        notes = [note for note in [self.left_out.describe()] if note]
        if self.unfollowed:
            links = count(len(self.unfollowed), "link")
            notes.append(f"did not follow {links} to folders, such as {show(self.unfollowed[0])}")
        return notes


def show(path: str | Path) -> str:
    """Return a path for messages."""
    return shorten(show_path(str(path)))


def find_tops(folder: Path) -> list[Path]:
    """Return the folders with Annotations/*.xml: the folder itself, or some that it holds."""
    for pattern in (XML, f"*/{XML}", f"VOCdevkit/*/{XML}"):
        found = [place.parent for place in folder.glob(pattern) if any(place.rglob("*.xml"))]
        if found:
            return sorted(found)
    return []


def find_tree(folder: Path) -> VocTree:
    """Return the folders of the data set in a folder.

    Raises
    ------
    LayoutError
        If there is none, or several.
    """
    tops = find_tops(folder)
    if len(tops) > 1:
        listed = ", ".join(show(top.name) for top in tops)
        raise LayoutError(f"{show(folder)} holds several data sets: {listed}. Name one of them.")
    if tops:
        top = tops[0]
        usual = (top / name for name in (IMAGES, *_OTHER_IMAGES))
        return VocTree(top, next(filter(Path.is_dir, usual), top), top / XML)
    if (folder / IMAGES).is_dir():  # a test set, whose annotations are not public
        return VocTree(folder, folder / IMAGES, folder / XML)
    if any(folder.rglob("*.xml")):
        return VocTree(folder, folder, folder)
    hint = " Name the folder of the images by root=." if (folder / "ImageSets").is_dir() else ""
    raise LayoutError(f"{show(folder)} holds no XML of Pascal VOC, as in {XML}/*.xml.{hint}")


def list_files(tree: VocTree) -> VocListing:
    """List the images and the XML files of a data set.

    Links to images are images of their own, as their names tell their XML.

    Raises
    ------
    LayoutError
        If a folder cannot be searched.
    """
    listing = VocListing()
    others = {tree.top / name for name in (XML, "ImageSets", *_MASKS)}
    for top in filter(Path.is_dir, dict.fromkeys((tree.xml, tree.images))):
        for folder, below, names in os.walk(top, onerror=_fail):
            kept = []
            for name in sorted(below):
                if name.startswith("."):
                    listing.left_out.add(name)
                elif os.path.islink(os.path.join(folder, name)):
                    listing.unfollowed.append(os.path.join(folder, name))
                elif Path(folder, name) not in others:
                    kept.append(name)
            below[:] = kept
            for name in sorted(names):
                path = os.path.join(folder, name)
                stem = Path(os.path.splitext(os.path.relpath(path, top))[0]).as_posix()
                if name.startswith("."):
                    listing.left_out.add(name)
                elif top == tree.xml and name.lower().endswith(".xml"):
                    listing.xml[stem] = path
                elif top == tree.images and (holds_image(path) or is_foreign_image(name)):
                    listing.images.setdefault(stem, []).append(path)
                else:
                    listing.left_out.add(name)
    return listing


def _fail(error: OSError) -> None:
    raise LayoutError(f"{show(error.filename)} cannot be searched: {error.strerror}.") from error


def find_xml(folder: Path) -> Path | None:
    """Return an XML file among the first files of a folder and below it."""
    files = (Path(top, name) for top, _, names in os.walk(folder) for name in names)
    return next((file for file in islice(files, _MOST_SEARCHED) if file.suffix == ".xml"), None)


def is_annotation(file: Path) -> bool:
    """Return whether an XML file is one of Pascal VOC."""
    try:
        with open_regular(file) as opened:
            return b"<annotation" in opened.read(_HEAD)
    except OSError:
        return False
