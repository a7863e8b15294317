"""The stage assigns the parts of `assign_split`, with its lock and without, label for label."""

import functools
import io
import os
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from hashfeatures import (
    NearDuplicateFinder,
    ParameterError,
    SequenceFinder,
    SplitMoveWarning,
    StageError,
    StoreError,
    assign_split,
    read_collection,
)
from hashfeatures.distributed import LocalExecutor, assign, hash_dataset, read_stage
from hashfeatures.distributed._hash_stage import keys_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stages import Stage

pytestmark = [
    pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning"),
    pytest.mark.filterwarnings("ignore::hashfeatures.FailedImagesWarning"),
]
FINDERS = {
    "default": NearDuplicateFinder(),
    "hashes": NearDuplicateFinder(verify=False, radius=10),
    "flips": NearDuplicateFinder("phash", views="flips", linkage="complete"),
    "colors": NearDuplicateFinder(color_radius=6, min_detail=20, trim_borders=True),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Make 32 images of two classes: copies, mirrored ones, blank ones, a broken one."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    names = []

    def save(image, label):
        name = folder / label / f"{len(names):03d}.png"
        name.parent.mkdir(exist_ok=True)
        image.save(name)
        names.append(str(name))

    for number in range(14):
        noise = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        image, label = (
            noise.resize((96, 72), Image.Resampling.BICUBIC),
            "cat" if number % 3 else "dog",
        )
        save(image, label)
        if number % 2:
            save(image.resize((80, 60)), label)
        if number % 4 == 0:
            save(image, "dog")
        if number % 5 == 0:
            save(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), label)
    for value in (200, 220, 220):
        save(Image.new("RGB", (60, 40), (value, value, value)), "cat")
    broken = folder / "dog" / "broken.png"
    broken.write_bytes(b"no image")
    names.append(str(broken))
    order = rng.permutation(len(names))
    return [names[row] for row in order]


class Run:
    """Hashes of images, and the groups in which a finder finds the first ones and all."""

    def __init__(self, folder, finder, files):
        self.folder, self.finder, self.hashes = folder, finder, folder / "hashes"
        self.names = [self._add(files[:25], 0), self._add(files, 1)]

    def _add(self, names, number):
        hash_dataset(names, self.hashes, self.finder, part_size=7, executor=LocalExecutor(1))
        table, parts = read_stage(self.hashes), Stage.open(self.hashes, "hashes")
        self.finder.fit(table["image"].tolist())
        for name, labels in (
            ("group", self.finder.labels_),
            ("component", self.finder.graph_.labels()),
        ):
            table[name] = table["key"].groupby(labels).transform("min")
        if self.finder.linkage == "single":
            del table["component"]
        write_groups(self.folder / f"groups{number}", table, map(parts.count, parts.names()))
        return table["image"].tolist()

    def assign(self, number, out, **parameters):
        assign(self.folder / f"groups{number}", out, **parameters)
        return listed(read_stage(out)["split"])


def write_groups(out, table, sizes, settings=None):
    """Write a directory as `components` would, of parts of these sizes."""
    columns = ["image", "key", "error", "group", "component"]
    table, first = table[[name for name in columns if name in table]], 0
    with Stage.create(out, "groups", settings or {}) as stage:
        for number, size in enumerate(sizes):
            rows = table.iloc[first : first + size]
            content = arrow().Table.from_pandas(rows, preserve_index=False)
            stage.write(f"part-{number:08d}.parquet", [content], content.schema)
            first += size
        stage.publish("part")


def listed(parts):
    return parts.astype(object).where(parts.notna(), None).tolist()


def expected(names, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SplitMoveWarning)
        return listed(assign_split(names, **parameters))


@pytest.fixture(scope="module")
def runs(files, tmp_path_factory):
    """Return a function that hashes 25 images, then all of them, for a finder."""
    return functools.cache(lambda name: Run(tmp_path_factory.mktemp(name), FINDERS[name], files))


@pytest.fixture
def run(runs):
    return runs("default")


