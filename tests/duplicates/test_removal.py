"""What can be removed comes with the image that is kept for it, in the order of the report."""

import numpy as np
import pytest

from hashfeatures import NearDuplicateFinder, drop_duplicates, make_report
from hashfeatures.duplicates._removal import (
    choose_representatives,
    plan_listed_removal,
    plan_removal,
)


@pytest.fixture
def finder(family):
    return NearDuplicateFinder().fit(family[0])


@pytest.mark.parametrize("keep", ["largest", "first"])
def test_what_is_removed_is_what_drop_duplicates_leaves_out(finder, family, keep):
    files = family[0]
    kept, info = drop_duplicates(files, keep=keep, return_info=True, finder=finder)
    removals = plan_removal(finder, choose_representatives(finder, files, keep))
    assert {each.row for each in removals} == set(info.index)
    for each in removals:
        assert files[each.kept] in kept
        assert (each.kept, each.distance) == tuple(info.loc[each.row, ["kept", "distance"]])


def test_removals_are_in_the_order_of_the_report(finder, family):
    files = family[0]
    summary = make_report(files, finder=finder, max_thumbnails=0).summary
    removals = plan_removal(finder, choose_representatives(finder, files))
    spare = [(image["row"], image["stand_in"]) for image in summary["images"] if not image["kept"]]
    assert [(each.row, each.kept) for each in removals] == spare


def test_listed_images_go_for_the_nearest_that_stays(finder, family):
    labels = finder.labels_
    group = np.flatnonzero(labels == labels[0])
    removals = plan_listed_removal(finder, group[1:])
    assert [(each.row, each.kept) for each in removals] == [(row, group[0]) for row in group[1:]]
    assert all(0 <= each.distance <= finder.radius_ for each in removals)
    assert {each.kept for each in plan_listed_removal(finder, group)} == {None}
