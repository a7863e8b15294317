"""Tables of paths and of encoded images become collections, and splits become tables again."""

import os
import pickle
import warnings
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import hash_images, read_collection, train_test_split
from hashfeatures.exceptions import (
    FailedImagesWarning,
    LayoutError,
    ParameterError,
    SkippedFilesWarning,
)
from hashfeatures.layouts.tables import _pandas_table
from hashfeatures.layouts.tables._tables import TableLayout

N = 6


@pytest.fixture
def files(tmp_path, noise_image):
    """Return the folder of six images in two folders, the last one a copy of the first."""
    folder = tmp_path / "data"
    for number, seed in enumerate([0, 1, 2, 3, 4, 0]):
        path = folder / "images" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise_image(seed).save(path)
    return folder


def names():
    return [f"images/{'ab'[number % 2]}/{number}.png" for number in range(N)]


def make_table(files, **columns):
    encoded = [(files / name).read_bytes() for name in names()]
    return pa.table({"id": [f"{n:03d}" for n in range(N)], "image": encoded, **columns})


def expected_hashes(files):
    return hash_images([files / name for name in names()], ["phash"])["phash"].tolist()


def hashes_of(images, **options):
    return hash_images(images, ["phash"], **options)["phash"].tolist()


@pytest.fixture
def sources(files, tmp_path):
    """Return the same table of encoded images in every form."""
    table = make_table(files, label=["cat", "dog"] * 3)
    path = tmp_path / "table.parquet"
    pq.write_table(table, path, row_group_size=4)
    frame = pl.from_arrow(table)
    dataset = pyarrow.dataset.dataset(path)
    return {
        "Parquet": path,
        "pandas": table.to_pandas(),
        "polars": frame,
        "LazyFrame": frame.lazy(),
        "scanned": pl.scan_parquet(path),
        "Table": table,
        "RecordBatch": table.to_batches()[0],
        "Dataset": dataset,
        "filtered Dataset": dataset.filter(pyarrow.dataset.field("id") >= "000"),
        "Dataset in memory": pyarrow.dataset.dataset(table),
        "DuckDB": duckdb.sql(f"SELECT * FROM '{path}'"),
    }


FORMS = [
    *["Parquet", "pandas", "polars", "LazyFrame", "scanned", "Table", "RecordBatch", "Dataset"],
    *["filtered Dataset", "Dataset in memory", "DuckDB"],
]


@pytest.mark.parametrize("form", FORMS)
def test_encoded_images_go_there_and_back(form, sources, files, tmp_path):
    """Guards ids, labels and pixels on the way into a collection and into files of parts."""
    collection = read_collection(sources[form])
    assert collection["key"].tolist() == [str(row) for row in range(N)]
    assert collection["id"].tolist() == [f"{row:03d}" for row in range(N)]
    assert collection.labels.tolist() == ["cat", "dog"] * 3
    assert hashes_of(collection) == expected_hashes(files)
    out = collection.write_split({"train": [5, 0, 2], "test": [3, 1]}, tmp_path / "out")
    source = make_table(files, label=["cat", "dog"] * 3)
    for part, rows in {"train": [0, 2, 5], "test": [1, 3]}.items():
        written = pq.read_table(out / f"{part}.parquet")
        assert written.to_pylist() == source.take(rows).to_pylist()
    again = read_collection([out / "train.parquet", out / "test.parquet"])
    assert again.parts.tolist() == ["train"] * 3 + ["test"] * 2
    assert again["id"].tolist() == ["000", "002", "005", "001", "003"]


def test_workers_get_the_images_of_a_table(sources, files):
    for form in ("Parquet", "Table", "DuckDB"):
        assert hashes_of(read_collection(sources[form]), n_jobs=2) == expected_hashes(files)


@pytest.mark.parametrize("form", [*FORMS[:7], "Dataset", "filtered Dataset"])
def test_a_collection_of_a_table_can_be_pickled(form, sources, files, tmp_path):
    """As joblib does when scikit-learn cross-validates in processes.

    Connections of DuckDB and a Dataset of pyarrow in memory cannot be pickled.
    """
    collection = read_collection(sources[form])
    hashes_of(collection)
    again = pickle.loads(pickle.dumps(collection))
    assert hashes_of(again) == expected_hashes(files)
    again.write_split({"a": [0]}, tmp_path / "out")


