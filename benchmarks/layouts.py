"""Write boxes as COCO, YOLO and Pascal VOC, split each without leaks, and read the parts back.

The folder holds a folder for each class, with images named TRACK_FRAME and a file GT-*.csv of
their boxes, such as GTSRB's training images. Each data set is read by read_collection, split by
the sequences that are found in the names, stratified by the objects of each class, and written.
With --near-duplicates, near duplicates are kept together too. Then pycocotools, or a few lines of
code for YOLO and Pascal VOC, read the parts, and every box is compared with the CSV files. The
tracks by the names in the source tell whether a sequence is on two sides.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import io
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import yaml
from hashing import show
from pycocotools.coco import COCO

from hashfeatures import NearDuplicateFinder, read_collection, train_test_split

TEST_SIZE = 0.2
PARTS = ("train", "test")


@dataclass(frozen=True)
class Sign:
    """A photo of a traffic sign, with its box in pixels: the first and the last of each side."""

    path: Path
    size: tuple[int, int]
    box: tuple[int, int, int, int]
    label: str

    @property
    def name(self) -> str:
        """The name of the image in the data sets, unique among all classes."""
        return f"{self.path.parent.name}_{self.path.name}"

    @property
    def track(self) -> str:
        """The track by the names of the source."""
        return f"{self.path.parent.name}/{self.path.stem.partition('_')[0]}"


Boxes = dict[str, list[tuple[Any, ...]]]


def list_signs(folder: Path, first: int | None) -> list[Sign]:
    """Return the images of the first classes, by the CSV files in their folders."""
    signs = []
    for file in sorted(folder.rglob("GT-*.csv"))[:first]:
        with open(file, newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines, delimiter=";"):
                path = file.parent / row["Filename"]
                size = (int(row["Width"]), int(row["Height"]))
                left, top = int(row["Roi.X1"]), int(row["Roi.Y1"])
                right, bottom = int(row["Roi.X2"]), int(row["Roi.Y2"])
                label = f"sign {int(row['ClassId'])}"
                signs.append(Sign(path, size, (left, top, right, bottom), label))
    signs = [sign for sign in signs if "_" in sign.path.stem]
    if not signs:
        sys.exit(f"There are no files GT-*.csv that list images TRACK_FRAME.* in {folder}.")
    return signs


def link_images(signs: list[Sign], folder: Path) -> None:
    """Make a folder of links to the images."""
    folder.mkdir(parents=True)
    for sign in signs:
        (folder / sign.name).symlink_to(sign.path.resolve())


def write_coco(signs: list[Sign], labels: list[str], folder: Path) -> None:
    """Write one JSON file, with ids that are not consecutive."""
    link_images(signs, folder / "images")
    boxes = [(s.box[0], s.box[1], s.box[2] - s.box[0] + 1, s.box[3] - s.box[1] + 1) for s in signs]
    document = {
        "info": {"description": "signs"},
        "images": [
            {"id": 7 * row, "file_name": s.name, "width": s.size[0], "height": s.size[1]}
            for row, s in enumerate(signs)
        ],
        "annotations": [
            {
                "id": 11 * row,
                "image_id": 7 * row,
                "category_id": labels.index(s.label) + 1,
                "bbox": box,
                "area": box[2] * box[3],
                "iscrowd": 0,
            }
            for row, (s, box) in enumerate(zip(signs, boxes, strict=True))
        ],
        "categories": [{"id": row, "name": label} for row, label in enumerate(labels, 1)],
    }
    (folder / "annotations").mkdir()
    (folder / "annotations" / "instances_all.json").write_text(json.dumps(document))


def read_coco(folder: Path, part: str) -> Boxes:
    """Read a part with pycocotools."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(folder / "annotations" / f"instances_{part}.json"))
    return {
        coco.imgs[image]["file_name"]: [
            (item["id"] // 11, coco.cats[item["category_id"]]["name"], *item["bbox"])
            for item in coco.loadAnns(coco.getAnnIds(image))
        ]
        for image in coco.getImgIds()
    }


def expect_coco(signs: list[Sign], labels: list[str]) -> Boxes:
    """Return what `read_coco` must find in all parts together."""
    return {
        s.name: [
            (row, s.label, *s.box[:2], s.box[2] - s.box[0] + 1, s.box[3] - s.box[1] + 1),
        ]
        for row, s in enumerate(signs)
    }


def shares(sign: Sign) -> tuple[float, float, float, float]:
    """Return the center and the size of a box as shares of the image."""
    (left, top, right, bottom), (width, height) = sign.box, sign.size
    center = (left + right + 1) / 2 / width, (top + bottom + 1) / 2 / height
    return (*center, (right - left + 1) / width, (bottom - top + 1) / height)


def write_yolo(signs: list[Sign], labels: list[str], folder: Path) -> None:
    """Write a data.yaml, and a text file for each image."""
    link_images(signs, folder / "images" / "all")
    target = folder / "labels" / "all"
    target.mkdir(parents=True)
    for sign in signs:
        line = " ".join(map(repr, (labels.index(sign.label), *shares(sign))))
        (target / Path(sign.name).with_suffix(".txt").name).write_text(f"{line}\n")
    settings = {"path": str(folder), "train": "images/all", "names": labels}
    (folder / "data.yaml").write_text(yaml.safe_dump(settings))


def read_yolo(folder: Path, part: str) -> Boxes:
    """Read a part as Ultralytics finds it: by the data.yaml, and labels for images in the path."""
    settings = yaml.safe_load((folder / "data.yaml").read_text())
    found = {}
    for image in (Path(settings["path"]) / settings[part]).rglob("*.*"):
        text = Path(str(image).replace("/images/", "/labels/")).with_suffix(".txt").read_text()
        rows = [line.split() for line in text.splitlines()]
        found[image.name] = [(settings["names"][int(n)], *map(float, box)) for n, *box in rows]
    return found


def expect_yolo(signs: list[Sign], labels: list[str]) -> Boxes:
    """Return what `read_yolo` must find in all parts together."""
    return {sign.name: [(sign.label, *shares(sign))] for sign in signs}


def write_voc(signs: list[Sign], labels: list[str], folder: Path) -> None:
    """Write an XML file for each image."""
    link_images(signs, folder / "JPEGImages")
    (folder / "Annotations").mkdir()
    for sign in signs:
        root = ElementTree.Element("annotation")
        ElementTree.SubElement(root, "filename").text = sign.name
        size = ElementTree.SubElement(root, "size")
        for key, value in zip(("width", "height"), sign.size, strict=True):
            ElementTree.SubElement(size, key).text = str(value)
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = sign.label
        box = ElementTree.SubElement(item, "bndbox")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), sign.box, strict=True):
            ElementTree.SubElement(box, key).text = str(value + 1)
        file = folder / "Annotations" / Path(sign.name).with_suffix(".xml").name
        file.write_bytes(ElementTree.tostring(root))


