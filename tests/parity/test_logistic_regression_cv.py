"""LogisticRegressionCV against scikit-learn's."""

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

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


def rows(classes=2, n=300, p=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.linspace(0.5, 2, p) + np.linspace(-1, 1, p)
    scores = X @ rng.normal(size=(p, classes)) + rng.gumbel(size=(n, classes)) * 2
    return X, scores.argmax(axis=1), rng.uniform(0.1, 2, n)


def flat(value):
    return np.array(list(value.values())) if isinstance(value, dict) else np.asarray(value)


def assert_same(a, b, X, rtol=1e-5):
    fitted = {name for name in vars(b) if name.endswith("_") and not name.startswith("_")}
    assert fitted <= set(vars(a))
    for name in fitted - {"feature_names_in_", "n_iter_", "classes_"}:
        mine, other = flat(getattr(a, name)), flat(getattr(b, name))
        assert type(getattr(a, name)) is type(getattr(b, name)), name
        assert mine.shape == other.shape, name
        assert mine.dtype == other.dtype, name
        if other.dtype != object:
            assert_allclose(mine, other, rtol=rtol, atol=rtol * np.abs(other).max(), err_msg=name)
    assert a.n_iter_.shape == b.n_iter_.shape
    assert_array_equal(a.classes_, b.classes_)
    assert_array_equal(a.predict(X), b.predict(X))
    # As far apart as the coefficients, times the largest score.
    assert_allclose(a.predict_proba(X), b.predict_proba(X), rtol=10 * rtol, atol=rtol)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"Cs": 4},
        {"Cs": 3, "fit_intercept": False, "scoring": "neg_log_loss", "use_legacy_attributes": False},
        {"Cs": [0.1, 1.0, 10.0], "class_weight": "balanced", "refit": False},
        {"Cs": 3, "class_weight": {0: 2.0}, "cv": 3, "scoring": "accuracy"},
        {"Cs": 2, "l1_ratios": (0.0,), "n_jobs": 2},
    ],
    ids=str,
)
def test_paths_scores_and_choice(options, classes, weighted):
    X, y, weights = rows(classes)
    options = {"tol": 1e-8, "max_iter": 1000} | options
    with ferroflow.config(strict=True):
        a = ours.LogisticRegressionCV(**options).fit(X, y, weights if weighted else None)
    b = theirs.LogisticRegressionCV(**options).fit(X, y, weights if weighted else None)
    assert_same(a, b, X)
    assert_allclose(a.score(X, y), b.score(X, y))
    assert_array_equal(a.predict(X), pickle.loads(pickle.dumps(a)).predict(X))


@pytest.mark.parametrize("kind", ["F", "f32", "int", "frame", "list", "csr", "csc", "readonly", "text"])
def test_layouts(kind):
    X, y, _ = rows()
    if kind == "F":
        X = np.asfortranarray(X)
    elif kind == "f32":
        X = X.astype(np.float32)
    elif kind == "int":
        X = (X * 10).astype(np.int64)
    elif kind == "frame":
        X, y = pd.DataFrame(X, columns=list("abcdef")), pd.Series(y, index=range(5, 305))
    elif kind == "list":
        X, y = X.tolist(), y.tolist()
    elif kind.startswith("cs"):
        X = np.where(np.abs(X) < 0.7, 0, X)
        X = (sparse.csc_matrix if kind == "csc" else sparse.csr_matrix)(X)
    elif kind == "readonly":
        X.flags.writeable = False
    else:
        y = np.array(["no", "yes"], dtype=object)[y]
    options = {"Cs": 3, "cv": 3, "tol": 1e-8, "max_iter": 1000}
    assert_same(*(m.LogisticRegressionCV(**options).fit(X, y) for m in (ours, theirs)), X)


@pytest.mark.parametrize(
    "options", [{"solver": "newton-cholesky"}, {"solver": "saga", "l1_ratios": (0.5,)}, {"verbose": 1}]
)
def test_other_solvers_are_scikit_learns(options, capsys):
    X, y, _ = rows()
    ferroflow.explain(clear=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        a, b = (
            m.LogisticRegressionCV(Cs=2, cv=2, random_state=0, **options).fit(X, y) for m in (ours, theirs)
        )
    # Of a verbose fit the last, quiet one is ours.
    assert_allclose(a.coef_, b.coef_, rtol=1e-9)
    capsys.readouterr()
    ferroflow.explain()
    assert "scikit-learn" in capsys.readouterr().out


def test_unscaled_columns_do_not_stall_it():
    X, y, _ = rows()
    X = X * np.logspace(-3, 3, 6)
    model = ours.LogisticRegressionCV(Cs=[1.0], cv=2).fit(X, y)
    assert model.n_iter_.max() < 50


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[1.0, np.nan], [1, 2]], [0, 1]),
        ([[1.0, 0], [1, 2]], [1, 1]),
        ([[1.0, 0], [1, 2]], [0.5, 0.7]),
        ([[1.0, 0], [1, 2]], [0, 1, 0]),
    ],
)
def test_errors(X, y):
    messages = []
    for module in (ours, theirs):
        with pytest.raises(ValueError) as error:
            module.LogisticRegressionCV().fit(X, y)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


@pytest.mark.parametrize("classes", [2, 3])
def test_frozen_gives_the_same_bits(classes):
    X, y, _ = rows(classes)
    model = ours.LogisticRegressionCV(Cs=2, cv=2).fit(X, y)
    frozen = ferroflow.freeze(model, X)
    assert_array_equal(frozen.predict_proba(X), model.predict_proba(X))
    assert_array_equal(frozen.predict(X), model.predict(X))