def test_a_relation_leaves_its_connection_free(files, tmp_path):
    """An open result would block the user's other queries."""
    pq.write_table(make_table(files), tmp_path / "table.parquet")
    connection = duckdb.connect()
    relation = connection.sql(f"SELECT * FROM '{tmp_path / 'table.parquet'}'")
    collection = read_collection(relation)
    collection.images[0].resolve()
    assert connection.sql("SELECT 1").fetchall() == [(1,)]


def test_types_and_metadata_stay(files, tmp_path):
    table = make_table(
        files,
        small=pa.array(range(N), pa.int8()),
        score=pa.array([None, *np.linspace(0, 1, N - 1)], pa.float32()),
        split=pa.array(["old"] * N).dictionary_encode(),
        boxes=pa.array([[[1, 2]]] * N, pa.list_(pa.list_(pa.int16()))),
        mask=pa.array([b"x"] * N, pa.large_binary()),
    ).replace_schema_metadata({"huggingface": "{}"})
    pq.write_table(table, tmp_path / "table.parquet")
    collection = read_collection(tmp_path / "table.parquet")
    assert collection.parts.tolist() == ["old"] * N
    assert "mask" not in collection.columns
    out = collection.write_split({"train": range(N)}, tmp_path / "out")
    written = pq.ParquetFile(out / "train.parquet")
    assert written.schema_arrow.metadata == {b"huggingface": b"{}"}
    back = written.read()
    assert back.drop_columns("split").equals(table.drop_columns("split"))
    assert back["split"].to_pylist() == ["train"] * N


def test_structs_of_hugging_face_are_read(files, tmp_path):
    cells = [{"bytes": (files / name).read_bytes(), "path": "x.png"} for name in names()[:4]]
    cells += [{"bytes": None, "path": str(files / name)} for name in names()[4:]]
    pq.write_table(pa.table({"image": cells}), tmp_path / "table.parquet")
    collection = read_collection(tmp_path / "table.parquet")
    assert hashes_of(collection) == expected_hashes(files)


# CSV


def write_csv(files, text, name="table.csv", encoding="utf-8"):
    path = files / name
    path.write_bytes(text.encode(encoding))
    return path


def make_csv(separator=",", end="\n"):
    rows = [["id", "path", "class", "split"]]
    rows += [[f"{n:03d}", name, "cd"[n % 2], "train"] for n, name in enumerate(names())]
    return "".join(separator.join(row) + end for row in rows)


@pytest.mark.parametrize("name", ["table.csv", "table.tsv", "TABLE.CSV"])
def test_a_csv_file_goes_there_and_back(files, tmp_path, name):
    separator = "\t" if name.endswith(".tsv") else ","
    path = write_csv(files, make_csv(separator), name)
    collection = read_collection(path)
    assert collection.root == files
    assert collection["key"].tolist() == names()
    assert collection.labels.tolist() == list("cdcdcd")
    assert hashes_of(collection) == expected_hashes(files)
    train, test = train_test_split(collection, test_size=2, stratify="label", random_state=0)
    out = collection.write_split({"train": train, "test": test}, tmp_path / "out")
    written = [
        pd.read_csv(out / f"{part}{path.suffix.lower()}", dtype=str, sep=separator)
        for part in ("train", "test")
    ]
    assert [list(frame.columns) for frame in written] == [["id", "path", "class", "split"]] * 2
    both = pd.concat(written).sort_values("id")
    assert both["id"].tolist() == [f"{n:03d}" for n in range(N)]
    assert both["path"].tolist() == [str(files / name) for name in names()]
    assert set(written[1]["split"]) == {"test"}
    assert hashes_of(read_collection(out / f"test{path.suffix.lower()}"))


def test_values_of_a_csv_file_stay_as_they_are_written(files, tmp_path):
    """Guards identifiers with zeros, numbers, empty cells, quotes and line breaks."""
    values = ["007", "1e3", "", '"a ""quoted"", comma"', '"two\nlines"', "NA"]
    text = "path,value,n\n" + "".join(f"{n},{v},7\n" for n, v in zip(names(), values, strict=True))
    collection = read_collection(write_csv(files, text))
    assert collection["n"].tolist() == [7] * N
    assert collection["value"].tolist()[0] == "007"
    out = collection.write_split({"all": range(N)}, tmp_path / "out")
    absolute = text.replace("images/", f"{files}/images/")
    assert (out / "all.csv").read_text() == absolute


