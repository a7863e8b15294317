"""Splits stay the same when images are added."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hashfeatures import (
    NearDuplicateFinder,
    SequenceFinder,
    SplitMoveWarning,
    StageError,
    assign_split,
)
from hashfeatures.distributed import (
    LocalExecutor,
    assign,
    components,
    find_pairs,
    hash_dataset,
    read_stage,
)
from hashfeatures.distributed._hash_stage import keys_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stages import Stage, version_of
from hashfeatures.duplicates._components import label_components
from hashfeatures.hamming._pairs import Pairs

pytestmark = pytest.mark.filterwarnings("ignore::hashfeatures.SplitSizeWarning")


def write_groups(out, names, groups):
    """Write a directory as `components` would, with the number of each image's group."""
    table = pd.DataFrame({"image": names, "key": keys_of(names), "number": groups})
    table["group"] = table.groupby("number")["key"].transform("min")
    table["size"] = table.groupby("number")["key"].transform("size")
    version = version_of(names)
    written = arrow().Table.from_pandas(table.drop(columns="number"), preserve_index=False)
    with Stage.create(out, "groups", {}) as stage:
        stage.write(f"{version}-0.parquet", [written], written.schema)
        stage.publish(version)


def images(n_images):
    return [f"/data/{'cat' if row % 4 else 'dog'}/{row}.jpg" for row in range(n_images)]


def test_sizes_count_images_and_classes_keep_their_shares(tmp_path):
    names = images(4000)
    write_groups(tmp_path / "groups", names, np.arange(4000))
    done = assign(tmp_path / "groups", tmp_path / "split", 0.2, "parent")
    assert (done.n_train, done.n_test) == (3200, 800)
    table = read_stage(tmp_path / "split")
    is_dog = table["image"].str.contains("dog")
    assert (table["split"][is_dog] == "test").sum() == 200


def test_large_groups_are_no_likelier_in_one_part(tmp_path):
    """The smallest of many keys is small, so keys are hashed before they are ordered."""
    groups = np.repeat(np.arange(400), 10)
    groups = np.concatenate([groups, 400 + np.arange(4000)])
    write_groups(tmp_path / "groups", images(8000), groups)
    assign(tmp_path / "groups", tmp_path / "split", 0.25)
    table = read_stage(tmp_path / "split")
    is_test = (table["split"] == "test").to_numpy()
    assert 0.15 < is_test[:4000].mean() < 0.35
    assert abs(is_test.mean() - 0.25) < 0.002


def test_images_keep_their_part_when_others_come(tmp_path):
    groups = np.arange(1000) // 2
    write_groups(tmp_path / "groups", images(1000), groups)
    assign(tmp_path / "groups", tmp_path / "split", 0.25)
    before = read_stage(tmp_path / "split").set_index("image")["split"]
    # Of the new images, 500 join old groups and 500 are alone.
    grown = np.concatenate([groups, np.arange(500), 500 + np.arange(500)])
    write_groups(tmp_path / "groups", images(2000), grown)
    done = assign(tmp_path / "groups", tmp_path / "split", 0.25)
    table = read_stage(tmp_path / "split")
    after = table.set_index("image")["split"]
    pd.testing.assert_series_equal(after[before.index], before)
    assert len(table[["group", "split"]].drop_duplicates()) == table["group"].nunique()
    assert abs(done.n_test - 500) <= 2
    assert not len(done.conflicts)


def test_groups_that_new_images_connect_go_to_training_and_are_listed(tmp_path):
    write_groups(tmp_path / "groups", images(100), np.arange(100))
    assign(tmp_path / "groups", tmp_path / "split", 0.25)
    before = read_stage(tmp_path / "split").set_index("image")["split"]
    train, test = (before.index[before == split][0] for split in ("train", "test"))
    names = [*images(100), "/data/cat/bridge.jpg"]
    groups = np.arange(101)
    groups[[names.index(train), names.index(test), 100]] = 500
    write_groups(tmp_path / "groups", names, groups)
    done = assign(tmp_path / "groups", tmp_path / "split", 0.25)
    after = read_stage(tmp_path / "split").set_index("image")["split"]
    assert after[[train, test, names[-1]]].tolist() == ["train"] * 3
    assert done.conflicts[["image", "was", "split"]].to_numpy().tolist() == [
        [test, "test", "train"]
    ]
    kept = before.index.difference([test])
    pd.testing.assert_series_equal(after[kept], before[kept])
    assert len(list((tmp_path / "split" / "_conflicts").iterdir())) == 1