SETTINGS = {
    "plain": {},
    "three parts": {"test_size": 0.2, "validation_size": 0.2, "random_state": 7},
    "numbers": {"test_size": 6, "train_size": 12, "priority": "test"},
    "majority": {"test_size": 0.4, "priority": "majority"},
}


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_parts_are_those_of_assign_split_whole_and_in_two_steps(runs, finder, setting, tmp_path):
    """Guards equal parts with the lock of either function, and with the directory alone."""
    run, parameters = runs(finder), SETTINGS[setting]
    lock, other = tmp_path / "lock.json", tmp_path / "other.json"
    for number, names in enumerate(run.names):
        classes = [name.split("/")[-2] for name in names]
        given = {"finder": run.finder, "stratify": classes, **parameters}
        wanted = expected(names, lock=lock, **given)
        staged = {"stratify": "parent", **parameters}
        locked = {"lock": other, "hashes": run.hashes, **staged}
        assert run.assign(number, tmp_path / "locked", **locked) == wanted
        assert other.read_bytes() == lock.read_bytes()
        assert run.assign(number, tmp_path / "alone", **staged) == wanted
        assert run.assign(number, tmp_path / f"{number}", **staged) == expected(names, **given)
        lock, other = other, lock  # each continues the lock of the other


def columns_of(names):
    """Return values of images: classes and patients, by rows in another order."""
    frame = pd.DataFrame({"image": names})
    frame["label"] = [len(name) + row % 3 for row, name in enumerate(names)]
    frame["patient"] = [f"patient {row // 4}" for row in range(len(names))]
    frame["tags"] = np.arange(len(names)) % 2
    return frame


def as_tables(frame, folder):
    """Yield the same table in memory, in files, as others name images, and as a collection."""
    shuffled = frame.sample(frac=1, random_state=0)
    yield shuffled
    shuffled.to_csv(folder / "table.csv", index=False)
    yield folder / "table.csv"
    shuffled.rename(columns={"image": "path"}).to_parquet(folder / "table.parquet")
    yield f"file://{folder}/table.parquet"
    relative = shuffled.assign(image=[os.path.relpath(name) for name in shuffled["image"]])
    yield pl.from_pandas(relative)
    (folder / "list.csv").write_bytes((folder / "table.csv").read_bytes())
    yield read_collection(folder / "list.csv")


def test_columns_of_tables_of_any_kind_give_the_parts_of_assign_split(run, tmp_path):
    """Guards classes and patients by the names of images, in whatever order and container."""
    frame = columns_of(run.names[1])
    wanted = expected(frame, finder=run.finder, stratify="label", groups="patient")
    given = {"stratify": "label", "groups": "patient"}
    for number, table in enumerate(as_tables(frame, tmp_path)):
        assert run.assign(1, tmp_path / f"{number}", table=table, **given) == wanted
    by_image = frame.set_index("image").sample(frac=1, random_state=1)
    values = [
        (by_image["label"], by_image["patient"].to_dict()),
        (frame["label"].to_numpy(), frame["patient"].tolist()),
        (frame["label"], pd.Categorical(frame["patient"])),
    ]
    for number, (classes, patients) in enumerate(values):
        out = tmp_path / f"values {number}"
        assert run.assign(1, out, stratify=classes, groups=patients) == wanted
    matrix = frame[["label", "tags"]]
    wanted = expected(frame, finder=run.finder, stratify=matrix)
    assert run.assign(1, tmp_path / "rows", stratify=matrix.to_numpy()) == wanted
    assert run.assign(1, tmp_path / "named", stratify=by_image[["label", "tags"]]) == wanted


def as_sources(files, folder):
    """Yield data sets with labels: a table beside its images, images in a table and in tars."""
    content = [Path(name).read_bytes() for name in files]
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
def test_the_source_of_the_images_is_a_table_of_their_classes(files, tmp_path, kind):
    """Guards the names that stages give to images in tables, archives and beside a table."""
    whole = [name for name in files if "broken" not in name]
    source = list(as_sources(whole[:20], tmp_path))[kind]
    hash_dataset(source, tmp_path / "hashes", part_size=8, executor=LocalExecutor(1))
    table = read_stage(tmp_path / "hashes")
    write_groups(tmp_path / "groups", table.assign(group=table["key"]), [len(table)])
    assign(tmp_path / "groups", tmp_path / "split", 6, "label", table=source)
    labels = np.arange(20) % 2
    alone = {"finder": "precomputed", "groups": range(20), "stratify": labels}
    wanted = assign_split(table["image"].tolist(), test_size=6, **alone)
    assert listed(read_stage(tmp_path / "split")["split"]) == wanted.tolist()


