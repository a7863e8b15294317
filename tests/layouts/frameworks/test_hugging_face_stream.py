"""A stream goes on from any row, exactly."""

import io

import pytest
from PIL import Image

from hashfeatures.layouts.frameworks._hugging_face_stream import is_stream, open_streams

datasets = pytest.importorskip("datasets")


def encode(value):
    file = io.BytesIO()
    Image.new("L", (4, 4), value).save(file, "PNG")
    return file.getvalue()


def make(n_rows=40):
    features = datasets.Features({"image": datasets.Image(), "number": datasets.Value("int64")})
    images = [{"bytes": encode(row), "path": None} for row in range(n_rows)]
    columns = {"image": images, "number": list(range(n_rows))}
    return datasets.Dataset.from_dict(columns, features=features)


def streams():
    plain = make().to_iterable_dataset(num_shards=4)
    return {
        "plain": plain,
        "filtered": plain.filter(lambda row: row["number"] % 3).cast(plain.features),
        "interleaved": datasets.interleave_datasets([plain, plain]),
        "joined": datasets.concatenate_datasets([plain, plain]),
        "shuffled": plain.shuffle(seed=0, buffer_size=5),
        "shuffled within": datasets.interleave_datasets(
            [plain, plain.shuffle(seed=0, buffer_size=5)]
        ),
    }


def read_all(stream):
    images, states = [], []
    while True:
        states.append(stream.state())
        try:
            images.append(stream.read())
        except StopIteration:
            return images, states


@pytest.mark.parametrize("kind", streams())
def test_reading_goes_on_from_a_state_or_a_row(kind):
    """Streams that shuffle tell no state, as it would lead to other rows."""
    (stream,) = open_streams(streams()[kind])
    assert stream.name == "stream"
    stream.begin()
    images, states = read_all(stream)
    assert len(images) >= 26
    assert all(state is None for state in states) or "shuffled" not in kind
    for row in (0, 1, 9, 10, 25):
        for state in {None: None, row: states[row]}.values():
            stream.begin(row, state)
            assert [stream.read() for _ in images[row:]] == images[row:]


def test_splits_keep_their_names():
    both = datasets.IterableDatasetDict(
        {name: make().to_iterable_dataset() for name in ("train", "test")}
    )
    assert is_stream(both)
    assert [stream.name for stream in open_streams(both)] == ["train", "test"]


@pytest.mark.parametrize("source", [make(), ["a.png"], "a.json", None])
def test_other_sources_are_no_streams(source):
    assert not is_stream(source)