def test_classes_by_image(tmp_path):
    names = images(100)
    write_groups(tmp_path / "groups", names, np.arange(100))
    classes = pd.DataFrame({"image": names, "label": np.arange(100) // 50})
    classes.to_csv(tmp_path / "classes.csv", index=False)
    assign(tmp_path / "groups", tmp_path / "file", 0.2, tmp_path / "classes.csv")
    series = classes.set_index("image")["label"]
    assign(tmp_path / "groups", tmp_path / "series", 0.2, series)
    table = read_stage(tmp_path / "file")
    pd.testing.assert_frame_equal(table, read_stage(tmp_path / "series"))
    assert (table["split"][:50] == "test").sum() == 10
    with pytest.raises(ValueError, match="has no class in `stratify`"):
        assign(tmp_path / "groups", tmp_path / "missing", 0.2, series[1:])


def test_another_random_state_is_another_split(tmp_path):
    write_groups(tmp_path / "groups", images(100), np.arange(100))
    splits = []
    for number, seed in enumerate([0, 0, 1, 2**70]):
        assign(tmp_path / "groups", tmp_path / str(number), random_state=seed)
        splits.append(read_stage(tmp_path / str(number))["split"].tolist())
    assert splits[0] == splits[1] != splits[2] != splits[3]


@pytest.mark.parametrize("groups", ["sequences", SequenceFinder(by="name", gap=2)])
def test_sequences_are_those_that_names_tell(frames, tmp_path, groups):
    done = assign(tmp_path / "groups", tmp_path / "split", 0.34, groups=groups)
    found = read_stage(tmp_path / "split")["split"].tolist()
    alone = {"finder": "precomputed", "groups": SequenceFinder(by="name").fit_predict(frames)}
    assert found == assign_split(frames, test_size=0.34, **alone).tolist()
    assert done.sizes == {"train": 28, "test": 14}
    assert len({*zip(found, [name.split("/")[2] for name in frames], strict=True)}) == 6


def test_a_column_comes_before_sequences(frames, tmp_path):
    table = pd.DataFrame({"image": frames, "sequences": np.arange(42) // 2, "parent": "one"})
    done = assign(
        tmp_path / "groups", tmp_path / "split", 4, "parent", table=table, groups="sequences"
    )
    assert done.sizes == {"train": 38, "test": 4}


BAD = {
    "no class": (
        lambda names: {"stratify": pd.Series("a", names[1:])},
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
    "no table of classes": (
        {"stratify": "label"},
        "'stratify' parameter of assign must be .* column of `table` .there is no table.. Got 'la",
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
        lambda names: {
            "stratify": "a",
            "table": pd.DataFrame({"image": [*names, names[3]], "a": range(43)}),
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
    if callable(parameters):
        parameters = parameters(frames)
    with pytest.raises(ValueError, match=message):
        assign(tmp_path / "groups", tmp_path / "split", **parameters)
    with pytest.raises(StageError, match=r"no finished parts|is not a stage directory"):
        read_stage(tmp_path / "split")


def test_images_of_which_none_can_be_read_have_no_split(tmp_path, write_parts):
    table = pd.DataFrame({"image": ["a", "b"], "key": keys_of("ab"), "error": "broken"})
    write_parts(tmp_path / "groups", table.assign(group=table["key"]), [2])
    with pytest.raises(ValueError, match="No image could be read, so there is nothing to assign"):
        assign(tmp_path / "groups", tmp_path / "split")


def test_the_split_of_other_images_is_refused(frames, tmp_path, write_parts):
    assign(tmp_path / "groups", tmp_path / "split")
    table = pd.DataFrame({"image": ["a", "b"], "key": keys_of("ab"), "error": None})
    write_parts(tmp_path / "other", table.assign(group=table["key"]), [2])
    with pytest.raises(StageError, match="the split of other images: none of its 42 images is"):
        assign(tmp_path / "other", tmp_path / "split")


def test_a_run_that_is_killed_before_its_end_leaves_the_split_of_before(
    frames, tmp_path, write_parts, monkeypatch
):
    """Guards the parts and the lock: the next run gives what this one would have given."""
    names = read_stage(tmp_path / "groups")
    write_parts(tmp_path / "first", names[:20], [20])
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


@settings(max_examples=20)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["train", "test", ["validation", "test"], "majority"]),
    st.booleans(),
)
@example(27734, "train", True)  # leaves the last part empty
def test_any_increments_give_the_parts_of_a_lock(
    tmp_path_factory, write_parts, seed, priority, has_classes
):
    """Guards groups that new images connect, images that cannot be read, and classes."""
    rng, folder = np.random.default_rng(seed), tmp_path_factory.mktemp("run")
    n_images = int(rng.integers(12, 60))
    table = pd.DataFrame({"image": [f"/data/{row}.jpg" for row in range(n_images)]})
    table["key"] = keys_of(table["image"])
    is_broken = rng.random(n_images) < 0.1
    table["error"] = np.where(is_broken, "broken", None)
    edges = rng.integers(0, n_images, (2, n_images // 2))
    edges = edges[:, ~is_broken[edges].any(axis=0)]
    classes = rng.integers(0, 3, n_images)
    sizes = {"test_size": 0.25, "validation_size": 0.2, "priority": priority}
    for step, end in enumerate(np.sort(rng.integers(9, n_images + 1, 3)).tolist()):
        left, right = edges[:, (edges < end).all(axis=0)]
        labels = label_components(end, Pairs(left, right, np.zeros(len(left), dtype=np.int64)))
        now = table[:end].assign(group=table["key"][:end].groupby(labels).transform("min"))
        write_parts(folder / f"{step}", now, [end // 2, end - end // 2])
        whole = np.flatnonzero(~is_broken[:end])
        alone = {"stratify": classes[whole] if has_classes else None, **sizes}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SplitMoveWarning)
            try:
                wanted, info = assign_split(
                    now["image"].iloc[whole],
                    groups=labels[whole],
                    finder="precomputed",
                    lock=folder / "lock.json",
                    return_info=True,
                    **alone,
                )
            except ValueError as error:
                with pytest.raises(ValueError, match=re.escape(str(error))):
                    assign(folder / f"{step}", folder / "split", **sizes)
                return
        labels = classes[:end] if has_classes else None
        done = assign(folder / f"{step}", folder / "split", stratify=labels, **sizes)
        found = read_stage(folder / "split")["split"]
        assert found.iloc[whole].tolist() == wanted.tolist()
        assert found[is_broken[:end]].isna().all()
        assert done.sizes == info.sizes and done.n_new == info.n_new
        assert done.conflicts["image"].tolist() == info.moved["image"].tolist()
        assert done.conflicts["was"].tolist() == info.moved["from_part"].tolist()


@pytest.mark.parametrize("has_parts", [False, True])
def test_a_data_set_of_hugging_face_is_a_table(tmp_path, family, has_parts):
    """Its images have the names that they were hashed under."""
    datasets = pytest.importorskip("datasets")
    paths = list(map(str, family[0]))
    made = datasets.Dataset.from_dict({"image": paths, "label": ["a", "b"] * 7 + ["a"]})
    made = made.cast_column("image", datasets.Image())
    source = datasets.DatasetDict({"train": made}) if has_parts else made
    here = LocalExecutor(1)
    hashes, finder = tmp_path / "hashes", NearDuplicateFinder(verify=False)
    hash_dataset(source, hashes, finder, executor=here)
    find_pairs(hashes, tmp_path / "pairs", executor=here)
    components(tmp_path / "pairs", tmp_path / "groups", hashes=hashes, executor=here)
    done = assign(tmp_path / "groups", tmp_path / "split", 0.4, "label", table=source)
    assert sum(done.sizes.values()) == len(paths)