def read_voc(folder: Path, part: str) -> Boxes:
    """Read a part by its image set."""
    found = {}
    for stem in (folder / "ImageSets" / "Main" / f"{part}.txt").read_text().split():
        root = ElementTree.parse(folder / "Annotations" / f"{stem}.xml").getroot()
        found[str(root.findtext("filename"))] = [
            (
                item.findtext("name"),
                *(int(str(side.text)) - 1 for side in item.iterfind("bndbox/*")),
            )
            for item in root.iterfind("object")
        ]
    return found


def expect_voc(signs: list[Sign], labels: list[str]) -> Boxes:
    """Return what `read_voc` must find in all parts together."""
    return {sign.name: [(sign.label, *sign.box)] for sign in signs}


LAYOUTS: dict[str, tuple[Callable[..., None], Callable[..., Boxes], Callable[..., Boxes]]] = {
    "COCO": (write_coco, read_coco, expect_coco),
    "YOLO": (write_yolo, read_yolo, expect_yolo),
    "Pascal VOC": (write_voc, read_voc, expect_voc),
}


def measure(name: str, signs: list[Sign], options: Any) -> list[str]:
    """Write a data set, split it, check the parts, and return a row of the table."""
    write, read, expect = LAYOUTS[name]
    labels = sorted({sign.label for sign in signs})
    with tempfile.TemporaryDirectory(dir=options.temporary) as temporary:
        source, out = Path(temporary) / "source", Path(temporary) / "out"
        write(signs, labels, source)
        seconds = [time.perf_counter()]
        collection = read_collection(source)
        seconds.append(time.perf_counter())
        finder = NearDuplicateFinder(n_jobs=options.jobs)
        train, test = train_test_split(
            collection,
            test_size=TEST_SIZE,
            groups="sequences",
            stratify=collection.counts,
            random_state=0,
            finder=finder if options.near_duplicates else "precomputed",
        )
        seconds.append(time.perf_counter())
        collection.write_split({"train": train, "test": test}, out, how="link")
        seconds.append(time.perf_counter())
        parts = [read(out, part) for part in PARTS]
        check(name, parts, expect(signs, labels))
    tracks = [{sign.track for sign in signs if sign.name in part} for part in parts]
    deviation, label = deviate(signs, parts[1])
    steps = [after - before for before, after in pairwise(seconds)]
    return [
        name,
        *(f"{len(part):,}" for part in parts),
        f"{len(tracks[0] & tracks[1]):,}",
        f"{deviation:.1%} ({label})",
        *(f"{step:.1f}" for step in steps),
    ]


