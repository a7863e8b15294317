"""Patterns with braces name the files that webdataset would open."""

import pytest

from hashfeatures.layouts.archives._shards import expand_braces


@pytest.mark.parametrize(
    "pattern", ["{0..3}.tar", "a-{08..11}.tar", "{3..1}.tar", "{a,b}-{1..2}.tar", "{a}.tar", "x"]
)
def test_braces_expand_as_in_webdataset(pattern: str) -> None:
    """Patterns stand for the files that webdataset would open."""
    braceexpand = pytest.importorskip("braceexpand")
    assert expand_braces(pattern) == list(braceexpand.braceexpand(pattern))
