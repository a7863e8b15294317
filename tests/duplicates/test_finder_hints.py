"""What belongs to the finder, and is typed elsewhere, is answered with where it belongs."""

import inspect
import pickle
import re

import numpy as np
import pytest
from sklearn.base import clone

import hashfeatures
from hashfeatures import (
    NearDuplicateFinder,
    NearDuplicateKFold,
    NearDuplicateShuffleSplit,
    ParameterError,
    assert_no_leakage,
    calibrate,
    drop_duplicates,
    find_duplicates,
    leakage_report,
    make_report,
    repair_split,
    train_test_split,
)

IMAGES = ["a.png", "b.png"]
CALLS = {
    find_duplicates: (IMAGES,),
    drop_duplicates: (IMAGES,),
    train_test_split: (IMAGES,),
    leakage_report: (IMAGES, IMAGES),
    assert_no_leakage: (IMAGES, IMAGES),
    repair_split: (IMAGES, IMAGES),
    make_report: (IMAGES,),
    calibrate: (IMAGES,),
    NearDuplicateKFold: (2,),
    NearDuplicateShuffleSplit: (2,),
}
each_call = pytest.mark.parametrize("function", CALLS, ids=lambda function: function.__name__)


@each_call
@pytest.mark.parametrize(
    "typed",
    [
        {"radius": 8},
        {"n_jobs": -1},
        {"progress": True},
        {"hashes": ["phash", "dhash"], "views": "flips"},
        {"radius": 8, "n_jobs": 2, "progress": True, "cache": "hashes.db"},
    ],
    ids=lambda typed: "-".join(typed),
)
def test_parameters_of_the_finder_are_pointed_to_it(function, typed):
    """The code that the message names holds the values that were typed."""
    own = inspect.signature(function).parameters
    typed = {name: value for name, value in typed.items() if name not in own}
    if not typed:
        pytest.skip("it has this parameter itself")
    with pytest.raises(ParameterError, match=f"{function.__name__} has no parameter") as raised:
        function(*CALLS[function], **typed)
    code = re.search(r"Pass finder=(.*)\.$", str(raised.value))[1]
    finder = eval(code, {"NearDuplicateFinder": NearDuplicateFinder})
    params = finder.get_params()
    assert {name: params[name] for name in typed} == typed


@pytest.mark.parametrize(
    ("name", "meant"),
    [("threshold", "radius"), ("num_workers", "n_jobs"), ("verbose", "progress")],
)
def test_names_of_other_packages_are_understood(name, meant):
    with pytest.raises(ParameterError, match=rf"'{name}'.*NearDuplicateFinder\({meant}=4\)"):
        find_duplicates(IMAGES, **{name: 4})


@each_call
def test_other_mistakes_are_told_by_python(function):
    with pytest.raises(TypeError, match="unexpected keyword argument 'radios'"):
        function(*CALLS[function], radios=3)


@each_call
def test_signatures_and_help_stay_as_they_are(function):
    parameters = inspect.signature(function).parameters
    assert "finder" in parameters
    assert "kwargs" not in parameters
    assert "finder" in function.__doc__
    assert pickle.loads(pickle.dumps(function)) is function
    target = function.__init__ if isinstance(function, type) else function
    assert target.__globals__["__name__"] == function.__module__  # or doctest passes it over


def test_splitters_show_their_parameters():
    assert "n_splits=3" in repr(NearDuplicateKFold(3))
    assert clone(NearDuplicateFinder(radius=3)).radius == 3


@pytest.mark.parametrize("shuffle", [True, False])
def test_shuffle_is_refused_by_name(shuffle):
    with pytest.raises(ParameterError, match=r"no parameter 'shuffle'.*repair_split") as raised:
        train_test_split(IMAGES, shuffle=shuffle)
    assert "random_state" in str(raised.value)
    with pytest.raises(ParameterError, match="no parameter 'shuffle'"):
        NearDuplicateShuffleSplit(shuffle=shuffle)
    assert NearDuplicateKFold(2, shuffle=shuffle).shuffle is shuffle


def test_what_the_refusal_of_shuffle_names_keeps_the_order():
    """The last rows are the test part, but for what has duplicates on both sides."""
    from sklearn.model_selection import train_test_split as plain_split

    bits = np.array([[int(bit) for bit in f"{row:05b}"] for row in range(10)])
    bits[9] = bits[0]
    finder = hashfeatures.DuplicateGroups(radius=0)
    train, test, _ = repair_split(*plain_split(bits, shuffle=False, test_size=4), finder=finder)
    np.testing.assert_array_equal(train, bits[[0, 1, 2, 3, 4, 5, 9]])
    np.testing.assert_array_equal(test, bits[[6, 7, 8]])
