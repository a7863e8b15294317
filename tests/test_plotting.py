"""The pictures: what is drawn where, for whom, and what is said of what cannot be drawn."""

import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from hashfeatures import (
    MissingExtraError,
    ParameterError,
    find_duplicates,
    find_similar,
    leakage_report,
)
from hashfeatures._utils.optional import install_command
from hashfeatures.plotting import (
    plot_distances,
    plot_groups,
    plot_images,
    plot_pairs,
    plot_similar,
)


@pytest.fixture(autouse=True)
def _no_display():
    with mpl.rc_context({"backend": "Agg"}):
        yield
        plt.close("all")


def titles(axes):
    return [axis.get_title() for axis in axes.flat]


def is_drawn(axis):
    return bool(axis.get_images())


class TestPlotImages:
    def test_a_row_after_the_other(self, image_files):
        axes = plot_images(image_files, n_columns=4)
        assert axes.shape == (2, 4)
        assert titles(axes)[:6] == [f"image_{seed}.png" for seed in range(6)]
        assert [is_drawn(axis) for axis in axes.flat] == [True] * 6 + [False] * 2
        axes[0, 0].figure.canvas.draw()

    def test_one_axes_is_divided(self, image_files):
        figure, (left, right) = plt.subplots(1, 2)
        axes = plot_images(image_files, n_columns=3, ax=right)
        assert axes.shape == (2, 3)
        assert axes[0, 0].figure is figure
        assert axes[0, 0].get_position().x0 > left.get_position().x1

    def test_given_axes_are_used_and_returned(self, image_files):
        _, given = plt.subplots(2, 4)
        axes = plot_images(image_files, ax=given)
        assert axes.shape == given.shape
        assert is_drawn(given[1, 1])
        with pytest.raises(ParameterError, match="at least 6 Axes"):
            plot_images(image_files, ax=given[0])

    def test_what_cannot_be_read_says_so(self, image_files):
        axes = plot_images([image_files[0], "nowhere.png"])
        assert [text.get_text() for text in axes[0, 1].texts] == ["cannot be\nread"]
        assert titles(axes)[1] == "nowhere.png"

    def test_a_name_is_no_formula(self, tmp_path, noise_image):
        """Dollar signs would be read as mathematics, and end in an error."""
        path = tmp_path / "cost $x_ and\n$\\frac.png"
        noise_image(0).save(path)
        axes = plot_images([path])
        assert "$" in titles(axes)[0]
        assert "\n" not in titles(axes)[0]
        axes[0, 0].figure.savefig(tmp_path / "sheet.png")

    def test_long_names_are_cut_in_the_middle(self):
        (title,) = titles(plot_images([f"{'a' * 50}_17.png"]))
        assert len(title) < 30
        assert title.endswith("_17.png")

    def test_titles_of_another_length(self, image_files):
        with pytest.raises(ParameterError, match=r"one title per image, 6 in all.*Got \["):
            plot_images(image_files, ["a", "b"])

    def test_no_images(self):
        assert plot_images([]).shape == (1, 1)


class TestPlotGroups:
    def test_the_largest_first_with_distances(self, family, image_files):
        files, _ = family
        found = find_duplicates([*files[:2], *image_files[:2], *files[3:6]])
        axes = plot_groups(found)
        assert axes.shape == (2, 3)
        assert all("bit" in title for title in titles(axes)[:5])
        assert "chelsea" in titles(axes)[0]
        assert not is_drawn(axes[1, 2])

    def test_what_has_no_room_is_counted(self, family):
        files, _ = family
        found = find_duplicates(files[:3])
        axes = plot_groups(found, n_columns=2)
        assert [text.get_text() for text in axes[0, 1].texts] == ["and 2\nmore"]

    def test_no_groups(self, image_files):
        assert not is_drawn(plot_groups(find_duplicates(image_files))[0, 0])

    def test_other_tables(self, image_files):
        with pytest.raises(ParameterError, match="must be a table of find_duplicates"):
            plot_groups(find_similar(image_files, image_files[0]))


