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
        try:
            rows, n = read(self, X)
            whole = [np.arange(len(values) + 1, dtype=_UINT32) for values in self.categories_]
            places, _ = write(rows, whole, n, _UINT32)
        except NotPlain as why:
            note_sklearn("RareCategoryGrouper.transform", str(why))
            found, known = self._transform(X, handle_unknown="ignore", ensure_all_finite="allow-nan")
            places = np.where(known, found, -1)
        else:
            check_names(self, X)
            note_rust("RareCategoryGrouper.transform")
        tables = self._tables()
        dtype = np.result_type(*tables) if all(t.dtype != object for t in tables) else np.dtype(object)
        out = np.empty(places.shape, dtype=dtype)
        for j, table in enumerate(tables):
            out[:, j] = table[places[:, j]]
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

    def _tables(self: Any) -> list[np.ndarray]:
        """Return what each place becomes, the last one for what is unknown."""
        tables = []
        for values, rare in zip(self.categories_, self._rare, strict=True):
            if values.dtype.kind in "iufb":
                table = np.append(values, self.other_number)
            else:
                table = np.empty(len(values) + 1, dtype=object)
                table[:-1], table[-1] = values, self.other
            table[:-1][rare] = table[-1]
            tables.append(table)
        return tables


def _rare_of(self, values, counts, n):
    """Return the places of rare categories; never those of missing values."""
    there = np.array([value is not None and value == value for value in values.tolist()], dtype=bool)
    found = self._identify_infrequent(counts[there], n, 0)
    return np.flatnonzero(there)[found] if found is not None else np.empty(0, dtype=np.int64)
