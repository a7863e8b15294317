"""Reports: one summary, and the page, the JSON and the text that are made from it."""

import json
import re

import numpy as np
import pytest
from PIL import Image

from hashfeatures import NearDuplicateFinder, ParameterError, hash_images, make_report
from hashfeatures.duplicates._summary import count_nearest


@pytest.fixture
def report(family):
    files, shown = family
    parts = ["train", "test", "train"] * 5
    classes = [*shown[:-1], "other"]
    return make_report(files, classes=classes, parts=parts)


def test_the_summary_says_what_was_found(report, family):
    files, _ = family
    summary = report.summary
    assert summary["counts"] | {"duplicate_bytes": 0} == {
        "images": 15,
        "groups": 5,
        "grouped_images": 15,
        "duplicates": 10,
        "duplicate_bytes": 0,
        "conflicts": 1,
        "leaks": 5,
        "unreadable": 0,
        "low_detail": 0,
    }
    assert sorted(image["path"] for image in summary["images"]) == sorted(files)
    assert sum(summary["distances"]["counts"]) == 15
    assert summary["settings"] == {
        "hashes": ["phash", "dhash"],
        "bits": 128,
        "radius": 28,
        "min_agreement": NearDuplicateFinder().min_agreement,
    }
    for image in summary["images"]:
        kept = next(i for i in summary["images"] if i["row"] == image["stand_in"])
        assert kept["kept"]
        with Image.open(image["path"]) as opened:
            assert (image["width"], image["height"]) == opened.size
            assert image["format"] == opened.format


def test_a_duplicate_is_described_by_the_image_that_is_kept_for_it(family):
    """Each duplicate has an agreement, a relation and a map to it; hashes alone have none."""
    files, _ = family
    summary = make_report(files).summary
    least = NearDuplicateFinder().min_agreement
    for image in summary["images"]:
        is_described = [image[name] is not None for name in ("agreement", "relation", "map")]
        assert is_described == [not image["kept"]] * 3
        if not image["kept"]:
            assert least <= image["agreement"] <= 1
            assert len(image["map"]) == 6
    assert all(least <= group["weakest_link"] <= 1 for group in summary["groups"])
    alone = make_report(files, finder=NearDuplicateFinder(verify=False)).summary
    assert alone["settings"]["min_agreement"] is None
    assert {image["agreement"] for image in alone["images"]} == {None}
    assert {group["weakest_link"] for group in alone["groups"]} == {None}


def test_the_largest_and_widest_groups_come_first(report):
    groups = report.summary["groups"]
    keys = [(-len(group["images"]), -group["diameter"]) for group in groups]
    assert keys == sorted(keys)


def test_json_is_the_summary(report):
    assert json.loads(report.to_json()) == report.summary


def test_text_lists_the_groups(report):
    text = str(report)
    assert text.startswith("15 images: 5 groups of near duplicates with 15 images")
    assert "5 groups across parts of the split; 1 group with different labels" in text
    assert all(f"group {label}: " in text for label in range(5)), "as in the labels of the finder"


def test_pages_are_bounded(family, monkeypatch):
    """However many images there are, the thumbnails of a page are so many, and so large."""
    files, _ = family
    assert len(make_report(files, max_thumbnails=4).thumbnails) == 4
    monkeypatch.setattr("hashfeatures.duplicates._report._MOST_BYTES", 10_000)
    thumbnails = make_report(files).thumbnails
    assert 0 < sum(map(len, thumbnails.values())) <= 10_000


def test_a_page_needs_nothing_but_itself(report):
    page = report.to_html()
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "url(" not in page
    assert "@import" not in page


def test_nothing_in_a_name_ends_the_data(tmp_path, family):
    folder = tmp_path / "<"
    folder.mkdir()
    odd = folder / "script><!-- <script>\u2028.png"
    Image.open(family[0][0]).save(odd)
    page = make_report([str(odd), family[0][0]]).to_html()
    assert page.count("</script>") == 2
    assert page.count("<script") == 2
    assert "<!--" not in page


