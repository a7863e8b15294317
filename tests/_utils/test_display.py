"""Every public result stays small at a prompt and in a notebook, and is escaped there."""

import html
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClusterMixin

from hashfeatures import (
    DuplicateReport,
    HammingNeighbors,
    NearDuplicateFinder,
    Pairs,
    ViewPairs,
    leakage_report,
    make_report,
    repair_split,
)
from hashfeatures._utils.display import facts_as_html, facts_as_text, rows_as_html, rows_as_text
from hashfeatures.distributed.groups._groups import GroupsSummary
from hashfeatures.distributed.hashes._hashing import HashSummary
from hashfeatures.distributed.pairs._pairs import PairsSummary
from hashfeatures.distributed.splits._split import SplitSummary
from hashfeatures.duplicates.calibration._trial import Trial

ODD = "<script>alert(1)</script>\udcff\n"


class Copies(ClusterMixin, BaseEstimator):
    """Take images of one first letter for near duplicates: many, and none is read."""

    def fit_predict(self, X, y=None):
        return np.array([int(name.split("/")[-1][:4]) for name in X])


@pytest.fixture(scope="module")
def results():
    """Return every kind of result, of many images with names that a page must escape."""
    names = [f"{ODD}/{'a long folder/' * 9}{number:04d}.png" for number in range(2000)]
    copies = [name.replace(".png", ".jpg") for name in names]
    rows = np.arange(2000)
    views = np.array([f"{ODD} {row}" for row in rows], dtype=object)
    finder = Copies()
    *_, repair = repair_split(names, [*copies, "9999.png"], finder=finder)
    conflicts = pd.DataFrame({"image": names}, dtype=object)
    return [
        leakage_report(names, copies, finder=finder),
        repair,
        Pairs(rows, rows, rows),
        ViewPairs(rows, rows, rows, views, views),
        HammingNeighbors(radius=0).fit(np.zeros((200, 8), dtype=bool)).pairs(),
        HashSummary(ODD, 1, 2, 3),
        PairsSummary(ODD, 1, 2, 3),
        GroupsSummary(ODD, 1, 2, 3),
        SplitSummary(ODD, {"train": 1, "test": 2}, 3, conflicts),
        Trial(rows, rows, conflicts, 24, np.zeros((100, 25)), None, None, names, {}),
    ]


class Nesting(HTMLParser):
    """Fail unless every element that opens is closed, in order; void ones aside."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in ("img", "br", "meta", "link", "line", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_every_result_is_a_few_lines(results):
    for result in results:
        text = repr(result)
        assert len(text.splitlines()) <= 8, text
        assert len(text) < 1600, text


def test_every_result_is_a_small_piece_of_html(results):
    for result in results:
        shown = result._repr_html_()
        assert len(shown) < 60_000
        assert "<script>" not in shown
        shown.encode("utf-8")
        parser = Nesting()
        parser.feed(shown)
        assert not parser.open


def test_pairs_are_shown_as_a_table():
    pairs = Pairs(np.array([0, 3]), np.array([10, 12]), np.array([1, 0]))
    assert repr(pairs) == "\n".join(
        [
            "Pairs: 2 pairs",
            "left  right  distance",
            "   0     10         1",
            "   3     12         0",
        ]
    )
    assert "<td>10</td>" in pairs._repr_html_()
    assert repr(Pairs.concatenate([])) == "Pairs: 0 pairs"


def test_what_is_more_is_counted():
    assert rows_as_text("told", {"row": range(1007)}).endswith("\nand 1,002 more")
    assert rows_as_html("told", {"row": range(1007)}).endswith("<p>and 1,002 more</p>")


def test_the_end_of_a_long_path_is_shown():
    shown = facts_as_html("X", {"path": "a/" * 500 + "cat.png"})
    assert "/cat.png<" in shown
    assert len(shown) < 200


def test_facts_are_named():
    assert facts_as_text("X", {"a": 1}) == "X(a=1)"
    assert html.unescape(facts_as_html("X", {"a": "<"})).count("<td>") == 2


def test_a_report_of_many_pictures_is_small_in_a_notebook(noise_image):
    """Its page takes 8 MB; a notebook keeps what its cells show."""
    picture = make_report([noise_image(0, size=(400, 300))] * 2).thumbnails[0]
    groups = [
        {
            "images": list(range(30 * n, 30 * n + 30)),
            "diameter": 0,
            "weakest_link": None,
            "conflict": False,
            "leak": False,
        }
        for n in range(50)
    ]
    image = make_report([noise_image(0)] * 2).summary["images"][0]
    summary = make_report([noise_image(0)] * 2).summary
    summary |= {"groups": groups, "images": [image] * 1500}
    report = DuplicateReport(summary, dict.fromkeys(range(1500), picture))
    shown = report._repr_html_()
    assert len(shown) < 500_000
    assert shown.count("data:image/jpeg") == 20 * 4  # smaller, so that all have room
    assert len(report.to_html()) > 4_000_000
    assert len(repr(report)) < 300


def test_a_finder_of_large_groups_is_small_in_a_notebook(noise_image, tmp_path):
    path = str(tmp_path / "image.png")
    noise_image(0, size=(400, 300)).save(path)
    finder = NearDuplicateFinder().fit([path] * 20)
    assert finder._repr_html_().count("data:image/jpeg") == 4
