"""scikit-learn's trees and forests, frozen: the same bits."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import ensemble, tree
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits
from tree_rows import BINARY, SCORES, THREE, X, frozen, holes, strange, town_frame


@pytest.fixture(autouse=True)
def one_thread():
    """On a busy machine OpenMP's threads wait for each other."""
    with threadpool_limits(1):
        yield


def same(model, frozen, rows):
    """The same bits by many rows, by few and by one."""
    for what in ("predict", "predict_proba"):
        if hasattr(model, what) and not hasattr(model, "_raw_predict"):
            expected = getattr(model, what)(rows)
            assert_array_equal(getattr(frozen, what)(rows), expected)
            assert_array_equal(getattr(frozen, what)(rows[:5]), expected[:5])
    if hasattr(model, "_raw_predict"):
        expected = model._raw_predict(np.asarray(rows, dtype=frozen_type(model)))
        if hasattr(model, "classes_"):
            assert_array_equal(frozen.decision_function(rows).reshape(expected.shape), expected)
            assert_array_equal(frozen.predict(rows), model.predict(rows))
            assert_allclose(frozen.predict_proba(rows), model.predict_proba(rows), rtol=1e-14, atol=1e-16)
    one = dict(zip([c["name"] for c in frozen.schema["columns"]], rows[7].tolist(), strict=True))
    assert_array_equal(frozen.predict(one), frozen.predict(rows[7:8])[0])


def frozen_type(model):
    return np.float64 if "Hist" in type(model).__name__ else np.float32


