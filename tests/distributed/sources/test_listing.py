"""Sources are listed as what they are, and what is not a source is named."""

import io
import tarfile

import fsspec
import pandas as pd
import pytest

from hashfeatures import LayoutError, ParameterError, SkippedFilesWarning, StageError
from hashfeatures.distributed.sources._listing import find_images


def names(source, column=None):
    return [entry.name for entry in find_images(source, column).entries]


@pytest.fixture
def bucket():
    """Return a bucket in the memory of this process."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    return memory


@pytest.fixture
def arrow():
    pytest.importorskip("pyarrow.parquet")
    return pytest.importorskip("pyarrow")


def write(arrow, path, columns, **options):
    arrow.parquet.write_table(arrow.table(columns), path, **options)
    return str(path)


def as_parquet(arrow, columns):
    file = io.BytesIO()
    arrow.parquet.write_table(arrow.table(columns), file)
    return file.getvalue()


def test_relative_names_are_below_the_folder_of_their_table(tmp_path, monkeypatch, arrow):
    """Or else in the working directory, if they are there and not in the folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("a.csv", "a.parquet"):
        path = tmp_path / "data" / name
        if name.endswith("csv"):
            path.write_text("path,label\nsub/1.png,x\nsub/2.png,y\n")
        else:
            write(arrow, path, {"path": ["sub/1.png", "sub/2.png"], "label": ["x", "y"]})
        assert names(path) == [f"{tmp_path}/data/sub/{row}.png" for row in (1, 2)]
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "2.png").write_bytes(b"image")
    assert names(path) == [f"{tmp_path}/sub/{row}.png" for row in (1, 2)]
    (tmp_path / "data" / "sub").mkdir()
    (tmp_path / "data" / "sub" / "1.png").write_bytes(b"image")
    assert names(path) == [f"{tmp_path}/data/sub/{row}.png" for row in (1, 2)]


def test_relative_names_in_a_bucket(bucket, arrow):
    columns = {"path": ["1.png", "/root/2.png", "https://example.org/3.png"]}
    bucket.pipe("/b/tables/a.parquet", as_parquet(arrow, columns))
    assert names("memory://b/tables/a.parquet") == [
        "memory:///b/tables/1.png",
        "/root/2.png",
        "https://example.org/3.png",
    ]


def test_row_groups_of_a_table(tmp_path, arrow):
    path = write(arrow, tmp_path / "a.parquet", {"image": [b"x"] * 5}, row_group_size=2)
    entries = list(find_images(path).entries)
    assert [entry.n_images for entry in entries] == [2, 2, 1]
    assert {entry.name for entry in entries} == {path}
    assert len({entry.place for entry in entries}) == 3


@pytest.mark.parametrize(
    "columns, column, said",
    [
        ({"name": ["a"], "size": [1]}, None, r"has the columns \['name', 'size'\].*column=\.\.\."),
        ({"image": [1], "size": [1]}, "image", r"column 'image': expected .*of the type int64"),
        ({"image": [b"x"], "other": ["a"]}, "photo", r"none of \['photo'\]"),
        ({"left": [b"x"], "right": [b"x"]}, None, "Pass the name of the column"),
    ],
)
def test_tables_without_such_a_column(tmp_path, arrow, columns, column, said):
    path = write(arrow, tmp_path / "a.parquet", columns)
    with pytest.raises(ValueError, match=said):
        names(path, column)


def test_the_only_column_of_bytes_holds_the_images(tmp_path, arrow):
    columns = {"id": [1, 2], "caption": ["a", "b"], "jpg": [b"x", b"y"]}
    path = write(arrow, tmp_path / "a.parquet", columns)
    (entry,) = find_images(path).entries
    assert '"column": "jpg"' in entry.reference
    assert names(path, "caption") == [str(tmp_path / name) for name in "ab"]


def test_a_damaged_table_is_named(tmp_path, arrow):
    path = tmp_path / "a.parquet"
    write(arrow, path, {"image": [b"x"] * 5})
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(StageError, match=r"a\.parquet is not a whole Parquet file"):
        names(path)


