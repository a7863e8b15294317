"""One image stands for its near duplicates, and no other is lost."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hashfeatures import (
    ChainingWarning,
    FailedImagesWarning,
    NearDuplicateFinder,
    ParameterError,
    drop_duplicates,
)
from hashfeatures.duplicates import relabel


def test_first(family):
    files, _ = family
    assert drop_duplicates(files) == files[::3]
    assert drop_duplicates(files[::-1]) == files[2::3][::-1]


def test_largest(family):
    files, _ = family
    kept = drop_duplicates(files[::-1], keep="largest")
    assert all("small" not in path for path in kept)
    assert all("original" in path for path in kept), "of equal size the one of more bytes"


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
    assert drop_duplicates(X, finder=custom_finder) == first


def test_nothing_to_drop(image_files, custom_finder):
    assert drop_duplicates(image_files) == image_files
    assert drop_duplicates([]) == []
    assert drop_duplicates(image_files, finder=custom_finder) == image_files


def test_wrong_arguments(image_files):
    with pytest.raises(
        ParameterError, match=r"'keep' .* among {'first', 'largest'}, .*Got 'best'"
    ):
        drop_duplicates(image_files, keep="best")
    with pytest.raises(TypeError, match="drop_duplicates expects a list"):
        drop_duplicates(image_files[0])
    with pytest.raises(ValueError, match="drop_duplicates looks for the images in a column"):
        drop_duplicates(pd.DataFrame({"a": image_files, "b": image_files}))
