"""Shares and numbers of images become sizes as by scikit-learn, and wrong ones are refused."""

import pytest

from hashfeatures import train_test_split


def test_shares_that_add_up_to_one_are_possible():
    """Rounding never makes them exceed the number of images."""
    for n in range(7, 60):
        X = [str(number) for number in range(n)]
        shares = {"train_size": 0.7, "test_size": 0.15, "validation_size": 0.15}
        parts = train_test_split(X, random_state=0, groups=X, finder="precomputed", **shares)
        assert n - 2 <= sum(map(len, parts)) <= n
    shares = {"train_size": 0.86, "validation_size": 0.07, "test_size": 0.07}
    parts = train_test_split(range(100), groups=range(100), finder="precomputed", **shares)
    assert [len(part) for part in parts] == [86, 7, 7]


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"test_size": 0}, r"'test_size'.*range \[1, 10\) \(there are 10 images\).*Got 0 instead"),
        ({"test_size": 10}, "Got 10 instead"),
        ({"test_size": 1.0}, "Got 1.0 instead"),
        ({"test_size": -0.5}, "Got -0.5 instead"),
        ({"test_size": "half"}, "Got 'half' instead"),
        ({"test_size": True}, "Got True instead"),
        ({"train_size": 1.5}, "'train_size' parameter of train_test_split"),
        ({"test_size": 0.7, "train_size": 0.7}, "sum of train_size and test_size = 14"),
        ({"test_size": 0.95}, "training part will be empty"),
        ({"test_size": 0.2, "train_size": 0.85}, r"shares .* = 1.05, should be at most 1"),
        (
            {"test_size": 0.25, "train_size": 0.7, "validation_size": 0.09},
            r"sum of the shares train_size, validation_size and test_size = 1.04",
        ),
        ({"validation_size": 1.2}, "'validation_size' parameter of train_test_split"),
        (
            {"test_size": 0.5, "validation_size": 0.6},
            "sum of train_size, validation_size and test",
        ),
        ({"test_size": 5, "validation_size": 5}, "the training part will be empty"),
        ({"test_size": 5, "validation_size": 0.05}, "the validation part will be empty"),
    ],
    ids=str,
)
def test_wrong_sizes_are_refused(sizes, message):
    X = [str(number) for number in range(10)]
    with pytest.raises(ValueError, match=message):
        train_test_split(X, groups=X, finder="precomputed", **sizes)
