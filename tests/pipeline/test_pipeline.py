import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import DBSCAN, KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from ferroflow.pipeline import (
    DropDuplicates,
    DropMissing,
    FeatureUnion,
    OutlierRemover,
    Pipeline,
    make_pipeline,
)

RNG = np.random.RandomState(0)
X = RNG.randn(120, 3)
Y = (X[:, 0] + 0.3 * RNG.randn(120) > 0).astype(int)
HOLES = X.copy()
HOLES[RNG.rand(120, 3) < 0.1] = np.nan
THERE = ~np.isnan(HOLES).any(axis=1)
WEIGHTS = RNG.rand(120)


def test_it_learns_from_the_rows_that_are_left_and_predicts_all():
    model = make_pipeline(StandardScaler(), DropMissing(), LogisticRegression())
    model.fit(HOLES, Y, logisticregression__sample_weight=WEIGHTS)
    scaler = StandardScaler().fit(HOLES)
    expected = LogisticRegression().fit(scaler.transform(HOLES)[THERE], Y[THERE], WEIGHTS[THERE])
    assert_array_equal(model[-1].coef_, expected.coef_)
    assert_array_equal(model[1].sample_indices_, np.flatnonzero(THERE))
    assert_array_equal(model.predict(X), expected.predict(scaler.transform(X)))
    assert_array_equal(model.predict_proba(X), expected.predict_proba(scaler.transform(X)))
    assert model.score(X, Y) == expected.score(scaler.transform(X), Y)
    assert model.n_features_in_ == 3
    with pytest.raises(ValueError, match="NaN"):
        model.predict(HOLES)


def test_several_filters_follow_each_other():
    far = HOLES.copy()
    far[3] = 50
    twice, targets = np.vstack([far, far[:40]]), np.concatenate([Y, Y[:40]])
    model = make_pipeline(
        DropMissing(), DropDuplicates(), StandardScaler(), OutlierRemover(threshold=5), PCA(2)
    )
    model.fit(twice, targets)
    left = np.flatnonzero(~np.isnan(far).any(axis=1))
    scaled = StandardScaler().fit_transform(far[left])
    assert_allclose(model[-1].mean_, scaled[left != 3].mean(axis=0))
    assert model.transform(X).shape == (120, 2)
    assert model.get_feature_names_out().tolist() == ["pca0", "pca1"]


def test_fit_transform_and_fit_predict_see_every_row():
    model = make_pipeline(DropDuplicates(subset=[0]), StandardScaler())
    twice = np.vstack([X, X])
    out = model.fit_transform(twice)
    assert out.shape == twice.shape
    assert_array_equal(out, model.transform(twice))
    labels = make_pipeline(DropDuplicates(), KMeans(2, random_state=0, n_init=1)).fit_predict(twice)
    assert len(labels) == 240
    with pytest.raises(TypeError, match="DBSCAN predicts only"):
        make_pipeline(DropDuplicates(), DBSCAN()).fit_predict(twice)


def test_without_a_filter_it_is_scikit_learns():
    ours = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    sklearn_ = sklearn.pipeline.make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    assert isinstance(ours, sklearn.pipeline.Pipeline)
    assert_array_equal(ours.predict_proba(X), sklearn_.predict_proba(X))
    assert FeatureUnion is sklearn.pipeline.FeatureUnion


def test_grid_search_and_cross_validation():
    model = make_pipeline(OutlierRemover(), LogisticRegression())
    far = X.copy()
    far[::17] *= 30
    grid = {
        "outlierremover__threshold": [1, 3],
        "outlierremover": [OutlierRemover(), "passthrough", DropDuplicates()],
    }
    search = GridSearchCV(
        model, [{"outlierremover__threshold": [1.0, 3.0]}, {"outlierremover": grid["outlierremover"]}]
    )
    search.fit(far, Y)
    assert search.predict(far).shape == (120,)
    assert not np.isnan(search.cv_results_["mean_test_score"]).any()
    scores = cross_validate(model, far, Y, params={"logisticregression__sample_weight": WEIGHTS})
    assert not np.isnan(scores["test_score"]).any()


def test_metadata_routing_follows_the_rows():
    with sklearn.config_context(enable_metadata_routing=True):
        model = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            DropMissing(),
            LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True),
        )
        model.fit(HOLES, Y, sample_weight=WEIGHTS)
        scaled = StandardScaler().fit_transform(HOLES)[THERE]
        assert_array_equal(model[-1].coef_, LogisticRegression().fit(scaled, Y[THERE], WEIGHTS[THERE]).coef_)
        assert 0 < model.score(X, Y, sample_weight=WEIGHTS) <= 1
        with pytest.raises(TypeError, match="something"):
            model.fit(HOLES, Y, something=WEIGHTS)


class Judge(BaseEstimator):
    """Learns, and keeps what it is judged on."""

    def fit(self, X, y, X_val=None, y_val=None):
        self.seen_ = X, X_val, y_val
        return self

    def predict(self, X):
        return np.zeros(len(X))


