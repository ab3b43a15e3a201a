"""Rows with values far from the others left out."""

from numbers import Real

import numpy as np
import pandas as pd

from ferroflow._bridge.sklearn_compat import Interval, StrOptions, validate_data
from ferroflow.pipeline._row_filter import RowFilter, columns_of, is_frame, places_of

_THRESHOLDS = {"iqr": 1.5, "zscore": 3.0, "mad": 3.5}
_NORMAL = 1.4826
"""A normal distribution's standard deviation is so many times its median absolute deviation."""


class OutlierRemover(RowFilter):
    """Leave out rows with outliers, while a :class:`~ferroflow.pipeline.Pipeline` is fitted.

    Nothing is left out at predict time. A missing value is no outlier, and a column without spread has none. Of a
    frame the columns of numbers are looked at.

    Parameters
    ----------
    method : {"iqr", "zscore", "mad", "isolation_forest"}, default="iqr"
        - "iqr": farther than `threshold` interquartile ranges below the first or above the third quartile;
        - "zscore": farther than `threshold` standard deviations from the mean;
        - "mad": farther than `threshold` times 1.4826 median absolute deviations from the median;
        - "isolation_forest": what scikit-learn's :class:`~sklearn.ensemble.IsolationForest` takes for one.
    threshold : float, default=None
        1.5, 3 and 3.5 if None.
    subset : list of str or int, default=None
        The columns that are looked at; all (of a frame, all of numbers) if None.
    contamination : "auto" or float, default="auto"
        The share of outliers, for the isolation forest.
    random_state : int, RandomState instance or None, default=None
        For the isolation forest.

    Attributes
    ----------
    lower_, upper_ : ndarray of shape (n_columns,)
        The limits between which values are kept, in the columns that are looked at; not for the isolation forest.
    estimator_ : IsolationForest
        Only for the isolation forest.
    sample_indices_ : ndarray of shape (n_kept,)
        The rows of the last ``fit`` that are kept.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Examples
    --------
    >>> import numpy as np
    >>> from ferroflow.pipeline import OutlierRemover
    >>> X = np.array([[1.0], [2.0], [3.0], [2.0], [99.0]])
    >>> OutlierRemover().fit(X).sample_indices_
    array([0, 1, 2, 3])
    """

    _parameter_constraints: dict = {
        "method": [StrOptions({*_THRESHOLDS, "isolation_forest"})],
        "threshold": [Interval(Real, 0, None, closed="neither"), None],
        "subset": ["array-like", None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "random_state": ["random_state"],
    }

    def __init__(self, *, method="iqr", threshold=None, subset=None, contamination="auto", random_state=None):
        self.method = method
        self.threshold = threshold
        self.subset = subset
        self.contamination = contamination
        self.random_state = random_state

    def _kept(self, X, y):
        X = _numbers(self, X)
        if self.method == "isolation_forest":
            from sklearn.ensemble import IsolationForest  # it takes a while to import

            forest = IsolationForest(contamination=self.contamination, random_state=self.random_state)
            self.estimator_ = forest
            return forest.fit_predict(X) > 0
        threshold = _THRESHOLDS[self.method] if self.threshold is None else self.threshold
        with np.errstate(all="ignore"):
            self.lower_, self.upper_ = _limits(X, self.method, threshold)
            return ~((self.lower_ > X) | (self.upper_ < X)).any(axis=1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def _numbers(self, X):
    """The columns that are looked at, as floats."""
    if not is_frame(X):
        X = validate_data(self, X, reset=False, dtype="numeric", ensure_all_finite="allow-nan")
        return np.asarray(X, dtype=np.float64)[:, places_of(self.subset, X)]
    columns, places = columns_of(X), places_of(self.subset, X).tolist()
    if self.subset is None:
        places = [j for j in places if pd.api.types.is_numeric_dtype(columns[j].dtype)]
        places = [j for j in places if not pd.api.types.is_bool_dtype(columns[j].dtype)]
    if not places:
        raise ValueError("OutlierRemover found no column of numbers in X.")
    numbers = [pd.Series(columns[j]).to_numpy(dtype=np.float64, na_value=np.nan) for j in places]
    return np.column_stack(numbers)


def _limits(X, method, threshold):
    """Below and above which values of each column are outliers; infinite where it has no spread."""
    # A column without a value has NaN for its limits, which nothing is below or above.
    empty = np.isnan(X).all(axis=0)
    X = np.where(empty, 0.0, X)
    if method == "iqr":
        low, high = np.nanquantile(X, [0.25, 0.75], axis=0)
        spread = high - low
    elif method == "zscore":
        low = high = np.nanmean(X, axis=0)
        spread = np.nanstd(X, axis=0)
    else:
        low = high = np.nanmedian(X, axis=0)
        spread = _NORMAL * np.nanmedian(np.abs(X - low), axis=0)
    spread = np.where(spread > 0, spread, np.inf)
    return low - threshold * spread, high + threshold * spread
