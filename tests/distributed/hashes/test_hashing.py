"""Data sets as people have them are hashed to the bits of their images, under the names that
`read_collection` gives these."""

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, StageError, hash_images, read_collection
from hashfeatures.distributed import (
    LocalExecutor,
    RayExecutor,
    components,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.distributed._executors import Outcome
from hashfeatures.images._sources import name_source

finder = NearDuplicateFinder("phash", verify=False)


class Inline:
    """Runs tasks in this process, in order."""

    def check(self, function, task):
        function(task)

    def run(self, function, tasks, retries):
        for task in tasks:
            yield Outcome(task, function(task))


@pytest.fixture(scope="module")
def contents(noise_image, encode):
    """Return ten encoded images."""
    return [encode(noise_image(seed, size=(48, 40))) for seed in range(10)]


def write_shard(path, members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return path


def write_images(folder, contents):
    folder.mkdir(parents=True)
    for number, content in enumerate(contents):
        (folder / f"{number}.png").write_bytes(content)


def write_zip(place, contents):
    with zipfile.ZipFile(place / "pets.zip", "w") as archive:
        for number, content in enumerate(contents):
            archive.writestr(f"{number}.png", content)
    return place / "pets.zip"


def write_shards(place, contents, mode="w", suffix="tar"):
    """Write two shards of samples with a second image, a mask."""
    for shard in (0, 1):
        members = []
        for number in range(shard, len(contents), 2):
            members += [
                (f"{number}.cls", b"3"),
                (f"{number}.png", contents[number]),
                (f"{number}.seg.png", contents[0]),
            ]
        write_shard(place / f"shard-{shard}.{suffix}", members, mode)
    return [place / f"shard-{shard}.{suffix}" for shard in (0, 1)]


def write_parquet(place, contents, n_files=2):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    for number in range(n_files):
        images = [{"bytes": content, "path": None} for content in contents[number::n_files]]
        table = arrow.table({"image": images, "label": list(range(len(images)))})
        parquet.write_table(table, place / f"{number}.parquet", row_group_size=2)
    return sorted(place.glob("*.parquet"))


def write_coco(place, contents):
    write_images(place / "images", contents)
    images = [{"id": number, "file_name": f"{number}.png"} for number in range(len(contents))]
    (place / "annotations").mkdir()
    file = place / "annotations" / "instances_train.json"
    file.write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    return file


def make_dataset(place, contents):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    images = [{"bytes": content, "path": None} for content in contents]
    columns = {"image": images, "label": list(range(len(contents)))}
    return datasets.Dataset.from_dict(columns, features=features)


def make_stream(place, contents):
    return make_dataset(place, contents).to_iterable_dataset(num_shards=2)


def make_streams(place, contents):
    datasets = pytest.importorskip("datasets")
    parts = {"train": contents[:7], "test": contents[7:]}
    return datasets.IterableDatasetDict(
        {name: make_stream(place, part) for name, part in parts.items()}
    )


def save_dataset(place, contents):
    make_dataset(place, contents).save_to_disk(place / "saved")
    return place / "saved"


SOURCES = {
    "zip": write_zip,
    "shards": write_shards,
    "compressed shards": partial(write_shards, mode="w:gz", suffix="tar.gz"),
    "parquet": write_parquet,
    "one parquet": lambda place, contents: write_parquet(place, contents, 1)[0],
    "coco": write_coco,
    "hugging face": make_dataset,
    "saved": save_dataset,
    "stream": make_stream,
    "streams": make_streams,
}


def expect(collection, place):
    """Return the hash of each image by its name, with absolute paths."""
    table = hash_images(collection, "phash", decode="reduced")
    names = [name_source(image) for image in collection.images]
    return {
        os.path.join(place, name) if (place / name).exists() else name: value
        for name, value in zip(names, table["phash"], strict=True)
    }


def found_in(out):
    table = read_stage(out)
    codes = [None if code is None else code.hex() for code in table["codes"]]
    return dict(zip(table["image"], codes, strict=True))


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.filterwarnings("ignore::hashfeatures.exceptions.SkippedFilesWarning")
@pytest.mark.parametrize("is_read", [False, True], ids=["source", "collection"])
def test_a_source_gives_the_names_and_bits_of_its_collection(tmp_path, contents, kind, is_read):
    """A second run with the same source hashes nothing."""
    source = SOURCES[kind](tmp_path, contents)
    expected = expect(read_collection(source), tmp_path)
    assert len(expected) == 10
    for n_new in (10, 0):
        given = read_collection(source) if is_read else source
        done = hash_dataset(given, tmp_path / "out", finder, part_size=4, executor=Inline())
        assert (done.n_images, done.n_new, done.n_failed) == (10, n_new, 0)
    assert found_in(tmp_path / "out") == expected


@pytest.mark.filterwarnings("ignore::hashfeatures.exceptions.SkippedFilesWarning")
def test_workers_read_what_the_collection_reads(tmp_path, contents, executor):
    """Worker processes and those of Ray read files, and receive what they cannot read."""
    for kind in ("shards", "parquet", "stream"):
        (tmp_path / kind).mkdir()
        source = SOURCES[kind](tmp_path / kind, contents)
        expected = expect(read_collection(source), tmp_path / kind)
        out = tmp_path / kind / "out"
        hash_dataset(source, out, finder, part_size=4, executor=executor)
        assert found_in(out) == expected


def test_collections_of_some_images_and_of_several_places(tmp_path, contents):
    """Only the chosen images are hashed, and more of them later."""
    collection = read_collection(write_parquet(tmp_path, contents, 1)[0])
    write_images(tmp_path / "more", contents[:2])
    out = tmp_path / "out"
    hash_dataset(collection.select([7, 2]), out, finder, executor=Inline())
    images = [*collection.images, *(str(path) for path in (tmp_path / "more").iterdir())]
    done = hash_dataset(images, out, finder, part_size=3, executor=Inline())
    assert (done.n_images, done.n_new) == (12, 10)
    assert len(set(found_in(out).values())) == 10


@pytest.mark.parametrize("kind", ["shards", "one parquet"])
@pytest.mark.filterwarnings("ignore::hashfeatures.exceptions.SkippedFilesWarning")
def test_a_file_is_not_hashed_as_a_whole_and_image_by_image(tmp_path, contents, kind):
    """Its images would be in the stage twice, under the same names."""
    source = SOURCES[kind](tmp_path, contents)
    ways = {"as a whole": source, "image by image": read_collection(source)}
    for (was, first), (now, second) in (ways.items(), reversed(ways.items())):
        out = tmp_path / was
        hash_dataset(first, out, finder, executor=Inline())
        with pytest.raises(StageError, match=f"was listed {was}, and is to be listed {now}"):
            hash_dataset(second, out, finder, executor=Inline())
        assert hash_dataset(first, out, finder, executor=Inline()).n_images == 10


@pytest.mark.parametrize("kind", ["shards", "parquet", "stream"])
@pytest.mark.filterwarnings("ignore::hashfeatures.exceptions.SkippedFilesWarning")
def test_groups_are_those_of_the_finder_on_the_collection(tmp_path, contents, encode, kind):
    """Whole, with near and equal copies."""
    image = Image.open(io.BytesIO(contents[0]))
    copies = [contents[1], encode(image.resize((60, 50))), encode(image.resize((90, 75)))]
    source = SOURCES[kind](tmp_path, [*contents, *copies])
    collection = read_collection(source)
    fitted = NearDuplicateFinder().fit(collection)
    out = tmp_path / "run"
    hash_dataset(source, out / "hashes", part_size=4, executor=Inline())
    find_pairs(out / "hashes", out / "pairs", executor=Inline())
    components(out / "pairs", out / "groups", hashes=out / "hashes")
    groups = read_stage(out / "groups").set_index("image")["group"]
    names = [name_source(image) for image in collection.images]
    names = [str(tmp_path / name) if (tmp_path / name).parent.exists() else name for name in names]
    assert len(set(fitted.labels_)) == 10
    np.testing.assert_array_equal(pd.factorize(groups.loc[names])[0], fitted.labels_)


@pytest.mark.slow
def test_a_stream_continues_where_a_killed_run_stopped(tmp_path, contents):
    """Finished parts stay as they are, and each image is hashed once."""
    write_images(tmp_path / "images", contents)
    out = tmp_path / "out"
    code = STREAM + "run(1.0)"
    command = [sys.executable, "-c", code, str(tmp_path / "images"), str(out)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while len(list(out.glob("sent-*.parquet"))) < 2 and process.poll() is None:
            threading.Event().wait(0.05)
        process.kill()
    before = {path: path.stat().st_mtime_ns for path in out.glob("sent-*.parquet")}
    assert 2 <= len(before) < 10
    again = [sys.executable, "-c", STREAM + "run(0.0)", *command[3:]]
    subprocess.run(again, check=True, timeout=300)
    for path, time in before.items():
        assert path.stat().st_mtime_ns == time
    table = read_stage(out)
    assert sorted(table["image"]) == sorted(f"stream/{row}" for row in range(20))
    assert table["codes"].nunique() == 10


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="kills processes by POSIX signals")
@pytest.mark.filterwarnings("ignore:.*could not be read")
@pytest.mark.filterwarnings("ignore::hashfeatures.exceptions.SkippedFilesWarning")
@pytest.mark.parametrize("kind", ["shards", "stream"])
def test_a_poisoned_image_takes_no_other_along(tmp_path, contents, poisonable, kind):
    """It is recorded under its name, wherever it lies, and the others are hashed."""
    source = SOURCES[kind](tmp_path, [*contents[:3], b"POISON", *contents[4:]])
    done = hash_dataset(
        source, tmp_path / "out", finder, part_size=6, retries=0, executor=LocalExecutor(2)
    )
    assert (done.n_images, done.n_failed) == (10, 1)
    table = read_stage(tmp_path / "out")
    (failed,) = table[table["error"].notna()].to_dict("records")
    name = {"shards": "shard-1.tar/3.png", "stream": "stream/3"}[kind]
    assert failed["image"].endswith(name)
    assert "process that decoded it died" in failed["error"]


STREAM = """
import sys, time
from pathlib import Path
import datasets
from hashfeatures import NearDuplicateFinder
from hashfeatures.distributed import LocalExecutor, hash_dataset

def run(pause):
    files = sorted(Path(sys.argv[1]).iterdir()) * 2
    def rows():
        for file in files:
            time.sleep(pause)
            yield {"image": {"bytes": file.read_bytes(), "path": None}}
    features = datasets.Features({"image": datasets.Image()})
    stream = datasets.IterableDataset.from_generator(rows, features=features)
    finder = NearDuplicateFinder("phash", verify=False)
    hash_dataset(stream, sys.argv[2], finder, part_size=2, executor=LocalExecutor(1))

"""


class Bucket(SimpleHTTPRequestHandler):
    """A server of files that sends parts of them, as object stores do."""

    protocol_version = "HTTP/1.1"

    def send_head(self):
        path = self.translate_path(self.path)
        span = self.headers.get("Range", "").removeprefix("bytes=")
        if not os.path.isfile(path):
            return super().send_head()
        size = os.path.getsize(path)
        first, _, last = span.partition("-") if span else ("0", "", str(size - 1))
        first, last = int(first), min(int(last or size - 1), size - 1)
        self.send_response(206 if span else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last + 1 - first))
        if span:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        with open(path, "rb") as file:
            file.seek(first)
            return io.BytesIO(file.read(last + 1 - first))

    def log_message(self, *args):
        pass


@pytest.fixture
def bucket(tmp_path):
    """Serve a folder on this machine, which worker processes reach as well."""
    pytest.importorskip("aiohttp")
    (tmp_path / "bucket").mkdir()
    handler = partial(Bucket, directory=tmp_path / "bucket")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path / "bucket", f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    "kind, pattern",
    [
        ("shards", "*.tar"),
        ("shards", "shard-{0..1}.tar"),
        ("parquet", "*.parquet"),
        ("one parquet", "0.parquet"),
        ("coco", "annotations/instances_train.json"),
    ],
)
@pytest.mark.filterwarnings("ignore::hashfeatures.exceptions.SkippedFilesWarning")
def test_a_bucket_gives_what_a_folder_gives(bucket, tmp_path, contents, kind, pattern):
    folder, address = bucket
    expected = expect(read_collection(SOURCES[kind](folder, contents)), folder)
    for n_new in (10, 0):
        done = hash_dataset(
            f"{address}/{pattern}", tmp_path / "out", finder, part_size=4, executor=Inline()
        )
        assert (done.n_images, done.n_new, done.n_failed) == (10, n_new, 0)
    assert found_in(tmp_path / "out") == {
        name.replace(str(folder), address): code for name, code in expected.items()
    }