def test_an_image_that_cannot_be_read_needs_no_value(run, tmp_path):
    frame = columns_of(run.names[1])
    is_broken = frame["image"].str.contains("broken")
    wanted = expected(frame, finder=run.finder, stratify="label", groups=frame.index // 4)
    table = frame[~is_broken]
    found = run.assign(1, tmp_path / "split", table=table, stratify="label", groups="patient")
    assert wanted[is_broken.argmax()] is None
    assert found == wanted


def names_of_frames():
    return [f"/data/drive{n}/{n}_frame_{row:04d}.png" for n in range(6) for row in range(7)]


@pytest.fixture
def frames(tmp_path):
    """Write the groups of frames of six drives, of which each image is alone, and return names."""
    names = names_of_frames()
    keys = keys_of(names)
    table = pd.DataFrame({"image": names, "key": keys, "error": None, "group": keys})
    write_groups(tmp_path / "groups", table, [20, 22])
    return names


@pytest.mark.parametrize("groups", ["sequences", SequenceFinder(by="name", gap=2)])
def test_sequences_are_those_that_names_tell(frames, tmp_path, groups):
    done = assign(tmp_path / "groups", tmp_path / "split", 0.34, groups=groups)
    found = read_stage(tmp_path / "split")["split"].tolist()
    alone = {"finder": "precomputed", "groups": SequenceFinder(by="name").fit_predict(frames)}
    assert found == assign_split(frames, test_size=0.34, **alone).tolist()
    assert done.sizes == {"train": 28, "test": 14}
    assert len({*zip(found, [name.split("/")[2] for name in frames], strict=True)}) == 6


def test_a_table_may_list_an_image_twice_and_others_too(frames, tmp_path):
    table = pd.DataFrame({"image": [*frames, "other.png", *frames], "label": "a"})
    table["patient"] = [*np.arange(42) // 2, 3, *np.arange(42) // 2]
    given = {"table": table, "stratify": "label", "groups": "patient"}
    done = assign(tmp_path / "groups", tmp_path / "split", 10, **given)
    assert done.sizes == {"train": 32, "test": 10}


def test_a_run_that_is_killed_before_its_end_leaves_the_split_of_before(
    frames, tmp_path, monkeypatch
):
    """Guards the parts and the lock: the next run gives what this one would have given."""
    names = read_stage(tmp_path / "groups")
    write_groups(tmp_path / "first", names[:20], [20])
    out = tmp_path / "split"
    assign(tmp_path / "first", out)
    before = read_stage(out)
    with monkeypatch.context() as patched:
        patched.setattr(Stage, "publish", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            assign(tmp_path / "groups", out)
    assert read_stage(out).equals(before)
    assign(tmp_path / "groups", out)
    after = read_stage(out)
    assert len(list(out.glob("*.parquet"))) == 2
    assert after["split"][:20].tolist() == before["split"].tolist()
    assign(tmp_path / "first", tmp_path / "other")
    assign(tmp_path / "groups", tmp_path / "other")
    assert read_stage(tmp_path / "other").equals(after)


def test_a_column_comes_before_sequences(frames, tmp_path):
    table = pd.DataFrame({"image": frames, "sequences": np.arange(42) // 2, "parent": "one"})
    done = assign(
        tmp_path / "groups", tmp_path / "split", 4, "parent", table=table, groups="sequences"
    )
    assert done.sizes == {"train": 38, "test": 4}


BAD = {
    "no class": (
        {"stratify": pd.Series("a", names_of_frames()[1:])},
        "1 image has no class in `stratify`, the first is '/data/drive0/0_frame_0000.png'. Name",
    ),
    "a missing class": (
        {"stratify": [None, None, *"abcd" * 10]},
        "2 images have no class in `stratify`",
    ),
    "no group": ({"groups": {"other.png": 1}}, "42 images have no group in `groups`"),
    "no table": (
        {"groups": "patient"},
        "must be .* column of `table` .there is no table.. Got 'p",
    ),
    "no column": (
        {"groups": "patient", "table": pd.DataFrame({"image": ["a"], "label": [1]})},
        "the table has the columns",
    ),
    "no images": (
        {"groups": "patient", "table": pd.DataFrame({"name": ["a"], "patient": [1]})},
        "assign looks for the images in a column named 'image', 'path'",
    ),
    "other column": (
        {"groups": "a", "table": pd.DataFrame({"name": ["a"], "a": [1]}), "column": "file"},
        "'column' parameter of assign must be the name of a column",
    ),
    "two classes": (
        {
            "stratify": "a",
            "table": pd.DataFrame({"image": [*names_of_frames(), names_of_frames()[3]]}).assign(
                a=range(43)
            ),
        },
        "drive0/0_frame_0003.png' has two values in `stratify`: 3 and 42. List each image once",
    ),
    "another length": ({"stratify": [1, 2]}, "42 images, and stratify of length 2"),
    "not a table": ({"groups": "patient", "table": 3}, "'table' parameter of assign must be"),
    "one group": ({"groups": [0] * 42}, "All 42 images are in one group of near duplicates"),
    "sizes": ({"test_size": 0.8, "train_size": 0.8}, "should be at most 1|should be smaller"),
    "priority": ({"priority": "first"}, "'priority' parameter of assign must be"),
    "seed": ({"random_state": -1}, "'random_state' parameter of assign must be an int"),
    "no hashes": ({"lock": "lock.json"}, "'hashes' parameter of assign must be the directory of"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(frames, tmp_path, case):
    parameters, message = BAD[case]
    with pytest.raises(ValueError, match=message):
        assign(tmp_path / "groups", tmp_path / "split", **parameters)
    with pytest.raises(StageError, match=r"no finished parts|is no stage directory"):
        read_stage(tmp_path / "split")


@pytest.mark.parametrize("name", ["missing.csv", "broken.parquet", "empty.csv"])
def test_a_table_that_cannot_be_read_is_named(frames, tmp_path, name):
    if name != "missing.csv":
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(StageError, match=rf"The table .*{name} cannot be read"):
        assign(tmp_path / "groups", tmp_path / "split", table=tmp_path / name, stratify="label")


def test_images_of_which_none_can_be_read_have_no_split(tmp_path):
    table = pd.DataFrame({"image": ["a", "b"], "key": keys_of("ab"), "error": "broken"})
    write_groups(tmp_path / "groups", table.assign(group=table["key"]), [2])
    with pytest.raises(ValueError, match="No image could be read, so there is nothing to assign"):
        assign(tmp_path / "groups", tmp_path / "split")


def test_the_split_of_other_images_is_refused(frames, tmp_path):
    assign(tmp_path / "groups", tmp_path / "split")
    table = pd.DataFrame({"image": ["a", "b"], "key": keys_of("ab"), "error": None})
    write_groups(tmp_path / "other", table.assign(group=table["key"]), [2])
    with pytest.raises(StageError, match="the split of other images: none of its 42 images is"):
        assign(tmp_path / "other", tmp_path / "split")


def test_locks_of_other_images_hashes_or_settings_are_refused(run, frames, tmp_path):
    lock = {"lock": tmp_path / "lock.json", "hashes": run.hashes}
    with pytest.raises(StageError, match="holds the hashes of other images than"):
        assign(tmp_path / "groups", tmp_path / "split", **lock)
    run.assign(0, tmp_path / "split", **lock)
    content = lock["lock"].read_bytes()
    lock["lock"].write_bytes(content.replace(b'"radius": ', b'"radius": 1'))
    with pytest.raises(ParameterError, match="was made with radius=1"):
        run.assign(1, tmp_path / "other", **lock)
    lines = content.decode().splitlines()
    kept = [line for line in lines if "dog/" not in line and "cat/" not in line]
    lock["lock"].write_text("\n".join([*kept[:-1], ',{"name": "x.png", "part": "test"}', "]"]))
    with pytest.raises(StoreError, match="is the lock of other images"):
        run.assign(1, tmp_path / "other", **lock)
