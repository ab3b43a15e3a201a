"""Columns and their categories, as the encoders see them."""

import sys
from collections.abc import Callable
from copy import copy
from functools import cached_property
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.base import clone
from sklearn.preprocessing import OrdinalEncoder

from ferroflow import _core
from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.frame_columns import framed, labels_of
from ferroflow._bridge.fresh import empty
from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import (
    BaseEncoder,
    array_api_dispatch,
    dense_output,
    has_callbacks,
    map_infrequent,
    validate_data,
)
from ferroflow.preprocessing._merge import add_counts, check_mergeable, united
from ferroflow.preprocessing._objects import as_objects, kind_of, read_objects


class Column(NamedTuple):
    """A column that the core can read.

    `values` is a 1-d array of str, None and NaN, or of numbers, or an ArrowColumn of texts. With `codes`, rows are
    places among `values`, and negative ones are missing. Where `values` are those of a whole pool, `used` counts each
    code's rows, and other places may be empty.
    """

    values: Any
    dtype: np.dtype
    codes: np.ndarray | None = None
    used: np.ndarray | None = None


class Rows(NamedTuple):
    """Rows as the core turns them into outputs.

    ``values`` are looked up in `categories`; without, they are ids whose place among the categories is ``places[id]``
    (the last one for negative ids).
    """

    values: Any
    categories: "_core.Categories | None"
    places: np.ndarray | None
    unknown: bool = False


class NotPlain(Exception):
    """The core does not read this; says why."""


OBJECT = np.dtype(object)
BITS = {size: np.dtype(f"u{size}") for size in (1, 2, 4, 8)}
"""The type that any number of so many bytes is written as."""


def array_column(x: np.ndarray) -> Column:
    """Return a 1-d array as a column."""
    dtype = x.dtype
    kind = dtype.kind
    if kind == "O":
        return Column(x, dtype)
    if kind in "iufb" and dtype.isnative and x.flags.aligned and (kind != "f" or dtype.itemsize in (4, 8)):
        return Column(x.view(np.uint8) if kind == "b" else x, dtype)
    if kind == "U":
        return Column(x.astype(object), dtype)
    if kind == "S" and x.dtype.itemsize:
        try:
            return Column(x.astype(str).astype(object), dtype)
        except UnicodeDecodeError as error:
            raise NotPlain("bytes beyond ASCII") from error
    if kind == "T":  # NumPy's StringDType, which scikit-learn cannot encode
        return Column(x.astype(object), OBJECT)
    raise NotPlain(f"a column of the dtype {dtype}")


def array_columns(X: np.ndarray) -> list[Column]:
    """Return the columns of a 2-d array."""
    if X.dtype.kind in "UT":
        objects = X.astype(object)
        dtype = X.dtype if X.dtype.kind == "U" else OBJECT
        return [Column(objects[:, j], dtype) for j in range(X.shape[1])]
    return [array_column(X[:, j]) for j in range(X.shape[1])]


def pandas_column(x: Any, pandas: Any) -> Column | None:
    """Return a pandas Series as a column; None if it has to become an array first."""
    dtype = x.dtype
    if isinstance(dtype, np.dtype):
        return array_column(x.to_numpy()) if dtype.kind in "Oiufb" and dtype != np.float16 else None
    if isinstance(dtype, pandas.StringDtype) and dtype.storage == "pyarrow":
        if dtype.na_value is pandas.NA and x.hasnans:
            return None
        return Column(_core.ArrowColumn(x.array.__arrow_array__(), True), OBJECT)
    if isinstance(dtype, pandas.CategoricalDtype):
        values = dtype.categories.to_numpy()
        codes = x.array.codes
        missing = codes.min() < 0
        if values.dtype.kind in "iu" and missing:
            values = values.astype(np.float64)
        if values.dtype.kind == "O":
            values = np.append(values, np.nan) if missing else values
        elif values.dtype.kind in "iuf" and values.dtype != np.float16:
            values = np.append(values, values.dtype.type(np.nan)) if missing else values
        else:
            return None
        return Column(values, values.dtype, codes)
    return None


