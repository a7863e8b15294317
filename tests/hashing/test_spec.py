"""Names of hashes are read once, and refused before any image is."""

import pytest

from hashfeatures import ImageHashFeaturizer, ParameterError
from hashfeatures.hashing._algorithms import ALGORITHMS
from hashfeatures.hashing._spec import HashSpec, parse_hashes


@pytest.mark.parametrize(
    ("text", "n_bits", "shape", "column"),
    [
        ("phash", 64, (8, 8), "phash"),
        ("phash:16", 256, (16, 16), "phash16"),
        ("dhash:3", 9, (3, 3), "dhash3"),
        ("colorhash", 42, (14, 3), "colorhash"),
        ("colorhash:4", 56, (14, 4), "colorhash4"),
        ("whash:32", 1024, (32, 32), "whash32"),
    ],
)
def test_facts(text, n_bits, shape, column):
    spec = HashSpec.parse(text)
    assert (spec.n_bits, spec.shape, spec.column) == (n_bits, shape, column)
    assert HashSpec.parse(str(spec)) == spec


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_default_size_has_no_number(name):
    default = HashSpec.parse(name)
    assert HashSpec.parse(f"{name}:{default.size}") == default
    assert str(default) == name


@pytest.mark.parametrize(
    "text",
    [
        *("phash:0", "phash:1", "phash_simple:1", "dhash_vertical:1", "colorhash:0", "ahash:-8"),
        *("dhash:", "dhash:8.5", "dhash:x", "dhash: 8", "dhash:²"),
        *("whash:0", "whash:1", "whash:12", "phash:100000", "colorhash:54"),
    ],
)
def test_impossible_sizes_name_what_is_possible(text):
    with pytest.raises(ParameterError, match=rf"size of .* must be .* from \d.*Got '{text}'"):
        HashSpec.parse(text)


def test_pdq_has_one_size():
    assert HashSpec.parse("pdq").n_bits == HashSpec.parse("pdq:16").n_bits == 256
    with pytest.raises(ParameterError, match="size of pdq must be 16, as in 'pdq:16'"):
        HashSpec.parse("pdq:8")


def test_a_slip_of_the_pen_is_put_right():
    with pytest.raises(ParameterError, match=r"no hash 'phahs'. Did you mean 'phash'\?"):
        HashSpec.parse("phahs")


@pytest.mark.parametrize("hashes", [[], ["phash", "phash:8"], 8, [8], None, "md5", ["phash:1"]])
def test_wrong_hashes_are_refused_before_an_image_is_read(hashes):
    with pytest.raises(ParameterError):
        ImageHashFeaturizer(hashes).transform(["there is no such file"])


def test_one_name_is_a_list_of_one():
    assert parse_hashes("phash") == parse_hashes(["phash"])


@pytest.mark.parametrize(
    ("hashes", "told"),
    [
        ("Dhash", r"Did you mean 'dhash'\?"),
        ("phash,dhash", r"in a list, as in \['phash', 'dhash'\]"),
    ],
)
def test_other_spellings_are_put_right(hashes, told):
    """Commands take names with commas, and ImageHash's classes are written in capitals."""
    with pytest.raises(ParameterError, match=told):
        parse_hashes(hashes)
