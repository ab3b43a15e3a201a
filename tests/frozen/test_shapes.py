"""Frozen quantile and power transforms, bins, polynomial terms, splines and functions have their steps' bits."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn import preprocessing as theirs
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import ferroflow
from ferroflow import preprocessing as ours
from ferroflow.frozen import FrozenModel

ROWS = 2500


def data(dtype, gaps=False, positive=False):
    rng = np.random.default_rng(0)
    X = np.c_[
        rng.normal(size=ROWS), rng.lognormal(0, 3, ROWS), rng.integers(0, 4, ROWS), rng.random(ROWS) * 1e-3
    ]
    X = (np.abs(X) + 1e-3 if positive else X).astype(dtype)
    if gaps:
        X[rng.random(X.shape) < 0.1] = np.nan
    return X


def assert_same_bits(step, X, tmp_path=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step.fit(X)
        model = ferroflow.freeze(step, X)
        expected = step.transform(X)
    expected = expected.toarray() if sparse.issparse(expected) else expected
    found = model.transform(X)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)  # block by block
    for i in range(3):
        np.testing.assert_array_equal(model.transform(X[i : i + 1])[0], expected[i])  # row by row
    if tmp_path is not None:
        model.save(tmp_path / "model.ff")
        np.testing.assert_array_equal(FrozenModel.load(tmp_path / "model.ff").transform(X), expected)
    return model


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("output", ["uniform", "normal"])
@pytest.mark.parametrize("n_quantiles", [1, 5, 1000])
def test_quantile_transformer(dtype, output, n_quantiles, tmp_path):
    step = ours.QuantileTransformer(n_quantiles=n_quantiles, output_distribution=output)
    assert_same_bits(step, data(dtype, gaps=True), tmp_path)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("standardize", [True, False])
def test_power_transformer(dtype, method, standardize, tmp_path):
    X = data(dtype, gaps=True, positive=method == "box-cox")
    model = assert_same_bits(ours.PowerTransformer(method, standardize=standardize), X, tmp_path)
    if method == "box-cox":
        for rows in (-X[:1], np.zeros((9, 4), dtype=dtype)):
            with pytest.raises(ValueError, match="the Box-Cox transformation needs a number above 0"):
                model.transform(rows)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("encode", ["ordinal", "onehot", "onehot-dense"])
@pytest.mark.parametrize("strategy", ["uniform", "quantile", "kmeans"])
@pytest.mark.parametrize("output", [None, np.float32, np.float64])
def test_k_bins_discretizer(dtype, encode, strategy, output, tmp_path):
    step = ours.KBinsDiscretizer(4, encode=encode, strategy=strategy, dtype=output)
    model = assert_same_bits(step, data(dtype), tmp_path)
    with pytest.raises(ValueError, match="missing"):
        model.transform(np.full((1, 4), np.nan, dtype=dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("degree", [0, 1, 2, 4, (2, 3)])
@pytest.mark.parametrize("interaction_only", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_polynomial_features(dtype, degree, interaction_only, order, tmp_path):
    step = ours.PolynomialFeatures(degree, interaction_only=interaction_only, order=order)
    model = assert_same_bits(step, data(dtype)[:300], tmp_path)
    with pytest.raises(ValueError, match="missing"):
        model.transform(np.full((1, 4), np.nan, dtype=dtype))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("extrapolation", ["error", "constant", "linear", "continue", "periodic"])
@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("include_bias", [True, False])
def test_spline_transformer(dtype, extrapolation, degree, include_bias, tmp_path):
    options = {"degree": degree, "extrapolation": extrapolation, "include_bias": include_bias}
    X = data(dtype)[:300]
    model = assert_same_bits(ours.SplineTransformer(**options), X, tmp_path)
    if extrapolation == "error":
        with pytest.raises(ValueError, match="beyond the knots"):
            model.transform(X * 10)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = ours.SplineTransformer(**options).fit(X).transform(X * 10)
        np.testing.assert_array_equal(model.transform(X * 10), expected)
    gaps = data(dtype, gaps=True)[:300]
    assert_same_bits(ours.SplineTransformer(handle_missing="zeros", **options), gaps, tmp_path)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "func",
    [
        np.absolute,
        np.fabs,
        np.ceil,
        np.floor,
        np.negative,
        np.reciprocal,
        np.rint,
        np.sqrt,
        np.square,
        np.trunc,
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_functions_of_exact_results(dtype, func, tmp_path):
    X = data(dtype, positive=func is np.reciprocal)
    X[0] = [-0.5, 0.5, 2.5, -1.5] if func is not np.reciprocal else 3
    assert_same_bits(FunctionTransformer(func), X if func is not np.sqrt else np.abs(X), tmp_path)


def test_what_has_no_op_is_refused():
    X = np.abs(data(np.float64))
    for func in (np.cbrt, abs, lambda X: X):
        with pytest.raises(TypeError, match=r"cannot be frozen.*these of NumPy can be: absolute"):
            ferroflow.freeze(FunctionTransformer(func).fit(X), X)
    with pytest.raises(TypeError, match="takes floats"):
        ferroflow.freeze(FunctionTransformer(np.square).fit(X.astype(int)), X.astype(int))
    kinds = data(np.float64)[:200, 2:3]
    for step in (ours.QuantileTransformer(n_quantiles=9), ours.PolynomialFeatures(3)):
        with pytest.raises(TypeError, match="make it dense before"):
            ferroflow.freeze(make_pipeline(ours.OneHotEncoder(), step).fit(kinds), kinds)
    for options in ({"degree": 0}, {"degree": 1, "extrapolation": "linear"}):
        with pytest.raises(TypeError, match="use extrapolation='continue' or a higher degree"):
            ferroflow.freeze(ours.SplineTransformer(**options).fit(X), X)


def test_steps_of_scikit_learns_own_and_in_a_row():
    X = data(np.float64)[:300]
    # Its bins and terms are exact, so a frozen one has their bits.
    assert_same_bits(theirs.KBinsDiscretizer(3, encode="ordinal"), X)
    assert_same_bits(theirs.PolynomialFeatures(2), X)
    assert_same_bits(theirs.QuantileTransformer(n_quantiles=50), X)
    chain = make_pipeline(
        ours.QuantileTransformer(n_quantiles=50, output_distribution="normal"),
        ours.PowerTransformer(),
        ours.PolynomialFeatures(2, include_bias=False),
    )
    assert_same_bits(chain, X)
