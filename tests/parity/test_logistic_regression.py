"""LogisticRegression against scikit-learn's: the same objective's optimum."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.exceptions import ConvergenceWarning

import ferroflow
import ferroflow.linear_model as ours


def rows(classes=2, n=400, p=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2, p) + np.linspace(-1, 1, p)
    scores = X @ rng.normal(size=(p, classes)) + rng.gumbel(size=(n, classes)) * 2
    return X, scores.argmax(axis=1), rng.uniform(0.1, 2, n)


def objective(model, X, y, C=1.0, weights=None):
    z = X @ model.coef_.T.astype(np.float64) + model.intercept_
    if z.shape[1] == 1:
        z = np.column_stack([np.zeros(len(z)), z])
    top = z.max(axis=1)
    own = z[np.arange(len(z)), np.searchsorted(model.classes_, y)]
    losses = top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - own
    return (
        C * (losses * (1 if weights is None else weights)).sum()
        + (model.coef_.astype(np.float64) ** 2).sum() / 2
    )


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"C": 0.01},
        {"C": 100.0, "fit_intercept": False},
        {"class_weight": "balanced"},
        {"class_weight": {0: 3.0}},
    ],
)
def test_the_optimum(classes, weighted, options):
    X, y, weights = rows(classes)
    # So near the optimum that what is left is below the tolerance of the comparison.
    a, b = (
        m.LogisticRegression(tol=1e-9, max_iter=5000, **options).fit(X, y, weights if weighted else None)
        for m in (ours, theirs)
    )
    assert a.coef_.shape == b.coef_.shape
    assert a.intercept_.shape == b.intercept_.shape
    assert a.n_iter_.shape == b.n_iter_.shape
    assert a.n_iter_.dtype == b.n_iter_.dtype
    assert_array_equal(a.classes_, b.classes_)
    # The gradient is below 1e-9 and the curvature above 1e-3, or scikit-learn stops where steps no longer change the loss.
    assert_allclose(a.coef_, b.coef_, rtol=1e-4, atol=1e-5)
    assert_allclose(a.intercept_, b.intercept_, rtol=1e-4, atol=1e-5)
    assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=1e-4, atol=1e-5)
    assert_allclose(a.decision_function(X), b.decision_function(X), rtol=1e-4, atol=1e-4)
    assert_array_equal(a.predict(X), b.predict(X))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_the_objective_is_not_above_scikit_learns(classes, scale):
    X, y, _ = rows(classes, n=2000, p=20)
    X = X * np.logspace(-np.log10(scale), np.log10(scale), 20) + 3 * np.logspace(
        -np.log10(scale), np.log10(scale), 20
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a = ours.LogisticRegression(max_iter=5000).fit(X, y)
        b = theirs.LogisticRegression(max_iter=5000).fit(X, y)
    assert objective(a, X, y) <= objective(b, X, y) * (1 + 1e-6)
    # Unscaled columns do not stall it.
    assert scale == 1.0 or a.n_iter_[0] < 50


@pytest.mark.parametrize(
    "kind", ["F", "strided", "f32", "int", "frame", "list", "csr", "csr f32", "csc", "readonly"]
)
@pytest.mark.parametrize("labels", ["int", "text", "bool", "float", "series"])
def test_layouts(kind, labels):
    X, y, _ = rows()
    y = {
        "int": y,
        "text": np.array(["no", "yes"])[y],
        "bool": y == 1,
        "float": y * 2.0,
        "series": pd.Series(y, index=range(5, 405)),
    }[labels]
    if kind == "F":
        X = np.asfortranarray(X)
    elif kind == "strided":
        X = np.repeat(X, 2, axis=1)[:, ::2]
    elif kind == "f32":
        X = X.astype(np.float32)
    elif kind == "int":
        X = (X * 10).astype(np.int64)
    elif kind == "frame":
        X = pd.DataFrame(X, columns=list("abcdef"))
    elif kind == "list":
        X = X.tolist()
    elif kind.startswith("cs"):
        X = np.where(np.abs(X) < 0.7, 0, X).astype(np.float32 if "f32" in kind else np.float64)
        X = (sparse.csc_matrix if kind == "csc" else sparse.csr_matrix)(X)
    else:
        X.flags.writeable = False
    ferroflow.explain(clear=True)
    with ferroflow.config(strict=True):
        a = ours.LogisticRegression(tol=1e-6).fit(X, y)
    b = theirs.LogisticRegression(tol=1e-6, max_iter=1000).fit(X, y)
    assert a.coef_.dtype == b.coef_.dtype
    # Both stop at a gradient of 1e-6; float32's sums are exact to about 1e-5.
    rtol = 2e-3 if "f32" in kind else 1e-4
    assert_allclose(a.coef_, b.coef_, rtol=rtol, atol=rtol)
    assert_array_equal(a.predict(X), b.predict(X))
    assert a.classes_.dtype == b.classes_.dtype
    again = pickle.loads(pickle.dumps(a))
    assert_array_equal(again.predict_proba(X), a.predict_proba(X))


@pytest.mark.parametrize("classes", [2, 3])
def test_frozen_gives_the_same_bits(classes):
    X, y, _ = rows(classes)
    model = ours.LogisticRegression().fit(X, y)
    frozen = ferroflow.freeze(model, X)
    assert_array_equal(frozen.predict_proba(X), model.predict_proba(X))
    assert_array_equal(frozen.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("X", "y", "weights"),
    [
        ([[1.0, np.nan], [1, 2]], [0, 1], None),
        ([[1.0, np.inf], [1, 2]], [0, 1], None),
        ([[1.0, 0], [1, 2]], [0, np.nan], None),
        ([[1.0, 0], [1, 2]], [0.5, 0.7], None),
        ([[1.0, 0], [1, 2]], [0, 1, 0], None),
        ([[1.0, 0], [1, 2]], [1, 1], None),
        ([[1.0, 0], [1, 2]], ["a", "a"], None),
        ([[1.0, 0], [1, 2]], [0, 1], [1, 2, 3]),
        (np.empty((0, 2)), np.empty(0), None),
        ([[1.0, 0], [1, 2]], [[0, 1], [1, 0]], None),
    ],
)
def test_errors(X, y, weights):
    messages = []
    for module in (ours, theirs):
        for convert in (list, np.asarray):
            with pytest.raises(ValueError) as error:
                module.LogisticRegression().fit(convert(X), convert(y), sample_weight=weights)
            messages.append(str(error.value))
    assert messages[:2] == messages[2:]


def test_it_says_when_it_did_not_converge():
    X, y, _ = rows()
    found = []
    for module in (ours, theirs):
        with pytest.warns(ConvergenceWarning) as caught:
            module.LogisticRegression(max_iter=1).fit(X, y)
        found.append([str(w.message) for w in caught])
    assert found[0] == found[1]


def test_the_gradient_at_the_end_is_told():
    X, y, _ = rows(3)
    X = X * [1e-3, 1, 1, 1, 1, 1e3]
    model = ours.LogisticRegression(tol=1e-6).fit(X, y)
    assert 0 <= model.gradient_norm_ <= 1e-6


def test_warm_start_goes_on():
    X, y, _ = rows(3)
    model = ours.LogisticRegression(warm_start=True).fit(X, y)
    model.fit(X, y)
    assert model.n_iter_[0] <= 1


@pytest.mark.parametrize(
    "options",
    [
        {"solver": "liblinear"},
        {"l1_ratio": 1.0, "solver": "saga", "max_iter": 2000},
        {"solver": "newton-cholesky"},
    ],
)
def test_other_solvers_are_scikit_learns(options, capsys):
    X, y, _ = rows()
    ferroflow.explain(clear=True)
    capsys.readouterr()
    a, b = (m.LogisticRegression(random_state=0, **options).fit(X, y) for m in (ours, theirs))
    assert_array_equal(a.coef_, b.coef_)
    ferroflow.explain()
    assert "scikit-learn" in capsys.readouterr().out