def test_a_column_without_a_name_stays_so(files, tmp_path):
    """As pandas writes its index."""
    text = ",path\n" + "".join(f"{n},{files / name}\n" for n, name in enumerate(names()))
    out = read_collection(write_csv(files, text)).write_split({"a": range(N)}, tmp_path / "out")
    assert (out / "a.csv").read_text() == text


@pytest.mark.parametrize("name", ["two\nlines.png", '"quoted".png', "a,b;c\td.png", " .png"])
def test_unusual_names_go_there_and_back(files, tmp_path, noise_image, name):
    noise_image(0).save(files / name)
    frame = pd.DataFrame({"image": [name], "n": [1]})
    path = files / "table.csv"
    frame.to_csv(path, index=False)
    collection = read_collection(path)
    for how in ("lists", "copy"):
        again = read_collection(collection.write_split({"a": [0]}, tmp_path / how, how) / "a.csv")
        assert hashes_of(again) == hashes_of([files / name])


@pytest.mark.parametrize("how", ["copy", "link"])
def test_images_are_copied_beside_the_table(files, tmp_path, how):
    collection = read_collection(write_csv(files, make_csv()))
    out = collection.write_split(
        {"train": [0, 1, 2, 3], "test": [4, 5]}, tmp_path / "out", how=how
    )
    assert (out / "images" / "test" / "images" / "a" / "4.png").is_symlink() == (how == "link")
    moved = out.rename(tmp_path / "moved")
    again = read_collection(moved / "test.csv")
    assert hashes_of(again) == expected_hashes(files)[4:]
    assert again["id"].tolist() == ["004", "005"]


@pytest.mark.parametrize("how", ["copy", "link"])
def test_urls_and_bytes_are_not_copied(sources, tmp_path, how):
    with pytest.raises(LayoutError, match=r"Write how='lists'"):
        read_collection(sources["Parquet"]).write_split({"a": [0]}, tmp_path / "out", how=how)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("encoding", "end", "separator"),
    [("utf-8-sig", "\r\n", ";"), ("utf-16", "\n", ","), ("utf-8", "\n", "\t")],
)
def test_what_spreadsheets_write_is_read(files, encoding, end, separator):
    path = write_csv(files, make_csv(separator, end), encoding=encoding)
    assert read_collection(path)["key"].tolist() == names()


def test_separators_of_windows_are_understood(files):
    path = write_csv(files, make_csv().replace("images/", "images\\").replace("/", "\\"))
    assert hashes_of(read_collection(path)) == expected_hashes(files)


def test_what_relative_paths_are_relative_to(files, tmp_path, monkeypatch):
    """First the folder of the file, then the working directory; `root` decides."""
    text = make_csv()
    elsewhere = tmp_path / "lists"
    elsewhere.mkdir()
    path = elsewhere / "table.csv"
    path.write_text(text)
    monkeypatch.chdir(files)
    assert hashes_of(read_collection(path)) == expected_hashes(files)
    monkeypatch.chdir(tmp_path)
    assert hashes_of(read_collection(path, root="data")) == expected_hashes(files)
    assert read_collection(path).images[0] == str(elsewhere / names()[0])
    frame = pd.read_csv(path)
    assert hashes_of(read_collection(frame, root=files)) == expected_hashes(files)


def test_missing_images_fail_in_their_rows(files):
    path = write_csv(files, make_csv().replace(names()[1], "").replace(names()[2], "no.png"))
    collection = read_collection(path)
    assert collection["key"].tolist()[:3] == [names()[0], "1", "no.png"]
    with pytest.warns(FailedImagesWarning, match="2 of 6 images"):
        table = hash_images(collection, ["phash"])
    assert table["error"].notna().tolist() == [False, True, True, False, False, False]


