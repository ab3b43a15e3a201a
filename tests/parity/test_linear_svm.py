"""LinearSVC and LinearSVR against scikit-learn's: the same optimum, the same errors and warnings."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn.svm
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

import ferroflow
import ferroflow.svm
from ferroflow.preprocessing import StandardScaler
from ferroflow.svm import LinearSVC, LinearSVR

CLASSIFIERS = [
    {"loss": "hinge"},
    {"loss": "squared_hinge", "dual": True},
    {"loss": "squared_hinge", "dual": False},
]
REGRESSORS = [
    {"loss": "epsilon_insensitive", "epsilon": 0.3},
    {"loss": "squared_epsilon_insensitive", "epsilon": 0.3, "dual": True},
    {"loss": "squared_epsilon_insensitive", "epsilon": 0.3, "dual": False},
]
# Far enough that what is left is rounding: liblinear's rules end by 1e-10 of the gradient.
EXACT = {"tol": 1e-10, "max_iter": 100_000, "random_state": 0}


def standard(load):
    X, y = load(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def objectives(model, X, y, sample_weight=None):
    """The objective of each of the model's outputs."""
    X = X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
    weights = np.ones(len(y)) if sample_weight is None else sample_weight
    coef = np.atleast_2d(model.coef_)
    intercept = np.broadcast_to(model.intercept_, len(coef))
    z = X @ coef.T + intercept
    squared = model.loss.startswith("squared")
    out = []
    for k in range(len(coef)):
        c = model.C * weights
        if hasattr(model, "classes_"):
            t = np.where(y == model.classes_[k if len(coef) > 1 else 1], 1.0, -1.0)
            by_class = sklearn.utils.compute_class_weight(model.class_weight, classes=model.classes_, y=y)
            if len(coef) == 1:
                c = c * by_class[(t > 0).astype(int)]
            else:
                c = c * np.where(t > 0, by_class[k], 1.0)
            over = np.maximum(0, 1 - t * z[:, k])
        else:
            over = np.maximum(0, np.abs(z[:, k] - y) - model.epsilon)
        penalty = coef[k] @ coef[k] + (intercept[k] / model.intercept_scaling) ** 2
        out.append(penalty / 2 + c @ (over**2 if squared else over))
    return np.array(out)


def assert_same_optimum(ours, theirs, X, y, sample_weight=None, rtol=1e-6):
    ours.fit(X, y, sample_weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y, sample_weight)
    a, b = (objectives(m, X, y, sample_weight) for m in (ours, theirs))
    assert (a <= b * (1 + rtol) + 1e-12).all(), (a, b)
    assert ours.coef_.shape == theirs.coef_.shape and ours.coef_.dtype == theirs.coef_.dtype
    assert type(ours.intercept_) is type(theirs.intercept_) and type(ours.n_iter_) is int
    assert np.shape(ours.intercept_) == np.shape(theirs.intercept_)


@pytest.mark.parametrize("sparse_rows", [False, True])
@pytest.mark.parametrize("options", [{}, {"fit_intercept": False}, {"intercept_scaling": 10.0, "C": 0.1}])
@pytest.mark.parametrize("parameters", CLASSIFIERS)
@pytest.mark.parametrize("load", [load_breast_cancer, load_iris])
def test_classifiers_reach_scikit_learns_optimum(load, parameters, options, sparse_rows):
    X, y = standard(load)
    rows = sparse.csr_matrix(X) if sparse_rows else X
    parameters = {**EXACT, **parameters, **options}
    ours, theirs = LinearSVC(**parameters), sklearn.svm.LinearSVC(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same_optimum(ours, theirs, rows, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-3, atol=1e-4)
    assert_array_equal(ours.predict(rows), theirs.predict(rows))


@pytest.mark.parametrize("sparse_rows", [False, True])
@pytest.mark.parametrize("options", [{}, {"fit_intercept": False}, {"intercept_scaling": 10.0, "C": 0.1}])
@pytest.mark.parametrize("parameters", REGRESSORS)
def test_regressors_reach_scikit_learns_optimum(parameters, options, sparse_rows):
    X, y = standard(load_diabetes)
    y = (y - y.mean()) / y.std() + 1
    rows = sparse.csr_matrix(X) if sparse_rows else X
    parameters = {**EXACT, **parameters, **options}
    ours, theirs = LinearSVR(**parameters), sklearn.svm.LinearSVR(**parameters)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same_optimum(ours, theirs, rows, y)
    assert_allclose(ours.predict(rows), theirs.predict(rows), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0, 1: 0.5}])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parameters", CLASSIFIERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_weights(classes, parameters, weighted, class_weight):
    X, y = make_classification(300, 8, n_informative=5, n_classes=classes, random_state=0)
    weights = np.random.RandomState(0).randint(0, 4, 300) * 0.5 if weighted else None
    if class_weight == "balanced" and weighted:
        class_weight = {0: 2.0}  # whose counts are weighted in some versions only
    parameters = {**EXACT, **parameters, "class_weight": class_weight, "C": 0.3}
    assert_same_optimum(LinearSVC(**parameters), sklearn.svm.LinearSVC(**parameters), X, y, weights)