def columns_of(self: Any, X: Any) -> tuple[list[Column], int]:
    """Return X's columns and its number of rows, after scikit-learn's validation where X is not plain.

    Raises
    ------
    NotPlain
        If there is a column that the core does not read.
    """
    if type(X) is np.ndarray and X.ndim == 2 and X.size > 0 and X.dtype.kind in "OiubfUTS":
        return array_columns(X), X.shape[0]
    module = type(X).__module__.partition(".")[0]
    if module == "pandas" and getattr(X, "ndim", 0) == 2 and hasattr(X, "iloc") and X.shape[0] and X.shape[1]:
        pandas = sys.modules["pandas"]
        columns = []
        for j in range(X.shape[1]):
            column = pandas_column(X.iloc[:, j], pandas)
            if column is None:
                column = array_column(self._check_X(X.iloc[:, [j]], ensure_all_finite="allow-nan")[0][0])
            columns.append(column)
        return columns, X.shape[0]
    if module in ("polars", "pyarrow") and (texts := _arrow_columns(X, module)) is not None:
        return texts, len(X)
    arrays, rows, _ = self._check_X(X, ensure_all_finite="allow-nan")
    return [array_column(x) for x in arrays], rows


def _arrow_columns(X: Any, module: str) -> list[Column] | None:
    """Return the columns of a polars frame or a pyarrow table if all are texts, so that NumPy would make objects."""
    if module == "polars":
        if type(X) is not sys.modules["polars"].DataFrame or not X.height:
            return None
        columns, pools = X.get_columns(), X.height >= _POOL_LEAST
    else:
        if type(X) is not sys.modules["pyarrow"].Table or not X.num_rows:
            return None
        columns, pools = X.columns, False
        if any(c.null_count and "dictionary" in str(c.type) for c in columns):
            return None  # pyarrow hands NumPy other values than these nulls
    try:
        texts = [
            (_polars_codes(c) if pools else None) or Column(_core.ArrowColumn(c, False), OBJECT)
            for c in columns
        ]
    except (TypeError, AttributeError):
        return None
    return texts or None


# Rows from which physical numbers pay: polars asks some 0.2 ms for them, its export to Arrow some ns a row.
_POOL_FROM = {"Categorical": 1 << 15, "Enum": 1 << 18}
_POOL_LEAST = min(_POOL_FROM.values())


class _Pool:
    """The texts of a polars Categorical or Enum, by their physical numbers."""

    def __init__(self, dtype: Any, numbers: np.dtype) -> None:
        self.dtype, self.numbers = dtype, numbers

    def __getitem__(self, there: np.ndarray) -> "_core.ArrowColumn":
        polars = sys.modules["polars"]
        if self.dtype.base_type() is polars.Enum:
            # An Enum's numbers are places among its categories; `cat.to` would hash all of these anew.
            chosen = self.dtype.categories.gather(there)
        else:
            chosen = polars.Series("", there.astype(self.numbers)).cat.to(self.dtype).cast(polars.String)
        return _core.ArrowColumn(chosen, False)


def _polars_codes(column: Any) -> Column | None:
    """Return a polars Categorical or Enum as its physical numbers, which polars would renumber row by row for Arrow."""
    dtype = column.dtype
    least = _POOL_FROM.get(dtype.base_type().__name__)
    if least is None or len(column) < least:
        return None
    if column.null_count() or not hasattr(column.cat, "to"):
        return None
    codes = column.to_physical().to_numpy()
    n = int(codes.max()) + 1
    if n > 4 * len(codes):  # a pool far larger than the column
        return None
    return Column(_Pool(dtype, codes.dtype), OBJECT, codes, _core.count_codes(codes, n)[:-1])


class Learned(NamedTuple):
    """A column's categories, how often each appears if asked for, and its rows if kept."""

    categories: np.ndarray
    counts: np.ndarray | None
    rows: Rows | None


