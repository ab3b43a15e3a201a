"""LogisticRegression of so many rows that some of them give a first answer: the optimum is that of all."""

import warnings

import numpy as np
import pytest
import sklearn.linear_model
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from ferroflow.linear_model import LogisticRegression

N = 70_000


def rows(n=N, p=6, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.randn(n, p)
    return X, (X @ rng.randn(p) + rng.logistic(size=n) > 0.5).astype(int)


def objective(model, X, y, weights=None):
    weights = np.ones(len(y)) if weights is None else weights
    margins = (X.astype(float) @ model.coef_[0].astype(float) + model.intercept_[0]) * np.where(
        y == model.classes_[1], 1, -1
    )
    return weights @ np.logaddexp(0, -margins) * model.C + (model.coef_.astype(float) ** 2).sum() / 2


def check(X, y, weights=None, **options):
    """Not above what scikit-learn's solver finds where it goes on for long, but for rounding."""
    mine = LogisticRegression(**options).fit(X, y, weights)
    exact = sklearn.linear_model.LogisticRegression(
        **{**options, "solver": "newton-cholesky", "tol": 1e-10}
    ).fit(X, y, weights)
    by_class = options.get("class_weight")
    if by_class is not None:
        each = np.array([by_class[c] for c in y])
        weights = each if weights is None else weights * each
    a, b = objective(mine, X, y, weights), objective(exact, X, y, weights)
    # The search ends where a ten millionth of the objective is left, by an estimate.
    assert a <= b * (1 + 2e-7)
    assert mine.gradient_norm_ <= options.get("tol", 1e-4)
    assert mine.n_iter_[0] <= 8
    return mine, exact


@pytest.mark.parametrize(
    "options", [{}, {"C": 1e-3}, {"C": 1e4}, {"fit_intercept": False}, {"class_weight": {0: 1, 1: 3}}]
)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_optimum(options, weighted):
    X, y = rows()
    weights = np.random.RandomState(1).rand(N) if weighted else None
    mine, exact = check(X, y, weights, **options)
    assert_allclose(mine.coef_, exact.coef_, rtol=0, atol=2e-3)
    assert_array_equal(mine.predict(X[:5]), exact.predict(X[:5]))


def test_a_smaller_tolerance_gives_more_digits():
    X, y = rows()
    mine, exact = check(X, y, tol=1e-8)
    assert_allclose(mine.coef_, exact.coef_, rtol=1e-6)


def test_float32():
    X, y = rows()
    mine = LogisticRegression().fit(X.astype(np.float32), y)
    assert mine.coef_.dtype == np.float32
    # Sums in single precision.
    assert_allclose(mine.coef_, LogisticRegression().fit(X, y).coef_, atol=2e-3)


def test_unlike_parts():
    """Sorted by class, columns with a period, constant ones, and scales that differ."""
    X, y = rows()
    order = np.argsort(y, kind="stable")
    check(X[order], y[order])
    X[:, 0] = np.arange(N) % 9
    X[:, 1] = np.arange(N) % 2
    X[:, 2] = 7.0
    X[:, 3] *= 1e5
    check(X, y)


def test_a_class_that_no_chosen_row_has():
    X, y = rows()
    y[:] = 0
    y[[1, 3, 5]] = 1
    mine = LogisticRegression().fit(X, y)
    theirs = sklearn.linear_model.LogisticRegression().fit(X, y)
    assert objective(mine, X, y) <= objective(theirs, X, y) * (1 + 1e-6)


def test_separable_rows():
    X, _ = rows()
    check(X, (X[:, 0] > 0).astype(int))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("at", [0, 1, N - 1])
def test_values_that_are_not_finite(value, at):
    X, y = rows()
    X[at, 2] = value
    with pytest.raises(ValueError) as theirs:
        sklearn.linear_model.LogisticRegression().fit(X, y)
    with pytest.raises(ValueError) as ours, warnings.catch_warnings():
        warnings.simplefilter("error")
        LogisticRegression().fit(X, y)
    assert str(ours.value) == str(theirs.value)


def test_values_near_overflow():
    X, y = rows()
    X[:, 0] *= 1e100
    mine = LogisticRegression().fit(X, y)
    assert np.isfinite(mine.coef_).all()
    assert mine.score(X, y) > 0.7


def test_too_few_steps():
    X, y = rows()
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 1 iteration"):
        LogisticRegression(max_iter=1, tol=1e-12).fit(X, y)


def test_threads_do_not_change_a_bit():
    X, y = rows()
    found = []
    for threads in (1, 2, 7):
        with threadpool_limits(threads):
            found.append(LogisticRegression().fit(X, y).coef_)
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])
