"""A card says the same in all of its forms, and shows names as text."""

import base64
import hashlib
import re
from html import unescape

import pytest

from hashfeatures.report._card import is_card, write_card, write_card_text, write_markdown
from hashfeatures.report._card_sections import describe_leaks, folder_of

ODD = "x/</style><script>alert(1)</script>|`*_<img src=x onerror=1>\n.png"
PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def tally(images, identical, near, share=0.25):
    """Return a count of copies."""
    known = share is not None
    return {
        "images": images,
        "identical": identical if known else None,
        "near": near if known else None,
        "grouped": 0 if known else None,
        "total": identical + near if known else None,
        "share": share,
        "interval": [share / 2, share * 2] if known else None,
    }


def image(part, row, path, label="cat"):
    return {"part": part, "row": row, "image": path, "class": label}


@pytest.fixture
def summary():
    """Return the summary of a split with every kind of trouble, and odd names."""
    names = ["train", "<b>test</b>"]
    classes = {f"class {number}": number for number in range(40)}
    pair = {
        "left": image("train", 0, ODD),
        "right": image("<b>test</b>", 1, "x/b.png", None),
        "distance": 3,
        "agreement": 0.987,
        "relation": "mirrored",
        "identical": False,
        "conflict": True,
    }
    same = pair | {"identical": True, "relation": "same pixels", "agreement": 1.0}
    parts = {
        name: {
            "images": 100,
            "unreadable": 1,
            "low_detail": 0,
            "classes": classes,
            "leaks": tally(100, 5, 20),
            "across": {other: tally(100, 5, 20) for other in names if other != name},
            "by_class": {label: tally(9, 1, 2) for label in classes},
            "within": tally(100, 0, 3, 0.03) | {"groups": 1, "duplicates": 2},
        }
        for name in names
    }
    conflict = {
        "size": 9,
        "labels": {"cat": 5, "dog": 4},
        "parts": {"train": 9},
        "images": [image("train", row, f"x/{row}.png") for row in range(6)],
    }
    cat = {"class": ODD, "box": [0.25, 0.1, 0.75, 0.6]}
    dog = {"class": None, "box": [0.25, 0.1, 0.5, 0.6]}
    boxes = {
        "left": image("train", 0, ODD),
        "right": image("<b>test</b>", 1, "x/b.png"),
        "agreement": 0.97,
        "relation": "mirrored",
        "size": 15,
        "objects": [
            {"kind": "class differs", "iou": 0.512, "left": cat, "right": dog},
            {"kind": "missing in right", "iou": None, "left": cat, "right": None},
        ],
    }
    return {
        "title": "Cats & dogs",
        "settings": {"hashes": ["phash"], "bits": 64, "radius": 8, "min_agreement": 0.85},
        "unchecked": "Not checked: 2 of 200 images could not be read.",
        "parts": parts,
        "pairs": 31,
        "conflicts": {
            "groups": 12,
            "across": 2,
            "within": {"train": 10, "<b>test</b>": 0},
            "disagreeing": 40,
            "labeled": 200,
            "identical": 1,
            "worst": [conflict] * 12,
        },
        "annotations": {
            "min_iou": 0.5,
            "compared": 40,
            "pairs": 10,
            "across": 4,
            "within": {"train": 6, "<b>test</b>": 0},
            "objects": 150,
            "kinds": {"class differs": 140, "missing in right": 10},
            "worst": [boxes] * 10,
        },
        "named_sequences": None,
        "straddling": {
            "noun": "sequence",
            "groups": 9,
            "all_groups": 50,
            "images": 77,
            "worst": [{"group": "3", "image": ODD, "parts": dict.fromkeys(names, 4)}] * 9,
        },
        "worst_pairs": [same, pair],
        "repairs": [
            {
                "priority": priority,
                "moved": 25,
                "parts": {name: {"images": 100, "classes": classes} for name in names},
            }
            for priority in ("train", "majority")
        ],
    }


def test_all_forms_say_the_same(summary):
    """The verdict, every section and every number are in the page, the Markdown and the text."""
    html = write_card(summary, {})
    for form in (html, write_markdown(summary), write_card_text(summary)):
        plain = re.sub(r"<[^>]+>", " ", form).replace("\\", "").lower()
        for said in (
            "25 of 100 images in",
            "25.0%, 95% interval 12.5% to 50.0%",
            "5 with equal pixels",
            "could not be read",
            "31 pairs are in different parts",
            "9 of 50 sequences, with 77 images",
            "or an image of their sequence",
            "12.5% to 50.0%",
            "12 groups of near duplicates have different labels",
            "cat 5, dog 4",
            "mirrored",
            "moves 25 images",
            "at most 8 of the 64 bits of phash",
            "10 more",
            "4 more",
            "10 of 40 pairs of near duplicates disagree on 150 objects: 4 across parts",
            "class differs 140, missing in right 10",
            "without a class (iou 0.51)",
            "13 more",
            "2 more",
        ):
            assert said in plain, said


