"""`hash_images`: one row an image, one hex column a hash."""

import numpy as np
import pandas as pd
import pytest
from PIL import ImageOps

from hashfeatures import ImageHashFeaturizer, ParameterError, hash_images


def test_trimmed_borders_leave_the_hash_of_the_picture(noise_image):
    """The hash of a framed copy is that of the picture, as in the transformer."""
    picture = noise_image(0)
    framed = ImageOps.expand(picture, 10, "black")
    trimmed = hash_images([picture, framed], ["phash"], trim_borders=True)
    assert trimmed["phash"].duplicated().tolist() == [False, True]
    assert not hash_images([picture, framed], ["phash"])["phash"].duplicated().any()
    pd.testing.assert_series_equal(trimmed["phash"], hash_images([picture] * 2)["phash"])
    bits = ImageHashFeaturizer("phash", trim_borders=True).transform([picture, framed])
    np.testing.assert_array_equal(bits[0], bits[1])


def test_trim_borders_is_a_bool(noise_image):
    """A value that is no bool is refused in the name of the function."""
    with pytest.raises(ParameterError, match=r"'trim_borders' parameter of hash_images must be"):
        hash_images([noise_image(0)], trim_borders="yes")
