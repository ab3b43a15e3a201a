"""Time series split where labels look ahead: purging and embargo."""

import numbers

import numpy as np
from sklearn import model_selection
from sklearn.utils import indexable

from ferroflow._bridge.sklearn_compat import num_samples


class PurgedTimeSeriesSplit(model_selection.TimeSeriesSplit):
    """Time series cross-validator for labels that are known only some time after their row.

    A row's label often tells what happened in a span of time that begins with the row (the return over the next ten days,
    a failure within a month). A training row whose span reaches into the test fold has seen what the fold is to be
    predicted from. As defined by López de Prado [1]_, such rows are purged: no training row's span overlaps one of the
    test rows', ends included. If rows after the test fold are trained on too, those directly after it still are serially
    correlated with it, so that an embargo leaves out some of them more.

    Test folds are those of :class:`~sklearn.model_selection.TimeSeriesSplit`.

    Parameters
    ----------
    n_splits : int, default=5
        Number of splits. Must be at least 2.

    max_train_size : int, default=None
        Maximum size of a training set. The rows nearest to the test fold are kept: the last ones before it, then, if
        these are too few, the first ones after it.

    test_size : int, default=None
        Rows of a test fold; ``n_samples // (n_splits + 1)`` if None.

    purge : int, default=0
        Rows that labels look ahead: the span of row i ends with row ``i + purge``. So many rows before the test fold are
        dropped, as by the `gap` of TimeSeriesSplit, and so many after it. Where `groups` tell the spans, both hold.

    embargo : int or float, default=None
        If None, rows after the test fold are never trained on (walk forward). Otherwise they are, except for those whose
        spans overlap and this many rows more: a number of rows, or, if a float below 1, a share of all rows (López de
        Prado suggests about 0.01).

    See Also
    --------
    sklearn.model_selection.TimeSeriesSplit : The same folds, a gap before them, and no rows after them.

    References
    ----------
    .. [1] M. López de Prado, "Advances in Financial Machine Learning", Wiley, 2018, chapter 7, "Cross-Validation in
       Finance".

    Examples
    --------
    >>> import numpy as np
    >>> from ferroflow.model_selection import PurgedTimeSeriesSplit
    >>> for train, test in PurgedTimeSeriesSplit(2, purge=1, embargo=1).split(np.zeros(9)):
    ...     print(train, test)
    [0 1 8] [3 4 5]
    [0 1 2 3 4] [6 7 8]
    """

    __metadata_request__split = {"groups": True}

    def __init__(self, n_splits=5, *, max_train_size=None, test_size=None, purge=0, embargo=None):
        super().__init__(n_splits, max_train_size=max_train_size, test_size=test_size, gap=purge)
        if not isinstance(purge, numbers.Integral) or int(purge) < 0:
            raise ValueError(f"purge must be a number of rows, 0 or more; got {purge!r}.")
        share = isinstance(embargo, numbers.Real) and 0 <= float(embargo) < 1
        if not (embargo is None or share or (isinstance(embargo, numbers.Integral) and int(embargo) > 0)):
            raise ValueError(
                f"embargo must be None, a number of rows, or a share of them in [0, 1); got {embargo!r}."
            )
        self.purge = purge
        self.embargo = embargo

    def split(self, X, y=None, groups=None):
        """Generate indices to split data into training and test set.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Training data, in the order of time.

        y : array-like of shape (n_samples,), default=None
            Always ignored, exists for API compatibility.

        groups : array-like of shape (n_samples,) or (n_samples, 2), default=None
            When the spans of the labels end, or (two columns) when they begin and end: numbers or times. Of ends alone,
            spans begin at the index of a pandas Series (López de Prado's ``t1``), or else with their row, and the ends are
            numbers of rows.

        Yields
        ------
        train : ndarray
            The training set indices for that split, ascending.

        test : ndarray
            The testing set indices for that split.
        """
        X, y, groups = indexable(X, y, groups)
        n = num_samples(X)
        spans = None if groups is None else _spans(groups, n)
        embargo = self.embargo
        if embargo is not None and not isinstance(embargo, numbers.Integral):
            embargo = int(np.ceil(embargo * n))
        rows = np.arange(n)
        for before, test in self._split(X):
            train_end, test_end = test[0] - self.purge, test[-1] + 1
            resumes = test_end + self.purge
            before = rows[:train_end]
            if spans is not None:
                begins, ends = spans
                before = before[ends[:train_end] < begins[test[0]]]
                resumes = max(resumes, np.searchsorted(begins, ends[test].max(), side="right"))
            after = rows[n if embargo is None else min(n, resumes + embargo) :]
            if self.max_train_size:
                before = before[-self.max_train_size :]
                after = after[: self.max_train_size - len(before)]
            yield np.concatenate([before, after]), test


def _spans(groups, n) -> tuple[np.ndarray, np.ndarray]:
    """Return when the spans of the labels begin and end."""
    is_pandas = hasattr(groups, "iloc")
    if is_pandas and groups.ndim == 2:
        columns = [_as_array(groups.iloc[:, j]) for j in range(groups.shape[1])]
    else:
        values = _as_array(groups)
        columns = [values] if values.ndim == 1 else list(values.T)
        if len(columns) == 1:
            columns.insert(0, _as_array(groups.index) if is_pandas else np.arange(n))
    if len(columns) != 2:
        raise ValueError(
            f"groups must have one column (when spans end) or two (when they begin and end), got {len(columns)}."
        )
    begins, ends = columns
    try:
        if not np.all(begins <= ends):  # nor is NaN or NaT
            raise ValueError("A label's span must not end before it begins, and neither may be missing.")
    except TypeError:
        raise ValueError(
            f"Ends of spans ({ends.dtype}) do not compare with their begins ({begins.dtype}). Hand both over as two "
            "columns, or ends as a pandas Series whose index has the begins."
        ) from None
    if not np.all(begins[:-1] <= begins[1:]):
        raise ValueError("Rows must be in the order in which the spans of their labels begin.")
    return begins, ends


def _as_array(values):
    """Return numbers or times as an array; times with a zone in UTC."""
    if getattr(getattr(values, "dtype", None), "tz", None) is not None:
        values = values.to_numpy(dtype="datetime64[ns]")
    return np.asarray(values)
