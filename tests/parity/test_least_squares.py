"""LinearRegression, Ridge, RidgeClassifier, Lasso and ElasticNet against scikit-learn's."""

import pickle
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import ferroflow
import ferroflow.linear_model as ours

MODELS = {
    "LinearRegression": [{}, {"fit_intercept": False}],
    "Ridge": [{}, {"alpha": 10.0, "fit_intercept": False}, {"solver": "cholesky", "alpha": 0.0}],
    "Lasso": [{"alpha": 0.05}, {"alpha": 0.05, "positive": True}, {"alpha": 0.1, "fit_intercept": False}],
    "ElasticNet": [
        {"alpha": 0.1},
        {"alpha": 0.1, "l1_ratio": 0.0},
        {"alpha": 0.1, "selection": "random", "random_state": 3},
        {"alpha": 0.1, "precompute": True, "tol": 1e-10},
    ],
}
CASES = [(name, options) for name, list_ in MODELS.items() for options in list_]
# Two sums of the same few hundred terms in another order, through a factorisation of condition 10 or less.
CLOSE = {np.float64: 1e-10, np.float32: 2e-4}


def rows(n=300, p=7, targets=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2, p) + np.linspace(-5, 5, p)
    X[:, 1] += X[:, 0]
    y = X @ rng.normal(size=(p, targets or 1)) + rng.normal(size=(n, targets or 1)) + 3
    return X, y if targets else y.ravel(), rng.uniform(0.1, 2, n)


def pair(name, options, X, y, weights=None):
    return [getattr(m, name)(**options).fit(X, y, sample_weight=weights) for m in (ours, theirs)]


def assert_same(a, b, X, dtype=np.float64):
    rtol = CLOSE[dtype]
    assert a.coef_.shape == b.coef_.shape
    assert a.coef_.dtype == b.coef_.dtype
    assert np.shape(a.intercept_) == np.shape(b.intercept_)
    assert type(a.intercept_) is type(b.intercept_)
    assert_allclose(a.coef_, b.coef_, rtol=rtol, atol=rtol * np.abs(b.coef_).max())
    assert_allclose(a.intercept_, b.intercept_, rtol=rtol, atol=rtol)
    p, q = a.predict(X), b.predict(X)
    assert p.shape == q.shape
    assert p.dtype == q.dtype
    assert_allclose(p, q, rtol=rtol, atol=rtol * np.abs(q).max())
    for attribute in ("singular_", "dual_gap_"):
        if hasattr(b, attribute):
            mine, others = getattr(a, attribute), getattr(b, attribute)
            assert np.shape(mine) == np.shape(others)
            # The gap is a difference of nearly equal numbers of the size of the targets' squares.
            assert_allclose(mine, others, rtol=100 * rtol, atol=100 * rtol)
    for attribute in ("rank_", "n_iter_", "solver_"):
        assert getattr(a, attribute, None) == getattr(b, attribute, None)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize(("name", "options"), CASES)
def test_coefficients(name, options, targets, weighted):
    X, y, weights = rows(targets=targets)
    ferroflow.explain(clear=True)
    a, b = pair(name, options, X, y, weights if weighted else None)
    assert_same(a, b, X)
    assert_array_equal(a.predict(X), pickle.loads(pickle.dumps(a)).predict(X))


