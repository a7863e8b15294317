"""The base class of the estimators on rows of bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

_SMALL = 1 << 14  # elements


class BitsEstimator(BaseEstimator):
    """Base class of estimators that take rows of zeros and ones, NaN in missing rows."""

    def _check_bits(self, X: Any, *, reset: bool) -> NDArray[Any]:
        if not reset and self._is_plain(X):
            return X  # type: ignore[no-any-return]
        checked: NDArray[Any] = validate_data(
            self, X, reset=reset, dtype="numeric", ensure_all_finite="allow-nan"
        )
        if checked.dtype == object:  # lists that hold None or pandas.NA, Booleans with nulls
            checked = np.where(pd.isna(checked), np.nan, checked).astype(np.float64)
        return checked

    def _is_plain(self, X: Any) -> bool:
        """Return whether scikit-learn, which takes longer, would accept a small array."""
        return (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype.kind in "biuf"
            and X.shape[1] == self.n_features_in_
            and 0 < X.size <= _SMALL
            and not hasattr(self, "feature_names_in_")
            and bool(((X == 0) | (X == 1)).all())
        )

    def _read_bits(self, X: Any) -> tuple[NDArray[Any], dict[str, Any]]:
        """Check the input of `fit`, and return it and the attributes to set.

        The estimator itself stays as it was, so that a failing `fit` leaves the earlier one.
        """
        reader = type(self).__new__(type(self))
        return reader._check_bits(X, reset=True), reader.__dict__

    def _set_fitted(self, **fitted: Any) -> None:
        """Set all fitted attributes at once, and delete the names of the fit before."""
        names = ("feature_names_in_", "ids_")
        kept = {name: value for name, value in vars(self).items() if name not in names}
        self.__dict__ = kept | fitted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.positive_only = True
        return tags
