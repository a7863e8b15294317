"""What finders, leakage reports and calibrations show of themselves in a notebook."""

import os

import numpy as np
import pandas as pd
import pytest
import sklearn
from PIL import Image

from hashfeatures import CalibrationWarning, NearDuplicateFinder, calibrate, leakage_report
from hashfeatures.report._notebook import show_pairs


@pytest.fixture
def odd_files(tmp_path, family):
    """Return files, one of which has a name that would be a script in a page."""
    if os.name != "posix":
        pytest.skip("Windows allows no < in names")
    folder = tmp_path / "<"
    folder.mkdir()
    odd = folder / "script>alert(1)<img src=x>.png"
    Image.open(family[0][0]).save(odd)
    return [str(odd), *family[0][1:6]]


def test_a_fitted_finder_shows_its_groups(odd_files):
    """A fitted finder shows its groups below scikit-learn's box, by both notebook protocols."""
    finder = NearDuplicateFinder()
    box = finder._repr_html_()
    assert "hf-group" not in box
    finder.fit(odd_files)
    for html in (finder._repr_html_(), finder._repr_mimebundle_()["text/html"]):
        assert html.count('class="hf-group"') == 2
        assert html.count("data:image/jpeg") == 6
        assert html.count("hf-good") == 2 + 1  # one of each group is kept; and the style
        assert "<img src=x>" not in html
        assert "&lt;img src=x&gt;" in html
    with sklearn.config_context(display="text"):
        assert "text/html" not in finder._repr_mimebundle_()
        assert not hasattr(finder, "_repr_html_")


def test_images_from_memory_have_no_picture(noise_image):
    arrays = [np.asarray(noise_image(0)), np.asarray(noise_image(0))]
    html = NearDuplicateFinder().fit(arrays)._repr_html_()
    assert "image 0" in html
    assert "no picture" in html


def test_urls_are_not_fetched(image_files):
    finder = NearDuplicateFinder().fit([image_files[0], image_files[0]])
    finder.ids_ = np.array(["http://127.0.0.1:9/a.png", "http://127.0.0.1:9/b.png"], dtype=object)
    assert "no picture" in finder._repr_html_()


def test_a_leakage_report_shows_its_nearest_pairs(odd_files):
    report = leakage_report(odd_files[:2], odd_files[2:])
    html = report._repr_html_()
    assert html.count('class="hf-group"') == report.n_pairs == 2
    assert "train" in html
    assert "near duplicate in train" in html
    assert "hf-good" not in html.partition("</style>")[2]
    assert "<img src=x>" not in html


def test_no_leaks(image_files):
    html = leakage_report(image_files[:3], image_files[3:])._repr_html_()
    assert "0 of 3 images" in html


def test_a_calibration_shows_what_to_look_at(photos):
    with pytest.warns(CalibrationWarning, match="at least 20"):
        calibration = calibrate([str(path) for path in photos[:10]], n_edited=1)
    html = calibration._repr_html_()
    assert f"radius {calibration.radius} bits" in html
    assert html.count('class="hf-group"') == len(calibration.borderline)


def test_confirmed_pairs_show_their_relation(image_files):
    """The right image of a confirmed pair shows its agreement and its relation."""
    pairs = pd.DataFrame(
        {
            "left_image": image_files[:2],
            "right_image": image_files[2:4],
            "distance": [3, 5],
            "agreement": [0.91, np.nan],
            "relation": ["mirrored & <brighter>", None],
        }
    )
    html = show_pairs("Pairs", "Two pairs.", pairs).partition("</style>")[2]
    assert html.count("agreement") == html.count("hf-relation") == 1
    assert "agreement 0.91" in html
    assert "mirrored &amp; &lt;brighter&gt;" in html