def learn(column: Column, count: bool, keep: bool) -> Learned:
    """Learn the categories of a column.

    Raises
    ------
    NotPlain
        For mixed objects, infinities, or zeros of both signs.
    """
    counts: np.ndarray | None
    if column.codes is not None:
        if column.used is not None:
            n, missing, used = len(column.used), False, column.used
        else:
            n = len(column.values)
            missing = bool(n and column.values[-1] != column.values[-1])
            used = _core.count_codes(column.codes, n - 1 if missing else n)
            if not missing:
                used = used[:-1]
        there = np.flatnonzero(used)
        values = column.values[there]
        learned = _learn(values, False, True)
        categories, _, ids, ranks = learned
        if ids is None:
            order = np.searchsorted(categories, values)
        else:
            order = ranks[ids]
        counts = None
        if count:
            counts = np.empty(len(categories), dtype=np.int64)
            counts[order] = used[there]
        rows = None
        if keep:
            places = np.zeros(n + (not missing), dtype=np.int64)
            places[there] = order
            rows = Rows(column.codes, None, places)
        return Learned(categories, counts, rows)
    values = column.values
    try:
        categories, counts, ids, ranks = _learn(values, count, keep)
        kind = None
    except NotPlain:
        kind = kind_of(values)
        values = None if kind is None else read_objects(values, kind)
        if values is None:
            raise
        categories, counts, ids, ranks = _learn(values, count, keep)
    known = categories
    if kind is not None:
        categories = as_objects(categories, kind)
    elif column.dtype.kind in "bUS":
        categories = categories.astype(column.dtype)
    rows = None
    if keep:
        if ids is None:
            rows = Rows(values, _core.Categories(known), None)
        elif type(column.values) is _core.ArrowColumn and column.values.dictionary:
            rows = Rows(column.values, None, ranks[ids])
        else:
            rows = Rows(ids, None, ranks)
    return Learned(categories, counts, rows)


def _learn(values: Any, count: bool, keep: bool) -> tuple[np.ndarray, Any, Any, Any]:
    learned = _core.learn_categories(values, count, keep)
    if learned is None:
        raise NotPlain("values that are not all text, or infinite, or zeros of both signs")
    return learned


def find(column: Column, categories: np.ndarray, lookup: "_core.Categories") -> Rows:
    """Prepare a column's rows to be looked up among known categories."""
    for kind in "bS":
        if (column.dtype.kind == kind) != (categories.dtype.kind == kind):
            raise NotPlain("a column of another type than the one fitted")
    if column.codes is None:
        values, of = column.values, kind_of(categories)
        if of is not None and type(values) is np.ndarray and values.dtype == object:
            values = read_objects(values, of)
            if values is None:
                raise NotPlain("objects of other types than those fitted")
        elif of is not None:
            raise NotPlain("a column of another type than the one fitted")
        return Rows(values, lookup, None)
    if column.used is not None:
        return _find_used(column, column.used, len(categories), lookup)
    n, unknown = len(column.values), len(categories)
    missing = n and column.values[-1] != column.values[-1]
    found, some = _places(column.values, unknown, lookup)
    places = found if missing else np.append(found, np.uint32(unknown))
    if some:
        refuse_infinite(column.values)
        used = _core.count_codes(column.codes, n - 1 if missing else n)
        some = bool(used[places == unknown].any())
    return Rows(column.codes, None, places, some)


def _find_used(column: Column, used: np.ndarray, unknown: int, lookup: "_core.Categories") -> Rows:
    """The same for the codes that a pool's column uses."""
    there = np.flatnonzero(used)
    places = np.full(len(used) + 1, unknown, dtype=np.uint32)
    places[there], some = _places(column.values[there], unknown, lookup)
    return Rows(column.codes, None, places, some)


def _places(values: Any, unknown: int, lookup: "_core.Categories") -> tuple[np.ndarray, bool]:
    """Return the places of values among known categories, `unknown` for others, and whether there are such."""
    found = np.empty((len(values), 1), dtype=np.uint32)
    some = _core.encode_columns([values], [lookup], [np.arange(unknown + 1, dtype=np.uint32)], found)
    if some is None:
        raise NotPlain("a column of another type than the one fitted")
    return found[:, 0], some[0]