@pytest.mark.parametrize("parameters", REGRESSORS)
def test_weighted_regressions_are_repeated_rows(parameters):
    X, y = standard(load_diabetes)
    y = y / 100
    weights = np.random.RandomState(0).randint(0, 3, len(y)).astype(float)
    parameters = {**EXACT, **parameters, "C": 0.3}
    ours = LinearSVR(**parameters).fit(X, y, weights)
    repeated = LinearSVR(**parameters).fit(X.repeat(weights.astype(int), 0), y.repeat(weights.astype(int)))
    assert_allclose(ours.coef_, repeated.coef_, rtol=1e-4, atol=1e-5)
    assert_same_optimum(LinearSVR(**parameters), sklearn.svm.LinearSVR(**parameters), X, y, weights)


@pytest.mark.parametrize("parameters", [*CLASSIFIERS, *REGRESSORS])
def test_the_usual_tolerance_ends_no_higher(parameters):
    kind = "LinearSVR" if "epsilon" in parameters else "LinearSVC"
    X, y = standard(load_diabetes if kind == "LinearSVR" else load_breast_cancer)
    if kind == "LinearSVR":
        y = (y - y.mean()) / y.std()
    for scale in (1.0, 0.01):
        parameters = {**parameters, "C": scale, "max_iter": 20_000, "random_state": 0}
        ours = getattr(ferroflow.svm, kind)(**parameters).fit(X, y)
        exact = getattr(sklearn.svm, kind)(**{**parameters, **EXACT})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            exact.fit(X, y)
        # liblinear's own rules, by which it ends at 1e-4 of the optimum with a tube, at 1e-5 without.
        assert objectives(ours, X, y)[0] <= objectives(exact, X, y)[0] * (1 + 1e-4)


def test_unscaled_columns_do_not_stall_the_primal():
    X, y = standard(load_breast_cancer)
    X = X * np.logspace(-3, 4, X.shape[1])
    parameters = {"loss": "squared_hinge", "dual": False, "random_state": 0}
    theirs = sklearn.svm.LinearSVC(**parameters, max_iter=100_000, tol=1e-8)
    ours = LinearSVC(**parameters)
    assert_same_optimum(ours, theirs, X, y, rtol=1e-5)
    assert ours.n_iter_ < 1000


@pytest.mark.parametrize("seed", [0, 1, np.random.RandomState(3)])
def test_the_seed_chooses_the_path_alone(seed):
    X, y = standard(load_iris)
    first = LinearSVC(loss="hinge", tol=1e-9, max_iter=100_000, random_state=0).fit(X, y)
    other = clone(first).set_params(random_state=seed).fit(X, y)
    assert_allclose(objectives(other, X, y), objectives(first, X, y), rtol=1e-7)
    again = LinearSVC(random_state=5, loss="hinge").fit(X, y)
    assert_array_equal(again.coef_, clone(again).fit(X, y).coef_)


