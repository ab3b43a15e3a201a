"""XGBoost's and LightGBM's models, frozen: their margins to the bit."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from threadpoolctl import threadpool_limits
from tree_rows import BINARY, SCORES, THREE, X, frozen, holes, strange, town_frame

import ferroflow

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

Y = {
    "binary": (BINARY == "yes").astype(int),
    "three": THREE,
    "numbers": SCORES[:, 0],
    "counts": np.exp(SCORES[:, 0]),
}


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine OpenMP's threads wait for each other."""
    with threadpool_limits(1):
        yield


def margins(model, rows):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if type(model).__module__.startswith("xgboost"):
            return model.predict(rows, output_margin=True)
        return model.predict(rows, raw_score=True)


def same(model, file, rows, tolerance):
    if not hasattr(model, "classes_"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = model.predict(rows)
        if tolerance:
            assert_allclose(file.predict(rows), expected, rtol=tolerance)
        else:
            assert_array_equal(file.predict(rows), expected)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert_array_equal(file.decision_function(rows), margins(model, rows))
        assert_array_equal(file.predict(rows), model.predict(rows))
        assert_allclose(
            file.predict_proba(rows), model.predict_proba(rows), rtol=tolerance, atol=tolerance / 4
        )


@pytest.mark.parametrize("missing", ["None", "Zero", "NaN"])
@pytest.mark.parametrize("kind", Y)
def test_lightgbm(kind, missing):
    parameters = {"n_estimators": 12, "num_leaves": 12, "verbose": -1, "n_jobs": 1, "min_child_samples": 5}
    parameters |= {"zero_as_missing": missing == "Zero", "use_missing": missing != "None"}
    if kind == "counts":
        parameters["objective"] = "poisson"
    estimator = lightgbm.LGBMRegressor if kind in ("numbers", "counts") else lightgbm.LGBMClassifier
    for rows in (X, holes(X), holes(X).astype(np.float32)):
        model = estimator(**parameters)
        file = frozen(model, rows, Y[kind])
        same(model, file, strange(rows).astype(rows.dtype), 1e-14 if kind != "numbers" else 0)


def test_other_ways_of_lightgbm():
    parameters = {"n_estimators": 15, "verbose": -1, "n_jobs": 1, "subsample": 0.5, "subsample_freq": 1}
    for model, y in (
        (lightgbm.LGBMRegressor(boosting_type="dart", **parameters), SCORES[:, 0]),
        (lightgbm.LGBMRegressor(boosting_type="rf", **parameters), SCORES[:, 0]),
        (lightgbm.LGBMClassifier(boosting_type="dart", **parameters), THREE),
    ):
        file = frozen(model, X, y)
        same(model, file, strange(X), 1e-14 if hasattr(model, "classes_") else 0)


def test_lightgbm_says_what_it_cannot():
    with pytest.raises(TypeError, match="use linear_tree=False"):
        frozen(
            lightgbm.LGBMRegressor(n_estimators=2, linear_tree=True, verbose=-1, n_jobs=1), X, SCORES[:, 0]
        )
    with pytest.raises(TypeError, match="use 'gbdt' or 'dart'"):
        model = lightgbm.LGBMClassifier(
            n_estimators=2, boosting_type="rf", subsample=0.5, subsample_freq=1, verbose=-1, n_jobs=1
        )
        frozen(model, X, THREE)
    with pytest.raises(TypeError, match="the objective 'multiclassova"):
        frozen(
            lightgbm.LGBMClassifier(n_estimators=2, objective="multiclassova", verbose=-1, n_jobs=1), X, THREE
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", Y)
def test_xgboost(kind, dtype):
    parameters = {"n_estimators": 12, "max_depth": 5}
    if kind == "counts":
        parameters["objective"] = "count:poisson"
    estimator = xgboost.XGBRegressor if kind in ("numbers", "counts") else xgboost.XGBClassifier
    for rows in (X.astype(dtype), holes(X).astype(dtype)):
        model = estimator(**parameters, n_jobs=1)
        file = frozen(model, rows, Y[kind])
        same(model, file, strange(rows).astype(dtype), 1e-6 if kind != "numbers" else 0)


def test_other_ways_of_xgboost():
    for model, y in (
        (xgboost.XGBRFClassifier(n_estimators=15), BINARY == "yes"),
        (xgboost.XGBRFRegressor(n_estimators=15), SCORES[:, 0]),
        (xgboost.XGBClassifier(n_estimators=9, num_parallel_tree=3, subsample=0.5), THREE),
        (xgboost.XGBClassifier(n_estimators=9, base_score=0.3), BINARY == "yes"),
        (xgboost.XGBRegressor(n_estimators=9, objective="reg:absoluteerror"), SCORES[:, 0]),
    ):
        y = y.astype(int) if y.dtype == bool else y
        file = frozen(model, X, y)
        same(model, file, strange(X), 1e-6 if hasattr(model, "classes_") else 0)
    with pytest.raises(TypeError, match="only booster='gbtree'"):
        frozen(xgboost.XGBRegressor(n_estimators=2, booster="dart"), X, SCORES[:, 0])


def test_the_best_stages_are_kept():
    fit = slice(0, 300)
    y = Y["binary"]
    for model in (
        xgboost.XGBClassifier(n_estimators=200, early_stopping_rounds=3, learning_rate=0.5),
        lightgbm.LGBMClassifier(n_estimators=200, learning_rate=0.5, verbose=-1, n_jobs=1),
    ):
        more = {}
        if isinstance(model, lightgbm.LGBMClassifier):
            more = {"callbacks": [lightgbm.early_stopping(3, verbose=False)]}
        else:
            more = {"verbose": False}
        model.fit(X[fit], y[fit], eval_set=[(X[300:], y[300:])], **more)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = ferroflow.freeze(model, X)
        same(model, file, X, 1e-6)


def test_categories():
    frame, y = town_frame()
    for model, tolerance in (
        (
            lightgbm.LGBMClassifier(
                n_estimators=20, verbose=-1, n_jobs=1, min_child_samples=5, min_data_per_group=5
            ),
            1e-14,
        ),
        (xgboost.XGBClassifier(n_estimators=20, enable_categorical=True), 1e-6),
        (xgboost.XGBClassifier(n_estimators=20, enable_categorical=True, max_cat_to_onehot=1), 1e-6),
    ):
        file = frozen(model, frame, y.astype(int))
        same(model, file, frame, tolerance)
        row = {"a": 0.1, "b": 0.5, "town": "York", "size": 30}
        typed = pd.DataFrame([row]).astype(
            {"town": frame["town"].dtype, "size": frame["size"].dtype, "b": "float32"}
        )
        assert file.predict(row) == model.predict(typed)[0]
        rome = [row | {"town": "Rome"}]
        if isinstance(model, lightgbm.LGBMClassifier):
            assert_array_equal(file.decision_function(rome), file.decision_function([row | {"town": None}]))
        else:
            with pytest.raises(ValueError, match=r"column 'town'.*'Rome' was not seen"):
                file.predict(rome)
