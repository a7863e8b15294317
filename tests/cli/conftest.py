"""Run commands in this process, and see what they print."""

import json
import os
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from hashfeatures.cli import main


class Run(NamedTuple):
    """The result of a command."""

    code: int
    out: str
    err: str

    def json(self):
        """Return the printed JSON."""
        return json.loads(self.out)

    def refusal(self):
        """Return the message of a failure: one or two lines, with nothing on stdout."""
        assert self.code in (2, 3), self
        assert self.out == ""
        assert 1 <= self.err.count("\n") <= 2, self.err
        assert self.err.startswith("hashfeatures: ")
        return self.err


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Return a function that runs a command in an empty folder."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)

    def run_command(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return run_command


@pytest.fixture
def photos_folder(family, image_files, tmp_path):
    """Return a folder: "a" holds originals and copies, "b" images without copies."""
    files, _ = family
    folder = tmp_path / "photos"
    for name, paths in (("a", files[:6]), ("b", image_files)):
        (folder / name).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, folder / name)
    return folder


@pytest.fixture
def same_bytes(tmp_path, image_files):
    """Return a folder with a file, its exact copy, and another image."""
    folder = tmp_path / "same"
    folder.mkdir()
    for name, source in (("first.png", 0), ("second.png", 0), ("third.png", 1)):
        shutil.copy(image_files[source], folder / name)
    return folder


@pytest.fixture
def tree():
    """Return a function that maps the files below a folder to their content."""
    return lambda folder: {
        os.path.relpath(path, folder): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file()
    }


# Images of seed 0 are in the training part and in the validation part.
def _seeds(n_images):
    return [0 if number == 16 else number for number in range(n_images)]


@pytest.fixture
def yolo(tmp_path, noise_image):
    """Return a YOLO data set of 24 images in three parts, with one object in each image."""
    folder = tmp_path / "yolo"
    parts = ["train"] * 16 + ["val"] * 4 + ["test"] * 4
    for part in dict.fromkeys(parts):
        (folder / "images" / part).mkdir(parents=True)
        (folder / "labels" / part).mkdir(parents=True)
    for number, (part, seed) in enumerate(zip(parts, _seeds(24), strict=True)):
        noise_image(seed).save(folder / "images" / part / f"{number:03}.png")
        label = folder / "labels" / part / f"{number:03}.txt"
        label.write_text(f"{number % 2} 0.5 0.5 0.2 0.{number:02}1\n")
    named = {part: f"images/{part}" for part in dict.fromkeys(parts)}
    lines = [f"{name}: {value}" for name, value in named.items()]
    (folder / "data.yaml").write_text("\n".join(["path: .", *lines, "names: [car, bus]", ""]))
    return folder


@pytest.fixture
def coco(tmp_path, noise_image):
    """Return a COCO data set of 20 images in two files, with one object in each image."""
    folder = tmp_path / "coco"
    (folder / "annotations").mkdir(parents=True)
    seeds = _seeds(20)
    for part, numbers in (("train", range(16)), ("val", range(16, 20))):
        (folder / part).mkdir()
        facts = {"categories": [{"id": 3, "name": "car"}, {"id": 8, "name": "bus"}]}
        facts |= {"images": [], "annotations": []}
        for number in numbers:
            name = f"{number:03}.png"
            noise_image(seeds[number]).save(folder / part / name)
            size = {"width": 40, "height": 30}
            facts["images"].append({"id": number, "file_name": name, **size})
            box = {"bbox": [1, 2, 3.5, 4], "area": 14.0, "iscrowd": 0}
            of_class = {"id": number, "image_id": number, "category_id": 3 + 5 * (number % 2)}
            facts["annotations"].append(of_class | box)
        (folder / "annotations" / f"instances_{part}.json").write_text(json.dumps(facts))
    return folder