def test_transformed_metadata_passes_every_part():
    with sklearn.config_context(enable_metadata_routing=True):
        steps = [StandardScaler(), DropMissing(), PCA(2), Judge().set_fit_request(X_val=True, y_val=True)]
        model = make_pipeline(*steps, transform_input=["X_val"])
        model.fit(HOLES, Y, X_val=X, y_val=Y)
        expected = model[2].transform(model[0].transform(X))
        assert_allclose(model[-1].seen_[1], expected)
        assert len(model[-1].seen_[0]) == THERE.sum()


class Doubles(BaseEstimator):
    """Makes rows of its own, as an over-sampler does."""

    def fit_resample(self, X, y):
        return np.vstack([X, X + 1]), np.concatenate([y, y])


def test_samplers_of_other_libraries():
    model = make_pipeline(Doubles(), LogisticRegression()).fit(X, Y)
    expected = LogisticRegression().fit(np.vstack([X, X + 1]), np.concatenate([Y, Y]))
    assert_array_equal(model.predict(X), expected.predict(X))
    with pytest.raises(ValueError, match="'doubles' made rows of its own"):
        make_pipeline(Doubles(), LogisticRegression()).fit(X, Y, logisticregression__sample_weight=WEIGHTS)


def test_frames_stay_frames():
    frame = pd.DataFrame(HOLES, columns=["a", "b", "c"]).assign(d=np.where(X[:, 1] > 0, "u", "v"))
    columns = make_column_transformer((OneHotEncoder(), ["d"]), (StandardScaler(), ["a", "b", "c"]))
    model = make_pipeline(DropMissing(), columns, LogisticRegression()).fit(frame, pd.Series(Y))
    assert_array_equal(model.feature_names_in_, ["a", "b", "c", "d"])
    assert model.predict(frame[THERE]).shape == (THERE.sum(),)
    framed = make_pipeline(DropMissing(), StandardScaler()).set_output(transform="pandas")
    out = framed.fit_transform(frame[["a", "b", "c"]])
    assert list(out.columns) == ["a", "b", "c"]
    assert len(out) == 120


def test_memory_clone_pickle_and_slices(tmp_path):
    model = make_pipeline(StandardScaler(), DropMissing(), PCA(2), LogisticRegression(), memory=str(tmp_path))
    given = model[1]
    for _ in range(2):
        model.fit(HOLES, Y)
    assert not hasattr(given, "sample_indices_")
    assert_array_equal(model[1].sample_indices_, np.flatnonzero(THERE))
    plain = clone(model).set_params(memory=None).fit(HOLES, Y)
    assert_array_equal(plain.predict_proba(X), model.predict_proba(X))
    assert_array_equal(pickle.loads(pickle.dumps(plain)).predict_proba(X), plain.predict_proba(X))
    assert plain[:3].transform(X).shape == (120, 2)
    assert type(plain[:2]) is Pipeline
    assert plain[:2].transform(X).shape == X.shape


def test_a_filter_may_be_first_last_or_a_pipeline():
    inner = make_pipeline(StandardScaler(), DropMissing())
    left, targets = inner.fit_resample(HOLES, Y)
    assert len(left) == len(targets) == THERE.sum()
    assert inner.fit(HOLES, Y).transform(X).shape == X.shape
    model = make_pipeline(inner, LogisticRegression()).fit(HOLES, Y)
    expected = make_pipeline(StandardScaler(), DropMissing(), LogisticRegression()).fit(HOLES, Y)
    assert_array_equal(model.predict_proba(X), expected.predict_proba(X))
    assert not hasattr(make_pipeline(DropMissing(), LinearRegression()), "transform")
    assert not hasattr(make_pipeline(DropMissing(), LinearRegression()), "fit_resample")


def test_times_are_printed(capsys):
    model = make_pipeline(StandardScaler(), DropMissing(), PCA(2), LogisticRegression(), verbose=True)
    model.fit(HOLES, Y)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" Processing ")[0] for line in lines] == [
        f"[Pipeline] ....... (step {i} of 4)" for i in (1, 2, 3, 4)
    ] or len(lines) == 4


def test_steps_are_checked_in_scikit_learns_words():
    for steps in (
        [],
        [("a__b", DropMissing()), ("c", LogisticRegression())],
        [("a", LinearRegression()), ("b", DropMissing()), ("c", LogisticRegression())],
    ):
        with pytest.raises((ValueError, TypeError)) as ours:
            Pipeline(steps).fit(X, Y)
        plain = [(name, "passthrough" if isinstance(step, DropMissing) else step) for name, step in steps]
        with pytest.raises((ValueError, TypeError)) as sklearn_:
            sklearn.pipeline.Pipeline(plain).fit(X, Y)
        assert str(ours.value) == str(sklearn_.value)
