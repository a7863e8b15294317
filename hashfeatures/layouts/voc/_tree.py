"""The folders of a Pascal VOC data set, and the files of each image in them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePosixPath

from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path
from ..._utils.quantities import count
from ..._utils.regular_files import open_regular
from ...exceptions import LayoutError
from ...images._files import LeftOut, has_image_suffix, holds_image, is_foreign_image

IMAGES, XML = "JPEGImages", "Annotations"
# What other tools call these folders, in any case.
_XML_NAMES = ("annotations", "annotation", "xmls", "xml")
_IMAGE_NAMES = ("jpegimages", "images", "image", "imgs")
_MASKS = ("SegmentationClass", "SegmentationObject")
# What is looked at to recognize a data set: the first bytes of a file, and the first files.
_HEAD = 1000
_ANNOTATION = re.compile(rb"<annotation[\s>]")  # and not <annotations>, which is of CVAT
_MOST_SEARCHED = 1000
# So many XML files decide which folders belong together.
_SAMPLE = 20


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

    @property
    def mask_folders(self) -> list[Path]:
        """The folders of masks, which need not exist."""
        return [self.top / name for name in _MASKS]

    def find_masks(self, stem: str) -> dict[str, str]:
        """Return the masks of an image by their folders."""
        if self.is_beside:
            return {}
        masks = {folder.name: folder / f"{stem}.png" for folder in self.mask_folders}
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


def find_xml_folders(folder: Path) -> list[Path]:
    """Return the folders with XML as in Annotations/*.xml, in a folder or one level below it.

    Below VOCdevkit, there may be one for each year.
    """
    own = sorted(name for name in os.listdir(folder) if name.lower() in _XML_NAMES)
    usual = sorted(own, key=lambda name: _XML_NAMES.index(name.lower()))
    if found := [folder / name for name in usual if _holds_annotations(folder / name)]:
        return found[:1]
    # Names are tried, as to list all files of all folders would take too long.
    spelled = [spelling for name in _XML_NAMES for spelling in (name.title(), name)]
    for above in (folder, folder / "VOCdevkit"):
        inner = [
            next((top / name for name in spelled if _holds_annotations(top / name)), None)
            for top in _list_folders(above)
        ]
        if found := [place for place in inner if place is not None]:
            return found
    return []


def _list_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(folder / entry.name for entry in entries if entry.is_dir())


def _holds_annotations(folder: Path) -> bool:
    if folder.name == XML:
        return folder.is_dir() and any(folder.rglob("*.xml"))
    first = find_xml(folder)
    return first is not None and is_annotation(first)


def find_tree(folder: Path) -> VocTree:
    """Return the folders of the data set in a folder.

    Raises
    ------
    LayoutError
        If there is none, or several.
    """
    places = find_xml_folders(folder)
    if len(places) > 1:
        listed = ", ".join(show(place.parent.name) for place in places)
        raise LayoutError(f"{show(folder)} holds several data sets: {listed}. Name one of them.")
    if places:
        return _match_folders(places[0])
    if (folder / IMAGES).is_dir():  # a test set, whose annotations are not public
        return VocTree(folder, folder / IMAGES, folder / XML)
    if any(folder.rglob("*.xml")):
        return VocTree(folder, folder, folder)
    hint = " Name the folder of the images by root=." if (folder / "ImageSets").is_dir() else ""
    raise LayoutError(f"{show(folder)} holds no XML of Pascal VOC, as in {XML}/*.xml.{hint}")


def _match_folders(xml: Path) -> VocTree:
    """Return the folders in which most of the first XML files have an image of their name.

    XML may be one folder deeper, as in annotations/xmls.
    """
    top = xml.parent
    inner = [place for place in _list_folders(xml) if find_xml(place)]
    is_deeper = len(inner) == 1 and not any(xml.glob("*.xml"))
    below = [place for place in _list_folders(top) if place != xml and place.name not in _MASKS]
    usual = [place for place in below if place.name.lower() in _IMAGE_NAMES]
    usual.sort(key=lambda place: _IMAGE_NAMES.index(place.name.lower()))
    deeper = [inside for place in usual for inside in _list_folders(place)]
    choices = list(dict.fromkeys([*usual, top, *below, *deeper]))
    listed: dict[Path, set[str]] = {}
    best, most = VocTree(top, next(iter(usual), top), xml), 0
    for place in [xml, *inner] if is_deeper else [xml]:
        files = list(islice(_list_xml(place), _SAMPLE))
        stems = [file.relative_to(place).with_suffix("") for file in files]
        for images in choices:
            n_found = sum(_has_image(images / stem, listed) for stem in stems)
            if n_found > most:
                best, most = VocTree(top, images, place), n_found
    return best


def _has_image(stem: Path, listed: dict[Path, set[str]]) -> bool:
    folder = stem.parent
    if folder not in listed:
        names = os.listdir(folder) if folder.is_dir() else []
        taken = (name for name in names if has_image_suffix(name) or is_foreign_image(name))
        listed[folder] = {os.path.splitext(name)[0] for name in taken}
    return stem.name in listed[folder]


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
    if not tree.is_beside:
        others.add(tree.top / tree.xml.relative_to(tree.top).parts[0])
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
    return next(_list_xml(folder), None)


def _list_xml(folder: Path) -> Iterator[Path]:
    files = (Path(top, name) for top, _, names in os.walk(folder) for name in sorted(names))
    return (file for file in islice(files, _MOST_SEARCHED) if file.suffix.lower() == ".xml")


def is_annotation(file: Path) -> bool:
    """Return whether an XML file is one of Pascal VOC."""
    try:
        with open_regular(file) as opened:
            return begins_like_voc(opened.read(_HEAD))
    except OSError:
        return False


def begins_like_voc(data: bytes) -> bool:
    """Return whether XML is of Pascal VOC, by its first bytes."""
    return _ANNOTATION.search(data) is not None