def test_names_that_urls_escape(bucket, tmp_path, contents):
    """Names in JSON and in tables are those of files, not parts of URLs."""
    folder, address = bucket
    name = "a #1 100% sure?.png"
    (folder / "images").mkdir()
    (folder / "images" / name).write_bytes(contents[0])
    (folder / "a.json").write_text(json.dumps({"images": [{"file_name": name}]}))
    (folder / "images" / "b.csv").write_text(f"path\n{name}\n")
    for source in ("a.json", "images/b.csv"):
        out = tmp_path / source.replace("/", "-")
        done = hash_dataset(f"{address}/{source}", out, finder, executor=Inline())
        assert (done.n_images, done.n_failed) == (1, 0)


def test_a_bucket_is_read_by_workers(bucket, tmp_path, contents):
    folder, address = bucket
    write_shards(folder, contents)
    done = hash_dataset(f"{address}/*.tar", tmp_path / "out", finder, executor=LocalExecutor(2))
    assert (done.n_images, done.n_failed) == (10, 0)


def test_file_addresses_are_those_of_files(tmp_path, contents):
    for path in write_parquet(tmp_path, contents):
        hash_dataset(path.as_uri(), tmp_path / "out", finder, executor=Inline())
    done = hash_dataset(tmp_path, tmp_path / "out", finder, executor=Inline())
    assert (done.n_images, done.n_new) == (10, 0)


