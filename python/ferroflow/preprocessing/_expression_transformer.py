"""Columns computed of others by expressions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names, check_array, check_is_fitted

from ferroflow import _core
from ferroflow._bridge.ledger import note_rust
from ferroflow.frozen._columns import own_columns_of
from ferroflow.preprocessing._expressions.cells import cells_of, kind_of, texts_like
from ferroflow.preprocessing._expressions.parse import TEXT, Parser


class ExpressionTransformer(TransformerMixin, BaseEstimator):
    """Compute columns of others by expressions that can be frozen.

    For what one would write in a lambda, which nothing but Python could run: an expression is read once, never run as
    Python, and computed by the same code here, in a frozen model and in a server. It is written as in Python::

        weight / height ** 2                     + - * / // % **, abs, sqrt, exp, log, log1p, floor, ceil, round, ...
        age >= 18 and not is_missing(income)     < <= > >= == != in, and, or, not: 1 where it holds, else 0
        "old" if age > 65 else "young"           coalesce(a, b), min(a, b), max(a, b), clip(x, low, high)
        lower(strip(city))                       upper, length, contains, starts_with, ends_with, replace, slice, part, concat
        extract(address, "[0-9]{5}")             matches(text, pattern), extract(text, pattern, group), number(text)
        month(date)                              year, month, day, weekday (Monday is 0), hour, minute, days, date_diff

    Columns stand by their names, or as ``col("a name with spaces")``; columns of an array are ``x0``, ``x1`` and so on.
    Dates are texts of ISO 8601 (``2024-02-29``, ``2024-02-29T23:59:00Z``); ``days(date)`` counts them from 1970-01-01 UTC,
    with their fraction. ``slice(text, start, stop)`` counts characters as Python does, ``part(text, separator, i)`` gives the
    parts of a text that is split. Patterns are regular expressions that are searched for anywhere in the text, in time linear
    in its length: without look-around and back-references.

    What is missing (NaN or None) makes the result missing, but for ``is_missing``, ``coalesce`` and the branch of an ``if`` that
    is not taken. Missing too: a text that is no date or no number, a pattern or part that is not there, what is no number
    (``0 / 0``), and a text made longer than 65,536 bytes.

    Parameters
    ----------
    expressions : dict of str to str
        The expression of each new column.

    keep : "all" or list of str, default=()
        Columns that stay, before the new ones. A column of the same name as a new one is replaced by it in any case.

    Attributes
    ----------
    kinds_ : dict of str to str
        Each new column's kind, "number" or "text".

    n_features_in_ : int
        Number of columns seen during :meth:`fit`.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of columns seen during :meth:`fit`, if all are strings.

    See Also
    --------
    sklearn.preprocessing.FunctionTransformer : Any function; of those a frozen model knows only NumPy's plain ones.

    Examples
    --------
    >>> import pandas as pd
    >>> from ferroflow.preprocessing import ExpressionTransformer
    >>> people = pd.DataFrame({"weight": [80.0, None], "height": [2.0, 1.8], "city": [" Bath", "YORK "]})
    >>> new = ExpressionTransformer({"bmi": "weight / height ** 2", "city": "lower(strip(city))"})
    >>> new.fit_transform(people)
        bmi  city
    0  20.0  bath
    1   NaN  york
    """

    def __init__(self, expressions, *, keep=()):
        self.expressions = expressions
        self.keep = keep

    def fit(self, X, y=None):
        """Read the expressions, over the columns of X.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            Only its columns' names and kinds are used.
        y : object, default=None
            Ignored.

        Returns
        -------
        self
        """
        names, columns = self._columns(X, reset=True)
        kinds = {name: kind_of(cells_of(name, column)) for name, column in zip(names, columns, strict=True)}
        if len(kinds) < len(names):
            raise ValueError("two columns of X share a name; rename one")
        if not isinstance(self.expressions, Mapping) or not all(
            isinstance(name, str) and isinstance(text, str) for name, text in self.expressions.items()
        ):
            raise TypeError('expressions must be a dict of texts, such as {"bmi": "weight / height ** 2"}')
        parser = Parser(kinds)
        for name, text in self.expressions.items():
            parser.add(name, text)
        kept = list(kinds) if isinstance(self.keep, str) and self.keep == "all" else list(self.keep)
        if unknown := [name for name in kept if name not in kinds]:
            raise ValueError(f"keep: there is no column {unknown[0]!r} in X")
        self._names, self._kinds = list(kinds), list(kinds.values())
        self._kept = [self._names.index(name) for name in kept if name not in self.expressions]
        self._programs, self._numbers, self._texts = parser.programs, parser.numbers, parser.texts
        self.kinds_ = dict(zip(self.expressions, parser.kinds, strict=True))
        self._expressions()  # what Rust refuses is told now
        return self

    def _expressions(self) -> Any:
        is_text = [kind == TEXT for kind in self._kinds]
        return _core.Expressions(self._programs, self._numbers, self._texts, is_text)

    def transform(self, X):
        """Compute the new columns.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        X_out : frame or ndarray of shape (n_samples, n_features_out)
            A frame of the kind of X; of an array an array, of objects where a column is of texts. Missing texts are
            NaN, in polars and pyarrow null.
        """
        check_is_fitted(self)
        _, columns = self._columns(X, reset=False)
        expressions = self._expressions()
        read = expressions.used | set(self._kept)
        cells: list[Any] = [
            cells_of(self._names[at], column, self._kinds[at]) if at in read else None
            for at, column in enumerate(columns)
        ]
        n_rows = len(columns[0]) if columns else 0
        made = expressions.run(cells, n_rows)
        note_rust("ExpressionTransformer.transform")
        new = {self._names[at]: cells[at] for at in self._kept}
        new |= dict(zip(self.kinds_, made, strict=True))
        out = {
            name: column if isinstance(column, np.ndarray) else texts_like(X, column)
            for name, column in new.items()
        }
        if hasattr(X, "iloc"):
            import pandas as pd

            return pd.DataFrame(out, index=X.index)
        if hasattr(X, "columns"):
            return type(X).from_pydict(out) if hasattr(X, "from_pydict") else type(X)(out)
        dtype = object if any(column.dtype == object for column in out.values()) else np.float64
        whole = np.empty((n_rows, len(out)), dtype=dtype)
        for j, column in enumerate(out.values()):
            whole[:, j] = column
        return whole

    def _columns(self, X, reset: bool):
        if not hasattr(X, "columns"):
            X = check_array(X, dtype=None, ensure_all_finite=False)
        _check_feature_names(self, X, reset=reset)
        names, columns = own_columns_of(X)
        if reset:
            self.n_features_in_ = len(columns)
        elif len(columns) != self.n_features_in_:
            raise ValueError(
                f"X has {len(columns)} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input."
            )
        return names or [f"x{j}" for j in range(len(columns))], columns

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns: those that stay, then the new ones.

        Parameters
        ----------
        input_features : object, default=None
            Ignored.

        Returns
        -------
        ndarray of str objects
        """
        check_is_fitted(self)
        return np.array([*(self._names[at] for at in self._kept), *self.kinds_], dtype=object)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags
