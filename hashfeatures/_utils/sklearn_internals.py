"""The private helpers of scikit-learn that this package uses.

scikit-learn may move them in any release. Then only this module has to change.
"""

from sklearn.utils import _safe_indexing as take_indexed
from sklearn.utils.validation import _num_samples as count_samples

__all__ = ["count_samples", "take_indexed"]
