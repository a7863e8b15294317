"""What names an image: paths, URLs of every protocol that needs no net, and data: URIs."""

import base64
import io
import os
import tarfile
import warnings
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import (
    ImageHashFeaturizer,
    ImageReadError,
    NearDuplicateFinder,
    ParameterError,
    drop_duplicates,
    find_duplicates,
    find_similar,
    hash_images,
    make_report,
    train_test_split,
)
from hashfeatures._utils.descriptions import LIMIT, describe_value, shorten
from hashfeatures.cli._app import app
from hashfeatures.hashing._source_keys import key_of
from hashfeatures.images._errors import describe_error
from hashfeatures.images._sources import (
    count_bytes,
    describe_source,
    is_data_uri,
    is_remote,
    local_path,
    name_source,
    read_data_uri,
)
from hashfeatures.model_selection.locks._image_keys import _place_of

NAMES = ["a b.png", "größe.png", "100%.png", "50%20.png", "c#1.png", "what?.png", "a+b&c;d.png"]


@pytest.fixture
def odd_files(tmp_path, png_bytes):
    """Return files whose names mean something else in a URL."""
    for name in NAMES:
        (tmp_path / name).write_bytes(png_bytes)
    return [tmp_path / name for name in NAMES]


@pytest.fixture
def expected(png_bytes):
    return hash_images([png_bytes], ["phash"])["phash"][0]


def test_what_as_uri_gives_is_the_file(odd_files, expected, png_bytes):
    urls = [path.as_uri() for path in odd_files]
    assert set(hash_images(urls, ["phash"])["phash"]) == {expected}
    assert [count_bytes(url) for url in urls] == [len(png_bytes)] * len(urls)
    assert [key_of(url) for url in urls] == [key_of(path) for path in odd_files]


@given(st.text(st.characters(exclude_characters="\0"), min_size=1))
def test_a_file_url_is_the_path_that_it_was_made_of(name):
    path = Path("/folder") / name.lstrip("/")
    try:
        url = path.as_uri()
    except UnicodeEncodeError:
        return
    assert local_path(url) == str(path)


@pytest.mark.skipif(os.name != "posix", reason="paths of Windows are Unicode")
def test_bytes_that_are_no_utf8_come_through_a_file_url():
    path = Path(os.fsdecode(b"/folder/\xff.png"))
    assert local_path(path.as_uri()) == str(path)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("FILE:///a%20b", "/a b"),
        ("file://localhost/a%20b", "/a b"),
        ("file:/a%20b", "/a b"),
        ("file://photos/a.png", "photos/a.png"),
        ("a%20b.png", "a%20b.png"),
        ("C:\\a%20b.png", "C:\\a%20b.png"),
        ("C:/a%20b.png", "C:/a%20b.png"),
        ("\\\\server\\share\\a.png", "\\\\server\\share\\a.png"),
        ("http://a/b%20c.png", None),
        ("zip://a::file:///b.zip", None),
        ("data:,abc", None),
    ],
)
def test_the_path_of_an_address(url, path):
    assert local_path(url) == path


@pytest.mark.parametrize(
    "url",
    [
        *("file:///C:/a%20b.png", "file://C:/a.png", "file://server/share/a%20b.png"),
        *("file:///C|/a.png", "file:\\\\C:\\a.png", "C:\\a b.png", "file:///", "file:///%00"),
    ],
)
def test_forms_of_other_systems_are_failed_images(url):
    """None of them is here, and none ends the run."""
    with pytest.warns(UserWarning, match="1 of 1 images"):
        table = hash_images([url], ["phash"])
    assert table["phash"].isna().all()
    assert key_of(url) is None
    assert count_bytes(url) in (None, os.path.getsize("/"))


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///C:/a%20b.png", "C:/a b.png"),
        ("file://C:/a.png", "C:/a.png"),
        ("file://server/share/a%20b.png", "//server/share/a b.png"),
    ],
)
def test_file_urls_on_windows(url, path, monkeypatch):
    monkeypatch.setattr(
        "hashfeatures.images._sources.os", SimpleNamespace(name="nt", PathLike=os.PathLike)
    )
    assert local_path(url) == path


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_members_of_archives_keep_their_names(tmp_path, odd_files, expected, kind):
    """Percent-encoding is undone for the archive, which a file: URL names, and for no member."""
    pytest.importorskip("fsspec")
    archive = tmp_path / f"my archive #1.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            for path in odd_files:
                file.write(path, path.name)
    else:
        with tarfile.open(archive, "w") as file:
            for path in odd_files:
                file.add(path, path.name)
    for place in (archive.as_uri(), str(archive)):
        urls = [f"{kind}://{path.name}::{place}" for path in odd_files]
        assert set(hash_images(urls, ["phash"])["phash"]) == {expected}
        before = key_of(urls[0])
        os.utime(archive, ns=(1, 1))
        assert key_of(urls[0]) not in (None, before)
        os.utime(archive)


