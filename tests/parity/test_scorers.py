import copy
import pickle

import numpy as np
import pytest
from sklearn import metrics as theirs
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.multiclass import OneVsRestClassifier

import ferroflow
from ferroflow import metrics


def test_every_scorer_is_scikit_learns_over_our_function():
    assert metrics.get_scorer_names() == theirs.get_scorer_names()
    for name in theirs.get_scorer_names():
        ours, sklearn = metrics.get_scorer(name), theirs.get_scorer(name)
        assert type(ours) is type(sklearn)
        assert repr(ours) == repr(sklearn)
        assert repr(pickle.loads(pickle.dumps(ours))) == repr(ours)
        assert metrics.get_scorer(name) is not ours
        function = ours._score_func
        assert getattr(metrics, function.__name__, function) is function


@pytest.fixture(scope="module")
def fitted():
    X, y = make_classification(200, n_informative=5, n_classes=3, random_state=0)
    binary, positive = make_classification(200, random_state=0)
    sets, indicator = make_multilabel_classification(200, random_state=0)
    rows, target = make_regression(200, 5, random_state=0)
    classifier = LogisticRegression(max_iter=500)
    return {
        "binary": (copy.deepcopy(classifier).fit(binary, positive), binary, positive),
        "multiclass": (copy.deepcopy(classifier).fit(X, y), X, y),
        "multilabel": (OneVsRestClassifier(classifier).fit(sets, indicator), sets, indicator),
        "regression": (LinearRegression().fit(rows, target), rows, np.abs(target)),
    }


def outcome(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", theirs.get_scorer_names())
def test_every_scorer_scores_as_scikit_learns(fitted, name):
    weights = np.random.RandomState(0).rand(200)
    for case in fitted.values():
        for options in ({}, {"sample_weight": weights}):
            ours = outcome(metrics.get_scorer(name), *case, **options)
            sklearn = outcome(theirs.get_scorer(name), *case, **options)
            if isinstance(sklearn, tuple):
                assert ours == sklearn
            else:
                np.testing.assert_allclose(ours, sklearn, rtol=1e-12)
                assert type(ours) is type(sklearn)


SEVERAL = ["accuracy", "f1_macro", "precision_macro", "recall_weighted", "balanced_accuracy", "jaccard_macro"]


def test_several_scorers_of_one_prediction(fitted):
    for kind in ("binary", "multiclass"):
        case = fitted[kind]
        scorer = metrics.check_scoring(case[0], SEVERAL)
        assert repr(scorer) == repr(theirs.check_scoring(case[0], SEVERAL))
        assert scorer(*case) == theirs.check_scoring(case[0], SEVERAL)(*case)
        again = pickle.loads(pickle.dumps(scorer))
        assert again(*case) == scorer(*case)


def test_a_scoring_may_be_anything_that_scikit_learn_takes(fitted):
    case = fitted["multiclass"]
    own = {"a": "accuracy", "b": metrics.make_scorer(metrics.f1_score, average="micro"), "c": None}
    for scoring in (None, "accuracy", set(SEVERAL), tuple(SEVERAL), own, lambda est, X, y: 1.5):
        expected = theirs.check_scoring(case[0], scoring)
        assert metrics.check_scoring(case[0], scoring)(*case) == expected(*case)
    X, y = case[1:]
    for scoring in (SEVERAL, own):
        ours = cross_validate(case[0], X, y, scoring=metrics.check_scoring(case[0], scoring), cv=3)
        sklearn = cross_validate(case[0], X, y, scoring=scoring, cv=3)
        assert ours.keys() == sklearn.keys()
        for name in own if scoring is own else SEVERAL:
            np.testing.assert_array_equal(ours[f"test_{name}"], sklearn[f"test_{name}"])
    search = GridSearchCV(case[0], {"C": [0.1, 1.0]}, scoring=metrics.get_scorer("f1_macro"), cv=3).fit(X, y)
    expected = GridSearchCV(case[0], {"C": [0.1, 1.0]}, scoring="f1_macro", cv=3).fit(X, y)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"]
    )


@pytest.mark.parametrize(
    "scoring",
    ["nonsense", 5, [], {}, ["accuracy", "accuracy"], ["accuracy", 5], {1: "accuracy"}, {"a": "nonsense"}],
)
def test_errors_are_scikit_learns(scoring):
    model = LogisticRegression()
    assert outcome(metrics.check_scoring, model, scoring) == outcome(theirs.check_scoring, model, scoring)
    assert outcome(metrics.get_scorer, scoring) == outcome(theirs.get_scorer, scoring)


def test_a_metric_is_no_scorer():
    for function in (metrics.f1_score, metrics.adjusted_rand_score):
        for scoring in (function, {"a": function}):
            with pytest.raises(ValueError, match="looks like it is a metric function rather than a scorer"):
                metrics.check_scoring(LogisticRegression(), scoring)


def test_a_failing_scorer_may_be_told_instead_of_raised(fitted):
    model, X, y = fitted["multiclass"]
    scores = metrics.check_scoring(model, ["accuracy", "f1"], raise_exc=False)(model, X, y)
    assert scores["accuracy"] == theirs.accuracy_score(y, model.predict(X))
    assert "Please choose another average setting" in scores["f1"]


def test_labels_are_counted_once_for_all_scorers(fitted, monkeypatch):
    model, X, y = fitted["multiclass"]
    calls = []
    for name in ("count_labels", "count_equal_labels"):
        native = getattr(ferroflow._core, name)
        monkeypatch.setattr(ferroflow._core, name, lambda *a, native=native: (calls.append(1), native(*a))[1])
    names = ["accuracy", "f1_macro", "precision_macro", "recall_macro", "f1_weighted"]
    metrics.check_scoring(model, names)(model, X, y)
    assert len(calls) == 1
    for name in names:
        metrics.get_scorer(name)(model, X, y)
    assert len(calls) == 1 + len(names)