@pytest.mark.parametrize(
    "name, parameters, why",
    [
        ("LinearSVC", {"penalty": "l1", "dual": False}, "penalty='l1'"),
        ("LinearSVC", {"multi_class": "crammer_singer"}, "multi_class='crammer_singer'"),
        ("LinearSVC", {}, "weights that are negative"),
    ],
)
def test_what_scikit_learn_solves_is_noted(name, parameters, why, capsys):
    X, y = standard(load_iris)
    weights = -np.ones(len(y)) if "negative" in why else None
    ferroflow.explain(clear=True, file=None)
    capsys.readouterr()
    model, theirs = (getattr(m, name)(random_state=0, **parameters) for m in (ferroflow.svm, sklearn.svm))
    for m in (model, theirs):
        try:
            m.fit(X, y, weights)
        except ValueError as error:
            told = str(error)
    if "coef_" in vars(theirs):
        assert_array_equal(model.coef_, theirs.coef_)
    else:
        assert told
    ferroflow.explain()
    assert why in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, parameters, X, y, message",
    [
        ("LinearSVC", {"C": -1.0}, [[0.0], [1.0]], [0, 1], "The 'C' parameter"),
        ("LinearSVC", {"loss": "odd"}, [[0.0], [1.0]], [0, 1], "The 'loss' parameter"),
        (
            "LinearSVC",
            {"loss": "hinge", "dual": False},
            [[0.0], [1.0]],
            [0, 1],
            "Unsupported set of arguments",
        ),
        ("LinearSVC", {}, [[0.0], [np.nan]], [0, 1], "Input X contains NaN"),
        ("LinearSVC", {}, [[0.0], [1.0]], [1, 1], "needs samples of at least 2 classes"),
        ("LinearSVC", {}, [[0.0], [1.0]], [0.5, 1.3], "Unknown label type"),
        ("LinearSVR", {"loss": "epsilon_insensitive", "dual": False}, [[0.0], [1.0]], [0, 1], "Unsupported"),
        ("LinearSVR", {"intercept_scaling": 0.0}, [[0.0], [1.0]], [0, 1], "intercept_scaling"),
        ("LinearSVR", {}, [[0.0], [1.0]], [0, np.inf], "Input y contains infinity"),
    ],
)
def test_errors_are_scikit_learns(name, parameters, X, y, message):
    told = []
    for module in (ferroflow.svm, sklearn.svm):
        with pytest.raises(ValueError, match=message) as error:
            getattr(module, name)(**parameters).fit(np.array(X), np.array(y))
        told.append(str(error.value))
    assert told[0] == told[1]


@pytest.mark.parametrize("parameters", [*CLASSIFIERS, *REGRESSORS])
def test_too_few_steps_warn(parameters):
    kind = LinearSVR if "epsilon" in parameters else LinearSVC
    X, y = standard(load_diabetes if kind is LinearSVR else load_breast_cancer)
    model = kind(max_iter=2, **parameters)
    with pytest.warns(ConvergenceWarning, match="Liblinear failed to converge") as told:
        model.fit(X, y)
    assert model.n_iter_ == 2 and told[0].filename == __file__


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("load", [load_breast_cancer, load_iris, load_diabetes])
def test_frozen_models_give_the_same_bits(load, dtype):
    X, y = load(return_X_y=True)
    X = X.astype(dtype)
    model = LinearSVR() if load is load_diabetes else LinearSVC()
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it warns where bits differ
        frozen = ferroflow.freeze(pipeline, X, y)
    assert_array_equal(frozen.predict(X), pipeline.predict(X))


def test_pickles_clones_frames_and_texts():
    X, y = standard(load_iris)
    frame, names = pd.DataFrame(X, columns=list("abcd")), np.array(["x", "y", "z"])[y]
    model = LinearSVC(random_state=0).fit(frame, names)
    assert_array_equal(model.feature_names_in_, list("abcd"))
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.decision_function(frame), model.decision_function(frame))
    assert clone(model).get_params() == sklearn.svm.LinearSVC(random_state=0).get_params()
    assert set(model.predict(frame)) == {"x", "y", "z"}
    assert isinstance(model, sklearn.svm.LinearSVC)


def test_everything_that_scikit_learn_exports_is_there():
    assert set(sklearn.svm.__all__) <= set(ferroflow.svm.__all__)
    assert ferroflow.svm.SVC is sklearn.svm.SVC
