"""The text form of a report."""

import numpy as np

from hashfeatures.report._summary import Grouping, summarize
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
