"""ColumnTransformer gives what scikit-learn's gives with the same steps, on every container."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse
from sklearn import compose as theirs
from sklearn import preprocessing as sklearn_preprocessing
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from ferroflow import compose as ours
from ferroflow.impute import SimpleImputer
from ferroflow.preprocessing import (
    Binarizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

NUMBERS = ["age", "fare", "rooms"]
TEXTS = ["town", "sort"]


def table(rows=300, seed=0, text=object):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, rows),
            "fare": rng.lognormal(3, 1, rows),
            "rooms": rng.integers(1, 6, rows),
            "own": rng.integers(0, 2, rows).astype(bool),
            "town": pd.Series(rng.choice(["Bath", "York", "Ely", "Rye"], rows)).astype(text),
            "sort": pd.Series(rng.choice(["a", "b"], rows)).astype(text),
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame


class FrameOnly(TransformerMixin, BaseEstimator):
    """Somebody's own step, which needs the names."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.c_[X["fare"].to_numpy() * 2, X["age"].to_numpy()]

    def get_feature_names_out(self, names=None):
        return np.array(["twice", "age"], dtype=object)


STEPS = {
    "scalers": [("s", StandardScaler(), NUMBERS), ("m", MinMaxScaler(clip=True), ["fare"])],
    "mixed": [
        ("n", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), NUMBERS),
        ("t", OneHotEncoder(handle_unknown="ignore", sparse_output=False), TEXTS),
        ("o", OrdinalEncoder(), ["sort"]),
    ],
    "sparse": [
        ("n", RobustScaler(), ["fare"]),
        ("t", OneHotEncoder(handle_unknown="ignore"), TEXTS),
        ("u", OneHotEncoder(min_frequency=70), ["town"]),
    ],
    "others": [
        ("f", FrameOnly(), ["age", "fare"]),
        ("l", FunctionTransformer(np.log1p, feature_names_out="one-to-one"), ["fare"]),
        ("x", sklearn_preprocessing.KBinsDiscretizer(3, encode="ordinal"), ["fare"]),
    ],
    "selectors": [
        ("a", MaxAbsScaler(), ours.make_column_selector(dtype_include=float)),
        ("d", "drop", ["town"]),
        ("p", "passthrough", ["rooms", "own"]),
        ("e", StandardScaler(), []),
        ("c", OneHotEncoder(sparse_output=False), slice("town", "sort")),
    ],
    "text imputer": [
        (
            "t",
            make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(sparse_output=False)),
            TEXTS,
        ),
        ("r", make_pipeline(SimpleImputer(), Normalizer()), ["age", "fare"]),
    ],
    "all in one output": [
        ("i", SimpleImputer(), ["age", "fare"]),
        ("c", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["age", "fare"]),
        ("b", Binarizer(threshold=20), ["fare"]),
        ("p", "passthrough", ["fare"]),
        ("t", OneHotEncoder(sparse_output=False), TEXTS),
    ],
    "integers": [
        ("o", OneHotEncoder(sparse_output=False), ["rooms"]),
        ("p", OrdinalEncoder(), ["own", "rooms"]),
    ],
}


def both(steps, **options):
    return ours.ColumnTransformer(steps, **options), theirs.ColumnTransformer(clone_all(steps), **options)


def clone_all(steps):
    return [(name, s if isinstance(s, str) else clone(s), columns) for name, s, columns in steps]


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, pd.DataFrame):
        return pd.testing.assert_frame_equal(a, b)
    if isinstance(a, pl.DataFrame):
        assert a.equals(b, null_equal=True)
        return None
    assert a.dtype == b.dtype and a.shape == b.shape
    if sparse.issparse(b):
        assert a.format == b.format
        for part in ("indptr", "indices", "data"):
            x, y = getattr(a, part), getattr(b, part)
            assert x.dtype == y.dtype
            assert_array_equal(x, y)
        return None
    gaps = pd.isna(b)
    assert_array_equal(pd.isna(a), gaps)
    return assert_array_equal(a[~gaps], b[~gaps])


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("text", [object, "str", "category"])
@pytest.mark.parametrize("remainder", ["drop", "passthrough", MinMaxScaler()])
def test_frames(name, text, remainder):
    if remainder != "drop" and name not in ("scalers", "integers"):
        remainder = "drop"
    X = table(text=text)[NUMBERS + (["own"] if remainder != "drop" else ["own", *TEXTS])]
    if name == "text imputer" and text == "category":
        X = X.astype({"town": object, "sort": object})
    a, b = both(STEPS[name], remainder=remainder)
    assert_same(a.fit_transform(X), b.fit_transform(X))
    fresh = table(400, seed=1, text=text)[list(X.columns)].astype(X.dtypes)
    for rows in (X, fresh, fresh.iloc[:1], fresh.iloc[[3]], fresh.iloc[5:9], fresh.iloc[::-1]):
        assert_same(a.transform(rows), b.transform(rows))
    # Other columns, or the same ones in another order, are found by name.
    assert_same(a.transform(fresh.iloc[:, ::-1]), b.transform(fresh.iloc[:, ::-1]))
    assert_same(a.transform(fresh.assign(more=1)), b.transform(fresh.assign(more=1)))
    assert_array_equal(a.get_feature_names_out(), b.get_feature_names_out())
    assert a.output_indices_ == b.output_indices_
    again = pickle.loads(pickle.dumps(a))
    assert_same(again.transform(fresh), b.transform(fresh))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", ["C", "F"])
