"""Values of images are found by the names of the images, in whatever order and container."""

import io
import os
import tarfile

import numpy as np
import pandas as pd
import polars as pl
import pytest

from hashfeatures import StageError, assign_split, merge_groups, read_collection
from hashfeatures.distributed import assign, hash_dataset, read_stage

pytestmark = pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")


@pytest.fixture
def frame(tmp_path, frames, write_parts):
    """Write groups of frames, of which every fifth is broken, and return values of the frames."""
    table = read_stage(tmp_path / "groups")
    near = np.arange(42) // 2 % 19
    is_broken = np.arange(42) % 5 == 4
    table["group"] = (
        table["key"].groupby(np.where(is_broken, 100 + np.arange(42), near)).transform("min")
    )
    table["error"] = np.where(is_broken, "broken", None)
    write_parts(tmp_path / "groups", table, [20, 22])
    return pd.DataFrame(
        {
            "image": frames,
            "near": table["group"],
            "is_broken": is_broken,
            "label": [row % 7 + row % 2 for row in range(42)],
            "patient": [f"patient {row // 3}" for row in range(42)],
            "tag": np.arange(42) % 2,
        }
    )


def expected(frame, classes, patients=None):
    """Return the parts of `assign_split`; images that cannot be read have none."""
    near = frame["near"] if patients is None else merge_groups(frame["near"], patients)
    whole = ~frame["is_broken"].to_numpy()
    parts = np.full(len(frame), None)
    parts[whole] = assign_split(
        frame["image"][whole],
        stratify=np.asarray(classes)[whole],
        groups=np.asarray(near)[whole],
        finder="precomputed",
    )
    return parts.tolist()


def assigned(tmp_path, out, **parameters):
    assign(tmp_path / "groups", tmp_path / out, **parameters)
    split = read_stage(tmp_path / out)["split"]
    return split.astype(object).where(split.notna(), None).tolist()


def as_tables(frame, folder):
    """Yield the same table in memory, in files, as others name images, and as a collection."""
    shuffled = frame.sample(frac=1, random_state=0)
    yield shuffled
    yield shuffled[~shuffled["is_broken"]]  # an image that cannot be read needs no value
    shuffled.to_csv(folder / "table.csv", index=False)
    yield folder / "table.csv"
    shuffled.rename(columns={"image": "path"}).to_parquet(folder / "table.parquet")
    yield f"file://{folder}/table.parquet"
    relative = shuffled.assign(image=[os.path.relpath(name) for name in shuffled["image"]])
    yield pl.from_pandas(relative)
    (folder / "list.csv").write_bytes((folder / "table.csv").read_bytes())
    yield read_collection(folder / "list.csv")


def test_columns_of_tables_of_any_kind_give_the_parts_of_assign_split(frame, tmp_path):
    wanted = expected(frame, frame["label"], frame["patient"])
    given = {"stratify": "label", "groups": "patient"}
    for number, table in enumerate(as_tables(frame, tmp_path)):
        assert assigned(tmp_path, f"{number}", table=table, **given) == wanted


def test_values_by_image_and_by_row_give_the_parts_of_assign_split(frame, tmp_path):
    wanted = expected(frame, frame["label"], frame["patient"])
    by_image = frame.set_index("image").sample(frac=1, random_state=1)
    values = [
        (by_image["label"], by_image["patient"].to_dict()),
        (frame["label"].to_numpy(), frame["patient"].tolist()),
        (frame["label"], pd.Categorical(frame["patient"])),
    ]
    for number, (classes, patients) in enumerate(values):
        given = {"stratify": classes, "groups": patients}
        assert assigned(tmp_path, f"{number}", **given) == wanted
    names = ["label", "tag"]
    wanted = expected(frame, frame[names])
    assert assigned(tmp_path, "rows", stratify=frame[names].to_numpy()) == wanted
    assert assigned(tmp_path, "named", stratify=by_image[names]) == wanted


def as_sources(files, folder):
    """Yield data sets with labels: a table beside its images, images in a table and in tars."""
    content = [file.read_bytes() for file in files]
    labels = [number % 2 for number in range(len(files))]
    place = folder / "beside"
    place.mkdir()
    for number, image in enumerate(content):
        (place / f"{number}.png").write_bytes(image)
    table = pd.DataFrame({"path": [f"{number}.png" for number in range(len(files))]})
    table.assign(label=labels).to_csv(place / "table.tsv", sep="\t", index=False)
    yield place / "table.tsv"
    encoded = pd.DataFrame({"image": [{"bytes": image, "path": None} for image in content]})
    encoded.assign(label=labels).to_parquet(folder / "encoded.parquet", row_group_size=5)
    yield folder / "encoded.parquet"
    yield read_collection(folder / "encoded.parquet")
    with tarfile.open(folder / "shard.tar", "w") as tar:
        for number, (image, label) in enumerate(zip(content, labels, strict=True)):
            for suffix, member in ("png", image), ("cls", str(label).encode()):
                facts = tarfile.TarInfo(f"{number:04d}.{suffix}")
                facts.size = len(member)
                tar.addfile(facts, io.BytesIO(member))
    yield read_collection(str(folder / "shard.tar"))


@pytest.mark.parametrize("kind", range(4))
def test_the_source_of_the_images_is_a_table_of_their_classes(
    noise_image, in_process, write_parts, tmp_path, kind
):
    """Guards the names that stages give to images in tables, archives and beside a table."""
    files = [tmp_path / f"{seed}.png" for seed in range(12)]
    for seed, file in enumerate(files):
        noise_image(seed).save(file)
    source = list(as_sources(files, tmp_path))[kind]
    hash_dataset(source, tmp_path / "hashes", part_size=8, executor=in_process)
    table = read_stage(tmp_path / "hashes")
    write_parts(tmp_path / "groups", table.assign(group=table["key"]), [len(table)])
    found = assigned(tmp_path, "split", test_size=4, stratify="label", table=source)
    alone = {"finder": "precomputed", "groups": range(12), "stratify": np.arange(12) % 2}
    assert found == assign_split(table["image"].tolist(), test_size=4, **alone).tolist()


def test_a_table_may_list_an_image_twice_and_others_too(frames, tmp_path):
    table = pd.DataFrame({"image": [*frames, "other.png", *frames], "label": "a"})
    table["patient"] = [*np.arange(42) // 2, 3, *np.arange(42) // 2]
    given = {"table": table, "stratify": "label", "groups": "patient"}
    done = assign(tmp_path / "groups", tmp_path / "split", 10, **given)
    assert done.sizes == {"train": 32, "test": 10}


@pytest.mark.parametrize("name", ["missing.csv", "broken.parquet", "empty.csv"])
def test_a_table_that_cannot_be_read_is_named(frames, tmp_path, name):
    if name != "missing.csv":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(StageError, match=rf"The table .*{name} cannot be read"):
        assign(tmp_path / "groups", tmp_path / "split", table=tmp_path / name, stratify="label")
