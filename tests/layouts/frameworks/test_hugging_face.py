"""Data sets of Hugging Face are read lazily, and splits of them are data sets again."""

import json
import pickle
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import (
    audit_split,
    hash_images,
    leakage_report,
    read_collection,
    train_test_split,
)
from hashfeatures.exceptions import LayoutError, SkippedFilesWarning
from hashfeatures.layouts.frameworks import _hugging_face_rows as module

datasets = pytest.importorskip("datasets")

N = 8
CLASSES = ["cat", "dog"]


@pytest.fixture(autouse=True)
def quiet():
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.fixture
def files(tmp_path, noise_image):
    paths = [str(tmp_path / f"{seed}.png") for seed in range(N)]
    for seed, path in enumerate(paths):
        noise_image(seed).save(path)
    return paths


def encode(paths):
    images = []
    for path in paths:
        with open(path, "rb") as file:
            images.append({"bytes": file.read(), "path": None})
    return images


def features():
    box = {
        "bbox": datasets.Sequence(datasets.Value("float32"), length=4),
        "category": datasets.ClassLabel(names=["sign", "car", "tree"]),
    }
    return datasets.Features(
        {
            "picture": datasets.Image(),
            "label": datasets.ClassLabel(names=CLASSES),
            "id": datasets.Value("string"),
            "objects": datasets.Sequence(box),
        }
    )


def make(images):
    objects = [
        {"bbox": [[0, 0, 9.5, 9]] * (row % 3), "category": [row % 2] * (row % 3)}
        for row in range(N)
    ]
    columns = {
        "picture": images,
        "label": [row % 2 for row in range(N)],
        "id": [f"{row:03d}" for row in range(N)],
        "objects": objects,
    }
    return datasets.Dataset.from_dict(columns, features=features())


def hashes_of(images, **options):
    return hash_images(images, ["phash"], **options)["phash"].tolist()


@pytest.fixture
def sources(files, tmp_path):
    """Return the same data set in every form."""
    encoded = make(encode(files))
    encoded.save_to_disk(tmp_path / "saved")
    order = [3, 1, 0, 2, 7, 6, 5, 4]
    return {
        "encoded": encoded,
        "files": make(files),
        "both": make(files[:4] + encode(files[4:])),
        "not decoded": encoded.cast_column("picture", datasets.Image(decode=False)),
        "saved": tmp_path / "saved",
        "memory-mapped": datasets.load_from_disk(tmp_path / "saved"),
        "shuffled back": encoded.select(order).select(np.argsort(order)),
        "formatted": encoded.with_format("numpy"),
        "stream": encoded.to_iterable_dataset(),
        "stream of files": make(files).to_iterable_dataset(),
    }


@pytest.mark.parametrize(
    "form",
    [
        *["encoded", "files", "both", "not decoded", "saved", "memory-mapped", "shuffled back"],
        *["formatted", "stream", "stream of files"],
    ],
)
def test_every_form_of_a_data_set_is_read(form, sources, files):
    collection = read_collection(sources[form])
    assert collection["key"].tolist() == [str(row) for row in range(N)]
    assert collection.labels.tolist() == CLASSES * 4
    assert collection["id"].tolist() == [f"{row:03d}" for row in range(N)]
    assert collection.class_names == ["sign", "car", "tree"]
    assert collection.counts.toarray().T.tolist() == [
        [0, 0, 2, 0, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 2, 0, 1],
        [0] * N,
    ]
    assert hashes_of(collection) == hashes_of(files)
    assert (collection.images[0] == files[0]) == (form == "files")


@pytest.mark.parametrize("form", ["encoded", "saved", "stream"])
def test_a_collection_can_be_pickled(form, sources, files):
    """As joblib does when scikit-learn cross-validates in processes."""
    collection = read_collection(sources[form])
    hashes_of(collection)
    assert hashes_of(pickle.loads(pickle.dumps(collection))) == hashes_of(files)


def test_workers_get_the_images_of_a_data_set(sources, files):
    for form in ("both", "stream"):
        assert hashes_of(read_collection(sources[form]), n_jobs=2) == hashes_of(files)


@pytest.mark.parametrize("form", ["encoded", "files", "both", "saved", "shuffled back"])
def test_a_split_is_a_data_set_of_the_same_rows(form, sources, files, tmp_path):
    """`datasets` reads it: every row is there once, with its features, pixels and boxes."""
    collection = read_collection(sources[form])
    out = collection.write_split({"train": [6, 0, 3], "test": [1, 2]}, tmp_path / "out")
    written = datasets.load_from_disk(out)
    assert list(written) == ["train", "test"]
    expected = make(encode(files))
    for name, rows in {"train": [6, 0, 3], "test": [1, 2]}.items():
        part = written[name]
        assert part.features == expected.features
        for row, source in zip(part, expected.select(rows), strict=True):
            assert np.array_equal(row.pop("picture"), source.pop("picture"))
            assert row == source


