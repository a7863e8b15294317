"""One image stands for its near duplicates, and no other is lost."""

import io

import numpy as np
import pandas as pd
import polars as pl
import pytest
from PIL import Image

from hashfeatures import (
    ChainingWarning,
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    drop_duplicates,
    make_report,
)
from hashfeatures.duplicates._labels import relabel
from hashfeatures.duplicates._representatives import choose_kept


def test_first(family):
    files, _ = family
    assert drop_duplicates(files, keep="first") == files[::3]
    assert drop_duplicates(files[::-1], keep="first") == files[2::3][::-1]


def test_largest(family):
    files, _ = family
    kept = drop_duplicates(files[::-1], keep="largest")
    assert all("small" not in path for path in kept)
    assert all("original" in path for path in kept), "of equal size the one of more bytes"


@pytest.mark.parametrize(
    "kind",
    [
        bytes,
        bytearray,
        memoryview,
        io.BytesIO,
        lambda data: {"bytes": data, "path": None},
        lambda data: {"bytes": data, "path": "given.jpg"},
    ],
)
def test_of_equal_size_the_one_of_more_bytes_stays_however_it_comes(kind, photos):
    coarse, fine = io.BytesIO(), io.BytesIO()
    Image.open(photos[0]).convert("RGB").save(coarse, "JPEG", quality=30)
    Image.open(photos[0]).convert("RGB").save(fine, "JPEG", quality=95)
    images = [kind(coarse.getvalue()), kind(fine.getvalue())]
    (kept,) = drop_duplicates(images, keep="largest")
    assert kept is images[1]


def test_largest_opens_nothing_twice(noise_image, encode):
    """A stream that can be read once is read once."""

    class Stream(io.BytesIO):
        def seekable(self):
            return False

    small, large = (encode(noise_image(0, size=size)) for size in ((100, 75), (400, 300)))
    streams = [Stream(small), Stream(large), Stream(encode(noise_image(1)))]
    assert drop_duplicates(streams, keep="largest") == streams[1:]


def test_largest_of_groups_alone(family, custom_finder):
    files, _ = family
    kept = drop_duplicates(files[::-1], keep="largest", finder=custom_finder)
    assert kept == drop_duplicates(files[::-1], keep="largest")


def test_callable(family):
    files, _ = family
    kept = drop_duplicates(files, keep=lambda path: path.endswith(".jpg"))
    assert kept == files[2::3]


def test_the_container_is_of_the_same_kind(family):
    files, _ = family
    index = [f"row {number}" for number in range(len(files))]
    series = pd.Series(files, index=index)
    assert drop_duplicates(series).index.tolist() == index[::3]
    frame = pd.DataFrame({"url": files, "y": range(len(files))}, index=index)
    kept = drop_duplicates(frame)
    assert kept["y"].tolist() == [0, 3, 6, 9, 12]
    assert kept.index.tolist() == index[::3]
    assert isinstance(drop_duplicates(tuple(files)), tuple)
    assert isinstance(drop_duplicates(np.array(files)), np.ndarray)


def test_every_image_left_out_has_a_near_duplicate_that_stays():
    """A chain of copies, each near the next: the ends are far apart and both stay."""
    rng = np.random.default_rng(0)
    start, end = (
        np.asarray(Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).resize((64, 64), 3))
        for _ in range(2)
    )
    chain = [(start * (1 - t) + end * t).astype(np.uint8) for t in np.linspace(0, 1, 40)]
    with pytest.warns(ChainingWarning, match="there may be chains"):
        finder = NearDuplicateFinder().fit(chain)
    assert finder.n_groups_ < 10
    kept = drop_duplicates([Image.fromarray(image) for image in chain])
    assert len(kept) > finder.n_groups_
    matched = NearDuplicateFinder().fit(kept).matches(chain)
    assert set(matched.left) == set(range(40))
    assert len(NearDuplicateFinder().fit(kept).pairs_.left) == 0


def test_failures_stay(family):
    files, _ = family
    with pytest.warns(FailedImagesWarning):
        assert drop_duplicates([None, files[0], files[1], None]) == [None, files[0], None]


def test_groups_alone_are_enough(family, custom_finder):
    files, shown = family
    order = np.random.default_rng(0).permutation(len(files))
    X = [files[row] for row in order]
    first = [X[np.flatnonzero(relabel(shown[order]) == group)[0]] for group in range(5)]
    assert drop_duplicates(X, keep="first", finder=custom_finder) == first


