"""Labels of parts come in any form, and classes of different labels have different names."""

import numpy as np
import pandas as pd
import pytest

from hashfeatures import ParameterError
from hashfeatures.model_selection._part_labels import PartClasses, join_labels, list_by_part


def test_classes_have_different_names():
    """Labels that read alike are told apart; a number is one class whatever its type."""
    labels = np.array([1, "1", 1.0, None, np.nan, np.int64(1)], dtype=object)
    classes = PartClasses(labels)
    assert classes.codes.tolist() == [0, 1, 0, -1, -1, 0]
    assert classes.names == ["1", "'1'"]
    assert classes.count(np.arange(6)) == {"1": 3, "'1'": 1}
    assert [classes.name(row) for row in (1, 3)] == ["'1'", None]


def test_values_by_part():
    parts = {"a": pd.DataFrame({"x": [1]}), "b": pd.DataFrame({"x": [2, 3]})}
    assert [list(each) for each in list_by_part("x", parts)] == [[1], [2, 3]]
    assert list_by_part({"b": [2, 3], "a": [1]}, parts) == [[1], [2, 3]]
    assert list_by_part(([1], [2, 3]), parts) == [[1], [2, 3]]
    for wrong in ("y", {"a": [1]}, [[1]], [1, 2], ["p", "q"], 3, None):
        assert list_by_part(wrong, parts) is None
    assert join_labels("audit_split", "y", "x", parts).tolist() == [1, 2, 3]
    assert join_labels("audit_split", "y", None, parts) is None
    with pytest.raises(ParameterError, match="'y' parameter of audit_split"):
        join_labels("audit_split", "y", "z", parts)