def test_rust_ran(capsys):
    X, y, weights = rows()
    with ferroflow.config(strict=True):
        for name, options in CASES:
            getattr(ours, name)(**options).fit(X, y, weights)
            getattr(ours, name)(**options).fit(X.tolist(), y.tolist())


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["F", "strided", "f32", "int", "frame", "list", "readonly", "int target"])
def test_layouts(name, kind):
    X, y, _ = rows()
    dtype = np.float64
    if kind == "F":
        X = np.asfortranarray(X)
    elif kind == "strided":
        X = np.repeat(X, 2, axis=1)[::2, ::2]
        y = np.repeat(y, 2)[::4]
    elif kind == "f32":
        X, dtype = X.astype(np.float32), np.float32
    elif kind == "int":
        X = (X * 10).astype(np.int64)
    elif kind == "frame":
        X = pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])])
    elif kind == "list":
        X, y = X.tolist(), y.tolist()
    elif kind == "readonly":
        X.flags.writeable = False
    else:
        y = y.astype(np.int32)
    options = {"alpha": 0.05} if name in ("Lasso", "ElasticNet") else {}
    a, b = pair(name, options, X, y)
    assert_same(a, b, X, dtype)
    assert getattr(a, "feature_names_in_", None) is getattr(b, "feature_names_in_", None) or list(
        a.feature_names_in_
    ) == list(b.feature_names_in_)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "case", ["sparse", "positive", "wide", "constant", "copy", "one row", "zero weights", "constant target"]
)
def test_corners(name, case):
    X, y, weights = rows()
    options = {"alpha": 0.05} if name in ("Lasso", "ElasticNet") else {}
    if case == "sparse":
        X = sparse.csr_matrix(X)
        options["fit_intercept"] = name != "Ridge"
    elif case == "positive":
        options["positive"] = True
    elif case == "wide":
        X, y, weights = X[:5], y[:5], weights[:5]
    elif case == "constant":
        X[:, 3] = 7.5
    elif case == "copy":
        X[:, 3] = X[:, 2]
    elif case == "one row":
        X, y, weights = X[:1], y[:1], weights[:1]
    elif case == "zero weights":
        weights[50:] = 0
    else:
        y[:] = 2.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = pair(name, options, X, y, None if case == "one row" else weights)
    # Where the rows hardly determine the solution, scikit-learn's lsqr stops at a tolerance of 1e-6.
    assert_allclose(a.predict(X), b.predict(X), rtol=1e-5, atol=1e-5)
    if case not in ("sparse", "copy"):
        assert_allclose(a.coef_, b.coef_, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", [*MODELS, "RidgeClassifier"])
@pytest.mark.parametrize(
    ("X", "y", "weights"),
    [
        ([[1.0, np.nan], [1, 2]], [0, 1], None),
        ([[1.0, np.inf], [1, 2]], [0, 1], None),
        ([[1.0, 0], [1, 2]], [0, np.nan], None),
        ([[1.0, 0], [1, 2]], [0, 1, 0], None),
        ([[1.0, 0], [1, 2]], [0, 1], [1, 2, 3]),
        ([[1.0, 0], [1, 2]], [0, 1], [1, np.nan]),
        ([1.0, 0], [0, 1], None),
        (np.empty((0, 2)), np.empty(0), None),
        ([["a", "b"], ["c", "d"]], [0, 1], None),
    ],
)
def test_errors(name, X, y, weights):
    assert_same_errors(name, X, y, weights)


@pytest.mark.parametrize("name", MODELS)
def test_texts_are_no_targets(name):
    assert_same_errors(name, [[1.0, 0], [1, 2]], ["u", "v"], None)


def assert_same_errors(name, X, y, weights):
    messages = []
    for module in (ours, theirs):
        for convert in (list, np.asarray):
            with pytest.raises(ValueError) as error:
                getattr(module, name)().fit(convert(X), convert(y), sample_weight=weights)
            messages.append(str(error.value))
    assert messages[:2] == messages[2:]


@pytest.mark.parametrize("name", MODELS)
def test_bad_parameters(name):
    X, y, _ = rows()
    messages = []
    for module in (ours, theirs):
        with pytest.raises(ValueError, match="parameter") as error:
            getattr(module, name)(fit_intercept="x").fit(X, y)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(
    "options", [{}, {"alpha": 3.0, "class_weight": "balanced"}, {"fit_intercept": False}]
)
def test_ridge_classifier(classes, options):
    X, y, weights = rows()
    labels = np.array(["a", "b", "c", "d"])[
        np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]))
    ]
    for w in (None, weights):
        a, b = pair("RidgeClassifier", options, X, labels, w)
        assert a.coef_.shape == b.coef_.shape
        assert_allclose(a.coef_, b.coef_, rtol=1e-9, atol=1e-11)
        assert_allclose(a.decision_function(X), b.decision_function(X), rtol=1e-9, atol=1e-9)
        assert_array_equal(a.predict(X), b.predict(X))


def test_ridge_with_a_penalty_for_each_target():
    X, y, _ = rows(targets=3)
    assert_same(*pair("Ridge", {"alpha": [0.1, 1.0, 10.0]}, X, y), X)
    with pytest.raises(ValueError, match="Number of targets and number of penalties do not correspond"):
        ours.Ridge(alpha=[0.1, 1.0]).fit(X, y)


@pytest.mark.parametrize("name", [*MODELS, "RidgeClassifier"])
@pytest.mark.parametrize("targets", [None, 3])
def test_frozen_gives_the_same_bits(name, targets):
    X, y, _ = rows(targets=targets)
    if name == "RidgeClassifier":
        y = np.digitize(y, [-3, 3]) if targets is None else (y[:, 0] > 0).astype(int)
    model = getattr(ours, name)().fit(X, y)
    assert_array_equal(ferroflow.freeze(model, X).predict(X), model.predict(X))


