"""What people have their images in is taken, or refused in a sentence whose code is right."""

import re
import tempfile
import warnings
import weakref
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pytest
from PIL import Image
from sklearn.model_selection import GridSearchCV
from sklearn.model_selection import train_test_split as sklearn_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from hashfeatures import (
    Collection,
    ImageHashFeaturizer,
    ImageReadError,
    NearDuplicateFinder,
    NearDuplicateKFold,
    NearDuplicateShuffleSplit,
    SkippedFilesWarning,
    SplitSizeWarning,
    assert_no_leakage,
    calibrate,
    check_against_seal,
    drop_duplicates,
    find_duplicates,
    find_similar,
    hash_images,
    is_known,
    leakage_report,
    make_report,
    plotting,
    read_collection,
    repair_split,
    seal_images,
    train_test_split,
)
from hashfeatures._utils.frames import list_column
from hashfeatures.duplicates._resolve import is_bit_matrix
from hashfeatures.images._sources import list_sources
from hashfeatures.layouts._layout import Layout


@pytest.fixture
def pixels(noise_image):
    """Return a batch of 6 colored images, the last one like the first."""
    images = [np.asarray(noise_image(seed, (40, 30))) for seed in (0, 1, 2, 3, 4, 0)]
    return np.array(images)


@pytest.fixture
def files(pixels, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(len(pixels))]
    for path, image in zip(paths, pixels, strict=True):
        Image.fromarray(image).save(path)
    return paths


class Feature:
    """The type of a column of images of Hugging Face."""

    def __init__(self, decode=True):
        self.decode = decode


Feature.__name__ = "Image"


class Dataset:
    """Stands for a Dataset of Hugging Face."""

    def __init__(self, columns, features):
        self._columns, self.features = columns, features

    @property
    def column_names(self):
        return list(self._columns)

    @property
    def shape(self):
        return len(self), len(self._columns)

    def __len__(self):
        return len(next(iter(self._columns.values())))

    def __getitem__(self, key):
        if not isinstance(key, str):
            raise TypeError(f"wrong key type {type(key)}")
        if getattr(self.features[key], "decode", False):
            raise AssertionError("all images are decoded into memory")
        return self._columns[key]

    def __iter__(self):
        raise AssertionError("all images are decoded into memory")

    def cast_column(self, name, feature):
        return Dataset(self._columns, self.features | {name: feature})

    def select(self, rows):
        columns = {name: [values[row] for row in rows] for name, values in self._columns.items()}
        return Dataset(columns, self.features)


Dataset.__module__ = "datasets.arrow_dataset"


def _dataset(files):
    images = [{"bytes": Path(path).read_bytes(), "path": None} for path in files]
    columns = {"label": list(range(len(files))), "img": images}
    return Dataset(columns, {"label": None, "img": Feature()})


class NoLayout(Layout):
    """Stands for any layout of a data set."""

    name = title = "none"
    recognize = read = plan_split = None


def _collection(files):
    labels = [str(number) for number in range(len(files))]
    frame = pd.DataFrame({"image": files, "key": labels, "label": range(len(files))})
    return Collection(frame, NoLayout())


TABLES = {
    "pandas": lambda files: pd.DataFrame({"label": range(len(files)), "image": files}),
    "polars": lambda files: pl.DataFrame({"label": range(len(files)), "path": files}),
    "Arrow": lambda files: pa.table({"label": range(len(files)), "url": files}),
    "batch of Arrow": lambda files: pa.record_batch({"label": range(len(files)), "file": files}),
    "Hugging Face": _dataset,
    "collection": lambda files: _collection(files),
}


def _seal_and_check(images):
    with tempfile.TemporaryDirectory() as folder:
        seal_images(images, Path(folder, "test.seal"))
        assert check_against_seal(images, Path(folder, "test.seal")).share == 1


