import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import impute as theirs
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import ferroflow
from ferroflow.impute import SimpleImputer

STRATEGIES = ["mean", "median", "most_frequent", "constant"]


def data(rows=500, columns=7, dtype=np.float64, seed=0, levels=None):
    rng = np.random.RandomState(seed)
    X = rng.randn(rows, columns) * 10 ** rng.uniform(-2, 2, columns)
    if levels is not None:
        X = np.floor(rng.rand(rows, columns) * levels)
    with np.errstate(invalid="ignore"):
        return X.astype(dtype)


def with_holes(X, marker=np.nan, share=0.2, seed=1):
    X = X.copy()
    X[np.random.RandomState(seed).rand(*X.shape) < share] = marker
    return X


def layouts(X):
    return {
        "C": np.ascontiguousarray(X),
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "reversed": X[::-1],
        "F strided": np.asfortranarray(np.repeat(X, 2, axis=0))[::2],
    }


def assert_equal(a, b):
    if b.dtype == object:  # where NaN is not equal to NaN; repr tells the types apart as well
        assert a.shape == b.shape
        a, b = [repr(v) for v in a.ravel()], [repr(v) for v in b.ravel()]
    assert_array_equal(a, b)


def assert_same(X, new=None, exact=None, **options):
    """Fit both on X; compare what was learned, then what is made of `new`, both from the same statistics."""
    with warnings.catch_warnings(record=True) as ours_said:
        warnings.simplefilter("always")
        ours = SimpleImputer(**options).fit(X)
    sklearn = theirs.SimpleImputer(**options).fit(X)
    # What merging needs is ours alone.
    assert ours.__dict__.keys() - {"_seen"} == sklearn.__dict__.keys()
    assert ours.statistics_.dtype == sklearn.statistics_.dtype
    if exact is None:
        exact = options.get("strategy", "mean") != "mean"
    if exact:
        assert_equal(ours.statistics_, sklearn.statistics_)
    else:
        # Sums in another order; scikit-learn sums f32 in f32, we in f64.
        single = getattr(X, "dtype", None) == np.float32
        size = np.nanmax(np.abs(np.asarray(sklearn.statistics_, dtype=float)), initial=1e-300) + 10
        assert_allclose(
            ours.statistics_, sklearn.statistics_, rtol=0, atol=size * (1e-5 if single else 1e-13)
        )
    for name in ("_fit_dtype", "_fill_dtype", "n_features_in_"):
        assert getattr(ours, name, None) == getattr(sklearn, name, None)
    if sklearn.indicator_ is not None:
        assert ours.indicator_.__dict__.keys() == sklearn.indicator_.__dict__.keys()
        assert_array_equal(ours.indicator_.features_, sklearn.indicator_.features_)
    assert_array_equal(ours.get_feature_names_out(), sklearn.get_feature_names_out())
    assert not ours_said
    ours.statistics_ = sklearn.statistics_
    for data in (X, new):
        if data is None:
            continue
        with warnings.catch_warnings(record=True) as ours_said:
            warnings.simplefilter("always")
            out = ours.transform(data)
        with warnings.catch_warnings(record=True) as sklearn_said:
            warnings.simplefilter("always")
            expected = sklearn.transform(data)
        assert [str(w.message) for w in ours_said] == [str(w.message) for w in sklearn_said]
        assert type(out) is type(expected)
        assert out.dtype == expected.dtype
        if sparse.issparse(out):
            out, expected = out.toarray(), expected.toarray()
        assert_equal(out, expected)
        again = clone(ours)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert_array_equal(again.fit_transform(X).shape, ours.transform(X).shape)
    return ours


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("layout", ["C", "F", "strided", "reversed", "F strided"])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 3), (501, 7), (3000, 1), (90, 200), (30_000, 5)])
def test_floats_in_every_layout(dtype, layout, strategy, shape):
    X = layouts(with_holes(data(*shape, dtype)))[layout]
    assert_same(X, X[: len(X) // 2 + 1], strategy=strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("rows", [400, 40_000])
@pytest.mark.parametrize("levels", [1, 2, 3, 50, 20_000])
@pytest.mark.parametrize("missing", [np.nan, 0, -1, 1.0])
def test_ties_and_markers(strategy, rows, levels, missing):
    X = with_holes(data(rows, 3, levels=levels), missing)
    assert_same(X, strategy=strategy, missing_values=missing)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("keep_empty_features", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("rows", [5, 20_000])
def test_indicators_and_empty_columns(strategy, add_indicator, keep_empty_features, dtype, rows):
    X = with_holes(data(rows, 6, dtype))
    X[:, 2] = np.nan
    X[:, 4] = 1
    options = {"add_indicator": add_indicator, "keep_empty_features": keep_empty_features}
    new = with_holes(data(4, 6, dtype), share=0.5)
    assert_same(X, new, strategy=strategy, **options)
    X, new = X[:, [0, 1, 3, 4]], new[:, [0, 1, 3, 4]]
    ours = assert_same(X, new, strategy=strategy, **options)
    if add_indicator:
        assert_array_equal(ours.inverse_transform(ours.transform(X)), X)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint8, np.int8, np.uint64])
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("missing", [0, 3, -1, 2.5, np.nan, 1000])
def test_whole_numbers(dtype, strategy, missing):
    X = data(300, 4, levels=7).astype(dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy on comparing with a number that does not fit the type
        try:
            theirs.SimpleImputer(strategy=strategy, missing_values=missing).fit(X)
        except OverflowError:
            return
    assert_same(X, strategy=strategy, missing_values=missing)
    assert_same(X[:1], strategy=strategy, missing_values=missing)


def test_large_whole_numbers():
    X = np.array([[2**60 + 1], [2**60 + 1], [2**60], [-(2**62)]])
    assert_same(X, strategy="most_frequent", missing_values=-1)


@pytest.mark.parametrize("other", [np.float32, np.int64])
def test_another_type_in_transform(other):
    X = with_holes(data(levels=9))
    new = data(5, levels=9).astype(other)
    for strategy in STRATEGIES[:3]:
        assert_same(X, new, strategy=strategy)
    assert_same(with_holes(data(dtype=np.float32)), data(9), strategy="mean")


@pytest.mark.parametrize("fill_value", [None, 0, -1, 2.5, np.float64(3), np.int64(4), True, np.nan])
def test_constant_numbers(fill_value):
    for dtype in (np.float64, np.float32):
        X = with_holes(data(dtype=dtype))
        X[:, 1] = np.nan
        for keep in (False, True):
            assert_same(X, strategy="constant", fill_value=fill_value, keep_empty_features=keep)


WORDS = np.array(["b", "a", "ä", "zz", "B", "日本", ""], dtype=object)


def texts(rows=300, columns=4, missing=np.nan, seed=0):
    rng = np.random.RandomState(seed)
    return with_holes(WORDS[rng.randint(len(WORDS), size=(rows, columns))], missing)


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
@pytest.mark.parametrize("missing", [np.nan, None, "zz", "not there", pd.NA])
@pytest.mark.parametrize("add_indicator", [False, True])
def test_objects(strategy, missing, add_indicator):
    X = texts(missing=missing)
    options = {"strategy": strategy, "missing_values": missing, "add_indicator": add_indicator}
    assert_same(X, **options)
    assert_same(X[:1], **options)
    assert_same(np.asfortranarray(X), **options)
    if strategy == "constant":
        assert_same(X, fill_value="(missing)", **options)
        assert_same(X, fill_value=0, **options)
    X[:, 1] = missing
    assert_same(X, **options)
    assert_same(X, keep_empty_features=True, **options)


def test_objects_of_mixed_types():
    rng = np.random.RandomState(0)
    for values in (["a", 1, 2.5], [1, 2, 3], [True, "x", 1.0], [np.float64(1), np.int64(2)], [None, "a"]):
        X = np.empty((60, 2), dtype=object)
        for i in range(60):
            X[i] = [values[k] for k in rng.randint(len(values), size=2)]
        X[::7, 0] = np.nan
        for strategy in ("most_frequent", "constant"):
            assert_same(X, strategy=strategy)


def test_ties_of_texts_give_the_smallest():
    X = np.array([["b"], ["a"], ["ä"], ["ä"], ["b"], ["a"], ["\U0001f600"], ["\uffff"]], dtype=object)
    assert SimpleImputer(strategy="most_frequent").fit(X).statistics_[0] == "a"
    assert SimpleImputer(strategy="most_frequent").fit(X[-2:]).statistics_[0] == "\uffff"
    X = np.array([["\ud800"], ["\ud800"], ["a"]], dtype=object)  # no UTF-8
    assert_same(X, strategy="most_frequent")


@pytest.mark.parametrize("dtype", [object, "str", "string", "category"])
@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
def test_frames_of_texts(dtype, strategy):
    X = pd.DataFrame(texts(), columns=list("abcd")).astype(dtype)
    missing = pd.NA if dtype == "string" else np.nan
    new = X.iloc[::-3]
    assert_same(X, new, strategy=strategy, missing_values=missing)
    options = {"strategy": "constant", "fill_value": "(missing)", "missing_values": missing}
    assert_same(X, new, **options)
    with pytest.raises(ValueError, match="The feature names should match"):
        SimpleImputer(**options).fit(X).transform(X[["b", "a", "c", "d"]])
    ours = make_column_transformer((SimpleImputer(**options), ["a", "c"]), remainder="drop")
    sklearn = make_column_transformer((theirs.SimpleImputer(**options), ["a", "c"]), remainder="drop")
    one = make_pipeline(ours, OneHotEncoder(sparse_output=False)).fit_transform(X)
    assert_array_equal(one, make_pipeline(sklearn, OneHotEncoder(sparse_output=False)).fit_transform(X))


@pytest.mark.parametrize("missing", [None, "zz", np.nan])
def test_mixed_frames_and_what_they_may_not_hold(missing):
    X = pd.DataFrame(texts(missing=missing), columns=list("abcd"), dtype=object)
    X["b"] = pd.Series(texts(columns=1, missing="zz")[:, 0], dtype="str")
    options = {"strategy": "constant", "fill_value": "(missing)", "missing_values": missing}
    assert_same(X, X.iloc[:7], **options)
    X["c"] = np.arange(len(X))
    assert_same(X, X.iloc[:7], **options)
    if missing is not np.nan:
        X.loc[3, "a"] = np.nan
        for cls in (theirs.SimpleImputer, SimpleImputer):
            with pytest.raises(ValueError, match="contains NaN"):
                cls(**options).fit(X[["a", "b"]])
            with pytest.raises(ValueError, match="contains NaN"):
                cls(**options).fit(X.loc[4:, ["a", "b"]]).transform(X[["a", "b"]])
    with pytest.raises(ValueError, match="The feature names should match"):
        SimpleImputer(**options).fit(X.loc[4:, ["a", "b"]]).transform(X.loc[4:, ["b", "a"]])
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        SimpleImputer(**options).fit(X.loc[4:, ["a"]]).transform(X.loc[4:, ["a"]].to_numpy())


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_frames_of_numbers(strategy):
    X = pd.DataFrame(with_holes(data(levels=20)), columns=list("abcdefg"))
    assert_same(X, X.iloc[:9], strategy=strategy)
    X["a"] = X["a"].astype("Int64")
    assert_same(X, strategy=strategy)
    assert_same(X[["a"]], strategy=strategy, missing_values=pd.NA)
    X["b"] = X["b"].astype("float32")
    assert_same(X[["b"]], strategy=strategy)


def test_set_output_and_names():
    X = pd.DataFrame(with_holes(data()), columns=list("abcdefg"))
    ours = SimpleImputer(add_indicator=True).set_output(transform="pandas")
    sklearn = theirs.SimpleImputer(add_indicator=True).set_output(transform="pandas")
    pd.testing.assert_frame_equal(ours.fit_transform(X), sklearn.fit_transform(X))
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        ours.transform(X.to_numpy())
    ours.fit(X.to_numpy())
    assert not hasattr(ours, "feature_names_in_")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("fmt", ["csr", "csc"])
def test_sparse(strategy, fmt, capsys):
    X = sparse.random(50, 4, density=0.4, format=fmt, random_state=0)
    X.data[::3] = np.nan
    ferroflow.explain(clear=True)
    capsys.readouterr()
    assert_same(X, strategy=strategy, exact=strategy != "mean")
    ferroflow.explain()
    assert ("scikit-learn" in capsys.readouterr().out) == (strategy == "constant")


def test_a_callable_strategy(capsys):
    ferroflow.explain(clear=True)
    assert_same(with_holes(data()), strategy=np.max)
    ferroflow.explain(clear=True)
    assert "a callable strategy" in capsys.readouterr().out


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("rows", [3, 40_000])
@pytest.mark.parametrize(
    "value, missing, message",
    [
        (np.inf, np.nan, "Input X contains infinity"),
        (-np.inf, np.nan, "Input X contains infinity"),
        (np.nan, 0, "Input X contains NaN"),
        (np.inf, 0, "Input X contains infinity"),
    ],
)
def test_values_that_may_not_occur(strategy, rows, value, missing, message):
    good = data(rows, 3)
    bad = good.copy()
    bad[rows - 1, 1] = value
    imputer = SimpleImputer(strategy=strategy, missing_values=missing).fit(good)
    before = imputer.statistics_.copy()
    for X in (bad, np.asfortranarray(bad)):
        with pytest.raises(ValueError, match=message):
            SimpleImputer(strategy=strategy, missing_values=missing).fit(X)
        with pytest.raises(ValueError, match=message):
            imputer.fit(X)
        with pytest.raises(ValueError, match=message):
            imputer.transform(X)
    assert_array_equal(imputer.statistics_, before)


@pytest.mark.parametrize(
    "X, options, message",
    [
        (np.empty((0, 3)), {}, "Found array with 0 sample"),
        (np.empty((3, 0)), {}, "0 feature"),
        ([1.0, 2.0], {}, "Expected 2D array, got 1D array instead"),
        ([["a"], ["b"]], {}, "Cannot use mean strategy with non-numeric data"),
        (
            np.array([["a"], ["b"]]),
            {"strategy": "constant"},
            "SimpleImputer does not support data with dtype",
        ),
        (np.ones((2, 2)), {"strategy": "modus"}, "The 'strategy' parameter of SimpleImputer must be"),
        (np.ones((2, 2)), {"copy": 3}, "The 'copy' parameter of SimpleImputer must be"),
        (np.ones((2, 2)), {"missing_values": "x"}, "'X' and 'missing_values' types are expected to be"),
        (np.ones((2, 2)), {"strategy": "constant", "fill_value": "x"}, "fill_value='x'"),
        (np.ones((2, 2), int), {"strategy": "constant", "fill_value": 0.5}, "fill_value=0.5"),
        (np.array([["a", np.nan]], dtype=object), {"missing_values": "a"}, "Cannot use mean strategy|NaN"),
    ],
)
def test_bad_input_is_refused_in_scikit_learns_words(X, options, message):
    for cls in (theirs.SimpleImputer, SimpleImputer):
        with pytest.raises(ValueError, match=message):
            cls(**options).fit(X)


def test_transform_refuses_what_scikit_learn_refuses():
    imputer = SimpleImputer().fit(data())
    with pytest.raises(ValueError, match="X has 3 features, but SimpleImputer is expecting 7 features"):
        imputer.transform(np.zeros((2, 3)))
    with pytest.raises(Exception, match="This SimpleImputer instance is not fitted yet"):
        SimpleImputer().transform(data())
    with pytest.raises(ValueError, match="'inverse_transform' works only when"):
        imputer.inverse_transform(data())


@pytest.mark.parametrize("order", ["C", "F"])
def test_copy(order):
    X = np.asarray(with_holes(data()), order=order)
    expected = theirs.SimpleImputer().fit_transform(X)
    out = SimpleImputer().fit_transform(X)
    assert not np.shares_memory(out, X)
    assert out.flags.c_contiguous == expected.flags.c_contiguous
    out = SimpleImputer(copy=False).fit_transform(X)
    assert out is X
    assert_allclose(out, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("value", "missing"), [(np.inf, np.nan), (np.nan, -1.0), (-np.inf, -1.0)])
def test_what_is_refused_stays_as_it_was(value, missing):
    X = with_holes(data(), missing)
    imputer = SimpleImputer(missing_values=missing, copy=False).fit(X)
    X[-1, -1] = value
    before = X.copy()
    with pytest.raises(ValueError, match="Input X contains"):
        imputer.transform(X)
    assert_array_equal(X, before)


def test_read_only_input():
    X = with_holes(data())
    X.flags.writeable = False
    assert_same(X)


def test_pickle_and_clone():
    X = with_holes(data())
    imputer = SimpleImputer(strategy="median").fit(X)
    again = pickle.loads(pickle.dumps(imputer))
    assert_array_equal(again.transform(X), imputer.transform(X))
    assert clone(imputer).get_params() == imputer.get_params()
    assert isinstance(imputer, theirs.SimpleImputer)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_frozen_it_gives_the_same_bits(strategy):
    X = with_holes(data(60, 4))
    pipe = make_pipeline(SimpleImputer(strategy=strategy, add_indicator=strategy == "median")).fit(X)
    assert_array_equal(ferroflow.freeze(pipe, X).transform(X), pipe.transform(X))
