"""Every transformer and model of ferroflow can be frozen, or stands here with the reason."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression

import ferroflow

sys.path.insert(0, str(Path(__file__).parents[1] / "common"))
from public import estimator_classes

RNG = np.random.RandomState(0)
NUMBERS = pd.DataFrame(np.abs(RNG.randn(120, 4)) + 0.1, columns=list("abcd"))
TEXTS = pd.DataFrame({name: RNG.choice(["x", "y", "z"], 120) for name in ("s", "t")}, dtype=object)
PARAMETERS = {
    "ColumnTransformer": {"transformers": [("n", "passthrough", ["a", "c"])]},
    "ExpressionTransformer": {"expressions": {"e": "a + b"}},
    "FeatureHasher": {"n_features": 5, "input_type": "string"},
    "GridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}},
    "HalvingGridSearchCV": {"estimator": LogisticRegression(), "param_grid": {"C": [0.1, 1.0]}},
    "HalvingRandomSearchCV": {"estimator": LogisticRegression(), "param_distributions": {"C": [0.1, 1.0]}},
    "OptunaSearchCV": {
        "estimator": LogisticRegression(),
        "param_distributions": {"C": FloatDistribution(0.1, 1.0)},
        "n_trials": 2,
    },
    "Pipeline": {"steps": [("model", LogisticRegression())]},
    "RandomizedSearchCV": {
        "estimator": LogisticRegression(),
        "param_distributions": {"C": [0.1, 1.0]},
        "n_iter": 2,
    },
}
OF_TEXTS = {"FeatureHasher"}
# They map a target, which a model that predicts does not get.
NEVER = {"LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"}
# They change the rows that are learned from, and leave all others as they are.
ROW_FILTERS = {"DropDuplicates", "DropMissing", "OutlierRemover"}


@pytest.mark.parametrize(
    "cls", [c for c in estimator_classes() if c.__name__ not in NEVER], ids=lambda c: c.__name__
)
def test_it_can_be_frozen(cls):
    name = cls.__name__
    X = TEXTS.to_numpy() if name in OF_TEXTS else NUMBERS
    y = (NUMBERS["a"] > NUMBERS["a"].median()).astype(int).to_numpy() + 1
    if name in ROW_FILTERS:
        from ferroflow.linear_model import LinearRegression
        from ferroflow.pipeline import make_pipeline

        step = make_pipeline(cls(), LinearRegression())
    else:
        step = cls(**PARAMETERS.get(name, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step.fit(X, y)
        model = ferroflow.freeze(step, X)
        if model.task == "transformer":
            expected = step.transform(X)
            expected = expected.toarray() if hasattr(expected, "toarray") else np.asarray(expected)
            np.testing.assert_array_equal(model.transform(X), expected)
        else:
            np.testing.assert_array_equal(model.predict(X), step.predict(X))
