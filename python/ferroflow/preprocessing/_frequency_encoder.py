"""Categories encoded by how often they appear."""

from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import StrOptions
from ferroflow.preprocessing._categories import NotPlain, check_names, read, with_quick_fit, write
from ferroflow.preprocessing._counting import CountsCategories


class FrequencyEncoder(CountsCategories):
    """Encode each category by how often it appeared in the rows fitted on.

    A column becomes one column of numbers whatever its number of categories. Two categories that appear equally often
    can no longer be told apart.

    Parameters
    ----------
    categories : 'auto' or a list of array-like, default='auto'
        The categories of each column: those that appear, or these, sorted where they are numbers.

    normalize : bool, default=True
        Encode by the share of rows, between 0 and 1; if False by their number.

    handle_unknown : {'use_encoded_value', 'error'}, default='use_encoded_value'
        What :meth:`transform` does with a category that was not there in :meth:`fit`: encode it by `unknown_value`, or
        raise a ValueError.

    unknown_value : float, default=0.0
        The code of an unknown category.

    dtype : number type, default=numpy.float64
        Of the result.

    Attributes
    ----------
    categories_ : list of ndarray
        Each column's categories, sorted; a missing value (None or NaN) is a category of its own and comes last.

    counts_ : list of ndarray of int
        How often each of these appeared.

    n_samples_seen_ : int
        How many rows were seen.

    n_features_in_ : int
        Number of columns seen during :meth:`fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen during :meth:`fit`, if all are strings.

    See Also
    --------
    RareCategoryGrouper : Puts rare categories into one.
    TargetEncoder : Encodes categories by the target's mean.

    Examples
    --------
    >>> from ferroflow.preprocessing import FrequencyEncoder
    >>> encoder = FrequencyEncoder().fit([["oak"], ["ash"], ["oak"], ["oak"]])
    >>> encoder.transform([["ash"], ["oak"], ["elm"]])
    array([[0.25],
           [0.75],
           [0.  ]])
    """

    _parameter_constraints: dict = {
        "categories": [StrOptions({"auto"}), list],
        "normalize": ["boolean"],
        "handle_unknown": [StrOptions({"use_encoded_value", "error"})],
        "unknown_value": [Real],
        "dtype": "no_validation",
    }

    def __init__(
        self,
        *,
        categories="auto",
        normalize=True,
        handle_unknown="use_encoded_value",
        unknown_value=0.0,
        dtype=np.float64,
    ):
        self.categories = categories
        self.normalize = normalize
        self.handle_unknown = handle_unknown
        self.unknown_value = unknown_value
        self.dtype = dtype

    def transform(self, X):
        """Encode each category by how often it appeared.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features)
            Shares, or numbers of rows.

        Raises
        ------
        ValueError
            For an unknown category, if `handle_unknown` is 'error'.
        """
        check_is_fitted(self)
        try:
            out = _transform(self, *read(self, X))
            if out is None:
                raise NotPlain("unknown categories")
        except NotPlain as why:
            note_sklearn("FrequencyEncoder.transform", str(why))
            return self._transform_by_places(X, self._tables())
        check_names(self, X)
        return out

    def _tables(self: Any) -> list[np.ndarray]:
        """Return each column's codes, the last one for what is unknown."""
        dtype = np.dtype(self.dtype)
        total = max(self.n_samples_seen_, 1) if self.normalize else 1
        return [np.append(counts / total, self.unknown_value).astype(dtype) for counts in self.counts_]

    def _transform_by_places(self, X, tables):
        """Encode by the places that scikit-learn's own encoders find."""
        handle_unknown = "error" if self.handle_unknown == "error" else "ignore"
        places, known = self._transform(X, handle_unknown=handle_unknown, ensure_all_finite="allow-nan")
        out = np.empty(places.shape, dtype=tables[0].dtype)
        for j, table in enumerate(tables):
            out[:, j] = table[np.where(known[:, j], places[:, j], -1)]
        return out


def _transform(self, rows, n):
    """Return the encoded rows; None for unknown ones, if these are errors."""
    tables = self._tables()
    out, unknown = write(rows, tables, n, tables[0].dtype)
    if self.handle_unknown == "error" and any(unknown):
        return None
    note_rust("FrequencyEncoder.transform")
    return out


def _is_plain(self):
    return (
        type(self.categories) is str
        and self.categories == "auto"
        and type(self.normalize) is bool
        and self.handle_unknown in ("use_encoded_value", "error")
        and type(self.unknown_value) in (int, float)
    )


with_quick_fit(FrequencyEncoder, _is_plain, _transform)