def test_parts_are_selected_without_writing(sources):
    collection = read_collection(sources["encoded"])
    train, test = train_test_split(collection, test_size=2, stratify="label", random_state=0)
    parts = collection.layout.select(collection, {"train": train, "test": test})
    assert isinstance(parts, datasets.DatasetDict)
    assert {name: part["id"][:] for name, part in parts.items()} == {
        "train": train["id"].tolist(),
        "test": test["id"].tolist(),
    }
    assert parts["train"].features == features()


def test_the_splits_of_a_dict_are_parts(sources, files, tmp_path):
    whole = sources["encoded"]
    splits = datasets.DatasetDict(train=whole.select(range(5)), test=whole.select([0, 6, 7]))
    splits.save_to_disk(tmp_path / "splits")
    for source in (splits, tmp_path / "splits"):
        collection = read_collection(source)
        assert collection["key"].tolist() == [f"train/{n}" for n in range(5)] + [
            f"test/{n}" for n in range(3)
        ]
        assert len(leakage_report(collection.by_part()).pairs) == 1
        # A part may hold rows of several splits.
        out = collection.write_split({"new": [7, 0, 5]}, tmp_path / type(source).__name__)
        assert datasets.load_from_disk(out)["new"]["id"][:] == ["007", "000", "000"]
    streams = datasets.IterableDatasetDict(
        {name: split.to_iterable_dataset() for name, split in splits.items()}
    )
    assert hashes_of(read_collection(streams)) == hashes_of([*files[:5], files[0], *files[6:]])


def test_splits_with_other_features_are_not_mixed(sources, tmp_path):
    whole = sources["encoded"]
    other = whole.rename_column("id", "name")
    collection = read_collection(datasets.DatasetDict(train=whole, test=other))
    assert collection["id"].isna().sum() == collection["name"].isna().sum() == N
    collection.write_split({"a": range(N), "b": range(N, 2 * N)}, tmp_path / "out")
    with pytest.raises(LayoutError, match="different features"):
        collection.write_split({"a": [0, N]}, tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_stream_is_split_into_lists(sources, tmp_path):
    collection = read_collection(sources["stream"])
    out = collection.write_split({"a": [6, 0], "b": [1]}, tmp_path / "out")
    assert json.loads((out / "a.json").read_text()) == [6, 0]
    with pytest.raises(LayoutError, match="cannot be selected"):
        collection.write_split({"a": [6]}, tmp_path / "copy", how="copy")
    with pytest.raises(LayoutError, match="cannot be linked"):
        read_collection(sources["encoded"]).write_split({"a": [6]}, tmp_path / "x", how="link")


def test_a_stream_is_read_forward(files):
    """Guards that a pass over the images reads each row once, and holds none back."""
    n_read = 0

    def generate():
        nonlocal n_read
        for image in encode(files):
            n_read += 1
            yield {"image": image}

    stream = datasets.IterableDataset.from_generator(
        generate, features=datasets.Features({"image": datasets.Image()})
    )
    collection = read_collection(stream)
    assert n_read == N
    assert hashes_of(collection) == hashes_of(files)
    assert n_read == 2 * N


def test_few_images_are_held_at_a_time(files, monkeypatch):
    """Guards the memory: one block of images is converted, not the column."""
    monkeypatch.setattr(module, "_MOST_ROWS", 2)
    collection = read_collection(make(encode(files)))
    reader = collection.images[0].reader
    most = 0
    for reference in collection.images:
        reference.resolve()
        most = max(most, sum(len(block.column) for block in reader._held.values()))
    assert most <= 6


def test_arrays_are_read_as_pixels(noise_image):
    pixels = [np.asarray(noise_image(seed)) for seed in range(3)]
    columns = {"image": pixels, "target": ["a", "b", "a"]}
    fixed = datasets.Features(
        {"image": datasets.Array3D((30, 40, 3), "uint8"), "target": datasets.Value("string")}
    )
    for source in (
        datasets.Dataset.from_dict(columns),
        datasets.Dataset.from_dict(columns, features=fixed),
    ):
        collection = read_collection(source)
        assert collection.labels.tolist() == ["a", "b", "a"]
        assert hashes_of(collection) == hashes_of(pixels)


def test_unknown_classes_are_missing_labels(files):
    columns = {"image": files[:2], "label": [-1, 1]}
    source = datasets.Dataset.from_dict(
        columns,
        features=datasets.Features(
            {"image": datasets.Image(), "label": datasets.ClassLabel(names=CLASSES)}
        ),
    )
    assert read_collection(source).labels.isna().tolist() == [True, False]


def test_objects_as_lists_of_dicts_are_counted(files):
    box = {"bbox": [0.0, 0, 1, 1], "label": "car"}
    columns = {"image": files[:2], "boxes": [[box, box], []]}
    source = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())
    collection = read_collection(source)
    assert collection.class_names == ["car"]
    assert collection.counts.toarray().tolist() == [[2], [0]]
    with pytest.raises(LayoutError, match="Expected the columns 'width' and 'height'"):
        collection.objects()
    with pytest.raises(LayoutError, match="holds no boxes"):
        read_collection(source.remove_columns("boxes")).objects()


