"""Annotations inside archives, which are read from unpacked folders alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ..._utils.descriptions import shorten
from ..._utils.path_text import show_path
from ..coco._places import begins_like_coco
from ..voc._tree import begins_like_voc
from ..yolo._yaml_file import has_data_keys

_TESTS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "yaml": ("YOLO", has_data_keys),
    "yml": ("YOLO", has_data_keys),
    "json": ("COCO", begins_like_coco),
    "xml": ("Pascal VOC", begins_like_voc),
}
_MOST_SEARCHED = 20  # files of each kind that are looked at
HEAD = 4096


class PackedAnnotations:
    r"""The first file of annotations among the other files of an archive.

    Examples
    --------
    >>> from hashfeatures.layouts.archives._packed_annotations import PackedAnnotations
    >>> packed = PackedAnnotations()
    >>> packed.add("notes.json", lambda: b"[]")
    >>> packed.add("train/data.yaml", lambda: b"train: images\nnames: [cat]")
    >>> packed.found
    'annotations of YOLO in train/data.yaml'
    """

    def __init__(self) -> None:
        self.found = ""
        self._n_seen: Counter[str] = Counter()

    def add(self, name: str, read_head: Callable[[], bytes]) -> None:
        """Look at a file that is not an image and belongs to none."""
        if self.found:
            return
        *folders, file = name.lower().split("/")
        suffix = file.rpartition(".")[2]
        title, test = _TESTS.get(suffix, ("", None))
        if suffix == "txt" and "labels" in folders:
            title = "YOLO"
        elif test is None or self._n_seen[suffix] >= _MOST_SEARCHED:
            return
        else:
            self._n_seen[suffix] += 1
            if not test(read_head()):
                return
        self.found = f"annotations of {title} in {shorten(show_path(name))}"