FUNCTIONS = {
    "featurizer": lambda X: ImageHashFeaturizer("phash").fit_transform(X),
    "fit": lambda X: NearDuplicateFinder().fit(X),
    "matches": lambda X: NearDuplicateFinder().fit(X).matches(X),
    "partial_fit": lambda X: NearDuplicateFinder().fit(X).partial_fit(X),
    "hash_images": lambda X: hash_images(X, ["phash"]),
    "find_duplicates": find_duplicates,
    "drop_duplicates": lambda X: drop_duplicates(X, keep="largest", return_info=True),
    "keep a column": lambda X: drop_duplicates(X, keep="label"),
    "train_test_split": lambda X: train_test_split(X, test_size=2, random_state=0),
    "k folds": lambda X: list(NearDuplicateKFold(2).split(X)),
    "shuffled": lambda X: list(NearDuplicateShuffleSplit(2, test_size=2).split(X)),
    "leakage_report": lambda X: leakage_report(X, X).pairs,
    "parts": lambda X: leakage_report({"a": X, "b": X, "c": X}),
    "repair_split": lambda X: repair_split(X, X),
    "seal": _seal_and_check,
    "make_report": lambda X: make_report(X).to_json(),
    "is_known": lambda X: is_known(X, Image.new("L", (9, 9))),
    "find_similar": lambda X: find_similar(X, Image.new("L", (9, 9))),
    "calibrate": lambda X: calibrate(X, n_edited=1),
    "radius": lambda X: NearDuplicateFinder(radius="calibrated").fit(X),
    "plot_images": lambda X: plotting.plot_images(X),
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.filterwarnings("ignore::hashfeatures.CalibrationWarning")
@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
def test_every_function_takes_a_table(kind, function, files):
    if function == "plot_images":
        pytest.importorskip("matplotlib").use("Agg")
    if function == "repair_split" and kind == "Hugging Face":
        pytest.skip("its rows are joined by its package")
    FUNCTIONS[function](TABLES[kind](files))


@pytest.mark.parametrize("kind", TABLES)
def test_rows_of_a_table_are_those_of_its_images(kind, files):
    table = TABLES[kind](files)
    expected = hash_images(files, ["phash"])["phash"].tolist()
    assert hash_images(table, ["phash"])["phash"].tolist() == expected
    train, test = train_test_split(table, test_size=2, random_state=0)
    assert type(train) is type(table)
    assert sorted(list_column(train, "label") + list_column(test, "label")) == list(range(6))
    assert find_duplicates(table).shape[0] == 2


def test_a_collection_with_parts_is_a_split(files):
    collection = _collection(files)
    collection.frame["part"] = ["test", "train", "train", None, "train", "train"]
    report = leakage_report(collection)
    assert report.n_pairs == 1
    parts, _ = repair_split(collection, priority=["test", "train"])
    assert list(parts) == ["train", "test"]
    assert [part["label"].tolist() for part in parts.values()] == [[1, 2, 4], [0, 5]]
    with pytest.raises(TypeError, match="needs at least two parts"):
        leakage_report(_collection(files))


def test_scikit_learn_takes_rows_of_a_collection(files):
    """A collection goes through its pipelines, its searches and its own splits."""
    collection = _collection(files)
    y = [0, 1, 0, 1, 0, 1]
    model = make_pipeline(ImageHashFeaturizer("phash"), KNeighborsClassifier(1))
    search = GridSearchCV(model, {"kneighborsclassifier__p": [1, 2]}, cv=3)
    assert search.fit(collection, y).predict(collection).tolist()[1:5] == y[1:5]
    train, test = sklearn_split(collection, test_size=2, random_state=0)
    assert type(train) is Collection
    assert sorted([*train["label"], *test["label"]]) == list(range(6))


def test_real_datasets_of_hugging_face(files):
    datasets = pytest.importorskip("datasets")
    images = {"img": files, "label": list(range(6))}
    table = datasets.Dataset.from_dict(images).cast_column("img", datasets.Image())
    assert [set(source) for source in list_sources(table, "f")] == [{"bytes", "path"}] * 6
    for name, function in FUNCTIONS.items():
        if name not in ("plot_images", "calibrate", "radius", "repair_split"):
            function(table)
    stream = table.to_iterable_dataset()
    with pytest.raises(TypeError, match=r"write read_collection\(images\)"):
        hash_images(stream)
    assert hash_images(read_collection(stream))["phash"].equals(hash_images(files)["phash"])
    parts = datasets.DatasetDict({"train": table, "test": table})
    assert leakage_report(parts).share == 1
    with pytest.warns(SplitSizeWarning, match="test is empty now"):
        train, test, _ = repair_split(table, table)
    assert type(train) is type(table)
    assert len(train) + len(test) == 12


class Tensor:
    """Stands for a tensor of torch: what numpy has, and not the same names."""

    requires_grad = False
    device = "cpu"

    def __init__(self, array):
        self._array = array
        self.shape, self.ndim = array.shape, array.ndim
        self.dtype = f"torch.{array.dtype}"

    def __len__(self):
        return len(self._array)

    def __getitem__(self, key):
        return Tensor(self._array[key])

    def min(self):
        return self._array.min()

    def max(self):
        return self._array.max()

    def numpy(self):
        return self._array

    def __repr__(self):
        return f"tensor({self._array})"


Tensor.__module__ = "torch"


class LazyTable:
    """Stands for a frame of dask."""

    columns = ("path",)
    shape = ("later", 1)

    def compute(self):
        return pd.DataFrame({"path": self.files})

    @property
    def iloc(self):
        return self


LazyTable.__module__ = "dask.dataframe"


class Folder:
    """Stands for an ImageFolder of torchvision."""

    def __init__(self, files):
        self.samples = [(path, 0) for path in files]

    def __getitem__(self, place):
        with Image.open(self.samples[place][0]) as image:
            return image.copy(), 0

    def __len__(self):
        return len(self.samples)


class Items(Folder):
    """Stands for any other data set of torch."""

    def __init__(self, files):
        self._folder = Folder(files)

    def __getitem__(self, place):
        return self._folder[place]

    def __len__(self):
        return len(self._folder)


class Subset(Folder):
    """Stands for a Subset of torch, of all items."""

    def __init__(self, files):
        self.dataset, self.indices = Folder(files), range(len(files))

    def __getitem__(self, place):
        return self.dataset[self.indices[place]]

    def __len__(self):
        return len(self.indices)


class Loader:
    """Stands for a DataLoader of torch."""

    batch_sampler = None

    def __init__(self, files):
        self.dataset = Folder(files)


Subset.__module__ = Loader.__module__ = "torch.utils.data"


class Stream:
    """Stands for a data set of TensorFlow."""

    def __init__(self, pixels):
        self._pixels = pixels

    def as_numpy_iterator(self):
        return ((image, 0) for image in self._pixels)


def _lazy(files):
    table = LazyTable()
    table.files = files
    return table


GIVEN = {
    "floats": lambda files, pixels: pixels / 255,
    "32-bit floats": lambda files, pixels: (pixels / 255).astype("f4"),
    "floats to 255": lambda files, pixels: pixels.astype(float),
    "integers": lambda files, pixels: pixels.astype(int),
    "16 bits": lambda files, pixels: pixels.astype("u2") << 8,
    "channels first": lambda files, pixels: pixels.transpose(0, 3, 1, 2),
    "floats, channels first": lambda files, pixels: pixels.transpose(0, 3, 1, 2) / 255,
    "tensors": lambda files, pixels: Tensor(pixels.transpose(0, 3, 1, 2)),
    "tensors of floats": lambda files, pixels: Tensor(pixels.transpose(0, 3, 1, 2) / 255),
    "list of tensors": lambda files, pixels: [Tensor(image) for image in pixels],
    "list of turned tensors": lambda files, pixels: [
        Tensor(image.transpose(2, 0, 1) / 255) for image in pixels
    ],
    "pairs": lambda files, pixels: [(path, 0) for path in files],
    "turned pairs": lambda files, pixels: [("cat", path) for path in files],
    "pairs of arrays": lambda files, pixels: [(image, 3) for image in pixels],
    "rows": lambda files, pixels: [{"image": image, "label": 1} for image in pixels],
    "set": lambda files, pixels: set(files),
    "dict": lambda files, pixels: dict(enumerate(files)),
    "dict of columns": lambda files, pixels: {"image": files, "label": [0] * 6},
    "lazy frame": lambda files, pixels: pl.DataFrame({"path": files}).lazy(),
    "relation": lambda files, pixels: duckdb.sql(f"SELECT unnest({files}) AS path"),
    "data set of Arrow": lambda files, pixels: pyarrow.dataset.dataset(pa.table({"path": files})),
    "dask": lambda files, pixels: _lazy(files),
    "torchvision": lambda files, pixels: Folder(files),
    "data set of torch": lambda files, pixels: Items(files),
    "subset of torch": lambda files, pixels: Subset(files),
    "loader of torch": lambda files, pixels: Loader(files),
    "TensorFlow": lambda files, pixels: Stream(pixels),
}


@pytest.mark.parametrize("kind", GIVEN)
def test_the_code_that_a_refusal_names_is_right(kind, files, pixels):
    """It is run as it stands, and gives the same hashes."""
    images = GIVEN[kind](files, pixels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(TypeError, match=r"^hash_images expects a list") as raised:
            hash_images(images, ["phash"])
    said = str(raised.value)
    assert len(said) < 350
    found = re.search(r"(?:write |make it a list, )(.*)\.$", said)
    assert found, said
    code = found.group(1)
    again = eval(code, {"images": images, "np": np, "read_collection": read_collection})
    expected = hash_images(files, ["phash"])["phash"].tolist()
    assert hash_images(again, ["phash"])["phash"].tolist() == expected


@pytest.mark.parametrize("kind", GIVEN)
@pytest.mark.parametrize(
    "function",
    [
        *("featurizer", "fit", "find_duplicates", "drop_duplicates", "train_test_split"),
        *("k folds", "shuffled", "leakage_report", "repair_split", "make_report", "calibrate"),
        "seal",
    ],
)
def test_every_function_refuses_it_alike(kind, function, files, pixels):
    images = GIVEN[kind](files, pixels)
    if kind.startswith("dict") and function in ("leakage_report", "repair_split"):
        return  # a mapping of parts
    with pytest.raises(TypeError, match=r"expects a list, tuple, 1-D array, Series or DataFrame"):
        FUNCTIONS[function](images)


def test_batches_of_8_bits_are_taken(files, pixels):
    expected = hash_images(files, ["phash"])["phash"].tolist()
    gray = pixels[..., 0]
    assert hash_images(pixels, ["phash"])["phash"].tolist() == expected
    assert len(hash_images(gray, ["phash"])["phash"].dropna()) == 6
    assert len(hash_images(pixels[:, :, :, :1], ["phash"])["phash"].dropna()) == 6
    assert len(NearDuplicateFinder().fit(gray).labels_) == 6
    train, test = train_test_split(gray, test_size=2, random_state=0)
    assert train.shape[1:] == test.shape[1:] == gray.shape[1:]


def test_three_gray_images_are_told_from_one_with_its_colors_first(pixels):
    turned = pixels[0].transpose(2, 0, 1)
    with pytest.raises(TypeError) as raised:
        hash_images(turned)
    found = re.search(r"first, (.*), or 3 gray ones, (.*): write which", str(raised.value))
    one, many = found.groups()
    for code, n_images in ((one, 1), (many, 3)):
        table = hash_images(eval(code, {"images": turned}), ["phash"])
        assert table["phash"].notna().tolist() == [True] * n_images


@pytest.mark.parametrize("single", [0, 1])
def test_a_single_array_is_wrapped(pixels, single):
    image = pixels[0] if single else pixels[0, :, :, 0] / 255
    with pytest.raises(TypeError, match="for one image, wrap it in a list") as raised:
        hash_images(image)
    code = re.search(r"wrap it in a list, (.*)\.$", str(raised.value))[1]
    assert hash_images(eval(code, {"images": image}), ["phash"])["phash"].notna().all()


SHORTHANDS = {
    "folder": lambda files: str(Path(files[0]).parent),
    "folder as a Path": lambda files: Path(files[0]).parent,
    "file URL of a folder": lambda files: Path(files[0]).parent.as_uri(),
    "glob": lambda files: str(Path(files[0]).parent / "*.png"),
    "generator": lambda files: (path for path in files),
    "map": lambda files: map(str, files),
}
# The functions that the tests pass the images once, as an iterator can be read only once.
ONCE = {
    *("featurizer", "fit", "hash_images", "find_duplicates", "drop_duplicates"),
    *("train_test_split", "k folds", "shuffled", "make_report", "is_known", "find_similar"),
    *("calibrate", "radius", "plot_images"),
}


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "keep a column"])
@pytest.mark.parametrize("kind", SHORTHANDS)
@pytest.mark.filterwarnings("ignore::hashfeatures.CalibrationWarning")
@pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")
def test_every_function_takes_a_folder_a_glob_and_an_iterator(kind, function, files):
    if function == "plot_images":
        pytest.importorskip("matplotlib").use("Agg")
    if kind not in ("generator", "map") or function in ONCE:
        FUNCTIONS[function](SHORTHANDS[kind](files))


