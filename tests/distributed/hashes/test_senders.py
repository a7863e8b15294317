"""Streams and data sets in memory are hashed once, whatever stops a run, and never mixed up."""

import io

import numpy as np
import pytest

from hashfeatures import NearDuplicateFinder, StageError, read_collection
from hashfeatures.distributed import hash_dataset, read_stage
from hashfeatures.distributed._executors import Outcome
from hashfeatures.distributed.hashes import _senders

datasets = pytest.importorskip("datasets")

finder = NearDuplicateFinder("phash", verify=False)


class Inline:
    """Runs tasks in this process, loses those of some parts, and counts hashed images."""

    def __init__(self, lost=(), stop_after=None):
        self.lost, self.stop_after, self.names = set(lost), stop_after, []

    def check(self, function, task):
        function(task)

    def run(self, function, tasks, retries):
        for number, task in enumerate(tasks):
            if number == self.stop_after:
                raise KeyboardInterrupt
            if task.name in self.lost and not task.isolated:
                yield Outcome(task, lost="it killed a worker")
                continue
            if hasattr(task, "names"):
                self.names += task.names
            yield Outcome(task, function(task))


@pytest.fixture(scope="module")
def contents(noise_image, encode):
    return [encode(noise_image(seed, size=(40, 32))) for seed in range(12)]


def as_dataset(contents):
    features = datasets.Features({"image": datasets.Image()})
    images = [None if c is None else {"bytes": c, "path": None} for c in contents]
    return datasets.Dataset.from_dict({"image": images}, features=features)


def as_stream(contents, n_shards=1):
    return as_dataset(contents).to_iterable_dataset(num_shards=n_shards)


def hash_all(source, out, **options):
    workers = Inline(**options)
    hash_dataset(source, out, finder, part_size=3, executor=workers)
    return workers.names


def codes(out):
    table = read_stage(out)
    return dict(zip(table["image"], table["codes"], strict=True))


def rows(*numbers, name="stream"):
    return [f"{name}/{number}" for number in numbers]