def test_names_are_shown_as_text(summary):
    """No name of a part, class or file becomes markup, in either form."""
    html = write_card(summary, {("train", 0): PICTURE})
    body = html.partition("</style>")[2]
    assert "<script>" not in html
    assert "<b>test" not in body
    assert "<img src=x" not in html
    assert body.count(PICTURE) == len(summary["worst_pairs"]) + 8 + 8
    markdown = write_markdown(summary)
    assert "<img" not in markdown.replace("\\<img", "")
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    cells = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert 1 not in cells


def test_a_page_needs_nothing_but_itself(summary):
    html = write_card(summary, {})
    assert is_card(html[:4096])
    policy = unescape(re.search(r'Policy" content="([^"]*)"', html)[1])
    style = html.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"style-src 'sha256-{digest}'" in policy
    assert "<script" not in html
    assert not re.search(r"(src|href)=\"(?!data:)", html)
    assert html.count("<h1>") == 1
    assert html.count("no picture") > 2
    assert not re.search(r"style=\"", html)
    fragment = write_card(summary, {}, whole=False)
    assert not is_card(fragment)
    assert "<html" not in fragment
    assert "hf-notebook" in fragment


def test_unknown_counts_are_dashes(summary):
    """A part of which nothing was compared shows no share, and the reason is said."""
    part = summary["parts"]["<b>test</b>"]
    part |= {name: tally(100, 0, 0, None) for name in ("leaks",)}
    part["across"] = {"train": tally(100, 0, 0, None)}
    part["within"] |= tally(100, 0, 0, None)
    for form in (write_card(summary, {}), write_markdown(summary), write_card_text(summary)):
        assert "\N{EN DASH}" in form
    assert describe_leaks(summary) == [summary["unchecked"]]
    assert "unknown" in write_card(summary, {})


def test_a_split_without_labels_or_copies(summary):
    """Without labels and copies, the card says so instead of showing empty tables."""
    for part in summary["parts"].values():
        part |= {"classes": None, "by_class": None}
    for repair in summary["repairs"]:
        repair["moved"] = 0
    summary |= {
        "conflicts": None,
        "annotations": None,
        "straddling": None,
        "named_sequences": {"sequences": 1200, "straddling": 12, "images": 34},
        "worst_pairs": [],
        "settings": None,
        "unchecked": None,
    }
    text = write_card_text(summary)
    assert "LABEL CONFLICTS" not in text
    assert "ANNOTATION CONFLICTS" not in text
    assert "WORST PAIRS" not in text
    assert "No image has to move." in text
    assert "1,200 sequences. In more than one part: 12, with 34 images." in text
    assert folder_of(summary) == ""
    assert "Label conflicts" not in write_card(summary, {})


def test_boxes_in_conflict_are_drawn_on_their_images(summary):
    html = write_card(summary, {("train", 0): PICTURE})
    assert html.count('<rect x="0.25" y="0.1" width="0.5" height="0.5"/>') == 2 * 8
    summary["annotations"] |= {"pairs": 0, "objects": 0, "kinds": {}, "worst": []}
    assert "all 40 pairs of near duplicates agree" in write_card(summary, {})
    assert (
        "<rect"
        not in write_card(summary, {})
        .partition("Annotation conflicts")[2]
        .partition("</section>")[0]
    )


def test_paths_are_relative_to_their_common_folder(summary):
    assert folder_of(summary) == "x/"
    assert "Paths are relative to x/" in write_card_text(summary)
    assert "train: 0.png" in write_card_text(summary)


def test_escape_codes_do_not_reach_a_terminal(summary):
    """The name of a class cannot color or clear the terminal, nor break a line."""
    for part in summary["parts"].values():
        part["classes"] = {"red\x1b[31m\nclass": 1}
    for repair in summary["repairs"]:
        repair["parts"] = summary["parts"]
    text = write_card_text(summary)
    assert "\x1b" not in text
    assert "\nclass" not in text
    assert "\x1b" not in write_markdown(summary)