FORESTS = {
    "tree": (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, {"random_state": 0}),
    "extra tree": (tree.ExtraTreeClassifier, tree.ExtraTreeRegressor, {"random_state": 0}),
    "best first": (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, {"max_leaf_nodes": 12}),
    "forest": (
        ensemble.RandomForestClassifier,
        ensemble.RandomForestRegressor,
        {"n_estimators": 23, "random_state": 0},
    ),
    "extra trees": (
        ensemble.ExtraTreesClassifier,
        ensemble.ExtraTreesRegressor,
        {"n_estimators": 9, "max_depth": 6, "random_state": 0},
    ),
    "bagging": (
        ensemble.BaggingClassifier,
        ensemble.BaggingRegressor,
        {"n_estimators": 7, "max_features": 0.6, "random_state": 0},
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kind", FORESTS)
@pytest.mark.parametrize("y", [BINARY, THREE, SCORES[:, 0]], ids=["binary", "three", "numbers"])
def test_means_of_trees(kind, y, dtype):
    classifier, regressor, parameters = FORESTS[kind]
    for rows in (X.astype(dtype), holes(X).astype(dtype)):
        model = (regressor if y.dtype.kind == "f" else classifier)(**parameters)
        file = frozen(model, rows, y)
        assert file.provenance["replay"] == "exact"
        same(model, file, strange(rows, missing=kind != "extra tree"))


def test_weights_and_several_targets():
    weighted = ensemble.RandomForestClassifier(n_estimators=10, class_weight="balanced", random_state=0)
    same(weighted, frozen(weighted, X, THREE), strange(X))
    several = ensemble.RandomForestRegressor(n_estimators=10, random_state=0)
    same(several, frozen(several, X, SCORES), strange(X))
    with pytest.raises(TypeError, match="several targets; freeze one model for each"):
        frozen(ensemble.RandomForestClassifier(n_estimators=2), X, (SCORES > 0).astype(int))


@pytest.mark.parametrize("y", [BINARY, THREE, SCORES[:, 0]], ids=["binary", "three", "numbers"])
@pytest.mark.parametrize("init", [None, "zero"])
def test_gradient_boosting(y, init):
    kind = "Regressor" if y.dtype.kind == "f" else "Classifier"
    model = getattr(ensemble, f"GradientBoosting{kind}")(init=init, n_estimators=20, random_state=0)
    file = frozen(model, X, y)
    rows = strange(X, missing=False)
    same(model, file, rows)
    if y.dtype.kind == "f":
        assert_array_equal(file.predict(rows), model.predict(rows))
    rows[5, 1] = np.nan
    with pytest.raises(ValueError, match="row 5, column 'x1'"):
        file.predict(rows)


def test_losses_of_gradient_boosting():
    for loss in ("absolute_error", "huber", "quantile"):
        model = ensemble.GradientBoostingRegressor(loss=loss, n_estimators=9, random_state=0)
        file = frozen(model, X, SCORES[:, 0])
        assert_array_equal(file.predict(X), model.predict(X))
    with pytest.raises(TypeError, match="use loss='log_loss'"):
        frozen(ensemble.GradientBoostingClassifier(loss="exponential", n_estimators=2), X, BINARY)
    with pytest.raises(TypeError, match="use init=None or 'zero'"):
        init = tree.DecisionTreeRegressor()
        frozen(ensemble.GradientBoostingRegressor(init=init, n_estimators=2), X, SCORES[:, 0])


@pytest.mark.parametrize("y", [BINARY, THREE, SCORES[:, 0]], ids=["binary", "three", "numbers"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_histogram_boosting(y, dtype):
    kind = "Regressor" if y.dtype.kind == "f" else "Classifier"
    for rows in (X.astype(dtype), holes(X).astype(dtype)):
        model = getattr(ensemble, f"HistGradientBoosting{kind}")(max_iter=8, categorical_features=[2])
        file = frozen(model, rows, y)
        other = strange(rows).astype(dtype)
        other[:, 2] = np.random.default_rng(2).choice([0, 1, 2, 3, 5, -1, np.nan], len(other))
        same_boosted(model, file, other)
        plain = getattr(ensemble, f"HistGradientBoosting{kind}")(max_iter=8).fit(rows, y)
        same_boosted(plain, frozen(plain, rows, y), strange(rows).astype(dtype))


def same_boosted(model, file, rows):
    if hasattr(model, "classes_"):
        assert_array_equal(file.decision_function(rows), model.decision_function(rows))
        assert_array_equal(file.predict(rows), model.predict(rows))
        assert_allclose(file.predict_proba(rows), model.predict_proba(rows), rtol=1e-14, atol=1e-16)
    else:
        assert_array_equal(file.predict(rows), model.predict(rows))


@pytest.mark.parametrize("loss", ["poisson", "gamma", "absolute_error", "quantile"])
def test_losses_of_histogram_boosting(loss):
    model = ensemble.HistGradientBoostingRegressor(loss=loss, quantile=0.3, max_iter=9)
    file = frozen(model, X, np.exp(SCORES[:, 0]))
    assert_allclose(file.predict(X), model.predict(X), rtol=1e-15 if "_" in loss else 1e-14)


def test_categories_of_a_frame():
    frame, y = town_frame()
    model = ensemble.HistGradientBoostingClassifier(max_iter=30)
    file = frozen(model, frame, y)
    same_boosted(model, file, frame)
    row = {"a": 0.1, "b": 0.5, "town": "York", "size": 30}
    one = pd.DataFrame([row]).astype(
        {"town": frame["town"].dtype, "size": frame["size"].dtype, "b": "float32"}
    )
    assert file.predict(row) == model.predict(one)[0]
    # What was never seen goes the way of what is missing.
    assert_array_equal(
        file.decision_function([row | {"town": "Rome"}]), file.decision_function([row | {"town": None}])
    )


def test_a_forest_behind_preparation():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({f"n{j}": rng.normal(size=600) for j in range(4)})
    frame["town"] = rng.choice(["Bath", "York", "Rye"], 600)
    frame.loc[::10, "n0"] = np.nan
    columns = ColumnTransformer(
        [("n", SimpleImputer(), ["n0", "n1", "n2", "n3"]), ("t", OneHotEncoder(), ["town"])],
        sparse_threshold=0,
    )
    model = make_pipeline(columns, ensemble.RandomForestClassifier(n_estimators=20, random_state=0))
    file = frozen(model, frame, (frame["n1"] > 0) ^ (frame["town"] == "York"))
    assert_array_equal(file.predict_proba(frame), model.predict_proba(frame))
    with pytest.raises(AttributeError, match="it has no decision_function"):
        file.decision_function(frame)


def test_a_large_forest_is_a_small_file():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(3_000, 20)).astype(np.float32)
    y = (rows[:, :5].sum(axis=1) + rng.normal(size=3_000) > 0).astype(int)
    model = ensemble.RandomForestClassifier(30, max_depth=12, random_state=0).fit(rows, y)
    nodes = sum(one.tree_.node_count for one in model.estimators_)
    size = len(frozen(model, rows, y).to_bytes())
    assert size < 4.5 * nodes + 20_000, (size, nodes)


def test_numbers_too_large_for_the_trees_are_refused():
    file = frozen(tree.DecisionTreeClassifier(), X, THREE)
    rows = X.copy()
    rows[3, 4] = 1e300
    with pytest.raises(ValueError, match=r"row 3, column 'x4'.*too large"):
        file.predict(rows)
