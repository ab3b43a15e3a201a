"""RidgeCV and RidgeClassifierCV against scikit-learn's."""

import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import linear_model as theirs
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import ShuffleSplit

import ferroflow
import ferroflow.linear_model as ours

# Sums of the same few hundred terms in another order, divided by what a row leaves to the others, which is above 0.1.
CLOSE = {np.float64: 1e-9, np.float32: 1e-4}
ALPHAS = tuple(np.logspace(-3, 3, 8))


def rows(n=300, p=7, targets=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2, p) + np.linspace(-5, 5, p)
    X[:, 1] += X[:, 0]
    y = X @ rng.normal(size=(p, targets or 1)) + 3 * rng.normal(size=(n, targets or 1)) + 3
    return X, y if targets else y.ravel(), rng.uniform(0.1, 2, n)


def assert_same(a, b, X, rtol=1e-9):
    fitted = {name for name in vars(b) if name.endswith("_") and not name.startswith("_")}
    assert fitted == {name for name in vars(a) if name.endswith("_") and not name.startswith("_")}
    for name in fitted - {"classes_", "feature_names_in_"}:
        mine, other = getattr(a, name), getattr(b, name)
        assert np.shape(mine) == np.shape(other), name
        assert np.asarray(mine).dtype == np.asarray(other).dtype, name
        assert_allclose(mine, other, rtol=rtol, atol=rtol * np.abs(other).max(), err_msg=name)
    p, q = a.predict(X), b.predict(X)
    assert p.shape == q.shape
    assert p.dtype == q.dtype
    if hasattr(b, "classes_"):
        assert_array_equal(a.classes_, b.classes_)
        assert_array_equal(p, q)
        p, q = a.decision_function(X), b.decision_function(X)
    assert_allclose(p, q, rtol=rtol, atol=rtol * np.abs(q).max())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fit_intercept": False},
        {"alphas": 0.5},
        {"gcv_mode": "eigen", "store_cv_results": True},
        {"scoring": "r2", "store_cv_results": True},
        {"scoring": make_scorer(mean_absolute_error, greater_is_better=False)},
        {"alpha_per_target": True},
        {"alpha_per_target": True, "store_cv_results": True},
        {"cv": 5},
        {"cv": 3, "scoring": "neg_mean_absolute_error", "fit_intercept": False},
        {"cv": ShuffleSplit(4, random_state=0)},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_penalty_and_coefficients(options, targets, weighted, dtype):
    X, y, weights = rows(targets=targets)
    X = X.astype(dtype)
    with ferroflow.config(strict=True):
        a = ours.RidgeCV(**{"alphas": ALPHAS} | options).fit(X, y, weights if weighted else None)
    b = theirs.RidgeCV(**{"alphas": ALPHAS} | options).fit(X, y, weights if weighted else None)
    assert_same(a, b, X, CLOSE[dtype])
    assert_array_equal(a.predict(X), pickle.loads(pickle.dumps(a)).predict(X))


def test_a_penalty_for_each_target_by_a_scorer():
    X, y, _ = rows(targets=3)
    y[:, 1] = y[::-1, 1]
    options = {"alphas": ALPHAS, "alpha_per_target": True, "scoring": "neg_mean_absolute_error"}
    a, b = (m.RidgeCV(**options).fit(X, y) for m in (ours, theirs))
    assert len(set(b.alpha_)) > 1
    assert_same(a, b, X)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_weight": "balanced", "store_cv_results": True},
        {"scoring": "accuracy"},
        {"cv": 4},
        {"cv": 3, "scoring": "f1_macro", "class_weight": {"a": 2.0}},
    ],
    ids=str,
)
def test_classes(classes, options):
    X, y, weights = rows()
    labels = np.array(["a", "b", "c", "d"])[
        np.digitize(y, np.quantile(y, np.linspace(0, 1, classes + 1)[1:-1]))
    ]
    for w in (None, weights):
        with ferroflow.config(strict=True):
            a = ours.RidgeClassifierCV(ALPHAS, **options).fit(X, labels, w)
        assert_same(a, theirs.RidgeClassifierCV(ALPHAS, **options).fit(X, labels, w), X)


@pytest.mark.parametrize(
    "kind", ["F", "strided", "int", "frame", "list", "readonly", "sparse", "wide", "svd", "constant", "copy"]
)
@pytest.mark.parametrize("cv", [None, 3])
def test_layouts_and_corners(kind, cv):
    X, y, _ = rows()
    options = {"alphas": ALPHAS, "cv": cv}
    if kind == "F":
        X = np.asfortranarray(X)
    elif kind == "strided":
        X = np.repeat(X, 2, axis=1)[::2, ::2]
        y = np.repeat(y, 2)[::4]
    elif kind == "int":
        X = (X * 10).astype(np.int64)
    elif kind == "frame":
        X = pd.DataFrame(X, columns=[f"c{j}" for j in range(X.shape[1])])
        y = pd.Series(y, index=range(7, 307))
    elif kind == "list":
        X, y = X.tolist(), y.tolist()
    elif kind == "readonly":
        X.flags.writeable = False
    elif kind == "sparse":
        X = sparse.csr_matrix(X)
        options["fit_intercept"] = cv is None
    elif kind == "wide":
        X, y = X[:6], y[:6]
    elif kind == "svd":
        options["gcv_mode"] = "svd"
    else:
        X[:, 3] = 7.5 if kind == "constant" else X[:, 2]
    a, b = (m.RidgeCV(**options).fit(X, y) for m in (ours, theirs))
    # scikit-learn's sparse solver of a fold stops at 1e-4.
    assert_same(a, b, X, 1e-4 if kind == "sparse" and cv else 1e-9)


@pytest.mark.parametrize(
    ("options", "X", "y"),
    [
        ({"alphas": (0.0, 1.0)}, [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]),
        ({"alphas": (1.0, -1.0), "cv": 2}, [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]),
        ({"cv": 2, "store_cv_results": True}, [[1.0], [2.0], [4.0]], [1.0, 2.0, 3.0]),
        ({}, [[1.0], [np.nan], [4.0]], [1.0, 2.0, 3.0]),
        ({}, [[1.0], [2.0], [4.0]], [1.0, np.inf, 3.0]),
        ({"cv": 2}, [[1.0], [np.nan], [4.0]], [1.0, 2.0, 3.0]),
        ({}, [[1.0], [2.0]], [1.0, 2.0, 3.0]),
        ({"alphas": "x"}, [[1.0], [2.0]], [1.0, 2.0]),
    ],
)
def test_errors(options, X, y):
    messages = []
    for module in (ours, theirs):
        for convert in (list, np.asarray):
            with pytest.raises(ValueError) as error:
                module.RidgeCV(**options).fit(convert(X), convert(y))
            messages.append(str(error.value).partition("Traceback")[0])
    assert messages[:2] == messages[2:]


@pytest.mark.parametrize("name", ["RidgeCV", "RidgeClassifierCV"])
def test_frozen_gives_the_same_bits(name):
    X, y, _ = rows()
    model = getattr(ours, name)().fit(X, np.digitize(y, [-3, 3]) if "Class" in name else y)
    assert_array_equal(ferroflow.freeze(model, X).predict(X), model.predict(X))