def with_sizes(source):
    return source.add_column("width", [40] * N).add_column("height", [30] * N)


def test_boxes_are_shares_of_their_image(files):
    collection = read_collection(with_sizes(make(files)))
    objects = collection.objects()
    assert objects["row"].tolist() == [1, 2, 2, 4, 5, 5, 7]
    assert objects["label"].tolist() == ["car", "sign", "sign", "sign", "car", "car", "car"]
    sides = objects[["left", "top", "right", "bottom"]].to_numpy()
    assert np.allclose(sides, [0, 0, 9.5 / 40, 9 / 30])


@pytest.mark.parametrize("box", [[30, 20, 38, 29], [0, 0, -1, 5], [1, 2, 3], []])
def test_boxes_in_another_format_are_refused(files, box):
    """Guards against corners that are taken for sizes."""
    columns = {"image": files[:1], "objects": [[{"bbox": [0.0, 0, 9, 9], "label": "car"}]]}
    columns["objects"][0].append({"bbox": [float(side) for side in box], "label": "car"})
    source = datasets.Dataset.from_dict(columns | {"width": [40], "height": [30]})
    source = source.cast_column("image", datasets.Image())
    with pytest.raises(LayoutError, match=r"^0, 'objects': expected boxes of left, top, width"):
        read_collection(source).objects()


def test_an_audit_compares_boxes_where_it_can(files):
    whole = make(files[:7] + files[:1])  # the last one is a copy of the first, with other boxes
    for source in (whole, with_sizes(whole)):
        splits = datasets.DatasetDict(train=source.select(range(5)), test=source.select([5, 6, 7]))
        compared = audit_split(read_collection(splits).by_part()).summary()["annotations"]
        assert compared is None if source is whole else compared["pairs"] == 1


def test_an_empty_data_set_has_no_rows():
    empty = datasets.Dataset.from_dict({name: [] for name in features()}, features=features())
    collection = read_collection(empty)
    assert len(collection) == 0
    assert collection.counts.shape == (0, 3)


def test_what_cannot_be_read_is_named(files, tmp_path):
    with pytest.raises(LayoutError, match=r"The Dataset: expected one column of type Image"):
        read_collection(datasets.Dataset.from_dict({"text": ["a"]}))
    two = make(encode(files)).add_column("thumbnail", encode(files))
    two = two.cast_column("thumbnail", datasets.Image())
    with pytest.raises(LayoutError, match=r"Found several, \['picture', 'thumbnail'\]"):
        read_collection(two)
    two.save_to_disk(tmp_path / "broken")
    for file in (tmp_path / "broken").glob("*.arrow"):
        file.write_bytes(b"no arrow")
    with pytest.raises(LayoutError, match=r"broken: datasets\.load_from_disk cannot read it"):
        read_collection(tmp_path / "broken")
    with pytest.raises(LayoutError, match="Expected a Dataset or DatasetDict"):
        read_collection(Image.new("L", (9, 9)), layout="hugging-face")


