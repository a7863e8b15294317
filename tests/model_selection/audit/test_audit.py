"""The audit counts every copy, conflict and unreadable image of a split, and limits hold."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hashfeatures import (
    DuplicateGroups,
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    SplitAudit,
    audit_split,
    leakage_report,
    repair_split,
)


@pytest.fixture
def split(family, tmp_path):
    """Return parts with two leaks, one of them identical, and a conflict of labels."""
    files, _ = family
    twin = tmp_path / "twin.png"
    shutil.copy(files[6], twin)
    parts = {"train": [*files[:2], *files[6:8]], "test": [files[2], str(twin), files[12]]}
    y = {"train": ["astronaut", "astronaut", "coffee", "coffee"], "test": ["man", "coffee", None]}
    return parts, y


def test_copies_are_counted_within_and_across_parts(split):
    parts, y = split
    facts = audit_split(parts, y=y).summary()
    test = facts["parts"]["test"]
    assert test["leaks"]["total"] == 2
    assert (test["leaks"]["identical"], test["leaks"]["near"]) == (1, 1)
    assert test["leaks"]["share"] == pytest.approx(2 / 3)
    low, high = test["leaks"]["interval"]
    assert 0 < low < 2 / 3 < high < 1
    assert test["across"]["train"] == test["leaks"]
    assert test["within"]["total"] == test["within"]["duplicates"] == 0
    train = facts["parts"]["train"]
    assert (train["within"]["near"], train["within"]["identical"]) == (4, 0)
    assert (train["within"]["groups"], train["within"]["duplicates"]) == (2, 2)
    assert (train["leaks"]["identical"], train["leaks"]["total"]) == (1, 4)
    assert facts["pairs"] == 4
    assert facts["unchecked"] is None
    assert facts["settings"]["hashes"] == ["phash", "dhash"]


def test_classes_and_conflicts(split):
    """Images are counted by class; groups with different labels are found and located."""
    parts, y = split
    facts = audit_split(parts, y=y).summary()
    assert facts["parts"]["train"]["classes"] == {"astronaut": 2, "coffee": 2, "man": 0}
    assert facts["parts"]["test"]["classes"] == {"astronaut": 0, "coffee": 1, "man": 1}
    by_class = facts["parts"]["test"]["by_class"]
    assert {name: tally["total"] for name, tally in by_class.items()} == {"coffee": 1, "man": 1}
    conflicts = facts["conflicts"]
    assert (conflicts["groups"], conflicts["across"]) == (1, 1)
    assert conflicts["within"] == {"train": 0, "test": 0}
    assert (conflicts["disagreeing"], conflicts["labeled"]) == (1, 6)
    assert conflicts["identical"] == 0
    (worst,) = conflicts["worst"]
    assert worst["labels"] == {"astronaut": 2, "man": 1}
    assert worst["parts"] == {"train": 2, "test": 1}
    assert {image["class"] for image in worst["images"][:2]} == {"astronaut", "man"}


def test_worst_pairs_are_one_of_each_group(split):
    parts, y = split
    pairs = audit_split(parts, y=y).summary()["worst_pairs"]
    assert [pair["identical"] for pair in pairs] == [True, False]
    assert [pair["conflict"] for pair in pairs] == [False, True]
    assert pairs[0]["left"]["image"] == parts["train"][2]
    assert pairs[0]["right"] == {
        "part": "test", "row": 1, "image": parts["test"][1], "class": "coffee"
    }  # fmt: skip
    assert pairs[0]["agreement"] == 1
    assert pairs[1]["relation"]
    assert len(audit_split(parts, y=y, n_pairs=1).summary()["worst_pairs"]) == 1
    assert audit_split(parts, n_pairs=0).summary()["worst_pairs"] == []


def test_repairs_are_those_of_repair_split(split):
    """The sizes after a repair are those that `repair_split` makes."""
    parts, y = split
    for repair in audit_split(parts, y=y).summary()["repairs"]:
        repaired, moves = repair_split(parts, priority=repair["priority"])
        assert repair["moved"] == len(moves.moved) > 0
        after = repair["parts"]
        assert {name: len(images) for name, images in repaired.items()} == {
            name: part["images"] for name, part in after.items()
        }
        labels = dict(zip(parts, moves.apply(*y.values()), strict=True))
        for name, part in after.items():
            known = pd.Series(labels[name]).value_counts().to_dict()
            assert {label: n for label, n in part["classes"].items() if n} == known


@given(st.integers(0, 2**32), st.integers(2, 3))
def test_counts_agree_with_a_leakage_report(seed, n_parts):
    """Whatever the split, the counts are those of the report and of brute force."""
    rng = np.random.default_rng(seed)
    bits = (rng.random((rng.integers(n_parts, 40), 12)) < 0.2).astype(float)
    bits[rng.random(len(bits)) < 0.1] = np.nan
    parts = dict(zip("abc", np.array_split(bits, n_parts), strict=False))
    finder = DuplicateGroups(2)
    facts, report = (
        audit_split(parts, finder=finder).summary(),
        leakage_report(parts, finder=finder),
    )
    last = list(parts)[-1]
    if not facts["unchecked"] or "could be read" not in facts["unchecked"]:
        assert facts["parts"][last]["leaks"]["total"] == len(report.leaking)
    for name, part in parts.items():
        near = (part[:, None] != part[None]).sum(axis=2) <= 2
        near &= ~np.isnan(part[:, 0])[:, None] & ~np.isnan(part[:, 0])
        np.fill_diagonal(near, False)
        copied = facts["parts"][name]["within"]["total"]
        assert copied is None or copied == near.any(axis=1).sum()
    json.loads(json.dumps(facts, allow_nan=False))


def test_bits_have_no_identical_pixels():
    """A matrix of bits says nothing of pixels, so identical images are not counted."""
    facts = audit_split([[0, 0], [1, 1]], [[0, 0]], finder=DuplicateGroups(0)).summary()
    leaks = facts["parts"]["test"]["leaks"]
    assert (leaks["total"], leaks["identical"], leaks["near"]) == (1, None, 1)
    assert facts["worst_pairs"][0]["left"]["image"] is None
    assert "row 0" in audit_split([[0, 0]], [[0, 0]], finder=DuplicateGroups(0)).to_markdown()


def test_identical_means_equal_pixels(tmp_path, noise_image):
    """Other files of the same pixels are identical; a copy with one changed pixel is not."""
    image = noise_image(0, size=(300, 200))
    changed = image.copy()
    changed.putpixel((0, 0), tuple(255 - value for value in image.getpixel((0, 0))))
    image.save(tmp_path / "train.png")
    image.save(tmp_path / "same.bmp")
    changed.save(tmp_path / "changed.png")
    test = [str(tmp_path / name) for name in ("same.bmp", "changed.png")]
    audit = audit_split([str(tmp_path / "train.png")], test)
    leaks = audit.summary()["parts"]["test"]["leaks"]
    assert (leaks["identical"], leaks["near"]) == (1, 1)
    alone = audit_split([str(tmp_path / "train.png")], test[1:]).summary()["worst_pairs"][0]
    assert alone["relation"] != "same pixels"
    in_memory = audit_split([image], [np.asarray(image), changed])
    leaks = in_memory.summary()["parts"]["test"]["leaks"]
    assert (leaks["identical"], leaks["near"]) == (1, 1)


def test_files_that_are_gone_are_judged_by_their_thumbnails(tmp_path, noise_image):
    """A file that vanished after it was compared counts by what is known of it."""
    files = [str(tmp_path / name) for name in ("a.png", "b.png")]
    for file in files:
        noise_image(0).save(file)
    audit = audit_split(files[:1], files[1:])
    Path(files[1]).unlink()
    assert audit.summary()["parts"]["test"]["leaks"]["identical"] == 1


def test_labels_may_come_in_any_form(split):
    parts, y = split
    expected = audit_split(parts, y=y).summary()
    by_list = audit_split(parts["train"], parts["test"], y=[y["train"], pd.Series(y["test"])])
    assert by_list.summary() == expected
    frames = {
        name: pd.DataFrame({"path": files, "kind": y[name]}) for name, files in parts.items()
    }
    assert audit_split(frames, y="kind").summary() == expected
    numbers = [np.arange(4), np.array([0.0, 1.0, np.nan])]
    classes = audit_split(parts, y=numbers).summary()["parts"]["test"]["classes"]
    assert classes == {"0": 1, "1": 1, "2": 0, "3": 0}


@pytest.mark.parametrize(
    "y",
    [
        ["a"] * 7,
        {"train": ["a"] * 4},
        "kind",
        [["a"] * 4, "abc"],
        3,
    ],
)
def test_labels_that_fit_no_part_are_refused(split, y):
    parts, _ = split
    with pytest.raises(ParameterError, match="'y' parameter of audit_split"):
        audit_split(parts, y=y)
    with pytest.raises(ValueError, match="one value of y for each of the 3 images in test"):
        audit_split(parts, y=[["a"] * 4, ["a"] * 4])


def test_limits(split):
    """Numbers limit counts and shares limit shares; unknown names and values are refused."""
    parts, y = split
    audit = audit_split(parts, y=y)
    assert audit.exceeded({"leaks": 2, "identical": 1, "conflicts": 1, "duplicates": 2}) == []
    assert audit.exceeded({"leaks": 0.67, "conflicts": 0.17, "unreadable": 0}) == []
    assert len(audit.exceeded({"leaks": 1, "identical": 0, "conflicts": 0, "duplicates": 1})) == 4
    assert audit.exceeded({"leaks": 0.5}) == [
        "Images with a near duplicate in another part: 66.67%, and 50.00% allowed."
    ]
    for limits in ({"leek": 1}, {"leaks": -1}, {"leaks": 1.5}, {"leaks": "1"}):
        with pytest.raises(ParameterError):
            audit.exceeded(limits)
    with pytest.raises(ParameterError, match="conflicts"):
        audit_split(parts).exceeded({"conflicts": 0})


def test_unreadable_images_are_counted_and_not_passed_over(split):
    parts, _ = split
    parts = parts | {"test": ["missing.png", *parts["test"]]}
    with pytest.warns(FailedImagesWarning):
        audit = audit_split(parts)
    facts = audit.summary()
    assert facts["parts"]["test"]["unreadable"] == 1
    assert "1 of 8 images could not be read" in facts["unchecked"]
    with pytest.warns(FailedImagesWarning):
        assert audit_split(parts, allow_unreadable=1).summary()["unchecked"] is None
    assert audit.exceeded({"unreadable": 0}) == ["Unreadable images: 1, and 0 allowed."]
    with pytest.warns(FailedImagesWarning):
        audit = audit_split(parts["train"], ["missing.png"])
    leaks = audit.summary()["parts"]["test"]["leaks"]
    assert leaks["total"] is leaks["share"] is leaks["interval"] is None
    assert "Not checked" in repr(audit)
    assert "test has no images" in audit_split(parts["train"], []).summary()["unchecked"]


def test_groups_in_more_than_one_part(split):
    """Images that only share a group with another part leak, and the groups are listed."""
    parts, y = split
    groups = {"train": ["a", "a", "b", "b"], "test": ["c", "d", "b"]}
    audit = audit_split(parts, y=y, groups=groups)
    facts = audit.summary()
    leaks = facts["parts"]["test"]["leaks"]
    assert [leaks[name] for name in ("identical", "near", "grouped", "total")] == [1, 1, 1, 3]
    assert facts["parts"]["train"]["within"]["grouped"] == 0
    straddling = facts["straddling"]
    assert (straddling["noun"], straddling["groups"], straddling["all_groups"]) == ("group", 1, 4)
    assert straddling["worst"] == [
        {"group": "b", "image": parts["train"][2], "parts": {"train": 2, "test": 1}}
    ]
    assert len(leakage_report(parts, groups=groups).leaking) == 3
    assert [repair["parts"]["test"]["images"] for repair in facts["repairs"]] == [0, 0]
    assert audit.exceeded({"straddling": 1, "leaks": 3}) == []
    assert len(audit.exceeded({"straddling": 0.2, "leaks": 2})) == 2
    assert "Same group" in audit.to_markdown()
    assert audit_split(parts).summary()["straddling"] is None
    with pytest.raises(ParameterError, match="no groups"):
        audit_split(parts).exceeded({"straddling": 0})
    found = audit_split(parts, groups="sequences").summary()["straddling"]
    assert found["noun"] == "sequence"


def test_sequences_that_file_names_tell_are_counted_without_groups(tmp_path):
    """A card without groups says that recordings straddle, though no hash can see it."""
    parts = {}
    rng = np.random.default_rng(0)
    for part, frames in (("train", range(3)), ("test", range(3, 5))):
        parts[part] = []
        for track in range(2):
            for frame in frames:
                path = tmp_path / f"{track:05d}_{frame:05d}.png"
                Image.fromarray(rng.integers(0, 256, (40, 40), dtype=np.uint8)).save(path)
                parts[part].append(str(path))
    audit = audit_split(parts)
    named = audit.summary()["named_sequences"]
    assert named == {"sequences": 2, "straddling": 2, "images": 10}
    assert not audit.report.leaks
    assert "File names tell 2 sequences." in audit.to_text()
    assert audit_split(parts, groups="sequences").summary()["named_sequences"] is None


def test_forms(split, tmp_path):
    """A card can be had as HTML, Markdown, JSON and text, and saved by its suffix."""
    parts, y = split
    audit = audit_split(parts, y=y, title="Cups")
    assert isinstance(audit, SplitAudit)
    for form in (audit.to_html, audit.to_markdown, audit.to_json):
        assert form(tmp_path / "card") is None
        assert (tmp_path / "card").read_text(encoding="utf-8") == form()
    assert json.loads(audit.to_json()) == audit.summary()
    for suffix in ("html", "htm", "md", "json", "txt"):
        audit.save(tmp_path / f"card.{suffix}")
        assert "Cups" in (tmp_path / f"card.{suffix}").read_text(encoding="utf-8")
    with pytest.raises(ParameterError, match="ending in"):
        audit.save(tmp_path / "card.pdf")
    assert "hf-notebook" in audit._repr_html_()
    assert str(audit) == audit.to_text()


def test_a_fitted_finder_hashes_nothing_again(split):
    parts, _ = split
    finder = NearDuplicateFinder().fit([*parts["train"], *parts["test"]])
    assert audit_split(parts, finder=finder).summary() == audit_split(parts).summary()


def test_images_of_low_detail(tmp_path):
    """Blank images that are equal are identical."""
    for name in ("a", "b"):
        Image.new("RGB", (40, 40), "white").save(tmp_path / f"{name}.png")
    audit = audit_split([str(tmp_path / "a.png")], [str(tmp_path / "b.png")])
    assert audit.summary()["parts"]["test"]["leaks"]["identical"] == 1


def test_many_equal_images_hide_no_other_pair(tmp_path, family, monkeypatch):
    """However many pairs of equal images there are, other groups are among the worst pairs."""
    monkeypatch.setattr("hashfeatures.model_selection.audit._audit._CANDIDATES", 20)
    files, _ = family
    blank = Image.new("L", (40, 30), 255)
    audit = audit_split([files[0], *[blank] * 30], [files[2], *[blank] * 30])
    pairs = audit.summary()["worst_pairs"]
    assert [pair["identical"] for pair in pairs] == [True, False]
    assert audit.summary()["pairs"] == 901
