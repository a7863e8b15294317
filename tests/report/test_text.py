"""The text form of a report."""

import numpy as np

from hashfeatures.report._summary import Grouping, Match, summarize
from hashfeatures.report._text import describe_counts, write_text

SETTINGS = {"hashes": ["dhash"], "bits": 64, "radius": 4}


def make_summary(labels):
    labels = np.array(labels)
    firsts = np.array([int(np.flatnonzero(labels == label)[0]) for label in labels])
    nearest = np.where(np.bincount(labels)[labels] > 1, 0, -1)
    sources = [f"{row}.png" for row in range(len(labels))]
    grouping = Grouping(sources, labels, nearest, firsts, {}, {}, [])
    return summarize(grouping, {}, title="Near duplicates", settings=SETTINGS)


def test_images_without_near_duplicates_are_only_counted():
    """Without groups, the text mentions neither groups nor removal."""
    assert describe_counts(make_summary([0, 1])) == "2 images: no near duplicates."


def test_a_star_marks_images_that_are_kept():
    """The text lists each group with its images and their distances."""
    lines = write_text(make_summary([0, 1, 0])).splitlines()
    assert lines[0].endswith(
        "1 group of near duplicates with 2 images, 1 of which can be removed."
    )
    assert lines[1] == "Near duplicates differ in at most 4 of the 64 bits of dhash."
    assert [line.split()[0] for line in lines[3:]] == ["*", "0"]


def test_confirmed_duplicates_have_their_agreement_and_relation():
    """The line of a duplicate has its agreement and relation, and a group its weakest link."""
    grouping = Grouping(
        ["a.png", "b.png", "c.png"],
        np.array([0, 0, 0]),
        np.array([1, 3, 1]),
        np.array([0, 0, 0]),
        {0: 5},
        {},
        [],
        matches={1: Match(0.93149, "mirrored"), 2: Match(0.9999, "recompressed")},
        weakest_links={0: np.float32(0.8599)},
    )
    settings = SETTINGS | {"min_agreement": 0.85}
    summary = summarize(grouping, {}, title="Near duplicates", settings=settings)
    lines = write_text(summary).splitlines()
    assert lines[1].endswith("of dhash. The agreement of their pixels is at least 0.85.")
    assert lines[2:] == [
        "group 0: 3 images, weakest link 0.85",
        "  *    1 bit        a.png",
        "      3 bits  0.93  b.png  mirrored",
        "       1 bit  0.99  c.png  recompressed",
    ]
