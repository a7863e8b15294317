"""Groups of whole numbers are numbered as groups of any labels are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hashfeatures.duplicates._components import renumber
from hashfeatures.duplicates._labels import relabel


@given(st.lists(st.integers(0, 30)))
def test_numbers_are_those_of_any_labels(labels):
    found = renumber(np.array(labels, dtype=np.intp))
    assert found.dtype == np.intp
    assert found.tolist() == relabel(labels).tolist()