def test_unreadable_and_plain_images_are_listed(image_files, tmp_path):
    flat = tmp_path / "flat.png"
    Image.new("RGB", (40, 30), "red").save(flat)
    with pytest.warns(UserWarning, match="1 of 8"):
        report = make_report([*image_files, "no.png", str(flat)])
    assert [row["path"] for row in report.summary["unreadable"]] == ["no.png"]
    assert [row["path"] for row in report.summary["low_detail"]] == [str(flat)]
    page = report.to_html()
    assert "1 unreadable image" in page
    assert "FileNotFoundError" in page


def test_no_images():
    report = make_report([])
    assert "0 images" in str(report)
    assert "No two images are near duplicates" in report.to_html()


def test_a_fitted_finder_is_not_fitted_again(family):
    files, _ = family
    finder = NearDuplicateFinder().fit(files)
    labels = finder.labels_
    make_report(files, finder=finder)
    assert finder.labels_ is labels


def test_a_table_knows_files_that_are_not_here(family):
    from hashfeatures.duplicates._report import report_fitted

    table = hash_images(family[0], ["phash", "dhash"])
    table["image"] = "gone_" + table["image"].astype(str).str[-20:]
    report = report_fitted(NearDuplicateFinder().fit_table(table), table)
    assert all(image["width"] for image in report.summary["images"])
    assert not report.thumbnails


def test_nearest_neighbors_are_counted_however_far(family, monkeypatch):
    files, _ = family
    finder = NearDuplicateFinder().fit(files[::3])
    counts, n_measured = count_nearest(finder._images.fingerprints, None)
    assert sum(counts) == n_measured == 5
    assert sum(counts[:13]) == 0
    monkeypatch.setattr("hashfeatures.duplicates._summary._MOST_MEASURED", 2)
    assert count_nearest(finder._images.fingerprints, None)[1] == 2


def test_what_is_written_replaces_a_file_as_a_whole(report, tmp_path):
    for name, start in (("r.html", "<!DOCTYPE"), ("r.json", "{"), ("r.txt", "15 images")):
        (tmp_path / name).write_text("old")
        report.save(tmp_path / name)
        assert (tmp_path / name).read_text(encoding="utf-8").lstrip().startswith(start)
    assert len(list(tmp_path.glob(".r*"))) == 0


def test_other_finders_know_no_distances(image_files):
    from sklearn.cluster import DBSCAN

    with pytest.raises(ParameterError, match="must be None or a NearDuplicateFinder"):
        make_report(image_files, finder=DBSCAN())


def test_labels_of_another_length(image_files):
    with pytest.raises(ValueError, match="classes of length 2"):
        make_report(image_files, classes=np.array(["a", "b"]))


def test_no_size_is_claimed_where_none_is_known():
    """Of URLs and of images in memory, "0 B" would say that nothing is to be gained."""
    from hashfeatures.report._text import describe_removable_size

    def summary(*sizes):
        images = [{"kept": False, "bytes": size} for size in sizes]
        return {"images": [{"kept": True, "bytes": 7}, *images]}

    assert describe_removable_size(summary(None)) == ""
    assert describe_removable_size(summary()) == ""
    assert describe_removable_size(summary(0)) == "0 B"
    assert describe_removable_size(summary(1000, 2000)) == "3.0 kB"
    assert describe_removable_size(summary(1000, None)) == "at least 1.0 kB"
    report = make_report([np.zeros((9, 9), np.uint8)] * 2)
    assert "1 of which can be removed." in str(report)
    assert report.summary["counts"]["duplicate_bytes"] is None
    assert make_report([]).summary["counts"]["duplicate_bytes"] == 0
    assert "0 B" not in report.to_html()


def test_text_counts_no_distances_that_it_does_not_print(family, monkeypatch):
    """The histogram takes a search; page and JSON have it."""
    report = make_report(family[0])
    assert report.summary["distances"]["counts"]
    monkeypatch.setattr(
        "hashfeatures.duplicates._report.count_nearest", lambda *_: pytest.fail("counted")
    )
    report = make_report(family[0], max_thumbnails=0)
    assert "near duplicates" in str(report)
    assert "near duplicates" in report.to_text(whole=True)
