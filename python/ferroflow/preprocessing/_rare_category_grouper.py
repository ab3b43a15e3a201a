"""Rare categories put into one."""

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import Interval, StrOptions
from ferroflow.preprocessing._categories import NotPlain, check_names, read, write
from ferroflow.preprocessing._counting import CountsCategories

_UINT32 = np.dtype(np.uint32)


class RareCategoryGrouper(CountsCategories):
    """Replace rare categories, and those that were never seen, by one.

    For what comes after: an encoder then learns only categories with enough rows to tell something, and meets nothing
    that it does not know. Missing values (None and NaN) stay as they are.

    Parameters
    ----------
    categories : 'auto' or a list of array-like, default='auto'
        The categories of each column: those that appear, or these, sorted where they are numbers.

    min_frequency : int or float, default=0.01
        Categories with fewer rows are rare: an int counts rows, a float is a share of them. None for no bound.

    max_categories : int, default=None
        At most so many categories remain in a column, the one of the rare ones counted; ties are kept by order, later
        categories first. None for no bound.

    other : str, default="other"
        What stands for rare ones in columns of texts and of other objects.

    other_number : int or float, default=nan
        The same in columns of numbers.

    Attributes
    ----------
    categories_ : list of ndarray
        Each column's categories, sorted; a missing value (None or NaN) is a category of its own and comes last.

    counts_ : list of ndarray of int
        How often each of these appeared.

    rare_categories_ : list of ndarray
        The rare ones of each column.

    n_samples_seen_ : int
        How many rows were seen.

    n_features_in_ : int
        Number of columns seen during :meth:`fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen during :meth:`fit`, if all are strings.

    See Also
    --------
    FrequencyEncoder : Encodes categories by how often they appear.
    OneHotEncoder : Can put rare categories into one column by itself.

    Examples
    --------
    >>> from ferroflow.preprocessing import RareCategoryGrouper
    >>> grouper = RareCategoryGrouper(min_frequency=2).fit([["oak"], ["ash"], ["oak"], ["elm"]])
    >>> grouper.transform([["oak"], ["elm"], ["yew"]])
    array([['oak'],
           ['other'],
           ['other']], dtype=object)
    """

    _parameter_constraints: dict = {
        "categories": [StrOptions({"auto"}), list],
        "min_frequency": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            None,
        ],
        "max_categories": [Interval(Integral, 1, None, closed="left"), None],
        "other": [str],
        "other_number": [Real],
    }

    def __init__(
        self,
        *,
        categories="auto",
        min_frequency=0.01,
        max_categories=None,
        other="other",
        other_number=np.nan,
    ):
        self.categories = categories
        self.min_frequency = min_frequency
        self.max_categories = max_categories
        self.other = other
        self.other_number = other_number

    def transform(self, X):
        """Replace rare and unknown categories.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        X_out : ndarray of shape (n_samples, n_features)
            Of numbers if all columns were of numbers, else of objects.
        """
        check_is_fitted(self)
        tables = self._tables()
        try:
            rows, n = read(self, X, self._known)
            whole = [np.arange(len(values) + 1, dtype=_UINT32) for values in self._known]
            places, _ = write(rows, whole, n, _UINT32)
        except NotPlain as why:
            note_sklearn("RareCategoryGrouper.transform", str(why))
            return self._transform_by_places(X, tables)
        check_names(self, X)
        note_rust("RareCategoryGrouper.transform")
        # Behind the categories stand the missing values that were not among them, last what is unknown.
        more = [values[len(table) - 1 :] for values, table in zip(self._known, tables, strict=True)]
        tables = [
            np.concatenate([table[:-1], missing, table[-1:]])
            for table, missing in zip(tables, more, strict=True)
        ]
        out = np.empty(places.shape, dtype=_common(tables))
        for j, table in enumerate(tables):
            out[:, j] = table[places[:, j]]
        return out

    def _transform_by_places(self, X, tables):
        """Replace by the places that scikit-learn's own encoders find."""
        columns, _, _ = self._check_X(X, ensure_all_finite="allow-nan")
        places, known = self._transform(X, handle_unknown="ignore", ensure_all_finite="allow-nan")
        out = np.empty(places.shape, dtype=_common(tables))
        for j, (table, column) in enumerate(zip(tables, columns, strict=True)):
            out[:, j] = table[np.where(known[:, j], places[:, j], -1)]
            for i in np.flatnonzero(~known[:, j]):
                if is_missing(column[i]):
                    if out.dtype.kind in "iub":  # which has no missing value
                        out = out.astype(np.float64)
                    out[i, j] = column[i]
        return out

    def _counted(self: Any, counts: list[np.ndarray], n: int) -> None:
        super()._counted(counts, n)
        self._rare = [
            _rare_of(self, values, count, n)
            for values, count in zip(self.categories_, self.counts_, strict=True)
        ]
        self.rare_categories_ = [
            values[rare] for values, rare in zip(self.categories_, self._rare, strict=True)
        ]

        self._known = [_with_missing(values) for values in self.categories_]

    def _tables(self: Any) -> list[np.ndarray]:
        """Return what each place becomes, the last one for what is unknown."""
        tables = []
        for values, rare in zip(self.categories_, self._rare, strict=True):
            if values.dtype.kind == "f":
                table = np.append(values, values.dtype.type(self.other_number))
            elif values.dtype.kind in "iub":
                table = np.append(values, self.other_number)
            else:
                table = np.empty(len(values) + 1, dtype=object)
                table[:-1], table[-1] = values, self.other
            table[:-1][rare] = table[-1]
            tables.append(table)
        return tables


def _rare_of(self, values, counts, n):
    """Return the places of rare categories; never those of missing values."""
    there = np.array([not is_missing(value) for value in values.tolist()], dtype=bool)
    found = self._identify_infrequent(counts[there], n, 0)
    return np.flatnonzero(there)[found] if found is not None else np.empty(0, dtype=np.int64)


def _with_missing(values):
    """Return categories with the missing values of their kind, which are always known, behind them."""
    if values.dtype.kind == "f":
        return values if np.isnan(values).any() else np.append(values, values.dtype.type(np.nan))
    if values.dtype.kind not in "OU":
        return values
    known = values.astype(object)
    for missing in (None, np.nan):
        if not any(v is missing or (v != v and missing is not None) for v in known.tolist()):
            known = np.append(known, np.array([missing], dtype=object))
    return known


def _common(tables):
    return np.result_type(*tables) if all(table.dtype != object for table in tables) else np.dtype(object)


def is_missing(value):
    """Is it None or NaN?"""
    return value is None or bool(value != value)