def refuse_infinite(values: Any) -> None:
    """Raise NotPlain if there is an infinity, which scikit-learn refuses; it was never a category."""
    if type(values) is np.ndarray and values.dtype.kind == "f" and np.isinf(values).any():
        raise NotPlain("infinite values")


class Prepared:
    """What an encoder's fitted categories become in the core; made once per fit, and again if they are replaced."""

    def __init__(self, categories: list[np.ndarray]) -> None:
        self.whole = categories
        self.each = list(categories)
        self.key: Any = None
        self.tables: Any = None

    @cached_property
    def lookups(self) -> "list[_core.Categories]":
        """To find values among the categories; made when first needed, as the transform within a fit does not."""
        return [_lookup(values) for values in self.each]


def _lookup(values: np.ndarray) -> "_core.Categories":
    known: np.ndarray | None = values.view(np.uint8) if values.dtype.kind == "b" else values
    kind = kind_of(values)
    if kind is not None:
        known = read_objects(values, kind)
    elif values.dtype.kind in "US":
        known = values.astype(str).astype(object)
    if known is None:
        raise NotPlain("categories of several types")
    try:
        return _core.Categories(known)
    except TypeError as error:
        raise NotPlain("categories that are neither text nor numbers") from error


_prepared: WeakKeyDictionary[Any, Prepared] = WeakKeyDictionary()


def find_one(self: Any, column: Column, classes: np.ndarray) -> Rows:
    """Prepare labels to be looked up among an estimator's classes, whose look-up is made once."""
    found = _prepared.get(self)
    if found is None or found.each[0] is not classes:
        found = _prepared[self] = Prepared([classes])
    return find(column, classes, found.lookups[0])


def prepared(self: Any, categories: list[np.ndarray] | None = None) -> Prepared:
    """Return what the core knows of the fitted encoder's categories, or of others that it looks values up in."""
    found = _prepared.get(self)
    categories = self.categories_ if categories is None else categories
    if (
        found is None
        or found.whole is not categories
        or any(a is not b for a, b in zip(found.each, categories, strict=True))
    ):
        found = _prepared[self] = Prepared(categories)
    return found


_KEPT = "_kept_rows"
MERGED = "_merged_fit"
COUNTS = "_category_counts"
"""Where an encoder keeps how often each category appeared, and the number of rows, if it counted them."""


class keeping_rows:
    """Let the fit within keep the rows of X for the transform that follows, which need not encode them again."""

    # By hand: small frames would notice what a generator's context costs.
    def __init__(self, encoder: Any, X: Any) -> None:
        self.state, self.X = encoder.__dict__, X

    def __enter__(self) -> list[Any]:
        kept = self.state[_KEPT] = [self.X, None, 0]
        return kept

    def __exit__(self, *raised: object) -> None:
        self.state.pop(_KEPT, None)


def kept_rows(self: Any, X: Any) -> tuple[list[Rows], int] | None:
    """Return the rows that the fit kept of this X, and how many they are."""
    kept = self.__dict__.get(_KEPT)
    return (kept[1], kept[2]) if kept is not None and kept[0] is X and kept[1] is not None else None


_FEW = 4096
"""Rows below which NumPy's look-up takes half the time of a call of the core, with its lists."""


def few_ids(rows: list[Rows], n: int) -> np.ndarray | None:
    """Return the ids of a single column's few rows, none of which is negative; None where there is more to do."""
    if n < _FEW and len(rows) == 1 and rows[0].categories is None:
        ids = rows[0].values
        if type(ids) is np.ndarray and ids.dtype == np.uint32:
            return ids
    return None


def rows_table(row: Rows, table: np.ndarray) -> np.ndarray:
    """Return the outputs by id, where `table` has them by place among the categories."""
    return table if row.places is None else table.take(row.places)


