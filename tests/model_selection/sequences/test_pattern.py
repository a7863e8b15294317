"""Patterns of file names that a user gives."""

import re

import numpy as np
import pytest

from hashfeatures.exceptions import ParameterError
from hashfeatures.model_selection.sequences._names import find_name_runs
from hashfeatures.model_selection.sequences._pattern import match_names

NAMES = [
    "north/p1/a_01.png",
    "north/p1/a_02.png",
    "south/p1/a_03.png",
    "south/p2/a_02.png",
    "x.gif",
]


@pytest.mark.parametrize(
    ("pattern", "labels"),
    [
        ("{series}_{frame}.png", [0, 0, 1, 2, -1]),
        ("{series}_{counter}", [0, 0, 1, 2, -1]),
        ("{folder}/{series}_{frame}", [0, 0, 1, 2, -1]),
        ("{patient}/a_{frame}", [0, 0, 0, 1, -1]),
        ("{patient}/*_*.png", [0, 0, 0, 1, -1]),
        (r"{patient}\a_{frame}", [0, 0, 0, 1, -1]),
        (r"/(?P<patient>p\d+)/", [0, 0, 0, 1, -1]),
        (re.compile(r"(?P<kind>[a-z])_(?P<frame>\d+)"), [0, 0, 1, 2, -1]),
        (r"(?P<part>\w+)/.*_(?P<frame>\d+)", [0, 0, 1, 1, -1]),
    ],
)
def test_fields_but_the_counter_identify_a_sequence(pattern, labels):
    """A sequence stays in its folder unless the pattern has a slash."""
    runs, n_unmatched = match_names("fit", NAMES, pattern)
    np.testing.assert_array_equal(runs.labels, labels)
    assert n_unmatched == 1


def test_a_counter_takes_all_digits():
    runs, _ = match_names("fit", ["img12.png", "img7.png"], "{name}{frame}.png")
    np.testing.assert_array_equal(runs.labels, [0, 0])
    np.testing.assert_array_equal(runs.counters, [12, 7])


def test_without_a_counter_names_give_the_order():
    runs, _ = match_names("fit", ["p1-b10.png", "p1-b9.png", "p1-a.png"], "{patient}-*")
    np.testing.assert_array_equal(runs.counters, [2, 1, 0])


def test_what_was_found_can_be_passed_as_a_pattern():
    names = [f"{kind}/{track}_{n}.png" for kind in "ab" for track in range(3) for n in range(9)]
    found = find_name_runs(names)
    matched, n_unmatched = match_names("fit", names, found.patterns[0])
    np.testing.assert_array_equal(matched.labels, found.labels)
    assert not n_unmatched


def test_a_pattern_that_matches_nothing_names_what_it_did_not_match():
    with pytest.raises(ValueError, match=r"matches none of 5 names.*'north/p1/a_01.png'"):
        match_names("fit", NAMES, "{series}-{frame}.jpg")


@pytest.mark.parametrize(
    "pattern", ["a.png", "", 3, "(?P<a", "{a}_{a}", r"(\d+)", re.compile("a")]
)
def test_no_pattern_is_refused_with_an_example(pattern):
    with pytest.raises(ParameterError, match="'pattern' parameter of fit must be a template"):
        match_names("fit", NAMES, pattern)
