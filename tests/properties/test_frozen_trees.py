"""Any model of trees, frozen, gives any rows the library's own scores."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_array_equal
from sklearn import ensemble, tree
from threadpoolctl import threadpool_limits

import ferroflow

EDGES = [0.0, -0.0, 1.0, 2.0, 5e-324, -5e-324, 1e-45, 1e-35, -1e-35, 1.1e-35, 3e38, -3e38]
NUMBERS = st.one_of(st.sampled_from(EDGES), st.floats(-4, 4), st.integers(-3, 3).map(float))
CELLS = {False: NUMBERS, True: st.one_of(NUMBERS, st.just(np.nan))}


def lightgbm(name, **more):
    library = pytest.importorskip("lightgbm")
    small = {"n_estimators": 5, "min_child_samples": 1, "min_data_in_bin": 1, "n_jobs": 1, "verbose": -1}
    return getattr(library, name)(**small, **more)


def xgboost(name, **more):
    return getattr(pytest.importorskip("xgboost"), name)(n_estimators=5, min_child_weight=0, n_jobs=1, **more)


# How to make it, does it take missing cells, and what gives its scores.
MODELS = {
    "tree": (lambda: tree.DecisionTreeClassifier(), True, "predict_proba"),
    "forest": (lambda: ensemble.RandomForestClassifier(5, n_jobs=1), True, "predict_proba"),
    "extra": (lambda: ensemble.ExtraTreesRegressor(5, n_jobs=1), True, "predict"),
    "gradient": (lambda: ensemble.GradientBoostingRegressor(n_estimators=5), False, "predict"),
    "gradient classes": (
        lambda: ensemble.GradientBoostingClassifier(n_estimators=5),
        False,
        "decision_function",
    ),
    "histogram": (
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=1),
        True,
        "predict",
    ),
    "lightgbm": (lambda: lightgbm("LGBMRegressor"), True, "predict"),
    "lightgbm zero": (lambda: lightgbm("LGBMRegressor", zero_as_missing=True), True, "predict"),
    "lightgbm sets": (lambda: lightgbm("LGBMRegressor", cat_smooth=0, min_data_per_group=1), True, "predict"),
    "xgboost": (lambda: xgboost("XGBRegressor"), True, "predict"),
    "xgboost classes": (lambda: xgboost("XGBClassifier"), True, "margin"),
}


@st.composite
def cases(draw):
    name = draw(st.sampled_from(sorted(MODELS)))
    make, missing, scores = MODELS[name]
    n = draw(st.integers(4, 40))
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    elements = CELLS[missing and draw(st.booleans())]
    X = draw(arrays(np.float64, (n, 3), elements=elements)).astype(dtype)
    y = draw(arrays(np.float64, n, elements=st.floats(-2, 2)))
    if scores in ("predict_proba", "decision_function", "margin"):
        y = np.arange(n) % draw(st.integers(2, 3))
    rows = draw(arrays(np.float64, (draw(st.integers(1, 30)), 3), elements=CELLS[missing])).astype(dtype)
    return name, make(), scores, X, y, rows


@settings(max_examples=200)
@given(cases())
def test_scores_are_the_librarys_own(case):
    name, model, scores, X, y, rows = case
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        if name == "lightgbm sets":
            X, rows = np.nan_to_num(np.abs(X)) % 40, np.abs(rows) % 40
            model.fit(X, y, categorical_feature=[0, 1])
        else:
            model.fit(X, y)
        frozen = ferroflow.freeze(model, X)
        margin = scores == "margin"
        expected = model.predict(rows, output_margin=True) if margin else getattr(model, scores)(rows)
        found = frozen.decision_function(rows) if margin else getattr(frozen, scores)(rows)
    assert_array_equal(found, expected)
    one = {f"x{j}": float(cell) for j, cell in enumerate(rows[0])}
    if scores in ("predict", "predict_proba"):
        assert_array_equal(getattr(frozen, scores)(one), expected[0])