@pytest.mark.parametrize("kind", SHORTHANDS)
def test_a_folder_a_glob_and_an_iterator_are_lists_of_their_images(kind, files):
    assert hash_images(SHORTHANDS[kind](files), ["phash"])["image"].tolist() == files
    train, test = train_test_split(SHORTHANDS[kind](files), test_size=2, random_state=0)
    assert sorted(train + test) == sorted(files)


def test_an_iterator_is_read_as_it_is_hashed():
    """More images than fit into memory can be hashed."""
    n_alive = most_alive = 0

    def forget():
        nonlocal n_alive
        n_alive -= 1

    def frames():
        nonlocal n_alive, most_alive
        for number in range(4000):
            frame = np.full((8, 8), number % 251, np.uint8)
            weakref.finalize(frame, forget)
            n_alive += 1
            most_alive = max(most_alive, n_alive)
            yield frame

    assert ImageHashFeaturizer("phash").fit_transform(frames()).shape == (4000, 64)
    assert most_alive < 2500


def test_what_a_folder_holds_beside_images_is_counted(files):
    folder = Path(files[0]).parent
    (folder / "notes.txt").write_text("notes")
    (folder / ".hidden").mkdir()
    with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.txt, 1 hidden"):
        assert hash_images(folder, ["phash"])["image"].tolist() == files