def test_names_in_memory_are_taken_as_they_are(png_bytes, expected):
    fsspec = pytest.importorskip("fsspec")
    for name in NAMES:
        with fsspec.open(f"memory://{name}", "wb") as file:
            file.write(png_bytes)
    urls = [f"memory://{name}" for name in NAMES]
    assert set(hash_images(urls, ["phash"])["phash"]) == {expected}
    assert {key_of(url) for url in urls} == {None}  # another process has another memory


def test_commands_take_file_urls(odd_files, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("\n".join(path.as_uri() for path in odd_files), encoding="utf-8")
    runner = CliRunner()
    out = tmp_path / "hashes.csv"
    for typed in ([tmp_path.as_uri()], [path.as_uri() for path in odd_files], [str(listed)]):
        done = runner.invoke(app, ["hash", *typed, "-o", str(out)])
        assert done.exit_code == 0, done.output
        assert set(pd.read_csv(out)["image"]) == set(map(str, odd_files))
        out.unlink()
    asked = ["similar", odd_files[0].as_uri(), "--in", tmp_path.as_uri(), "-n", "1"]
    assert runner.invoke(app, asked).exit_code == 0


def test_commands_act_on_the_files_of_file_urls(odd_files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where the journal is written
    table = tmp_path / "images.csv"
    pd.DataFrame({"image": [path.as_uri() for path in odd_files]}).to_csv(table, index=False)
    done = CliRunner().invoke(app, ["duplicates", str(table), "--delete", "--yes"])
    assert done.exit_code == 0, done.output
    assert sum(path.exists() for path in odd_files) == 1


def test_stages_live_behind_file_urls(odd_files, tmp_path):
    pytest.importorskip("pyarrow")
    from hashfeatures.distributed import LocalExecutor, hash_dataset, read_stage

    out = tmp_path / "my stage"
    urls = [path.as_uri() for path in odd_files]
    hash_dataset(urls, out.as_uri(), executor=LocalExecutor(1))
    assert out.is_dir()
    table = read_stage(out.as_uri())
    assert set(table["image"]) == set(map(str, odd_files))
    assert table["codes"].notna().all()


DATA = "data:image/png;base64,"


@pytest.mark.parametrize(
    "form",
    [
        lambda data: DATA + base64.b64encode(data).decode(),
        lambda data: "DATA:Image/PNG;charset=utf-8;BASE64," + base64.b64encode(data).decode(),
        lambda data: "data:;base64," + base64.b64encode(data).decode().rstrip("="),
        lambda data: DATA + base64.urlsafe_b64encode(data).decode(),
        lambda data: DATA + quote(base64.b64encode(data).decode(), safe=""),
        lambda data: DATA + base64.encodebytes(data).decode(),
        lambda data: "data:image/png," + quote(data),
        lambda data: "data:," + quote(data),
        lambda data: "data:image/png;name=a%20b.png," + quote(data),
    ],
)
def test_data_uris_are_read(form, png_bytes, expected):
    uri = form(png_bytes)
    assert hash_images([uri, {"bytes": None, "path": uri}], ["phash"])["phash"].tolist() == [
        expected,
        expected,
    ]
    assert read_data_uri(uri) == png_bytes
    assert count_bytes(uri) == len(png_bytes)
    assert key_of(uri) == key_of(png_bytes)
    assert name_source(uri) is None
    assert not is_remote(uri)


@pytest.mark.parametrize("path", ["data:", "data:photo.png", "data:/a,b.png", "data/a,b.png", ""])
def test_paths_are_no_data_uris(path):
    assert not is_data_uri(path)


@pytest.mark.parametrize("uri", [DATA + "a", DATA + "ab!cd", DATA, "data:image/png,abc"])
def test_damaged_data_uris_are_failed_images(uri):
    with pytest.raises(ImageReadError):
        ImageHashFeaturizer("ahash").transform([uri])


@pytest.fixture(scope="module")
def long_uri():
    """Return the data: URI of an image of some megabytes."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 900, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    return DATA + base64.b64encode(buffer.getvalue()).decode()


def test_results_of_data_uris_are_short(long_uri, tmp_path):
    images = [long_uri, long_uri + "\n"]
    finder = NearDuplicateFinder(min_detail=0).fit(images)
    assert finder.ids_.tolist() == [None, None]
    report = make_report(images, finder=finder)
    assert len(str(report)) < 1000
    assert len(report.to_json()) < 10_000
    report.save(tmp_path / "page.html")  # with two pictures of noise, at up to 512 pixels
    assert (tmp_path / "page.html").stat().st_size < 500_000 < len(long_uri)
    without_pictures = make_report(images, finder=finder, max_thumbnails=0)
    assert len(without_pictures.to_html()) < 100_000


LONG = "x" * 5000 + ".png"


def _warned(images):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        hash_images(images, ["ahash"])
    return "\n".join(str(warning.message) for warning in caught)


@pytest.mark.parametrize(
    "source",
    [
        LONG,
        Path(LONG),
        {"path": LONG, "bytes": None},
        DATA + "A" * 2_000_000,
        "data:text/plain," + "%00" * 100_000,
        "http://127.0.0.1:1/" + LONG,
        "\x00" * 199,
        SimpleNamespace(name=LONG, read=lambda: b"x" * 10**6),
        SimpleNamespace(payload=b"x" * 10**6),
        [b"x" * 10**6],
        {"picture": b"x" * 10**6},
        {"path": "a.png", "bytes": "x" * 10**6},
    ],
    ids=lambda source: type(source).__name__,
)
def test_no_message_carries_a_long_source(source, tmp_path):
    said = _warned([source])
    assert said
    assert max(map(len, said.splitlines())) < 1300
    for letter in ("x", "A", "%00", "\\x00"):
        assert letter * (LIMIT + 1) not in said


class Tensor:
    """Stands for a tensor of torch, whose repr shows its values."""

    shape = (2, 3)

    def __repr__(self):
        return "tensor([[0.123, 0.456, 0.789], [0.123, 0.456, 0.789]])"


@pytest.mark.parametrize(
    "value",
    [
        Tensor(),
        [Tensor()],
        (Tensor(), "a"),
        {"a": Tensor()},
        np.full(1000, 0.123),
        pd.Series([0.123] * 100),
        [0.123] * 11,
        ["0.123" * 20] * 3,
        b"0.123",
        [b"0.123"],
        "0.123" * 1000,
        SimpleNamespace(content="0.123" * 1000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_parameter_error_carries_content(value):
    described = describe_value(value)
    assert len(described) <= LIMIT + 2
    assert "0.123, 0.456" not in described
    for call in (
        lambda: hash_images(["a.png"], ["phash"], n_jobs=value),
        lambda: hash_images(["a.png"], value),
        lambda: NearDuplicateFinder(radius=value).fit(["a.png"]),
        lambda: find_duplicates(["a.png"], finder=value),
        lambda: drop_duplicates(["a.png"], keep=value),
        lambda: train_test_split(["a.png", "b.png"], test_size=value, finder="precomputed"),
        lambda: NearDuplicateFinder(views=value).fit(["a.png"]),
    ):
        with pytest.raises((ParameterError, TypeError, ValueError)) as raised:
            call()
        said = str(raised.value)
        assert len(said) < 900, said
        assert "0.123, 0.456" not in said
        assert "b'0.123'" not in said


@given(st.text(), st.integers(20, 300))
@example("\U0010ffff" * 3, 20)  # one letter takes ten in the repr: none of them fits
def test_shortened_texts_keep_to_the_limit(text, limit):
    short = shorten(text, limit)
    assert len(repr(short)) <= limit + 2
    assert short == text or len(repr(text)) > limit + 2


def test_plain_values_are_shown_as_they_are():
    for value in (None, True, 3, 0.5, "phash", ["phash", "dhash"], (1, 2, 3), {"a": 1}, int):
        assert describe_value(value) == repr(value)


def test_errors_of_the_system_name_long_paths_briefly():
    try:
        os.stat(LONG)
    except OSError as error:
        assert len(describe_error(error)) < 400


def test_a_query_may_be_a_data_uri(png_bytes):
    uri = DATA + base64.b64encode(png_bytes).decode()
    assert find_similar([png_bytes], uri)["hamming_distance"].tolist() == [0]


def test_descriptions_of_open_files_and_of_columns():
    assert describe_source(io.BytesIO(b"abc")).startswith("<_io.BytesIO object")
    assert describe_source(pd.Series(["a"], name="path")) == "<Series of shape (1,)>"


def test_no_message_of_a_stage_carries_a_long_address(tmp_path):
    pytest.importorskip("pyarrow")
    from hashfeatures import distributed

    for call in (
        lambda: distributed.hash_dataset(LONG, tmp_path / "out"),
        lambda: distributed.hash_dataset(["a.png"], LONG),
        lambda: distributed.read_stage(LONG),
    ):
        with pytest.raises(RuntimeError) as raised:
            call()
        assert len(str(raised.value)) < 900


@pytest.mark.parametrize("path", ["C://photos/a.png", r"C:\photos\a.png", "C:/photos/a.png"])
def test_a_drive_of_windows_is_no_protocol(path):
    assert local_path(path) == path
    assert _place_of(path) == (path, None)
