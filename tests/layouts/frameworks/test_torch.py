"""Data sets of torch are read by their files, pixels or items, and torch is not imported."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from hashfeatures import hash_images, read_collection
from hashfeatures.exceptions import FailedImagesWarning, LayoutError


@pytest.fixture
def files(tmp_path, noise_image):
    """Return the paths of six images, two of each class, as torchvision finds them."""
    paths = []
    for seed in range(6):
        path = tmp_path / "data" / ["bird", "cat", "dog"][seed // 2] / f"{seed % 2}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(seed).save(path)
        paths.append(str(path))
    return paths


class ImageFolder:
    """Stands for torchvision's, whose items are transformed images with class numbers."""

    classes = ("bird", "cat", "dog")

    def __init__(self, files):
        self.samples = [(path, place // 2) for place, path in enumerate(files)]
        self.root = os.path.dirname(os.path.dirname(files[0]))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, row):
        raise AssertionError("the transformed image is read")


class Items:
    """Stands for a data set of a user's own."""

    def __init__(self, items):
        self.items = items
        self.n_read = 0

    def __len__(self):
        return len(self.items)

    def __getitem__(self, row):
        self.n_read += 1
        return self.items[row]


class Subset:
    """Stands for torch's."""

    def __init__(self, dataset, indices):
        self.dataset, self.indices = dataset, indices

    def __len__(self):
        return len(self.indices)

    def __getitem__(self, row):
        return self.dataset[self.indices[row]]


Subset.__module__ = "torch.utils.data.dataset"


class Tensor:
    """Stands for a tensor of torch."""

    ndim = 3

    def __init__(self, array):
        self._array = array
        self.shape, self.dtype = array.shape, f"torch.{array.dtype}"

    def detach(self):
        return self

    def cpu(self):
        return self

    def __array__(self, dtype=None, copy=None):
        return self._array

    def min(self):
        return self._array.min()

    def max(self):
        return self._array.max()


Tensor.__module__ = "torch"


def hashes_of(images):
    return hash_images(images, ["phash"])["phash"].tolist()


def test_samples_of_torchvision_are_files_with_classes(files):
    for source in (ImageFolder(files), ImageFolder(files).samples):
        collection = read_collection(source)
        assert collection.images == files
        assert hashes_of(collection) == hashes_of(files)
    folder = read_collection(ImageFolder(files))
    assert folder.labels.tolist() == ["bird", "bird", "cat", "cat", "dog", "dog"]
    assert folder.class_names == ["bird", "cat", "dog"]
    assert folder["key"].tolist()[:2] == ["bird/0.png", "bird/1.png"]


def test_subsets_are_taken_apart(files):
    subset = Subset(Subset(ImageFolder(files), np.array([5, 4, 0])), [2, 0])
    collection = read_collection(subset)
    assert collection.images == [files[0], files[5]]
    assert collection.labels.tolist() == ["bird", "dog"]


@pytest.mark.parametrize("form", ["PIL", "array", "tensor", "path", "dict", "label first"])
def test_items_are_images_with_labels(form, files, tmp_path):
    pixels = []
    for path in files:
        with Image.open(path) as image:
            pixels.append(np.asarray(image))
    items = {
        "PIL": lambda row: (Image.fromarray(pixels[row]), row),
        "array": lambda row: (pixels[row], row),
        "tensor": lambda row: (Tensor(pixels[row].transpose(2, 0, 1)), row),
        "path": lambda row: (files[row], row),
        "dict": lambda row: {"label": row, "image": pixels[row]},
        "label first": lambda row: (row, Image.fromarray(pixels[row])),
    }
    source = Items(list(map(items[form], range(6))))
    collection = read_collection(source)
    assert source.n_read == 0
    assert collection.labels is None
    assert hashes_of(collection) == hashes_of(files)
    out = collection.write_split({"a": [5, 0]}, tmp_path / "out")
    assert json.loads((out / "a.json").read_text()) == [5, 0]
    with pytest.raises(LayoutError, match="holds no paths of files"):
        collection.write_split({"a": [5, 0]}, tmp_path / "copy", how="copy")


def test_pixels_are_read_without_the_transform(noise_image):
    """As in CIFAR10, whose items may be normalized floats, and whose data are bytes."""
    source = Items([None] * 3)
    source.data = np.array([np.asarray(noise_image(seed)) for seed in range(3)])
    source.targets = [0, 1, 0]
    source.classes = ["a", "b"]
    collection = read_collection(source)
    assert hashes_of(collection) == hashes_of(list(source.data))
    assert collection.labels.tolist() == ["a", "b", "a"]
    assert source.n_read == 0


def test_transformed_items_fail_with_advice(noise_image):
    pixels = np.asarray(noise_image(0)).transpose(2, 0, 1) / 255
    with pytest.warns(FailedImagesWarning, match=r"Leave out the transform.*\* 255"):
        hash_images(read_collection(Items([(Tensor(pixels.astype("float32")), 0)])), ["phash"])
    with pytest.warns(FailedImagesWarning, match=r"the item has no image under 'image'"):
        hash_images(read_collection(Items([{"x": 0}])), ["phash"])


def test_rows_of_a_split_are_rows_of_the_data_set(files, tmp_path):
    """They are those of the subset that was read, so that they select from it."""
    collection = read_collection(Subset(ImageFolder(files), [5, 4, 3]))
    out = collection.write_split({"a": [2, 0]}, tmp_path / "out")
    assert json.loads((out / "a.json").read_text()) == [2, 0]


@pytest.mark.parametrize("how", ["copy", "link"])
def test_class_folders_are_written(files, tmp_path, how):
    collection = read_collection(ImageFolder(files))
    out = collection.write_split({"train": range(4), "test": [4, 5]}, tmp_path / "out", how=how)
    written = read_collection(out, layout="class-folders")
    assert sorted(written["key"]) == [
        *["test/dog/0.png", "test/dog/1.png"],
        *["train/bird/0.png", "train/bird/1.png", "train/cat/0.png", "train/cat/1.png"],
    ]
    assert (out / "test" / "dog" / "1.png").is_symlink() == (how == "link")


def test_equal_names_of_one_class_are_kept_apart(files, tmp_path):
    samples = [(path, 0) for path in files]
    out = read_collection(samples).write_split({"a": range(6)}, tmp_path / "out", how="copy")
    assert len(list((out / "a" / "0").iterdir())) == 6


def test_what_has_no_rows_by_number_is_refused_with_advice():
    class Loader:
        dataset = (1,)
        batch_sampler = None

    class Stream:
        def __iter__(self):
            return iter(())

    class MapDataset:
        pass

    Loader.__module__ = "torch.utils.data.dataloader"
    Stream.__module__ = "torch.utils.data.dataset"
    MapDataset.__module__ = "tensorflow.python.data"
    with pytest.raises(LayoutError, match=r"gives batches .* Pass its data set: loader\.dataset"):
        read_collection(Loader())
    with pytest.raises(LayoutError, match=r"has no rows by number\. Pass its images as a list"):
        read_collection(Stream())
    with pytest.raises(LayoutError, match=r"TensorFlow .* dataset\.as_numpy_iterator"):
        read_collection(MapDataset())


def test_torch_is_not_imported():
    script = (
        "import sys, hashfeatures\n"
        "hashfeatures.read_collection([('a.png', 0), ('b.png', 1)])\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_real_torch(files):
    torch = pytest.importorskip("torch")
    pixels = torch.randint(0, 256, (4, 3, 30, 40), dtype=torch.uint8)
    base = torch.utils.data.TensorDataset(pixels, torch.arange(4))
    collection = read_collection(torch.utils.data.Subset(base, [3, 1]))
    expected = [pixels[row].permute(1, 2, 0).numpy() for row in (3, 1)]
    assert hashes_of(collection) == hashes_of(expected)


def test_an_item_that_is_no_image_is_named():
    class Numbers:
        def __len__(self):
            return 1

        def __getitem__(self, row):
            return 5

    with pytest.warns(FailedImagesWarning):
        errors = hash_images(read_collection(Numbers()), ["phash"])["error"]
    assert errors[0].startswith("TypeError: int is not an image source")