def write(
    rows: list[Rows], tables: list[np.ndarray], n: int, dtype: np.dtype
) -> tuple[np.ndarray, list[bool]]:
    """Return each column's outputs ``tables[j][place]``, side by side, and which columns had unknown values.

    Raises
    ------
    NotPlain
        If a column is of another kind than its categories.
    """
    if (ids := few_ids(rows, n)) is not None:
        return rows_table(rows[0], tables[0]).take(ids)[:, np.newaxis], [rows[0].unknown]
    out = empty((n, len(rows)), dtype)
    bits = BITS[dtype.itemsize]
    used = [
        (table if row.places is None else table.take(row.places)).view(bits)
        for row, table in zip(rows, tables, strict=True)
    ]
    unknown = _core.encode_columns(
        [row.values for row in rows], [row.categories for row in rows], used, out.view(bits)
    )
    if unknown is None:
        raise NotPlain("values that are not all of the type fitted")
    for j, row in enumerate(rows):
        if row.categories is None:
            unknown[j] = row.unknown
        elif unknown[j]:
            refuse_infinite(row.values)
    return out, unknown


def read(self: Any, X: Any, categories: list[np.ndarray] | None = None) -> tuple[list[Rows], int]:
    """Return the rows of X, ready to be written; its names are still to be checked (:func:`check_names`).

    They are looked up among the fitted categories, or among others if given.

    Raises
    ------
    NotPlain
        For a column that the core does not read.
    """
    kept = kept_rows(self, X)
    if kept is not None:
        return kept
    columns, n = columns_of(self, X)
    if len(columns) != self.n_features_in_:
        check_names(self, X)
    known = prepared(self, categories)
    return [find(*three) for three in zip(columns, known.each, known.lookups, strict=True)], n


def check_names(self: Any, X: Any) -> None:
    """Check names and number of X's columns as scikit-learn does; not before all else went well, or it warns twice."""
    if kept_rows(self, X) is not None:
        return
    labels = labels_of(X)  # of a frame; those of the fit need no closer look
    names = getattr(self, "feature_names_in_", None)
    if labels is None or names is None or names.tolist() != labels:
        validate_data(self, X=X, reset=False, skip_check_array=True)


class FitsInRust:
    """The part of fitting that encoders share: scikit-learn's own, but for the work per row."""

    def _fit(
        self: Any,
        X,
        handle_unknown="error",
        ensure_all_finite="allow-nan",
        return_counts=False,
        return_and_ignore_missing_for_infrequent=False,
    ):
        call = f"{type(self).__name__}.fit"
        options = {
            "handle_unknown": handle_unknown,
            "ensure_all_finite": ensure_all_finite,
            "return_counts": return_counts,
            "return_and_ignore_missing_for_infrequent": return_and_ignore_missing_for_infrequent,
        }
        merged = self.__dict__.pop(MERGED, None)
        if merged is not None:
            self.categories_, counts, n = merged
            return map_infrequent(self, n, counts, options)
        self._check_infrequent_enabled()
        count = return_counts or self._infrequent_enabled
        try:
            labels = labels_of(X)
            if labels is None:
                validate_data(self, X=X, reset=True, skip_check_array=True)
            else:
                self.feature_names_in_ = np.array(labels, dtype=object)
                self.n_features_in_ = len(labels)
            columns, n = columns_of(self, X)
            kept = self.__dict__.get(_KEPT)
            if isinstance(self.categories, str) and self.categories == "auto":
                learned = [learn(column, count, kept is not None) for column in columns]
            else:
                learned, kept = _given(self, columns, count, handle_unknown), None
        except NotPlain as why:
            note_sklearn(call, str(why))
            result = super()._fit(X, **options | {"return_counts": count})  # type: ignore[misc]
            if self._infrequent_enabled:
                self.__dict__[COUNTS] = result["category_counts"], result["n_samples"]
            return result
        self.n_features_in_ = len(columns)
        self.categories_ = [one.categories for one in learned]
        if kept is not None:
            kept[1], kept[2] = [one.rows for one in learned], n
        counts = [one.counts for one in learned]
        if self._infrequent_enabled:
            self.__dict__[COUNTS] = counts, n
        result = map_infrequent(self, n, counts, options)
        note_rust(call)
        return result


