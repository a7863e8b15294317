"""Names of parts: which part a usual name means, and the order of use."""

import pytest

from hashfeatures._utils.part_names import order_parts, role_of


@pytest.mark.parametrize(
    ("names", "role"),
    [
        (["train", "Training", "TRAIN", "seg_train", "train2017", "trainset", "TrainImages"], 0),
        (["val", "valid", "validation", "val2017", "dev"], 1),
        (["test", "testing", "Test-Set", "asl_alphabet_test", "test_images"], 2),
        (["contest", "latest", "trainer", "train_test", "images", "", "2017"], None),
    ],
)
def test_names_of_parts(names, role):
    assert [role_of(name) for name in names] == [role] * len(names)


def test_the_order_of_parts_is_that_of_their_use():
    assert order_parts(["test", "val", "train"]) == ["train", "val", "test"]
    assert order_parts(["test", "fold 1"]) == ["test", "fold 1"]