def test_a_path_in_two_rows_keeps_both(files, tmp_path):
    path = write_csv(files, make_csv().replace(names()[2], names()[0]))
    collection = read_collection(path)
    assert collection["key"].is_unique
    assert collection["key"].tolist()[2] == names()[0].replace(".", " (2).")
    assert collection.images[0] == collection.images[2]
    out = collection.write_split({"a": [0, 2]}, tmp_path / "out")
    assert pd.read_csv(out / "a.csv", dtype=str)["id"].tolist() == ["000", "002"]
    out = collection.write_split({"a": [0, 2]}, tmp_path / "copied", how="copy")
    assert len(hashes_of(read_collection(out / "a.csv"))) == 2


def test_names_that_climb_out_are_copied_inside(files, tmp_path):
    (files / "lists").mkdir()
    path = files / "lists" / "table.csv"
    path.write_text(make_csv().replace("images/", "../images/"))
    collection = read_collection(path)
    out = collection.write_split({"a": [0, 1]}, tmp_path / "out", how="copy")
    assert sorted(os.listdir(tmp_path)) == ["data", "out"]
    assert sorted(os.listdir(out / "images" / "a")) == ["0.png", "1.png"]


# Broken tables


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"a,b\n1,2\n", r"expected the images in a column named .* Found none, in the columns"),
        (b"path,url\na.png,b.png\n", r"Found several, \['path', 'url'\]"),
        (b"path\n\xff\xfe\xfa.png\n", "not UTF-8"),
        (b'path,x\n"a.png,1\n', "table.csv"),
        (b"path,n,n\na.png,1,2\n", "line 1: two columns have the name 'n'"),
        (b"path,x\na.png,1,2,3\n", "table.csv"),
    ],
)
def test_broken_csv_names_the_file_and_the_fault(tmp_path, content, message):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(LayoutError, match=message) as raised:
        read_collection(path)
    assert str(path) in str(raised.value)


def test_rows_with_too_many_values_are_refused_whatever_warnings_do(tmp_path):
    """Guards values that pandas would leave out with a mere warning."""
    path = tmp_path / "table.csv"
    path.write_text("path,label\na.png,a,b\nb.png\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(LayoutError, match=r"table\.csv: "):
            read_collection(path)


def test_images_in_files_of_one_name_have_different_names(files):
    """The name of a row begins with the path of its file, as that of a member of a tar file."""
    for part in ("train", "test"):
        (files / part).mkdir()
        pq.write_table(make_table(files), files / part / "0.parquet")
    paths = [files / part / "0.parquet" for part in ("train", "test")]
    names = [image.name for image in read_collection(paths).images]
    assert names[0] == f"{paths[0].as_posix()}/0"
    assert len(set(names)) == 2 * N


@given(st.binary(max_size=200) | st.text('path,image\n";\t a./\\\0é', max_size=80))
def test_any_content_is_read_or_refused_with_its_name(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content if isinstance(content, bytes) else b"path,n\n" + content.encode())
    try:
        collection = read_collection(path)
    except LayoutError as error:
        assert "any.csv" in str(error)
    else:
        assert collection["key"].is_unique
        assert len(collection.images) == len(collection)


@given(st.binary(max_size=60), st.integers(0, 10**6))
def test_damaged_parquet_is_refused_with_its_name(tmp_path_factory, noise, place):
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    pq.write_table(pa.table({"image": [b"abc"] * 9}), path)
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + len(noise)] = noise
    path.write_bytes(content)
    try:
        collection = read_collection(path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *_, **__: None)
            hash_images(collection, ["phash"])
    except LayoutError as error:
        assert "any.parquet" in str(error)


@pytest.mark.parametrize("column", ["image", "note"])
def test_text_that_is_not_utf_8_is_refused_with_its_column(column):
    """As in a damaged file; Arrow does not check it."""
    offsets = pa.py_buffer(np.array([0, 2], np.int32).tobytes())
    broken = pa.Array.from_buffers(pa.string(), 1, [None, offsets, pa.py_buffer(b"\xff\xfe")])
    table = pa.table({"image": ["a.png"], "note": ["a"]} | {column: broken})
    with pytest.raises(LayoutError, match=f"column '{column}': its values are damaged"):
        read_collection(table)