def check(name: str, parts: list[Boxes], expected: Boxes) -> None:
    """Exit unless the parts hold every image and box once, and nothing else."""
    both = parts[0].keys() & parts[1].keys()
    if both:
        sys.exit(f"{name}: {len(both)} images are in both parts.")
    found = parts[0] | parts[1]
    if found != expected:
        wrong = [key for key in expected if found.get(key) != expected[key]]
        sys.exit(f"{name}: {len(wrong)} images differ, and {len(found)} were found.")


def deviate(signs: list[Sign], test: Boxes) -> tuple[float, str]:
    """Return how far the share of a class in the test part is from that of all images, at most."""
    everything = Counter(sign.label for sign in signs)
    tested = Counter(sign.label for sign in signs if sign.name in test)
    share = len(test) / len(signs)
    return max((abs(tested[label] / n - share), label) for label, n in everything.items())


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder of classes")
    parser.add_argument("--first", type=int, metavar="N", help="the first N classes alone")
    parser.add_argument("--quick", action="store_true", help="the first two classes alone")
    parser.add_argument(
        "--near-duplicates", action="store_true", help="keep near duplicates together too"
    )
    parser.add_argument("--jobs", type=int, default=-1, help="the number of workers")
    parser.add_argument("--temporary", metavar="DIR", help="where the data sets are written")
    parser.add_argument("--markdown", action="store_true", help="print Markdown tables")
    options = parser.parse_args()
    signs = list_signs(options.folder, 2 if options.quick else options.first)
    tracks = Counter(sign.track for sign in signs)
    classes = Counter(sign.label for sign in signs)
    most = max(max(tracks.values()) / classes[s.label] for s in signs)
    print(
        f"{len(signs):,} images of {len(tracks):,} tracks and {len(classes)} classes. A track is "
        f"up to {most:.1%} of its class.\n"
    )
    header = ["layout", *PARTS, "tracks in both", "largest deviation of a class"]
    table = [[*header, "read, s", "split, s", "write, s"]]
    table += [measure(name, signs, options) for name in LAYOUTS]
    show(table, options.markdown)
    print(f"Each of {len(signs):,} boxes was read back once and unchanged, in every layout.")


if __name__ == "__main__":
    main()