KINDS = {
    "plain": lambda contents: as_stream(contents, 3),
    "shuffled": lambda contents: as_stream(contents, 3).shuffle(seed=0, buffer_size=5),
    "in memory": as_dataset,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_continues_where_it_was_stopped(tmp_path, contents, kind):
    """The part that was not finished is hashed again, and the others are not."""
    name = "dataset" if kind == "in memory" else "stream"
    whole, out = tmp_path / "whole", tmp_path / "out"
    hash_all(KINDS[kind](contents), whole)
    with pytest.raises(KeyboardInterrupt):
        hash_all(KINDS[kind](contents), out, stop_after=2)
    assert hash_all(KINDS[kind](contents), out) == rows(*range(6, 12), name=name)
    (out / "sent-00000001.parquet").unlink()
    assert hash_all(KINDS[kind](contents), out) == rows(3, 4, 5, name=name)
    assert hash_all(KINDS[kind](contents), out) == []
    assert codes(out) == codes(whole)


def test_a_stopped_run_is_not_forgotten(tmp_path, contents, image_files):
    """The next run with another source says whose images are not hashed."""
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        hash_all(as_stream(contents), out, stop_after=2)
    with pytest.raises(StageError, match=r"earlier run listed 'stream/6' and other.*Pass this"):
        hash_all(image_files, out)
    assert len(codes(out)) == 6 + len(image_files)
    assert hash_all(as_stream(contents), out) == rows(*range(6, 12))


def test_streams_without_a_state_continue_too(tmp_path, contents, monkeypatch):
    """Releases of datasets before 2.20 know no state, so that earlier rows are read again."""
    monkeypatch.delattr(datasets.IterableDataset, "state_dict", raising=False)
    with pytest.raises(KeyboardInterrupt):
        hash_all(as_stream(contents), tmp_path, stop_after=2)
    assert hash_all(as_stream(contents), tmp_path) == rows(*range(6, 12))


def test_a_stream_that_has_grown(tmp_path, contents):
    hash_all(as_stream(contents[:7]), tmp_path)
    assert hash_all(as_stream(contents), tmp_path) == rows(*range(7, 12))


def test_a_stream_that_fails_in_the_middle(tmp_path, contents):
    """What it gave before is hashed, and a later run goes on from there."""
    features = datasets.Features({"image": datasets.Image()})
    state = {"fails": True}

    def generate():
        for number, content in enumerate(contents):
            if number == 7 and state["fails"]:
                raise ConnectionResetError("gone")
            yield {"image": {"bytes": content, "path": None}}

    stream = datasets.IterableDataset.from_generator(generate, features=features)
    with pytest.raises(StageError, match=r"failed at the image stream/7: .*gone.* Run.*again"):
        hash_all(stream, tmp_path)
    assert sorted(codes(tmp_path)) == rows(*range(7))
    state["fails"] = False
    assert hash_all(stream, tmp_path) == rows(*range(7, 12))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", [lambda c: c[::-1], lambda c: c[:3]], ids=["other", "short"])
def test_another_data_set_of_the_same_name_is_refused(tmp_path, contents, kind, change):
    hash_all(KINDS[kind](contents), tmp_path)
    before = codes(tmp_path)
    if kind == "in memory" and len(change(contents)) < len(contents):
        assert hash_all(KINDS[kind](change(contents)), tmp_path) == []  # some of the same images
    else:
        with pytest.raises(StageError, match=r"nother (image|one) .*than in an earlier run"):
            hash_all(KINDS[kind](change(contents)), tmp_path)
    assert codes(tmp_path) == before


def test_a_part_that_kills_workers_is_hashed_in_isolation(tmp_path, contents):
    names = hash_all(as_stream(contents, 2), tmp_path, lost=["sent-00000001.parquet"])
    assert sorted(names) == sorted(rows(*range(12)))
    assert len(codes(tmp_path)) == 12


def test_little_of_a_stream_is_in_memory(tmp_path, contents, monkeypatch):
    """A stream is read as the workers go on, and large images make small batches."""
    monkeypatch.setattr(_senders, "MAX_BATCH_BYTES", len(contents[0]) * 3 // 2)
    n_read = 0
    features = datasets.Features({"image": datasets.Image()})

    def generate():
        nonlocal n_read
        for content in contents:
            n_read += 1
            yield {"image": {"bytes": content, "path": None}}

    class Watching(Inline):
        def run(self, function, tasks, retries):
            for task in tasks:
                assert len(task.names) <= 2
                self.names += task.names
                assert n_read - len(self.names) <= 1
                yield Outcome(task, function(task))

    workers = Watching()
    stream = datasets.IterableDataset.from_generator(generate, features=features)
    hash_dataset(stream, tmp_path, finder, part_size=10, executor=workers)
    assert workers.names == rows(*range(12))


def test_images_that_cannot_be_read_are_recorded(tmp_path, contents):
    images = [contents[0], b"no image", None, contents[1]]
    with pytest.warns(UserWarning, match="2 of 4 images could not be read"):
        hash_all(as_stream(images), tmp_path)
    errors = read_stage(tmp_path)["error"]
    assert errors.notna().tolist() == [False, True, True, False]


def test_streams_of_paths(tmp_path, image_files):
    """Workers open the files, wherever they run."""
    features = datasets.Features({"path": datasets.Value("string")})
    stream = datasets.Dataset.from_dict({"path": image_files}, features=features)
    hash_all(stream.to_iterable_dataset(), tmp_path / "out")
    hash_all(image_files, tmp_path / "files")
    assert list(codes(tmp_path / "out").values()) == list(codes(tmp_path / "files").values())


def test_a_stream_without_a_column_of_images(tmp_path):
    stream = datasets.Dataset.from_dict({"text": ["a"]}).to_iterable_dataset()
    with pytest.raises(ValueError, match="expected one column of type Image"):
        hash_all(stream, tmp_path)


def test_two_data_sets_with_equal_names_are_refused(tmp_path, contents):
    images = [*read_collection(as_dataset(contents[:3])), *read_collection(as_dataset(contents))]
    with pytest.raises(StageError, match=r"different data sets are named 'dataset/0'"):
        hash_all(images, tmp_path)


def test_data_sets_of_torch_and_tables_in_memory(tmp_path, contents):
    """Their images are arrays, bytes and images of Pillow."""
    pyarrow = pytest.importorskip("pyarrow")
    from PIL import Image

    class Items:
        def __len__(self):
            return 4

        def __getitem__(self, row):
            image = Image.open(io.BytesIO(contents[row]))
            return (np.asarray(image) if row % 2 else image), 0

    hash_all(read_collection(pyarrow.table({"image": contents})), tmp_path)
    for _ in range(2):
        hash_all(Items(), tmp_path)
    found = codes(tmp_path)
    assert len(found) == 16
    for row in range(4):
        assert found[f"Items/{row}"] == found[f"table/{row}"]