def exact(X, y):
    """Least squares with an intercept in rational arithmetic."""
    A = [[Fraction(v) for v in row] + [Fraction(1)] for row in X.tolist()]
    b = [Fraction(v) for v in y.tolist()]
    n = len(A[0])
    M = [
        [sum(r[i] * r[j] for r in A) for j in range(n)] + [sum(r[i] * t for r, t in zip(A, b, strict=True))]
        for i in range(n)
    ]
    for i in range(n):
        pivot = max(range(i, n), key=lambda k: abs(M[k][i]))
        M[i], M[pivot] = M[pivot], M[i]
        for k in range(n):
            if k != i:
                f = M[k][i] / M[i][i]
                M[k] = [u - f * v for u, v in zip(M[k], M[i], strict=True)]
    return np.array([float(M[i][n] / M[i][i]) for i in range(n - 1)])


@pytest.mark.parametrize("spread", ["dependent", "scale"])
@pytest.mark.parametrize("power", [0, 2, 4, 6, 8, 10, 12, 14])
def test_error_is_no_worse_at_any_condition(power, spread):
    rng = np.random.default_rng(power)
    U = np.linalg.qr(rng.normal(size=(40, 5)))[0]
    X = U * np.logspace(0, -power, 5)
    if spread == "dependent":
        X = X @ np.linalg.qr(rng.normal(size=(5, 5)))[0]
    y = X @ rng.normal(size=5) + 1e-3 * rng.normal(size=40)
    truth = exact(X, y)
    errors = []
    for module in (ours, theirs):
        # With its own tol it drops directions below a millionth.
        model = module.LinearRegression(tol=1e-16).fit(X, y)
        errors.append(np.linalg.norm(model.coef_ - truth) / np.linalg.norm(truth))
    # Errors of this size are chance: a few units in the last place, times the condition.
    assert errors[0] <= 3 * errors[1] + 1e-15 * 10**power


@pytest.mark.parametrize("name", MODELS)
def test_parts_make_the_whole(name):
    X, y, weights = rows(n=2000, targets=2)
    make = lambda: getattr(ours, name)()  # noqa: E731
    whole = make().fit(X, y, sample_weight=weights)
    partial = make()
    for begin in range(0, 2000, 500):
        partial.partial_fit(X[begin : begin + 500], y[begin : begin + 500], weights[begin : begin + 500])
    merged = make().fit(X[:700], y[:700], sample_weight=weights[:700])
    assert merged.merge(make().fit(X[700:], y[700:], sample_weight=weights[700:])) is merged
    for model in (partial, merged):
        assert_allclose(model.coef_, whole.coef_, rtol=1e-10, atol=1e-12)
        assert_allclose(model.intercept_, whole.intercept_, rtol=1e-10)
        assert_allclose(model.predict(X), whole.predict(X), rtol=1e-10)


def test_what_cannot_be_merged_is_refused():
    X, y, _ = rows()
    model = ours.LinearRegression().fit(X, y)
    with pytest.raises(TypeError, match="cannot take in a Ridge"):
        model.merge(ours.Ridge().fit(X, y))
    with pytest.raises(ValueError, match="different numbers of columns"):
        model.merge(ours.LinearRegression().fit(X[:, 1:], y))
    with pytest.raises(NotFittedError):
        model.merge(ours.LinearRegression())
    with pytest.raises(ValueError, match="do not determine"):
        ours.LinearRegression().partial_fit(X[:3], y[:3])
    with pytest.raises(ValueError, match="not available for positive=True"):
        ours.Ridge(positive=True).partial_fit(X, y)


def test_lasso_says_that_it_did_not_converge():
    X, y, _ = rows()
    for module in (ours, theirs):
        with pytest.warns(ConvergenceWarning, match="Objective did not converge") as caught:
            model = module.ElasticNet(alpha=0.001, max_iter=3, tol=1e-12).fit(X, y)
        assert model.n_iter_ == 3
        assert len(caught) == 1


def test_warm_start_goes_on():
    X, y, _ = rows()
    for module in (ours, theirs):
        model = module.Lasso(alpha=0.05, warm_start=True).fit(X, y)
        model.fit(X, y)
        assert model.n_iter_ == 0