class TestPlotSimilar:
    def test_the_query_comes_first(self, image_files):
        similar = find_similar(image_files, image_files[3])
        axes = plot_similar(image_files[3], similar, n=4, n_columns=5)
        assert titles(axes)[:2] == ["query", "0 bits\nimage_3.png"]
        assert [is_drawn(axis) for axis in axes.flat] == [True] * 5

    def test_distances_have_the_unit_that_they_were_counted_in(self, image_files):
        similar = find_similar(image_files, image_files[0], unit="hex")
        axes = plot_similar(image_files[0], similar, unit="hex")
        assert titles(axes)[1].startswith("0 hex digits\n")
        with pytest.raises(ParameterError, match="'unit' parameter of plot_similar"):
            plot_similar(image_files[0], similar, unit="digits")

    def test_other_tables(self, image_files):
        with pytest.raises(ParameterError, match="must be a table of find_similar"):
            plot_similar(image_files[0], image_files)


class TestPlotPairs:
    def test_leaks_stand_side_by_side(self, family):
        files, _ = family
        report = leakage_report(files[:2], files[2:6])
        axes = report.plot()
        assert axes.shape == (2, 2)
        assert all(is_drawn(axis) for axis in axes.flat)
        assert [title.partition(",")[0] for title in titles(axes)] == ["train", "test"] * 2
        given = plt.subplots(1, 2)[1]
        assert report.plot(1, ax=given).shape == (2,)

    def test_no_leaks(self, image_files):
        assert not is_drawn(leakage_report(image_files[:2], image_files[2:]).plot()[0, 0])

    def test_other_tables(self, image_files):
        with pytest.raises(ParameterError, match="must be a table of pairs"):
            plot_pairs(image_files)


def test_confirmed_matches_have_their_agreement_and_relation(image_files):
    """Where a table has agreements and relations, they appear above the matching images."""
    known = {
        "agreement": [0.876, None],
        "relation": ["mirrored, cropped by 6 % at the left", None],
    }
    pairs = pd.DataFrame(
        {"left_image": image_files[:2], "right_image": image_files[2:4], "distance": [3, 4]}
    )
    above = titles(plot_pairs(pairs.assign(**known)))
    assert above[0] == "3 bits\nimage_0.png"
    assert above[1] == "3 bits, agreement 0.87\nmirrored, cropped by 6 % at\nthe left\nimage_2.png"
    assert above[3] == "4 bits\nimage_3.png"
    similar = pd.DataFrame({"image": image_files[:2], "hamming_distance": [3, 4]})
    assert titles(plot_similar(image_files[4], similar.assign(**known)))[1].startswith(
        "3 bits, agreement 0.87\nmirrored"
    )
    groups = pd.DataFrame({"group": [0, 0], "image": image_files[:2], "distance": [3, 4]})
    assert titles(plot_groups(groups.assign(**known))) == [
        "image_0.png\n3 bits, agreement 0.87\nmirrored, cropped by 6 % at\nthe left",
        "image_1.png\n4 bits",
    ]


class TestPlotDistances:
    def test_what_is_within_the_radius_has_its_own_color(self):
        axis = plot_distances([0, 1, 1, 12, 13, 40], radius=12)
        heights = {round(bar.get_x() + 0.45): bar.get_height() for bar in axis.patches}
        assert {place: height for place, height in heights.items() if height} == {
            0: 1,
            1: 2,
            12: 1,
            13: 1,
            40: 1,
        }
        labels = [text.get_text() for text in axis.get_legend().get_texts()]
        assert "within: 4" in labels
        assert "beyond: 2" in labels

    def test_given_axes_are_used_and_returned(self):
        _, given = plt.subplots()
        assert plot_distances(np.array([3, 4]), ax=given) is given

    def test_no_distances(self):
        assert plot_distances([], radius=3).get_xlim()[1] > 3

    @pytest.mark.parametrize("wrong", [[0.5], [[1, 2]], ["a"]])
    def test_what_is_no_distance(self, wrong):
        with pytest.raises(ParameterError, match="1-D array of ints"):
            plot_distances(wrong)


def test_without_matplotlib_the_extra_is_named(image_files, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=re.escape(install_command("plot"))):
        plot_images(image_files)