def test_folders_of_archives_and_tables(tmp_path, arrow, png_bytes):
    """Images come first, then tar files, then tables. Files of tools and of stages are left."""
    (tmp_path / "_meta").mkdir()
    for name in ("a.parquet", ".b.parquet", "_meta/c.parquet", "_meta/d.tar", "notes.txt"):
        write(arrow, tmp_path / name, {"image": [b"x"]})
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "_manifest.json").write_text("{}")
    write(arrow, tmp_path / "out" / "part-0.parquet", {"image": ["x"]})
    assert names(tmp_path) == [str(tmp_path / "a.parquet")]
    for name in ("1.tar", "2.tar.gz"):
        tarfile.open(tmp_path / name, "w").close()
    assert names(tmp_path) == [str(tmp_path / name) for name in ("1.tar", "2.tar.gz")]
    (tmp_path / "z.png").write_bytes(png_bytes)
    assert names(tmp_path) == [str(tmp_path / "z.png")]


def test_patterns(tmp_path, bucket):
    for name in ("a-0.tar", "a-1.tar", "b-0.tar", "c{1}.tar"):
        tarfile.open(tmp_path / name, "w").close()
        bucket.pipe(f"/b/{name}", b"")
    for place in (tmp_path, "memory://b"):
        top = str(place).replace("//b", "///b")
        assert names(f"{place}/*-0.tar") == [f"{top}/a-0.tar", f"{top}/b-0.tar"]
        assert names(f"{place}/a-{{0..1}}.tar") == [f"{top}/a-0.tar", f"{top}/a-1.tar"]
        assert names(f"{place}/{{a,b}}-*.tar") == [
            f"{top}/{name}" for name in ("a-0.tar", "a-1.tar", "b-0.tar")
        ]
        with pytest.raises(StageError, match=r"cannot be listed: .*there is no file .*a-2\.tar"):
            names(f"{place}/a-{{0..2}}.tar")
    assert names(tmp_path / "c{1}.tar") == [str(tmp_path / "c{1}.tar")]


def test_lists_of_tables_and_archives(tmp_path, arrow):
    first = write(arrow, tmp_path / "a.parquet", {"image": [b"x"]})
    second = write(arrow, tmp_path / "b.parquet", {"path": ["/1.png"]})
    assert names([first, "x.tar", second]) == [first, f"{tmp_path.cwd()}/x.tar", "/1.png"]


@pytest.mark.parametrize("name", ["missing.tar", "missing.parquet", "missing", "missing.json"])
def test_what_is_missing_is_named(tmp_path, name):
    with pytest.raises(StageError, match=rf"{name} cannot be listed: .*Error"):
        names(tmp_path / name)


def test_tables_in_memory(arrow):
    """Their images are sent if they are not names."""
    pandas = pytest.importorskip("pandas")
    columns = {"image": ["/1.png", "/2.png"], "mask": ["/3.png", "/4.png"]}
    for table in (pandas.DataFrame(columns), arrow.table(columns)):
        assert names(table) == ["/1.png", "/2.png"]
        assert names(table, "mask") == ["/3.png", "/4.png"]
        with pytest.raises(ParameterError, match=r"'column' parameter of hash_dataset .*'size'"):
            names(table, "size")
    found = find_images(arrow.table({"image": [b"x", b"y"]}))
    assert [reference.name for reference in found.references] == ["table/0", "table/1"]
    assert not list(found.entries)


def test_many_files_of_several_kinds_keep_their_order(tmp_path, arrow):
    expected = []
    for number in range(60):
        if number % 7:
            path = write(arrow, tmp_path / f"{number:02}.parquet", {"image": [b"x"] * 4})
        else:
            (path := tmp_path / f"{number:02}.tar").touch()
        expected.append(str(path))
    assert names(tmp_path / "*") == expected


def test_files_that_describe_no_data_set(tmp_path):
    (tmp_path / "a.json").write_text("[]")
    with pytest.raises(LayoutError, match=r"a\.json"):
        names(tmp_path / "a.json")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_that_name_no_image_are_counted(tmp_path, suffix):
    """Nothing could be said of such a row later, so it is said at once."""
    table = pd.DataFrame({"path": ["/a.png", None, "/b.png", None], "label": 1})
    place = tmp_path / f"table.{suffix}"
    getattr(table, f"to_{suffix}")(place, index=False)
    with pytest.warns(SkippedFilesWarning, match=r"table\.\w+: 2 rows without the name"):
        assert names(str(place)) == ["/a.png", "/b.png"]