def with_quick_fit(
    cls: type, is_plain: Callable[[Any], bool], encode: Callable[[Any, list[Rows], int], Any]
) -> None:
    """Let `cls` fit without scikit-learn's validation of parameters, which takes longer than few rows do.

    ``is_plain(estimator)`` says that they are valid; ``encode(estimator, rows, n)`` gives the transform, or None where
    scikit-learn has to word an error.
    """
    bare = cls.fit.__wrapped__  # type: ignore[attr-defined]

    def fast_fit(self, X, y=None):
        return bare(self, X) if is_plain(self) and not has_callbacks(self) else NotImplemented

    def fast_fit_transform(self, X, y=None, **params):
        if params or not is_plain(self) or has_callbacks(self) or array_api_dispatch():
            return NotImplemented
        with keeping_rows(self, X) as kept:
            bare(self, X)
            _, rows, n = kept
            try:
                out = None if rows is None else encode(self, rows, n)
            except NotPlain:
                out = None
            wish = dense_output(self)
            if out is None or (wish != "default" and type(out) is not np.ndarray):
                return self.transform(X)
        return out if wish == "default" else framed(out, X, self)

    with_fast_path(cls, "fit", fast_fit)
    with_fast_path(cls, "fit_transform", fast_fit_transform)


class FitsAndMerges(FitsInRust):
    """The same, with the fits of several parts put together."""

    def partial_fit(self: Any, X, y=None):
        """Take in more rows, as if they had been fitted together with those before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            More rows of the same columns.

        y : None
            Ignored.

        Returns
        -------
        self : object
            The encoder.
        """
        if not hasattr(self, "categories_"):
            return self.fit(X)
        validate_data(self, X=X, reset=False, skip_check_array=True)
        block = clone(self)
        if "drop" in block.get_params():
            block.set_params(drop=None)  # which a block need not have
        return self.merge(block.fit(X))

    def merge(self: Any, other):
        """Take in what `other` has seen, as if both had been fitted on their rows together.

        Parameters
        ----------
        other : object
            An encoder of this class, fitted on rows of the same columns.

        Returns
        -------
        self : object
            The encoder.
        """
        check_mergeable(self, other)
        pairs = [united(a, b) for a, b in zip(self.categories_, other.categories_, strict=True)]
        counts, n = None, 0
        if self._infrequent_enabled:
            if COUNTS not in self.__dict__ or COUNTS not in other.__dict__:
                raise ValueError(
                    "Cannot merge fits that have not counted categories; fit both with the same parameters."
                )
            (mine, a), (yours, b) = self.__dict__[COUNTS], other.__dict__[COUNTS]
            counts, n = add_counts(pairs, mine, yours), a + b
        whole = copy(self)  # so that one that cannot be is left as it was
        whole.__dict__[MERGED] = [values for values, _, _ in pairs], counts, n
        whole.fit(None)  # what scikit-learn does once categories are known
        self.__dict__.update(whole.__dict__)
        if counts is not None:
            self.__dict__[COUNTS] = counts, n
        return self


def _given(self: Any, columns: list[Column], count: bool, handle_unknown: str) -> list[Learned]:
    """Return the given categories, checked by scikit-learn against each column's own, and how often each appears."""
    if len(self.categories) != len(columns):
        raise NotPlain("a wrong number of given categories")
    out = []
    for column, values in zip(columns, self.categories, strict=True):
        own, counts, _ = learn(column, count, False)
        checker = OrdinalEncoder(categories=[values])
        try:
            BaseEncoder._fit(
                checker, own[:, None], handle_unknown=handle_unknown, ensure_all_finite="allow-nan"
            )
        except Exception as error:
            raise NotPlain("given categories that scikit-learn refuses") from error
        known, known_counts = checker.categories_[0], None
        if counts is not None:
            places, _ = _places(
                own if own.dtype.kind != "U" else own.astype(object), len(known), _lookup(known)
            )
            found = np.zeros(len(known) + 1, dtype=np.int64)
            np.add.at(found, places, counts)
            known_counts = found[:-1]
        out.append(Learned(known, known_counts, None))
    return out
