import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.experimental import enable_iterative_imputer  # noqa: F401

from sklearn import impute as theirs  # isort: skip
from sklearn.linear_model import BayesianRidge, Ridge
from threadpoolctl import threadpool_limits

import ferroflow
from ferroflow.impute import IterativeImputer

pytestmark = pytest.mark.filterwarnings("ignore:.*Early stopping")


def data(rows, columns, rank=None, seed=0, dtype=np.float64):
    rng = np.random.RandomState(seed)
    X = rng.randn(rows, rank or columns) @ rng.randn(rank or columns, columns)
    if rank is None:
        X = X * 10 ** rng.uniform(-1, 1, columns) + rng.randn(columns) * 10
    X = X.astype(dtype)
    X[rng.rand(rows, columns) < 0.1] = np.nan
    X[0] = 1
    return X


def assert_same(X, new=None, atol=1e-9, **options):
    """Errors of the singular values carry through the rounds, so differences count against the largest value."""
    ours, sklearn = IterativeImputer(**options), theirs.IterativeImputer(**options)
    out, expected = ours.fit_transform(X), sklearn.fit_transform(X)
    assert ours.n_iter_ == sklearn.n_iter_
    assert ours.__dict__.keys() == sklearn.__dict__.keys()
    size = np.abs(expected).max()
    assert out.dtype == expected.dtype
    assert_allclose(out, expected, rtol=0, atol=atol * size)
    for mine, yours in zip(ours.imputation_sequence_, sklearn.imputation_sequence_, strict=True):
        assert mine.feat_idx == yours.feat_idx
        assert_array_equal(mine.neighbor_feat_idx, yours.neighbor_feat_idx)
        assert vars(mine.estimator).keys() == vars(yours.estimator).keys()
        for name, value in vars(yours.estimator).items():
            got = vars(mine.estimator)[name]
            assert type(got) is type(value)
            assert getattr(got, "dtype", None) == getattr(value, "dtype", None)
    new = X[: len(X) // 2] if new is None else new
    out, expected = ours.transform(new), sklearn.transform(new)
    assert_allclose(out, expected, rtol=0, atol=atol * size)
    return ours, sklearn


@pytest.mark.parametrize("shape", [(30, 2), (300, 5), (2000, 9), (6, 10), (200, 40)])
@pytest.mark.parametrize("rank", [None, 1, 3])
def test_values_and_regressions(shape, rank):
    # Of columns that follow from each other, what is left after a regression is rounding, and it sets the precisions.
    ours, sklearn = assert_same(data(*shape, rank), max_iter=4, atol=1e-9 if rank is None else 1e-6)
    if rank is None and shape[0] > 2 * shape[1]:
        for mine, yours in zip(ours.imputation_sequence_, sklearn.imputation_sequence_, strict=True):
            for name in ("coef_", "intercept_", "sigma_", "alpha_", "lambda_", "X_offset_"):
                a, b = getattr(mine.estimator, name), getattr(yours.estimator, name)
                assert_allclose(a, b, rtol=1e-7, atol=1e-9 * np.abs(b).max())
            assert mine.estimator.n_iter_ == yours.estimator.n_iter_


@pytest.mark.parametrize(
    "options",
    [
        {"imputation_order": "roman"},
        {"imputation_order": "arabic"},
        {"imputation_order": "descending"},
        {"imputation_order": "random", "random_state": 3},
        {"n_nearest_features": 2, "random_state": 1},
        {"skip_complete": True},
        {"sample_posterior": True, "random_state": 0, "max_iter": 3},
        {"min_value": -1, "max_value": [1, 2, 3, 4, 5, 6]},
        {"initial_strategy": "median"},
        {"initial_strategy": "most_frequent"},
        {"initial_strategy": "constant", "fill_value": 2.0},
        {"add_indicator": True},
        {"keep_empty_features": True},
        {"max_iter": 0},
        {"tol": 0.5, "verbose": 2},
        {"estimator": BayesianRidge(alpha_1=1e-3, lambda_2=0.1, tol=1e-6, alpha_init=2.0, lambda_init=0.1)},
        {"estimator": BayesianRidge(fit_intercept=False)},
        {"estimator": Ridge()},
    ],
    ids=str,
)
def test_parameters(options):
    X = data(300, 6)
    X[:, 2] = np.nan_to_num(X[:, 2])
    if "keep_empty_features" in options:
        X[:, 4] = np.nan
    assert_same(X, **options)


def test_markers_single_floats_and_one_column():
    X = data(200, 5)
    assert_same(np.where(np.isnan(X), -1.0, X), missing_values=-1)
    # scikit-learn has single precision regressions there.
    assert_same(data(400, 5, dtype=np.float32), atol=2e-4)
    assert_same(X[:, :1])


def test_what_goes_to_scikit_learn_is_said(capsys):
    ferroflow.explain(clear=True)
    IterativeImputer(Ridge(), max_iter=2).fit(data(50, 3))
    ferroflow.explain(clear=True)
    assert "regressions by Ridge" in capsys.readouterr().out


def test_values_that_overflow_are_refused_in_scikit_learns_words():
    X = data(50, 3)
    X[:, 0] = np.inf
    for cls in (IterativeImputer, theirs.IterativeImputer):
        with pytest.raises(ValueError, match="infinity"):
            cls().fit(X)
    with pytest.raises(ValueError, match="alpha_1"):
        IterativeImputer(BayesianRidge(alpha_1=-1)).fit(data(50, 3))


def test_threads_change_nothing_and_pickles_predict():
    X = data(20_000, 8)
    outs = []
    for n in (1, 2, 7):
        with threadpool_limits(n, user_api="ferroflow"):
            outs.append(IterativeImputer(max_iter=2).fit_transform(X))
    assert_array_equal(outs[0], outs[1])
    assert_array_equal(outs[0], outs[2])
    ours = IterativeImputer(max_iter=2).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(ours)).transform(X), ours.transform(X))
