"""Splits stay the same when images are added."""

import numpy as np
import pandas as pd
import pytest

from hashfeatures.distributed import assign, read_stage
from hashfeatures.distributed._hash_stage import keys_of
from hashfeatures.distributed._part_directory import arrow
from hashfeatures.distributed._stages import Stage, version_of


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
