"""The samples of tar shards, by the names of their members."""

from __future__ import annotations

import re
from collections.abc import Iterable

# As webdataset splits names: the suffix begins at the first dot of the file name.
_NAME = re.compile(r"((?:.*/|)[^.]+)[.]([^/]*)", re.DOTALL)
_META = re.compile(r"__[^/]*__($|/)")

# The suffix of the member that holds the class.
LABEL = "cls"


def split_name(name: str) -> tuple[str, str]:
    """Split the name of a member into the key of its sample and its suffix.

    Examples
    --------
    >>> from hashfeatures.layouts.archives._samples import split_name
    >>> split_name("a.b/0012.seg.PNG"), split_name("README")
    (('a.b/0012', 'seg.png'), ('README', ''))
    """
    match = _NAME.fullmatch(name)
    return (name, "") if match is None else (match[1], match[2].lower())


def is_meta(name: str) -> bool:
    """Return whether a member describes the shard, and belongs to no sample."""
    return _META.match(name) is not None


def choose_suffix(suffixes: Iterable[str]) -> str:
    """Return which of several images is that of the sample: "jpg" rather than "mask.png".

    Examples
    --------
    >>> from hashfeatures.layouts.archives._samples import choose_suffix
    >>> choose_suffix(["mask.png", "png", "jpg"])
    'jpg'
    """
    return min(suffixes, key=lambda suffix: (suffix.count("."), suffix))