def test_an_empty_folder_and_an_empty_glob_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(FileNotFoundError, match=r"holds no image: skipped 1 \.txt"):
        find_duplicates(tmp_path)
    with pytest.raises(FileNotFoundError, match="No file matches"):
        find_duplicates(str(tmp_path / "*.png"))


def test_a_file_of_a_data_set_is_read_by_its_own_function(tmp_path):
    for name in ("data.yaml", "instances.json", "shard.tar", "images.zip", "images.parquet"):
        with pytest.raises(TypeError, match=r"write read_collection\("):
            hash_images(str(tmp_path / name))


def test_zipped_columns_are_refused(files):
    with pytest.raises(TypeError, match="Got zip, which gives tuples"):
        hash_images(zip(files, range(6), strict=True))


@pytest.mark.parametrize(
    ("item", "code"),
    [
        (lambda image: image / 255, r"\(array \* 255\)\.round\(\)\.astype\('uint8'\)"),
        (lambda image: image.transpose(2, 0, 1), r"array\.transpose\(1, 2, 0\)"),
        (lambda image: Tensor(image), r"image\.numpy\(\)"),
    ],
)
def test_a_single_odd_item_is_a_failed_image_that_says_what_to_write(pixels, item, code):
    images = [pixels[0], item(pixels[1])]
    with pytest.raises(ImageReadError, match=f"image 1, .*[.] Write {code}$"):
        hash_images(images, ["phash"], errors="raise")


def test_samples_are_no_bits():
    assert not is_bit_matrix([("a.png", 0), ("b.png", 1)])
    assert not is_bit_matrix([["a.png"], ["b.png"]])
    assert is_bit_matrix([(0, 1), (1, None)][:1])


def test_names_of_columns_are_no_methods(files):
    """Attributes of a frame may be its columns."""
    odd = ("read", "samples", "dask", "namelist", "collect", "column_names", "cast_column")
    frame = pd.DataFrame({"path": files} | dict.fromkeys(odd, 0))
    assert list_sources(frame, "f") == files


def test_a_check_for_leaks_refuses_alike(files):
    with pytest.raises(TypeError, match=r"assert_no_leakage expects a list.*has no order"):
        assert_no_leakage(set(files), files)
