"""Every container of images is a list of sources in its order; a single image is none."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from hashfeatures.images._sources import (
    describe_source,
    is_url,
    list_sources,
    pick_image_column,
)

NAMES = ["b.png", "a.png", "c.png"]
CONTAINERS = {
    "list": NAMES,
    "tuple": tuple(NAMES),
    "array": np.array(NAMES),
    "object array": np.array(NAMES, dtype=object),
    "array of one column": np.array(NAMES)[:, None],
    "Series": pd.Series(NAMES, index=[7, 8, 9]),
    "Index": pd.Index(NAMES),
    "categorical": pd.Series(NAMES, dtype="category"),
    "frame": pd.DataFrame({"x": NAMES}),
    "polars Series": pl.Series(NAMES),
    "polars frame": pl.DataFrame({"x": NAMES}),
    "dict view": dict.fromkeys(NAMES).keys(),
}


@pytest.mark.parametrize("kind", CONTAINERS)
def test_containers(kind):
    listed = list_sources(CONTAINERS[kind], "f")
    assert type(listed) is list
    assert listed == NAMES


def test_an_array_of_images_is_a_list_of_images():
    images = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    assert [image.shape for image in list_sources(images, "f")] == [(3, 4, 3)] * 2


def test_polars_structs_are_mappings():
    frame = pl.DataFrame({"image": [{"bytes": b"x", "path": None}]})
    assert list_sources(frame, "f") == [{"bytes": b"x", "path": None}]


@pytest.mark.parametrize(
    "single",
    [
        *("a.png", b"data", bytearray(b"data"), Path("a.png"), io.BytesIO(b"data")),
        *(Image.new("L", (2, 2)), {"bytes": b"", "path": "a.png"}),
        *(np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.uint8)),
    ],
    ids=lambda single: type(single).__name__,
)
def test_a_single_image_is_told_from_a_list(single):
    with pytest.raises(TypeError, match=r"^f expects a list.*for one image, wrap it in a list"):
        list_sources(single, "f")


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (iter(NAMES), TypeError, "can be read only once: make it a list"),
        (set(NAMES), TypeError, "has no order: make it a list"),
        (None, TypeError, "Got NoneType"),
        (3, TypeError, "Got int"),
        (np.array(3), TypeError, "Got"),
        (pd.DataFrame({"x": NAMES, "y": NAMES}), ValueError, r"2 columns, \['x', 'y'\]: select"),
        (pl.DataFrame({"x": NAMES, "y": NAMES}), ValueError, "2 columns"),
        (np.array([NAMES, NAMES]), ValueError, "an array of 3 columns"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_list_of_images_says_why(images, error, message):
    with pytest.raises(error, match=message):
        list_sources(images, "f")


def test_descriptions_are_short_and_safe():
    assert describe_source({"bytes": b"x" * 10**6, "path": "a.png"}) == "a.png"
    assert describe_source({"bytes": b"x" * 10**6, "path": None}) == "<mapping>"
    assert describe_source(memoryview(bytes(10**6))) == "<1000000 bytes>"
    assert describe_source(np.zeros((3, 4), np.uint8)) == "<uint8 array of shape (3, 4)>"
    assert describe_source(Image.new("RGB", (4, 3))) == "<RGB image of 4x3>"
    assert describe_source(Path("a.png")) == "a.png"
    assert describe_source(None) == "None"


@pytest.mark.parametrize(
    ("columns", "picked"),
    [
        (["x"], "x"),
        (["y", "path"], "path"),
        (["url", "image", "y"], "image"),
        (["file", 0], "file"),
    ],
)
def test_the_column_of_the_images(columns, picked):
    assert pick_image_column(pd.DataFrame(columns=columns), "f") == picked


@pytest.mark.parametrize("columns", [["x", "y"], ["path", "url"], []])
def test_no_clear_column_of_images(columns):
    with pytest.raises(ValueError, match="rename the one that holds the images to 'image'"):
        pick_image_column(pd.DataFrame(columns=columns), "f")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        *[
            (url, True)
            for url in ("http://a/b", "HTTPS://a", "s3://a/b", "zip://a::http://b/c.zip")
        ],
        *[(path, False) for path in ("a.png", "a::b.png", "C:/a.png", "C:\\a", "//server/a", "")],
        *[(other, False) for other in (None, b"http://a", Path("http://a"))],
    ],
)
def test_urls_are_told_from_paths(source, expected):
    assert is_url(source) is expected
