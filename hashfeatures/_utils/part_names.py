"""The usual names of the parts of a split."""

from __future__ import annotations

import re
from collections.abc import Iterable

# The usual names of parts, in the order of their use.
_ROLES = (
    ("train", "training", "trn"),
    ("val", "valid", "validation", "validate", "dev", "eval", "evaluation"),
    ("test", "testing", "tst", "holdout"),
)
_ENDINGS = ("", "set", "s", "data", "images", "imgs")
_ROLE_OF = {
    word + ending: role
    for role, words in enumerate(_ROLES)
    for word in words
    for ending in _ENDINGS
}


def role_of(name: str) -> int | None:
    """Return the place of a part in the order of use: 0 for training, 1 validation, 2 test.

    Examples
    --------
    >>> from hashfeatures._utils.part_names import role_of
    >>> role_of("Training"), role_of("val2017"), role_of("my_test-set"), role_of("contest")
    (0, 1, 2, None)
    """
    words = re.findall("[a-z]+", re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower())
    roles = {_ROLE_OF[word] for word in words if word in _ROLE_OF}
    return roles.pop() if len(roles) == 1 else None


def order_parts(names: Iterable[str]) -> list[str]:
    """Return names of parts in the order of their use, if all are usual; else as they are."""
    listed = list(names)
    roles = [role_of(name) for name in listed]
    known = [role for role in roles if role is not None]
    if len(known) < len(listed):
        return listed
    return [name for _, name in sorted(zip(known, listed, strict=True), key=lambda item: item[0])]
