"""MinMaxScaler, MaxAbsScaler, RobustScaler, Normalizer, Binarizer and the functions against scikit-learn's."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import preprocessing as theirs

import ferroflow
from ferroflow import preprocessing as ours

pytestmark = pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")

SCALERS = [
    ("MinMaxScaler", {}),
    ("MinMaxScaler", {"feature_range": (-3, 1.5), "clip": True}),
    ("MaxAbsScaler", {}),
    ("RobustScaler", {}),
    ("RobustScaler", {"quantile_range": (10.0, 65), "unit_variance": True}),
    ("RobustScaler", {"with_centering": False, "quantile_range": (0, 100)}),
    ("RobustScaler", {"with_scaling": False}),
]
STATELESS = [
    ("Normalizer", {"norm": "l1"}),
    ("Normalizer", {"norm": "l2"}),
    ("Normalizer", {"norm": "max"}),
    ("Binarizer", {}),
    ("Binarizer", {"threshold": 0.3}),
]
LEARNED = (
    "data_min_",
    "data_max_",
    "data_range_",
    "min_",
    "scale_",
    "max_abs_",
    "center_",
    "n_samples_seen_",
)
LAYOUTS = ["C", "F", "strided", "reversed", "F strided"]


def ids(value):
    return "-".join(map(str, value.values())) if isinstance(value, dict) else None


def layout(X, name):
    return {
        "C": np.ascontiguousarray(X),
        "F": np.asfortranarray(X),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
        "reversed": X[::-1],
        "F strided": np.asfortranarray(np.repeat(X, 2, axis=0))[::2],
    }[name]


def data(rows=500, columns=7, dtype=np.float64, nan=False, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.randn(rows, columns) * 10 ** rng.uniform(-2, 2, columns) + rng.randn(columns)
    if nan:
        X[rng.rand(rows, columns) < 0.2] = np.nan
    return X.astype(dtype)


def pair(name, options):
    return getattr(ours, name)(**options), getattr(theirs, name)(**options)


def assert_same_state(a, b):
    for name in LEARNED:
        assert hasattr(a, name) == hasattr(b, name), name
        x, y = getattr(a, name, None), getattr(b, name, None)
        assert (x is None) == (y is None), name
        if y is not None:
            assert np.asarray(x).dtype == np.asarray(y).dtype, name
            assert_array_equal(x, y, err_msg=name)
    assert a.n_features_in_ == b.n_features_in_


def assert_same_output(x, y, rtol=0.0):
    """To the last bit, unless a tolerance is given."""
    assert type(x) is type(y) and x.dtype == y.dtype and x.shape == y.shape
    if sparse.issparse(y):
        assert x.format == y.format
        x, y = x.toarray(), y.toarray()
    else:
        assert x.strides == y.strides
    assert_allclose(x, y, rtol=rtol, atol=0)


def norm_rounding(dtype):
    """Norms are summed in another order, and those of float32 in float64."""
    return 1e-14 if dtype == np.float64 else 3e-6


@pytest.mark.parametrize(("name", "options"), SCALERS, ids=ids)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8])
@pytest.mark.parametrize("form", LAYOUTS)
@pytest.mark.parametrize("nan", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (500, 7), (3000, 1), (90, 70), (40_000, 3)])
def test_scalers(name, options, dtype, form, nan, shape):
    X = layout(
        data(*shape, nan=nan and np.issubdtype(dtype, np.floating)).astype(dtype, casting="unsafe"), form
    )
    a, b = pair(name, options)
    with np.errstate(all="ignore"):
        assert_same_state(a.fit(X), b.fit(X))
        Z = b.transform(X)
        assert_same_output(a.transform(X), Z)
        assert_same_output(a.inverse_transform(Z), b.inverse_transform(Z))
        assert_same_output(pair(name, options)[0].fit_transform(X), b.fit_transform(X))


@pytest.mark.parametrize(("name", "options"), STATELESS, ids=ids)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
@pytest.mark.parametrize("form", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (500, 7), (3000, 1), (90, 70), (40_000, 3)])
def test_stateless(name, options, dtype, form, shape):
    X = data(*shape)
    X[:: max(2, len(X) // 3)] = 0
    X = layout(X.astype(dtype), form)
    a, b = pair(name, options)
    rtol = norm_rounding(dtype) if name == "Normalizer" else 0
    assert_same_output(a.fit(X).transform(X), b.fit(X).transform(X), rtol)
    assert_same_output(pair(name, options)[0].fit_transform(X), b.fit_transform(X), rtol)
    assert a.n_features_in_ == b.n_features_in_


@pytest.mark.parametrize(("name", "options"), SCALERS + STATELESS, ids=ids)
@pytest.mark.parametrize("form", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_copy_false_works_in_place(name, options, form, dtype):
    X = layout(data(dtype=dtype), form)
    a, b = pair(name, {**options, "copy": False})
    rtol = norm_rounding(dtype) if name == "Normalizer" else 0
    mine, other = X.copy(), X.copy()
    out = a.fit(mine).transform(mine)
    assert out is mine
    assert_allclose(out, b.fit(other).transform(other), rtol=rtol, atol=0)
    view = X[::2, ::-1]
    expected = pair(name, options)[1].fit_transform(view)
    pair(name, {**options, "copy": False})[0].fit_transform(view)
    assert_allclose(view, expected, rtol=rtol, atol=0)
    if hasattr(b, "inverse_transform"):
        assert a.inverse_transform(out) is out
        assert_array_equal(out, b.inverse_transform(other))


@pytest.mark.parametrize(("name", "options"), SCALERS, ids=ids)
def test_other_types_than_fitted(name, options):
    a, b = pair(name, options)
    for fitted, given in [(np.float32, np.float64), (np.float64, np.float32)]:
        X = data(dtype=fitted)
        assert_same_state(a.fit(X), b.fit(X))
        assert_same_output(a.transform(X.astype(given)), b.transform(X.astype(given)))
        assert_same_output(a.inverse_transform(X.astype(given)), b.inverse_transform(X.astype(given)))


def sparse_data(form, dtype, index, nan):
    X = sparse.random(400, 9, density=0.3, format="csr", random_state=0) * 100
    X.data -= 40
    X.data[::7] = np.nan if nan else 0
    X = form(X.astype(dtype))
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    return X


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("MaxAbsScaler", {}),
        ("RobustScaler", {"with_centering": False}),
        ("RobustScaler", {"with_centering": False, "quantile_range": (5, 90)}),
        ("RobustScaler", {"with_centering": False, "with_scaling": False}),
        *STATELESS,
    ],
    ids=ids,
)
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_matrix, sparse.csr_array, sparse.csc_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("index", [np.int32, np.int64])
def test_sparse(name, options, form, dtype, index):
    scaler = name.endswith("Scaler")
    X = sparse_data(form, dtype, index, nan=scaler and dtype != np.int64)
    a, b = pair(name, options)
    a.fit(X), b.fit(X)
    if scaler:
        assert_same_state(a, b)
    before = X.copy()
    assert_same_output(a.transform(X), b.transform(X))
    assert_array_equal(X.toarray(), before.toarray())
    if scaler:
        assert_same_output(a.inverse_transform(X), b.inverse_transform(X))
    a.set_params(copy=False), b.set_params(copy=False)
    mine, other = X.copy(), X.copy()
    assert_same_output(a.transform(mine), b.transform(other))
    if form in (sparse.csr_matrix, sparse.csr_array) and dtype != np.int64:
        assert_array_equal(mine.data, other.data)


def test_sparse_is_refused_in_scikit_learns_words():
    X = sparse_data(sparse.csr_array, float, np.int32, nan=False)
    with pytest.raises(TypeError, match="MinMaxScaler does not support sparse input"):
        ours.MinMaxScaler().fit(X)
    with pytest.raises(ValueError, match="Cannot center sparse matrices: use `with_centering=False`"):
        ours.RobustScaler().fit(X)
    with pytest.raises(ValueError, match="Cannot binarize a sparse matrix with threshold < 0"):
        ours.Binarizer(threshold=-1).fit(X).transform(X)
    with pytest.raises(TypeError, match="Sparse data was passed"):
        ours.MinMaxScaler().fit(X.toarray()).transform(X)


@pytest.mark.parametrize(("name", "options"), SCALERS + STATELESS, ids=ids)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0, np.inf], [2.0, 3.0]], "Input X contains infinity"),
        (np.empty((0, 3)), "Found array with 0 sample"),
        (np.empty((3, 0)), "0 feature"),
        ([1.0, 2.0], "Expected 2D array, got 1D array instead"),
        ([["a"], ["b"]], "could not convert string to float|dtype='numeric'"),
    ],
)
def test_bad_input_is_refused_in_scikit_learns_words(name, options, X, message):
    a, b = pair(name, options)
    for estimator in (a, b):
        with pytest.raises(ValueError, match=message):
            estimator.fit(np.asarray(X))
        with pytest.raises(ValueError, match=message):
            estimator.fit_transform(np.asarray(X))


@pytest.mark.parametrize(("name", "options"), SCALERS + STATELESS, ids=ids)
def test_transform_refuses_what_scikit_learn_refuses(name, options):
    a = getattr(ours, name)(**options).fit(data())
    with pytest.raises(ValueError, match=f"X has 3 features, but {name} is expecting 7 features"):
        a.transform(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        a.transform(np.full((2, 7), np.inf))
    if hasattr(a, "inverse_transform"):
        with pytest.raises(ValueError, match="could not be broadcast"):
            a.inverse_transform(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("MinMaxScaler", {"feature_range": (1, 1)}, "Minimum of desired feature range must be smaller"),
        ("MinMaxScaler", {"feature_range": [0, 1]}, "The 'feature_range' parameter of MinMaxScaler"),
        ("MinMaxScaler", {"clip": 1}, "The 'clip' parameter of MinMaxScaler"),
        ("MaxAbsScaler", {"copy": "no"}, "The 'copy' parameter of MaxAbsScaler"),
        ("RobustScaler", {"quantile_range": (75, 25)}, "Invalid quantile range"),
        ("RobustScaler", {"unit_variance": 3}, "The 'unit_variance' parameter of RobustScaler"),
        ("Normalizer", {"norm": "l3"}, "The 'norm' parameter of Normalizer"),
        ("Binarizer", {"threshold": "0"}, "The 'threshold' parameter of Binarizer"),
    ],
)
def test_bad_parameters(name, options, error):
    for estimator in pair(name, options):
        for method in ("fit", "fit_transform"):
            with pytest.raises(ValueError, match=error):
                getattr(estimator, method)(data())


@pytest.mark.parametrize("name", ["MinMaxScaler", "MaxAbsScaler"])
def test_partial_fit_is_scikit_learns(name):
    a, b = pair(name, {})
    for part in np.array_split(data(1000, nan=True), 7):
        assert_same_state(a.partial_fit(part), b.partial_fit(part))


@pytest.mark.parametrize("name", ["MinMaxScaler", "MaxAbsScaler"])
def test_merge_gives_the_whole_fit(name):
    X = data(1000, nan=True)
    X[:300, 2] = np.nan
    cls = getattr(ours, name)
    whole = cls().fit(X)
    assert_same_state(cls().fit(X[:300]).merge(cls().fit(X[300:])), whole)
    assert_same_state(cls().fit(X[300:]).merge(cls().fit(X[:300])), whole)
    with pytest.raises(ValueError, match="Cannot merge scalers of 7 and 3 features"):
        whole.merge(cls().fit(X[:, :3]))


def test_the_sketch_of_robust_scaler():
    X = data(3000, nan=True)
    whole = ours.RobustScaler().fit(X)
    parts = ours.RobustScaler()
    for part in np.array_split(X, 11):
        parts.partial_fit(part)
    merged = ours.RobustScaler().partial_fit(X[:700]).merge(ours.RobustScaler().partial_fit(X[700:]))
    merged = pickle.loads(pickle.dumps(merged))
    for other in (parts, merged):  # so few are kept as they are
        assert_allclose(other.center_, whole.center_, rtol=1e-14)
        assert_allclose(other.scale_, whole.scale_, rtol=1e-14)
    big = np.random.RandomState(0).randn(300_000, 2)
    stream = ours.RobustScaler()
    for part in np.array_split(big, 10):
        stream.partial_fit(part)
    assert_allclose(stream.center_, 0, atol=0.01)
    assert_allclose(stream.scale_, 1.349, atol=0.01)
    with pytest.raises(ValueError, match="fit both by partial_fit"):
        stream.merge(ours.RobustScaler().fit(big))
    assert not hasattr(stream.fit(big), "_sketch")


def test_stateless_ones_merge():
    for name in ("Normalizer", "Binarizer"):
        a = getattr(ours, name)().partial_fit(data())
        assert a.merge(getattr(ours, name)().fit(data())) is a
        with pytest.raises(ValueError, match="Cannot merge"):
            a.merge(getattr(ours, name)().fit(data(columns=3)))


@pytest.mark.parametrize("name", ["MinMaxScaler", "MaxAbsScaler", "RobustScaler"])
def test_columns_of_nan_only_are_warned_of(name):
    X = data()
    X[:, 2] = np.nan
    for estimator in pair(name, {}):
        with pytest.warns(RuntimeWarning, match="All-NaN"):
            estimator.fit(X)
        assert np.isnan(estimator.scale_[2]) and not np.isnan(estimator.scale_[1])


@pytest.mark.parametrize(("name", "options"), SCALERS + STATELESS, ids=ids)
def test_frames_names_and_output_containers(name, options):
    frame = pd.DataFrame(data(), columns=list("abcdefg"))
    a, b = pair(name, options)
    a.set_output(transform="pandas"), b.set_output(transform="pandas")
    pd.testing.assert_frame_equal(a.fit_transform(frame), b.fit_transform(frame), rtol=1e-13)
    pd.testing.assert_frame_equal(a.transform(frame), b.transform(frame), rtol=1e-13)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        a.transform(frame.to_numpy())


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("minmax_scale", [{}, {"feature_range": (-1, 2)}, {"axis": 1}]),
        ("maxabs_scale", [{}, {"axis": 1}]),
        ("robust_scale", [{}, {"axis": 1, "quantile_range": (10, 80)}, {"unit_variance": True}]),
        ("scale", [{}, {"axis": 1}, {"with_mean": False}, {"with_std": False}, {"copy": False}]),
        ("normalize", [{"norm": n, "axis": k} for n in ("l1", "l2", "max") for k in (0, 1)]),
        ("binarize", [{}, {"threshold": -0.2}]),
        ("add_dummy_feature", [{}, {"value": 3.0}]),
    ],
)
@pytest.mark.parametrize("form", ["C", "F", "strided"])
def test_functions(name, calls, form):
    mine, other = getattr(ours, name), getattr(theirs, name)
    X = layout(data(200, 6), form)
    rounding = {"scale": 1e-10, "normalize": 1e-14}.get(name, 0)
    for options in calls:
        a, b = mine(X.copy(), **options), other(X.copy(), **options)
        assert a.dtype == b.dtype
        assert_allclose(a, b, rtol=rounding, atol=rounding)
    if name not in ("normalize", "binarize", "add_dummy_feature"):
        a, b = mine(X[:, 0].tolist()), other(X[:, 0].tolist())
        assert_allclose(a, b, rtol=rounding, atol=rounding)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("minmax_scale", {"axis": 2}),
        ("maxabs_scale", {"axis": "rows"}),
        ("robust_scale", {"axis": 2}),
        ("scale", {"with_mean": 1}),
        ("normalize", {"norm": "l3"}),
        ("binarize", {"threshold": "high"}),
    ],
)
def test_functions_refuse_in_scikit_learns_words(name, options):
    messages = []
    for module in (ours, theirs):
        with pytest.raises(ValueError, match=f"parameter of {name} must be") as error:
            getattr(module, name)(data(), **options)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_norms_are_returned():
    X = data()
    X[3] = 0
    for axis in (0, 1):
        for copy in (True, False):
            a, b = (
                module.normalize(X.copy(), axis=axis, copy=copy, return_norm=True)
                for module in (ours, theirs)
            )
            assert_allclose(a[0], b[0], rtol=1e-14)
            assert_allclose(a[1], b[1], rtol=1e-14)
    with pytest.raises(NotImplementedError, match="return_norm=True is not implemented"):
        ours.normalize(sparse.csr_array(X), return_norm=True)


@pytest.mark.filterwarnings("ignore")
def test_scale_leaves_hard_values_to_scikit_learn():
    """What NumPy's means get wrong is scikit-learn's to correct and to warn of."""
    rng = np.random.RandomState(0)
    for column in (np.full(50, 0.1), 1e16 + rng.randn(50), np.r_[1e300, rng.randn(49)], np.full(50, np.nan)):
        X = np.c_[rng.randn(50), column]
        assert_array_equal(ours.scale(X), theirs.scale(X))
    x = np.full(10, np.log(1e-5))
    for module in (ours, theirs):
        with pytest.warns(UserWarning, match="standard deviation of the data is probably very close to 0"):
            module.scale(x)


def test_what_scikit_learn_runs_stands_in_the_ledger(capsys):
    ferroflow.explain(clear=True)
    ours.MinMaxScaler().fit(data(dtype=np.float16))
    ferroflow.explain(clear=True)
    text = capsys.readouterr().out
    assert "float16 input" in text


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint16, bool])
@pytest.mark.parametrize("threshold", [0, 1, 1.5, -1])
def test_whole_numbers_are_compared_as_they_are(dtype, threshold):
    X = np.random.RandomState(0).randint(0, 4, (50, 3)).astype(dtype)
    forms = [X, np.asfortranarray(X)] + (
        [sparse.csr_array(X)] if threshold >= 0 and dtype is not bool else []
    )
    for rows in forms:
        a, b = (module.Binarizer(threshold=threshold).fit_transform(rows) for module in (ours, theirs))
        assert_same_output(a, b)
    mine, other = X.copy(), X.copy()
    ours.binarize(mine, threshold=threshold, copy=False)
    theirs.binarize(other, threshold=threshold, copy=False)
    assert_array_equal(mine, other)


def test_standard_scaler_in_place_and_without_parts():
    for dtype in (np.float64, np.float32):
        for form in LAYOUTS:
            X = layout(data(dtype=dtype), form)
            a = ours.StandardScaler().fit(X)
            expected = a.transform(X)
            back = a.inverse_transform(expected)
            inplace = X.copy()
            assert a.transform(inplace, copy=False) is inplace
            assert_array_equal(inplace, expected)
            assert a.inverse_transform(inplace, copy=False) is inplace
            assert_array_equal(inplace, back)
    options = {"with_mean": False, "with_std": False}
    X = data(nan=True)
    for Z in (X, data(), sparse.csr_array(np.nan_to_num(X))):
        a, b = pair("StandardScaler", options)
        for w in (None, np.random.RandomState(0).rand(len(X))):
            a.fit(Z, sample_weight=w), b.fit(Z, sample_weight=w)
            assert a.mean_ is a.var_ is a.scale_ is None
            assert_allclose(a.n_samples_seen_, b.n_samples_seen_, rtol=1e-12)
            assert np.asarray(a.n_samples_seen_).dtype == np.asarray(b.n_samples_seen_).dtype
            a.partial_fit(Z, sample_weight=w), b.partial_fit(Z, sample_weight=w)
            assert_allclose(a.n_samples_seen_, b.n_samples_seen_, rtol=1e-12)
    whole = ours.StandardScaler(**options).fit(X)
    parts = ours.StandardScaler(**options).fit(X[:100]).merge(ours.StandardScaler(**options).fit(X[100:]))
    assert_array_equal(whole.n_samples_seen_, parts.n_samples_seen_)


@pytest.mark.parametrize("name", ["StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8, bool])
def test_whole_numbers_stay_as_they_are(name, dtype):
    X = np.random.RandomState(0).randint(0, 2, size=(300, 4)).astype(dtype)
    before = X.copy()
    X.setflags(write=False)
    a, b = (estimator.fit(X) for estimator in pair(name, {}))
    for method in ("transform", "inverse_transform"):
        found, expected = getattr(a, method)(X), getattr(b, method)(X)
        assert_allclose(found, expected, rtol=1e-13, atol=1e-13)
        assert found.dtype == expected.dtype and found.flags.writeable
        assert_array_equal(X, before)
