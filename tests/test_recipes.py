"""Recipes for packages that are not installed for the tests run with stand-ins for them."""

import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

PAGES = Path(__file__).parents[1] / "docs" / "how-to"


def run_page(name):
    """Run the code of a page, and return the names that it defines."""
    names = {}
    for block in re.findall(r"```python\n(.*?)```", (PAGES / name).read_text("utf-8"), re.DOTALL):
        exec(block, names)
    return names


class Tensor(np.ndarray):
    """An array with the method of a tensor that the recipe calls."""

    def permute(self, *axes):
        return self.transpose(axes)


class DataLoader:
    """Takes a map-style dataset by its length and rows, as torch's class does."""

    def __init__(self, dataset, batch_size=1, shuffle=False):
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __iter__(self):
        order = np.arange(len(self.dataset))
        if self.shuffle:
            np.random.default_rng(0).shuffle(order)
        for start in range(0, len(order), self.batch_size):
            rows = [self.dataset[row] for row in order[start : start + self.batch_size].tolist()]
            pixels, targets = zip(*rows, strict=True)
            yield np.stack(pixels), np.array(targets)


@pytest.fixture
def torch(monkeypatch):
    modules = {name: ModuleType(name) for name in ("torch", "torch.utils", "torch.utils.data")}
    modules["torch"].from_numpy = lambda array: array.view(Tensor)
    modules["torch.utils.data"].DataLoader = DataLoader
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_a_data_loader_yields_each_image_of_a_part_with_its_class(
    torch, tmp_path, monkeypatch, noise_image
):
    monkeypatch.chdir(tmp_path)
    for seed in range(60):
        path = Path("photos", f"class {seed % 3}", f"{seed}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(seed).save(path)
    names = run_page("feed-a-dataloader.md")
    assert names["images"].shape == (32, 3, 224, 224)
    assert 0 <= names["images"].min() <= names["images"].max() <= 1
    batches = [targets for _, targets in names["loader"]]
    expected = [int(label[-1]) for label in names["train"].labels]
    assert sorted(np.concatenate(batches)) == sorted(expected)
    written = sorted(Path("photos-split").glob("*/*/*.png"))
    assert len(written) == 60


def test_the_audit_of_a_coco_set_finds_its_leak_and_its_conflict(
    tmp_path, monkeypatch, noise_image
):
    """One image is in both parts with different boxes; it moves, and its annotations with it."""
    monkeypatch.chdir(tmp_path)
    for part, numbers in (("train2017", range(30)), ("val2017", range(30, 40))):
        document = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
        for number in numbers:
            path = Path("coco", part, f"{number}.png")
            path.parent.mkdir(parents=True, exist_ok=True)
            noise_image(number % 39).save(path)
            box = [4, 4, 36, 26] if number == 39 else [4, 4, 10, 20]
            entry = {"id": number, "file_name": path.name, "width": 40, "height": 30}
            document["images"].append(entry)
            document["annotations"].append(
                {"id": number, "image_id": number, "category_id": 1, "bbox": box}
            )
        path = Path("coco/annotations", f"instances_{part}.json")
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(document))
    names = run_page("audit-a-coco-set.md")
    assert names["audit"].summary()["pairs"] == 1
    conflicts = names["conflicts"]
    assert set(conflicts["left_image"]) | set(conflicts["right_image"]) == {
        "train/0.png",
        "val/39.png",
    }
    written = {
        part: json.loads(
            Path(f"coco-clean/annotations/instances_{part}.json").read_text(encoding="utf-8")
        )
        for part in ("train", "val")
    }
    ids = {
        part: [item["id"] for item in document["annotations"]]
        for part, document in written.items()
    }
    assert ids == {"train": [*range(30), 39], "val": list(range(30, 39))}
