import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import boxcox_llf, yeojohnson_llf
from sklearn import preprocessing as theirs

from ferroflow import _core
from ferroflow.preprocessing import PowerTransformer, power_transform

# The likelihood is flat at its maximum: where it is found depends on its last bits. On columns that vary little against
# their size these bits decide more than 1e-7; then the likelihoods must be equal to their own rounding.
LAMBDA, LIKELIHOOD = 1e-7, 1e-12


def assert_same_exponents(ours, sklearn, X, method):
    llf = yeojohnson_llf if method == "yeo-johnson" else boxcox_llf
    for a, b, x in zip(ours.lambdas_, sklearn.lambdas_, X.T, strict=True):
        x = x[~np.isnan(x)]
        if abs(a - b) > LAMBDA * (1 + abs(b)):
            assert llf(a, x) >= llf(b, x) - LIKELIHOOD * max(1, abs(llf(b, x)))


def data(rows=2000, dtype=np.float64, positive=False, nan=False, seed=0):
    rng = np.random.RandomState(seed)
    X = np.c_[
        rng.randn(rows),
        np.exp(rng.randn(rows)),
        rng.gamma(2, 3, rows),
        -np.exp(0.5 * rng.randn(rows)),
        rng.standard_t(5, rows),
        rng.rand(rows) * 0.5 + 1,
        rng.randn(rows) * 1e3 + 1e4,
    ]
    X = np.abs(X) + 1e-3 if positive else X
    X = X.astype(dtype)
    if nan:
        X[rng.rand(*X.shape) < 0.1] = np.nan
    return X


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
@pytest.mark.parametrize("nan", [False, True])
@pytest.mark.parametrize("rows", [3, 40, 2000])
@pytest.mark.parametrize("standardize", [True, False])
def test_fit_and_transform(method, nan, rows, standardize):
    X = data(rows, positive=method == "box-cox", nan=nan and rows > 3)
    ours = PowerTransformer(method, standardize=standardize).fit(X)
    sklearn = theirs.PowerTransformer(method, standardize=standardize).fit(X)
    assert_same_exponents(ours, sklearn, X, method)
    assert ours.lambdas_.dtype == sklearn.lambdas_.dtype
    if rows > 3:
        assert_allclose(ours.transform(X), sklearn.transform(X), rtol=1e-5, atol=1e-5)
        assert_allclose(ours.fit_transform(X), sklearn.transform(X), rtol=1e-5, atol=1e-5)
    # The same parameters give the same values.
    ours.lambdas_ = sklearn.lambdas_
    if standardize:
        ours._scaler = sklearn._scaler
    Z = sklearn.transform(X)
    assert_allclose(ours.transform(X), Z, rtol=1e-12, atol=1e-12 * np.nanmax(np.abs(Z)))
    assert_allclose(ours.inverse_transform(Z), sklearn.inverse_transform(Z), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_the_likelihood_is_no_worse_in_float32(method):
    X = data(dtype=np.float32, positive=method == "box-cox")
    ours, sklearn = PowerTransformer(method).fit(X), theirs.PowerTransformer(method).fit(X)
    assert ours.lambdas_.dtype == np.float32
    exact = theirs.PowerTransformer(method).fit(X.astype(np.float64))
    # scikit-learn's likelihood in float32 is noise about the maximum; ours is summed in float64.
    off = np.abs(ours.lambdas_ - exact.lambdas_)
    assert (off <= 1e-4 * (1 + np.abs(exact.lambdas_)) + np.abs(sklearn.lambdas_ - exact.lambdas_)).all()
    ours.lambdas_, ours._scaler = sklearn.lambdas_, sklearn._scaler
    out = ours.transform(X)
    assert out.dtype == np.float32
    assert_allclose(out, sklearn.transform(X), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("lambda_", [0.0, 2.0, 1.0, -3.5, 1e-9, 2 + 1e-9, 0.5])
@pytest.mark.parametrize("layout", ["C", "F", "strided"])
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_exponents_at_the_limits(lambda_, layout, method):
    X = data(3000, positive=method == "box-cox", nan=True)
    X = {"C": X, "F": np.asfortranarray(X), "strided": np.repeat(X, 2, axis=1)[:, ::2]}[layout]
    ours = PowerTransformer(method, standardize=False).fit(X)
    sklearn = theirs.PowerTransformer(method, standardize=False).fit(X)
    ours.lambdas_ = sklearn.lambdas_ = np.full(X.shape[1], lambda_)
    a, b = ours.transform(X), sklearn.transform(X)
    assert a.flags.f_contiguous == b.flags.f_contiguous
    # numpy's log1p and expm1 are a unit or two off, which a large exponent multiplies.
    assert_allclose(a, b, rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    "X",
    [
        # scikit-learn's own hard vectors: of issues 23319, 26303 and SciPy's 18389.
        np.array([[2003.0, 1950.0, 1997.0, 2000.0, 2009.0, 2009.0, 1980.0, 1999.0, 2007.0, 1991.0]]).T,
        np.array([[2003.0, 1950.0, 1997.0, 2000.0, 2009.0]]).T,
        np.array([[-8.9e-4, 1.2e-3, 5e2, 1e4]]).T,
        np.array([[1e-3, 1e10, 1e20, 1e30]]).T,
        np.array([[0.0, 1e-300, 1.0, 2.0]]).T,
        np.arange(100.0)[:, None] * 1e100,
        np.full((50, 1), 0.1) + np.arange(50)[:, None] * 1e-15,
    ],
)
def test_hard_columns_do_not_overflow(X):
    for sign in (1, -1):
        with np.errstate(all="ignore"):
            ours, sklearn = PowerTransformer().fit(sign * X), theirs.PowerTransformer().fit(sign * X)
        assert np.isfinite(ours.lambdas_).all()
        a, b = (yeojohnson_llf(fitted.lambdas_[0], sign * X[:, 0]) for fitted in (ours, sklearn))
        assert a >= b - 1e-6 * abs(b)
        assert np.isfinite(ours.transform(sign * X)).all()


def test_constant_columns_stay():
    X = np.c_[np.full(20, 0.1), np.zeros(20), np.arange(20.0)]
    ours, sklearn = PowerTransformer(standardize=False), theirs.PowerTransformer(standardize=False)
    a, b = ours.fit_transform(X), sklearn.fit_transform(X)
    assert_array_equal(ours.lambdas_[:2], [1, 1])
    assert_array_equal(a[:, :2], b[:, :2])
    assert_allclose(
        PowerTransformer().fit_transform(X), theirs.PowerTransformer().fit_transform(X), atol=1e-6
    )


def test_errors_are_scikit_learns():
    for X, message in [
        (np.array([[1.0], [-1.0]]), "can only be applied to strictly positive data"),
        (np.array([[1.0], [0.0]]), "can only be applied to strictly positive data"),
        (np.ones((4, 1)), "Data must not be constant"),
        (np.full((4, 1), np.nan), "Column must not be all nan"),
        (np.array([[1.0], [np.inf]]), "Input X contains infinity"),
    ]:
        with pytest.raises(ValueError, match=message):
            PowerTransformer("box-cox").fit(X)
    fitted = PowerTransformer("box-cox").fit(data(50, positive=True))
    with pytest.raises(ValueError, match="strictly positive"):
        fitted.transform(-data(50, positive=True))
    with pytest.raises(ValueError, match="X has 2 features, but PowerTransformer is expecting 7"):
        fitted.transform(np.ones((2, 2)))


@pytest.mark.parametrize("lambda_", [0.0, 2.0, 1.0, -3.5, 1e-17, 0.5, 3.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("method", ["yeo-johnson", "box-cox"])
def test_the_inverse_and_its_warning(lambda_, dtype, method):
    X = np.random.RandomState(0).uniform(-0.25, 0.25, (3000, 3)).astype(dtype)
    X[::7] = np.nan
    ours = PowerTransformer(method, standardize=False).fit(np.abs(X) + 1)
    sklearn = theirs.PowerTransformer(method, standardize=False).fit(np.abs(X) + 1)
    ours.lambdas_ = sklearn.lambdas_ = np.full(3, lambda_, dtype=dtype)
    a, b = ours.inverse_transform(X), sklearn.inverse_transform(X)
    assert a.dtype == b.dtype
    assert_allclose(
        a, b, rtol=1e-12 if dtype == np.float64 else 1e-5, atol=1e-15 if dtype == np.float64 else 1e-6
    )
    if method == "yeo-johnson" and lambda_ == -3.5:
        with pytest.warns(
            UserWarning, match="Some values in column 0 of the inverse-transformed data are NaN"
        ):
            assert np.isnan(ours.inverse_transform(X + 1)).all()
    with pytest.raises(ValueError, match="X has 2 features, but PowerTransformer is expecting 3"):
        ours.inverse_transform(X[:, :2])


def test_copy_false_works_in_place():
    X = data(100)
    expected = theirs.PowerTransformer().fit_transform(X)
    untouched = X.copy()
    fitted = PowerTransformer(copy=False).fit(X)
    assert_array_equal(X, untouched)
    assert fitted.transform(X) is X
    assert_allclose(X, expected, rtol=1e-5, atol=1e-5)


def test_the_function_frames_and_pickles():
    frame = pd.DataFrame(data(200), columns=list("abcdefg"))
    assert_allclose(power_transform(frame), theirs.power_transform(frame), rtol=1e-5, atol=1e-5)
    ours = PowerTransformer().set_output(transform="pandas").fit(frame)
    expected = theirs.PowerTransformer().set_output(transform="pandas").fit_transform(frame)
    pd.testing.assert_frame_equal(ours.transform(frame), expected, rtol=1e-5, atol=1e-5)
    assert_array_equal(pickle.loads(pickle.dumps(ours)).transform(frame), ours.transform(frame))


def test_rows_part_by_part():
    X = data(3000, nan=True)
    whole = PowerTransformer().fit(X)
    parts = PowerTransformer().partial_fit(X[:100]).partial_fit(X[100:])
    merged = PowerTransformer().partial_fit(X[:2000]).merge(PowerTransformer().partial_fit(X[2000:]))
    for other in (parts, merged):
        assert_allclose(other.lambdas_, whole.lambdas_, rtol=1e-6, atol=1e-6)
        assert_allclose(other.transform(X), whole.transform(X), rtol=1e-4, atol=1e-4)
        assert other.n_features_in_ == 7
    many = data(50_000)
    assert_allclose(
        PowerTransformer().partial_fit(many).lambdas_,
        PowerTransformer().fit(many).lambdas_,
        rtol=0.1,
        atol=0.05,
    )
    with pytest.raises(ValueError, match="use partial_fit for both"):
        parts.merge(whole)


def test_the_number_of_threads_changes_nothing():
    X = data(20_000)
    results = []
    try:
        for threads in (1, 2, 7):
            _core.set_num_threads(threads)
            results.append(PowerTransformer().fit_transform(X))
    finally:
        _core.set_num_threads(0)
    assert_array_equal(results[0], results[1])
    assert_array_equal(results[0], results[2])