def test_nothing_to_drop(image_files, custom_finder):
    assert drop_duplicates(image_files) == image_files
    assert drop_duplicates([]) == []
    assert drop_duplicates(image_files, finder=custom_finder) == image_files


def test_wrong_arguments(image_files):
    with pytest.raises(
        ParameterError, match=r"'keep' .* among {'first', 'largest'}, .*Got 'best'"
    ):
        drop_duplicates(image_files, keep="best")
    with pytest.raises(ParameterError, match="a column of the frame, of which these images have"):
        drop_duplicates(image_files, keep="score")
    with pytest.raises(TypeError, match="drop_duplicates expects a list"):
        drop_duplicates(image_files[0])
    with pytest.raises(ValueError, match="drop_duplicates looks for the images in a column"):
        drop_duplicates(pd.DataFrame({"a": image_files, "b": image_files}))


def test_info_tells_what_stands_for_what(family):
    files, shown = family
    kept, info = drop_duplicates(files, return_info=True)
    assert kept == files[::3]
    assert info.index.tolist() == [row for row in range(15) if row % 3]
    assert info["image"].tolist() == [files[row] for row in info.index]
    assert info["kept"].tolist() == [3 * shown[row] for row in info.index]
    assert info["kept_image"].tolist() == [files[row] for row in info["kept"]]
    pairs = NearDuplicateFinder().fit(files).pairs_
    apart = dict(zip(zip(pairs.left, pairs.right, strict=True), pairs.distance, strict=True))
    assert [apart[row] for row in zip(info["kept"], info.index, strict=True)] == list(
        info["distance"]
    )


def test_info_has_the_index_of_the_frame(family, custom_finder):
    files, _ = family
    frame = pd.DataFrame({"path": files[:4]}, index=list("abcd"))
    kept, info = drop_duplicates(frame, return_info=True)
    assert kept.index.tolist() == ["a", "d"]
    assert info["kept"].to_dict() == {"b": "a", "c": "a"}
    by_groups, same = drop_duplicates(frame, return_info=True, finder=custom_finder)
    pd.testing.assert_frame_equal(by_groups, kept)
    assert same["kept"].to_dict() == {"b": "a", "c": "a"}
    assert same["distance"].isna().all()


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_a_column_is_maximized(family, frame):
    files, _ = family
    score = [1, 3, 2, None, 0, 0, 5, 5, 4, None, None, None, 7, 8, 9]
    kept = drop_duplicates(frame({"path": files, "score": score, "y": range(15)}), keep="score")
    assert list(kept["y"]) == [1, 4, 6, 9, 14], "missing values last, ties in order"


def test_dates_and_names_are_columns_too(family):
    files, _ = family
    frame = pd.DataFrame({"path": files[:3], "taken": pd.to_datetime(["2020", "2024", "2022"])})
    assert drop_duplicates(frame, keep="taken").index.tolist() == [1]
    frame["name"] = ["a", "b", "c"]
    assert drop_duplicates(frame, keep="name").index.tolist() == [2]


@pytest.mark.parametrize("score", ["best", None])
def test_a_function_that_gives_no_number_is_told(family, score):
    files, _ = family
    with pytest.raises(TypeError, match=r"must return a number .* Got .* for .*astronaut_orig"):
        drop_duplicates(files, keep=lambda path: score)


def test_wrong_columns_are_told(image_files):
    frame = pd.DataFrame({"path": image_files, "score": 1})
    with pytest.raises(
        ParameterError, match=r"column of the frame, here among \['path', 'score'\]"
    ):
        drop_duplicates(frame, keep="scores")


def test_python_and_the_command_keep_the_same_image(family):
    """Whoever tries the one and then the other gets the same files: the largest."""
    from inspect import signature

    from hashfeatures.cli.commands._duplicates import command

    files, _ = family
    defaults = [
        signature(function).parameters["keep"].default
        for function in (
            drop_duplicates,
            choose_kept,
            make_report,
        )
    ]
    (option,) = [param for param in command.params if param.name == "keep"]
    assert {*defaults, option.default} == {"largest"}
    assert drop_duplicates(files[::-1]) == files[::3][::-1]
