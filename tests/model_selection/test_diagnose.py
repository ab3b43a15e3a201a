"""What loss curves are said to show, on curves that are known to show it."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from ferroflow.linear_model import GradientDescentClassifier
from ferroflow.model_selection import LossCurveDisplay, diagnose
from ferroflow.preprocessing import StandardScaler

mpl.use("Agg")
EPOCHS = np.arange(40)
FALLING = np.exp(-EPOCHS / 3)
BOUNCING = FALLING + 0.2 * (EPOCHS % 2)


class Fitted(BaseEstimator):
    """Stands for an estimator whose fit made these curves."""

    def __init__(self, curves):
        self.curves = curves

    def fit(self, X=None, y=None):
        self.__dict__.update(self.curves)
        return self


def fitted(loss_curve_, **other):
    return Fitted({"loss_curve_": list(loss_curve_), **other}).fit()


@pytest.mark.parametrize(
    ("curves", "kinds", "word"),
    [
        ({"loss_curve_": FALLING}, ["settled"], "settled after 15 of 40"),
        ({"loss_curve_": np.linspace(1, 3, 9)}, ["diverging"], "rose from 1 to 3"),
        ({"loss_curve_": [1.0, 2.0, np.nan]}, ["diverging"], "after epoch 3"),
        ({"loss_curve_": [1.0, 2.0, np.inf]}, ["diverging"], "after epoch 3"),
        ({"loss_curve_": BOUNCING}, ["learning_rate_too_high"], "rose in 10 of the last 19"),
        ({"loss_curve_": np.linspace(1, 0.99, 40)}, ["under_fitted"], "hardly fell"),
        ({"loss_curve_": np.full(5, 0.7)}, ["under_fitted"], "hardly fell"),
        ({"loss_curve_": np.linspace(1, 0.5, 40), "max_iter": 40}, ["under_fitted"], "still falling"),
        ({"loss_curve_": np.linspace(1, 0.5, 40), "max_iter": 90}, ["settled"], "settled"),
        ({"loss_curve_": [0.5]}, ["under_fitted"], "one epoch"),
        (
            {"loss_curve_": FALLING, "validation_curve_": FALLING + 0.002 * EPOCHS**1.5},
            ["over_fitted"],
            "loss on held-out rows was best after epoch",
        ),
        (
            {"loss_curve_": FALLING, "validation_scores_": 0.9 - FALLING - 0.01 * EPOCHS},
            ["over_fitted"],
            "score on held-out rows was best after epoch",
        ),
        ({"loss_curve_": FALLING, "validation_curve_": FALLING + 0.1}, ["settled"], "settled"),
        ({"loss_curve_": FALLING, "validation_scores_": None}, ["settled"], "settled"),
    ],
)
def test_what_curves_show(curves, kinds, word):
    found = diagnose(fitted(**curves))
    assert found.kinds == kinds
    assert word in str(found)
    assert str(found) == "\n".join(finding.message for finding in found)


def test_columns_of_other_scales_are_named():
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.randn(50, 4) * [1, 2, 1e5, 0], columns=["age", "height", "income", "always"])
    found = diagnose(fitted(FALLING), X)
    assert found.kinds == ["unscaled_columns"]
    assert "'income'" in str(found)
    assert "'age'" not in str(found)
    assert diagnose(fitted(FALLING), X.to_numpy()).kinds == ["unscaled_columns"]
    assert diagnose(fitted(FALLING), X[["age", "height"]]).kinds == ["settled"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_fitted_estimators():
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), GradientDescentClassifier(random_state=0))
    assert diagnose(model.fit(X, y), X).kinds == ["settled"]
    raw = GradientDescentClassifier(random_state=0, max_iter=5).fit(X, y)
    assert "unscaled_columns" in diagnose(raw, X).kinds
    short = make_pipeline(StandardScaler(), MLPClassifier(max_iter=5, random_state=0)).fit(X, y)
    assert diagnose(short).kinds == ["under_fitted"]


def test_errors():
    with pytest.raises(NotFittedError):
        diagnose(GradientDescentClassifier())
    with pytest.raises(ValueError, match="Ridge has no loss_curve_"):
        diagnose(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]))


def test_plots():
    display = LossCurveDisplay.from_estimator(
        fitted(FALLING, validation_scores_=list(1 - FALLING)), name="net"
    )
    assert [line.get_label() for line in display.lines_] == [
        "training loss of net",
        "validation score of net",
    ]
    np.testing.assert_array_equal(display.lines_[0].get_ydata(), FALLING)
    np.testing.assert_array_equal(display.lines_[1].get_ydata(), 1 - FALLING)
    again = display.plot(ax=display.ax_, color="k")
    assert again is display
    assert display.lines_[0].get_color() == "k"
    both = LossCurveDisplay.from_estimator(make_pipeline(fitted(FALLING, validation_curve_=list(FALLING))))
    assert [line.axes for line in both.lines_] == [both.ax_, both.ax_]