def test_files_of_several_kinds_are_refused(files, tmp_path):
    pq.write_table(make_table(files), tmp_path / "table.parquet")
    path = write_csv(files, make_csv())
    with pytest.raises(LayoutError, match="all of one kind"):
        TableLayout.read([path, tmp_path / "table.parquet"])
    pq.write_table(pa.table({"image": [b""], "other": [1]}), tmp_path / "other.parquet")
    with pytest.raises(LayoutError, match=r"other\.parquet: its columns are not those of table"):
        read_collection([tmp_path / "table.parquet", tmp_path / "other.parquet"])
    with pytest.raises(LayoutError, match="no such file"):
        TableLayout.read([path, tmp_path / "missing.csv"])


def test_a_column_of_numbers_holds_no_images(tmp_path):
    table = pa.table({"image": [1, 2]})
    for source in (table, table.to_pandas()):
        with pytest.raises(LayoutError, match="expected paths, URLs or encoded images"):
            read_collection(source)


# Objects


def test_columns_with_the_names_of_ours_are_kept():
    frame = pd.DataFrame({"path": ["a.png"], "key": ["k"], "annotations": [1], "part": ["x"]})
    collection = read_collection(frame)
    assert collection["key"].tolist() == ["a.png"]
    assert collection["key_"].tolist() == ["k"]
    assert collection["annotations_"].tolist() == [1]
    assert collection.parts.tolist() == ["x"]