def test_arrays(dtype, form):
    X = np.asarray(np.random.default_rng(0).normal(3, 5, (1000, 6)), dtype=dtype, order=form)
    X[3, 1] = np.nan
    for steps in (
        [("s", StandardScaler(), [0, 1]), ("m", MinMaxScaler(), slice(2, 4)), ("p", "passthrough", [-1])],
        [("s", StandardScaler(), [True, False, True, False, False, False]), ("r", RobustScaler(), [1, 2, 2])],
        [("i", SimpleImputer(), [1]), ("n", Normalizer(), [0, 3]), ("b", StandardScaler(copy=False), [4])],
        [
            ("f", FunctionTransformer(lambda x: x.reshape(-1, 1)), 2),
            ("s", StandardScaler(), lambda X: [0, 5]),
        ],
    ):
        a, b = both(steps, remainder="drop")
        before = X.copy()
        assert_same(a.fit_transform(X), b.fit_transform(X))
        for rows in (X, X[:1], X[::2], X[:300]):
            assert_same(a.transform(rows), b.transform(rows))
        assert_array_equal(X, before)


@pytest.mark.parametrize("name", ["scalers", "mixed", "sparse", "integers"])
def test_polars(name):
    X = pl.from_pandas(table(text="str"), nan_to_null=False)
    a, b = both(STEPS[name])
    assert_same(a.fit_transform(X), b.fit_transform(X))
    for rows in (X, X[:1], X[5:9], X[:, ::-1]):
        assert_same(a.transform(rows), b.transform(rows))


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_output_containers(container):
    for name in ("scalers", "mixed"):
        a, b = both(STEPS[name])
        a.set_output(transform=container), b.set_output(transform=container)
        X = table(text="str")
        assert_same(a.fit_transform(X), b.fit_transform(X))
        assert_same(a.transform(X[:1]), b.transform(X[:1]))
    for verbose in (False, "{feature_name}@{transformer_name}"):
        a, b = both(STEPS["scalers"][:1], verbose_feature_names_out=verbose)
        assert_array_equal(a.fit(table()).get_feature_names_out(), b.fit(table()).get_feature_names_out())


def test_a_step_that_was_changed_after_the_fit():
    X = table()
    a, b = both(STEPS["scalers"])
    a.fit(X), b.fit(X)
    a.transform(X)
    for each in (a, b):
        each.named_transformers_["s"].mean_ = np.zeros(3)
        each.named_transformers_["m"].set_params(clip=False)
    assert_same(a.transform(X), b.transform(X))
    a.fit(X[NUMBERS]), b.fit(X[NUMBERS])
    assert_same(a.transform(X), b.transform(X))


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda X: X.drop(columns="age"), "columns are missing"),
        (lambda X: X.assign(fare=np.inf), "infinity"),
        (lambda X: X.assign(town="never seen"), "unknown categories"),
        (lambda X: X.assign(fare="much"), "could not convert string to float"),
    ],
)
@pytest.mark.parametrize("rows", [1, 300])
def test_errors_are_scikit_learns(change, error, rows):
    a, b = both([("s", StandardScaler(), ["age", "fare"]), ("t", OneHotEncoder(), ["town"])])
    X = table()
    a.fit(X), b.fit(X)
    messages = []
    for each in (a, b):
        with pytest.raises(ValueError, match=error) as told:
            each.transform(change(X.iloc[:rows]))
        messages.append(str(told.value))
    assert messages[0] == messages[1]


def test_no_warning_of_missing_names():
    a = ours.make_column_transformer((StandardScaler(), NUMBERS), (OneHotEncoder(), TEXTS))
    assert type(a) is ours.ColumnTransformer
    X = table()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a.fit(X).transform(X[:1])


class Failing(FrameOnly):
    """A step with a mistake."""

    calls = 0

    def transform(self, X):
        if len(X) < 300:
            type(self).calls += 1
            raise TypeError("a mistake")
        return super().transform(X)


def test_a_mistake_in_a_step_is_seen_at_once():
    X = table()
    fitted = ours.ColumnTransformer(
        [("f", Failing(), ["age", "fare"]), ("s", StandardScaler(), ["fare"])]
    ).fit(X)
    with pytest.raises(TypeError, match="a mistake"):
        fitted.transform(X[:5])
    assert Failing.calls == 1


def test_rows_of_weights_and_jobs_go_scikit_learns_way():
    X = table()
    for options in ({"transformer_weights": {"s": 3.0}}, {"n_jobs": 2}):
        a, b = both(STEPS["scalers"], **options)
        assert_same(a.fit_transform(X), b.fit_transform(X))
        assert_same(a.transform(X), b.transform(X))