def test_a_directory_of_an_earlier_release_is_extended(tmp_path, contents):
    """Its listing has no references."""
    parquet = pytest.importorskip("pyarrow.parquet")
    write_images(tmp_path / "images", contents)
    names = [str(tmp_path / "images" / f"{number}.png") for number in range(6)]
    out = tmp_path / "out"
    hash_dataset(names, out, finder, part_size=3, executor=Inline())
    for path in (out / "_listing").iterdir():
        parquet.write_table(parquet.read_table(path).drop(["reference"]), path)
    (out / "part-00000001.parquet").unlink()
    done = hash_dataset(tmp_path / "images", out, finder, executor=Inline())
    assert (done.n_images, done.n_new) == (10, 7)


@pytest.mark.parametrize("kind", ["blank", "broken", "empty"])
def test_a_table_without_readable_images(tmp_path, noise_image, encode, kind):
    """Blank images have no hashes and no error, and broken ones an error each."""
    content = {
        "blank": encode(Image.new("RGB", (40, 30), "white")),
        "broken": b"no image",
        "empty": None,
    }[kind]
    (source,) = write_parquet(tmp_path, [content] * 5, 1)
    with pytest.warns(UserWarning) if kind != "blank" else pytest.MonkeyPatch.context():
        done = hash_dataset(source, tmp_path / "out", finder, executor=Inline())
    assert (done.n_images, done.n_failed) == (5, 0 if kind == "blank" else 5)
    table = read_stage(tmp_path / "out")
    assert table["image"].tolist() == [f"{source}/{row}" for row in range(5)]