def test_nothing_in_a_saved_data_set_changes(sources, tmp_path):
    """Its folder can only be read, and holds the same files afterwards."""
    folder = sources["saved"]
    before = {path: path.read_bytes() for path in folder.iterdir()}
    folder.chmod(0o555)
    try:
        collection = read_collection(folder)
        hashes_of(collection)
        collection.write_split({"a": [5, 0, 3]}, tmp_path / "out")
        with pytest.raises(ValueError, match="'out' parameter of write_split"):
            collection.write_split({"a": [5, 0, 3]}, folder / "out")
    finally:
        folder.chmod(0o755)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Return a small saved data set that tests break in copies."""
    folder = tmp_path_factory.mktemp("small")
    kinds = datasets.Features({"image": datasets.Image(), "label": datasets.Value("string")})
    columns = {"image": [{"bytes": b"abc", "path": None}] * 3, "label": ["a", "b", "c"]}
    splits = {"train": datasets.Dataset.from_dict(columns, features=kinds)}
    datasets.DatasetDict(splits).save_to_disk(folder / "saved")
    return folder


@settings(max_examples=40)
@given(st.data())
def test_a_damaged_folder_is_refused_with_its_name(small, data):
    """Guards above all against reading offsets that would end the process."""
    broken = small / "broken"
    shutil.rmtree(broken, ignore_errors=True)
    shutil.copytree(small / "saved", broken)
    files = sorted(path for path in broken.rglob("*") if path.is_file())
    path = data.draw(st.sampled_from(files))
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    noise = data.draw(st.none() | st.binary(min_size=1, max_size=8))
    content[place : len(content) if noise is None else place + len(noise)] = noise or b""
    path.write_bytes(content)
    try:
        collection = read_collection(broken, layout="hugging-face")
        for image in collection.images:
            image.resolve()
    except LayoutError as error:
        assert str(broken) in str(error)


def test_names_of_splits_do_not_leave_the_folder(small, tmp_path):
    shutil.copytree(small / "saved", tmp_path / "saved" / "below")
    shutil.copytree(small / "saved" / "train", tmp_path / "outside")
    listed = tmp_path / "saved" / "below" / "dataset_dict.json"
    listed.write_text(json.dumps({"splits": ["train", "../../outside"]}))
    with pytest.raises(
        LayoutError, match=r"below: the name '\.\./\.\./outside' leaves its folder"
    ):
        read_collection(tmp_path / "saved" / "below")


def test_classes_without_images_are_classes(files):
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["z", "a", "none"])}
    source = datasets.Dataset.from_dict(
        {"image": files[:2], "label": [0, 1]}, features=datasets.Features(kinds)
    )
    assert read_collection(source).class_names == ["z", "a", "none"]


def test_parts_without_rows_are_left_out(files, tmp_path):
    """`datasets` could not read them."""
    collection = read_collection(make(files))
    with pytest.warns(SkippedFilesWarning, match="without 'b', 'c': datasets.load_from_disk"):
        out = collection.write_split({"a": [1], "b": [], "c": []}, tmp_path / "out")
    assert list(datasets.load_from_disk(out)) == ["a"]
    assert len(read_collection(out)) == 1
    with pytest.raises(LayoutError, match="All parts are empty"):
        collection.write_split({"a": [], "b": []}, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_transforms_and_formats_are_not_written(files, tmp_path):
    """A transform is a function, which no file can hold."""
    for number, source in enumerate(
        [
            make(files).with_transform(lambda batch: batch),
            make(encode(files)).with_format("numpy", columns=["id"]),
        ]
    ):
        collection = read_collection(source)
        out = collection.write_split({"a": [1, 2], "b": [0]}, tmp_path / str(number))
        written = datasets.load_from_disk(out)["a"]
        assert written.format["type"] is None
        assert written.column_names == list(features())
        assert hashes_of(written["picture"]) == hashes_of(files[1:3])


@pytest.mark.parametrize("form", ["files", "some encoded", "relative"])
def test_missing_files_are_named(files, tmp_path, monkeypatch, form):
    """Guards that nothing is written, and that the parts without them can be."""
    monkeypatch.chdir(tmp_path)
    missing = "no.png" if form == "relative" else str(tmp_path / "no.png")
    images = [*files[:2], missing, *(files if form == "files" else encode(files))[3:]]
    collection = read_collection(make(images))
    with pytest.raises(LayoutError, match=r"1 file is missing, such as .*no\.png.* Nothing was"):
        collection.write_split({"a": [0, 1], "b": [2, 3]}, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    collection.write_split({"a": [0, 1], "b": [3]}, tmp_path / "out")


def test_a_column_of_numbers_gives_way_to_one_of_paths(files):
    columns = {"image": list(range(N)), "path": files}
    collection = read_collection(datasets.Dataset.from_dict(columns))
    assert hashes_of(collection) == hashes_of(files)
    assert hashes_of(datasets.Dataset.from_dict(columns)) == hashes_of(files)
    with pytest.raises(LayoutError, match="'image': expected paths, URLs or encoded images"):
        read_collection(datasets.Dataset.from_dict({"image": [1]}))