@pytest.mark.parametrize("kind", [str, Path])
def test_a_frame_of_paths_is_written_with_absolute_paths(files, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(files)
    frame = pd.DataFrame(
        {"photo": [kind(name) for name in names()], "n": range(N)}, index=range(9, 15)
    )
    collection = read_collection(frame)
    assert hashes_of(collection) == expected_hashes(files)
    out = collection.write_split({"a": [1, 3]}, tmp_path / "out")
    written = pd.read_parquet(out / "a.parquet")
    assert written["photo"].tolist() == [str(files / names()[row]) for row in (1, 3)]
    assert written.index.tolist() == [10, 12]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_frames_are_written_as_csv_without_pyarrow(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(_pandas_table, "find_spec", lambda _: None)
    frame = kind({"image": ["/a.png", "/b.png"], "n": [1, 2]})
    out = read_collection(frame).write_split({"a": [1]}, tmp_path / "out")
    assert pd.read_csv(out / "a.csv").to_dict("list") == {"image": ["/b.png"], "n": [2]}


def test_images_in_memory_cannot_be_written(tmp_path):
    frame = pd.DataFrame({"image": [Image.new("L", (9, 9)), Image.new("L", (8, 8))]})
    collection = read_collection(frame)
    assert len(hashes_of(collection)) == 2
    with pytest.raises(LayoutError, match="cannot be written as Parquet"):
        collection.write_split({"a": [0]}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_changes_while_it_is_read_is_refused(files, tmp_path):
    connection = duckdb.connect()
    pq.write_table(make_table(files), tmp_path / "table.parquet")
    connection.execute(f"CREATE TABLE signs AS SELECT * FROM '{tmp_path / 'table.parquet'}'")
    collection = read_collection(connection.table("signs"))
    connection.execute("DELETE FROM signs WHERE id > '002'")
    with pytest.raises(LayoutError, match="had 6 rows when it was read, and has 3 now"):
        collection.write_split({"a": [0, 1]}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_missing_paths_stay_missing(files, tmp_path):
    """A table of paths of which one is missing, in every form that is written as Parquet."""
    paths = [None, *(str(files / name) for name in names()[1:])]
    table = pa.table({"image": paths, "part": [None, *["train"] * 5]})
    for number, source in enumerate([table, table.to_pandas(), pl.from_arrow(table)]):
        collection = read_collection(source)
        assert collection["key"].tolist()[0] == "0"
        assert collection.parts.isna().tolist() == [True] + [False] * 5
        out = collection.write_split({"new": [0, 1]}, tmp_path / str(number))
        written = pq.read_table(out / "new.parquet")
        assert written.to_pydict() == {"image": paths[:2], "part": ["new", "new"]}


def test_shards_of_one_part_are_one_part(files, tmp_path):
    """As Hugging Face names the files of a data set, in a folder or as a glob."""
    folder = tmp_path / "repository" / "data"
    folder.mkdir(parents=True)
    table = make_table(files)
    for first, name in enumerate(
        ["train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001"]
    ):
        pq.write_table(table.slice(2 * first, 2), folder / f"{name}.parquet")
    for source in (folder, str(folder / "*.parquet")):
        collection = read_collection(source)
        assert collection.parts.tolist() == ["test"] * 2 + ["train"] * 4
        assert collection["id"].tolist() == ["004", "005", "000", "001", "002", "003"]


def test_a_parquet_file_among_images_makes_no_table(files):
    """As one of hashes that was written there: the images are meant."""
    pq.write_table(make_table(files), files / "hashes.parquet")
    with pytest.warns(SkippedFilesWarning, match="parquet"):
        collection = read_collection(files)
    assert sorted(collection["key"]) == sorted(names())


@pytest.mark.parametrize("how", ["copy", "link"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_the_folder_of_a_split_is_read_as_a_table(files, tmp_path, how, suffix):
    """Guards labels and parts, which a folder of images would lose."""
    separator = "\t" if suffix == ".tsv" else ","
    path = write_csv(files, make_csv(separator).replace("path", "filepath"), f"t{suffix}")
    if suffix == ".parquet":
        frame = pd.DataFrame({"filepath": names(), "class": list("cdcdcd"), "n": range(N)})
        frame.to_parquet(path)
    collection = read_collection(path)
    parts = {"train": [0, 1, 2, 3], "holdout": [4, 5]}
    out = collection.write_split(parts, tmp_path / "out", how=how)
    for layout in ("auto", "table"):
        again = read_collection(out, layout=layout)
        assert again.layout.name == "table"
        assert sorted(again.parts) == ["holdout"] * 2 + ["train"] * 4
        assert sorted(again.labels) == list("cccddd")
        assert hashes_of(again.by_part()["train"]) == expected_hashes(files)[:4]


@pytest.mark.parametrize(
    "columns",
    [
        {"image": names()[1:]},  # near duplicates, say
        {"image": names(), "phash": ["0"] * N, "settings": ["version=1"] * N},
        {"image": names(), "phash": ["0"] * N, "error": [None] * N},
        {"image": [b"x"] * N},
        {"n": range(N)},
    ],
)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_list_of_some_images_does_not_make_their_folder_a_table(files, columns, suffix):
    """Nor does a file of hashes of all of them."""
    frame = pd.DataFrame(columns)
    if suffix == ".csv":
        frame.to_csv(files / "found.csv", index=False)
    else:
        frame.to_parquet(files / "found.parquet")
    with pytest.warns(SkippedFilesWarning, match=rf"skipped 1 \{suffix}"):
        collection = read_collection(files)
    assert sorted(collection["key"]) == sorted(names())


def test_folders_of_classes_tell_more_than_a_list_of_their_images(files):
    """Guards their labels; a table with labels of its own is meant."""
    (files / "images").rename(files / "moved")
    for name in "ab":
        (files / "moved" / name).rename(files / name)
    frame = pd.DataFrame({"image": [name.removeprefix("images/") for name in names()]})
    frame.to_csv(files / "list.csv")
    with pytest.warns(SkippedFilesWarning, match="skipped 1 .csv"):
        assert read_collection(files).labels.tolist() == list("aaabbb")
    frame.assign(label=list("cdcdcd")).to_csv(files / "list.csv")
    assert read_collection(files).labels.tolist() == list("cdcdcd")


def test_masks_in_other_columns_are_no_images_of_their_own(files, noise_image):
    (files / "masks").mkdir()
    noise_image(9).save(files / "masks" / "0.png")
    frame = pd.DataFrame({"image": names(), "mask": ["masks/0.png"] * N})
    frame.to_csv(files / "table.csv", index=False)
    assert read_collection(files)["key"].tolist() == names()


class Stream:
    """Give a table by the interface of Arrow alone, as packages without pyarrow do."""

    def __init__(self, table):
        self._table = table
        self.schema = table.schema

    def __arrow_c_stream__(self, requested_schema=None):
        return self._table.__arrow_c_stream__(requested_schema)


def test_readers_of_record_batches_are_tables(files, tmp_path):
    """They are iterators, and no lists of images."""
    table = make_table(files, label=["cat", "dog"] * 3)
    for number, source in enumerate([table.to_reader(max_chunksize=2), Stream(table)]):
        collection = read_collection(source)
        assert collection.labels.tolist() == ["cat", "dog"] * 3
        assert hashes_of(collection) == expected_hashes(files)
        out = collection.write_split({"a": [1]}, tmp_path / str(number))
        assert pq.read_table(out / "a.parquet")["id"].to_pylist() == ["001"]
    with pytest.raises(TypeError, match=r"write images\.read_all\(\)"):
        hash_images(table.to_reader(), ["phash"])


def test_tables_in_a_list_are_no_images(files):
    table = make_table(files)
    for pieces in (table.to_batches(), [table.to_pandas()] * 2):
        with pytest.raises(TypeError, match=r"of tables, such as .* join them into one table"):
            hash_images(pieces, ["phash"])
        with pytest.raises(LayoutError):
            read_collection(pieces)


def test_columns_of_arrow_are_lists_of_images(files):
    paths = [str(files / name) for name in names()]
    for source in (pl.Series(paths), pa.chunked_array([paths]), pd.Series(paths)):
        assert read_collection(source).layout.name == "list"


@pytest.mark.parametrize("cells", ["images/a/0.png,cat", "cat,https://example.org/0", "0.PNG"])
def test_a_csv_file_without_a_header_is_refused(files, cells):
    """Guards the first image, which would be lost as the header."""
    path = write_csv(files, f"{cells}\n" * 3)
    with pytest.raises(LayoutError, match=r"line 1: .* Got the image .* Add a line above it"):
        read_collection(path)


def test_a_csv_file_without_rows_is_named(files):
    assert len(read_collection(write_csv(files, "path,label\n"))) == 0
    with pytest.raises(LayoutError, match="the table has no rows"):
        read_collection(write_csv(files, "filepath,label\n"))


@pytest.mark.parametrize("form", ["CSV", "pandas", "polars", "Arrow"])
def test_a_column_of_numbers_gives_way_to_one_of_images(files, form):
    """Guards against an id that is called "image"."""
    frame = pd.DataFrame({"image": range(N), "path": [str(files / name) for name in names()]})
    frame.to_csv(files / "table.csv", index=False)
    source = {
        "CSV": files / "table.csv",
        "pandas": frame,
        "polars": pl.from_pandas(frame),
        "Arrow": pa.Table.from_pandas(frame),
    }[form]
    collection = read_collection(source)
    assert hashes_of(collection) == expected_hashes(files)
    assert collection["image_"].tolist() == list(range(N))
    if form != "CSV":
        assert hashes_of(source) == expected_hashes(files)


def test_nothing_in_the_source_changes(files, tmp_path):
    """The folder of the table can only be read, and holds the same bytes afterwards."""
    pq.write_table(make_table(files), files / "table.parquet")
    write_csv(files, make_csv())
    before = {path: path.read_bytes() for path in files.rglob("*.*")}
    files.chmod(0o555)
    try:
        for number, name in enumerate(["table.parquet", "table.csv"]):
            collection = read_collection(files / name)
            hashes_of(collection)
            collection.write_split({"a": [0]}, tmp_path / str(number))
    finally:
        files.chmod(0o755)
    assert {path: path.read_bytes() for path in files.rglob("*.*")} == before


def test_parts_never_leave_the_folder(files, tmp_path):
    collection = read_collection(write_csv(files, make_csv()))
    for how in ("lists", "copy"):
        for name in ("../a", "/a", "C:a"):
            with pytest.raises(ParameterError, match="names can be those of files"):
                collection.write_split({name: [0]}, tmp_path / "out", how=how)
    assert os.listdir(tmp_path) == ["data"]


def test_a_folder_of_images_beside_a_table_is_no_table(tmp_path, noise_image):
    """A file of hashes in a folder of photos does not turn the folder into a table."""
    pd.DataFrame({"image": ["1.png"]}).to_parquet(tmp_path / "hashes.parquet")
    assert TableLayout.recognize(tmp_path) is not None
    noise_image(0).save(tmp_path / "1.png")
    assert TableLayout.recognize(tmp_path) is None
    with pytest.warns(SkippedFilesWarning, match=r"skipped 1 \.parquet"):
        assert read_collection(tmp_path).layout.name == "folder"
