"""Rows that occur again left out."""

import numpy as np
import pandas as pd
from scipy import sparse

from ferroflow._bridge.sklearn_compat import StrOptions
from ferroflow.pipeline._row_filter import RowFilter, columns_of, places_of


class DropDuplicates(RowFilter):
    """Leave out rows that occur again, while a :class:`~ferroflow.pipeline.Pipeline` is fitted.

    Nothing is left out at predict time. Missing values are equal to each other.

    Parameters
    ----------
    subset : list of str or int, default=None
        The columns in which rows have to be equal; all if None.
    keep : {"first", "last", False}, default="first"
        Which one of equal rows is kept; False leaves out all of them.
    with_target : bool, default=True
        Whether rows have to be equal in ``y`` too. If False, of equal rows with different targets one stays.

    Attributes
    ----------
    sample_indices_ : ndarray of shape (n_kept,)
        The rows of the last ``fit`` that are kept.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)

    Examples
    --------
    >>> import numpy as np
    >>> from ferroflow.pipeline import DropDuplicates
    >>> DropDuplicates().fit_resample(np.array([[1, 2], [3, 4], [1, 2]]), [0, 1, 0])
    (array([[1, 2],
           [3, 4]]), [0, 1])
    """

    _parameter_constraints: dict = {
        "subset": ["array-like", None],
        "keep": [StrOptions({"first", "last"}), "boolean"],
        "with_target": ["boolean"],
    }

    def __init__(self, *, subset=None, keep="first", with_target=True):
        self.subset = subset
        self.keep = keep
        self.with_target = with_target

    def _kept(self, X, y):
        if self.keep is True:
            raise ValueError("keep must be 'first', 'last' or False.")
        places = places_of(self.subset, X)
        table: dict = {}
        if sparse.issparse(X):
            table = {0: _row_keys(X.tocsr()[:, places])}
        else:
            columns = columns_of(X)
            table = {j: np.asarray(columns[j]) for j in places}
        if y is not None and self.with_target:
            targets = np.asarray(y)
            for k, target in enumerate(targets.reshape(len(targets), -1).T):
                table[f"target {k}"] = target
        return ~pd.DataFrame(table).duplicated(keep=self.keep).to_numpy()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        return tags


def _row_keys(X):
    """What is equal for equal rows of a CSR matrix."""
    X = X.copy()
    X.sum_duplicates()
    X.eliminate_zeros()
    keys = np.empty(X.shape[0], dtype=object)
    for i, (begin, end) in enumerate(zip(X.indptr[:-1], X.indptr[1:], strict=True)):
        keys[i] = X.indices[begin:end].tobytes() + X.data[begin:end].tobytes()
    return keys