@pytest.mark.parametrize("make", [write_parquet, make_stream])
def test_a_source_without_rows_holds_nothing_to_hash(tmp_path, contents, make):
    pandas_kind = pytest.importorskip("pyarrow")
    if make is write_parquet:
        parquet = pytest.importorskip("pyarrow.parquet")
        kind = pandas_kind.schema({"image": pandas_kind.binary()})
        parquet.write_table(kind.empty_table(), tmp_path / "0.parquet")
        source = tmp_path / "0.parquet"
    else:
        source = make_stream(tmp_path, contents).take(0)
    with pytest.raises(StageError, match="There is nothing to hash"):
        hash_dataset(source, tmp_path / "out", finder, executor=Inline())


@pytest.mark.cluster
@pytest.mark.filterwarnings("ignore")
def test_ray_datasets_and_listed_sources_write_the_same_parts(tmp_path, contents, ray_cluster):
    """Each knows the images that the other has hashed."""
    data = pytest.importorskip("ray.data")
    write_images(tmp_path / "images", contents)
    sources = {
        "ray": data.read_binary_files(str(tmp_path / "images"), include_paths=True),
        "listed": tmp_path / "images",
    }
    tables = []
    for name, other in (("ray", "listed"), ("listed", "ray")):
        hash_dataset(sources[name], tmp_path / name, executor=RayExecutor())
        done = hash_dataset(sources[other], tmp_path / name, executor=RayExecutor())
        assert (done.n_images, done.n_new) == (10, 0)
        tables.append(read_stage(tmp_path / name).sort_values("image", ignore_index=True))
    pd.testing.assert_frame_equal(*tables)
