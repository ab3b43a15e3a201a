"""scikit-learn's own transformers and models, and models made of models, frozen: to 1e-12 of their numbers."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import (
    calibration,
    cross_decomposition,
    decomposition,
    discriminant_analysis,
    ensemble,
    feature_selection,
    impute,
    linear_model,
    model_selection,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    random_projection,
    svm,
)
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline

import ferroflow
from ferroflow import linear_model as ours
from ferroflow.preprocessing import StandardScaler

RNG = np.random.RandomState(0)
X = RNG.randn(240, 7)
SCORES = X @ RNG.randn(7, 4) + 0.3 * RNG.randn(240, 4)
TINY = np.array([0.0, -0.0, 5e-324, -2e-310, 1e-300, 1.0, -1.0])


def rows(n: int = 1_500) -> np.ndarray:
    """Rows as in training and far from it, with zeros of both signs and subnormal numbers."""
    rng = np.random.RandomState(1)
    more = rng.randn(n, X.shape[1]) * rng.choice([0.3, 1, 1, 8], size=(n, 1))
    odd = rng.rand(*more.shape) < 0.05
    more[odd] = rng.choice(TINY, size=odd.sum())
    return np.vstack([X[:100], more])


def frozen(model, y, table=X):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = make_pipeline(StandardScaler(), model).fit(table, y)
        return pipeline, ferroflow.freeze(pipeline, table, y)


def close(found, expected) -> None:
    # Sums in another order: 1e-12 of the largest number of the row's kind.
    size = np.max(np.abs(expected), initial=1e-300)
    assert_allclose(found, expected, rtol=1e-12, atol=1e-12 * size)


def assert_classifies(pipeline, model, table) -> None:
    probabilities = hasattr(pipeline, "predict_proba")
    if probabilities:
        close(model.predict_proba(table), pipeline.predict_proba(table))
    if model._has_scores and hasattr(pipeline, "decision_function"):
        close(model.decision_function(table), pipeline.decision_function(table))
    assert_array_equal(model.predict(table), pipeline.predict(table))
    for i in (0, 5, len(table) - 1):  # a row alone, and as a dict
        row = {f"x{j}": float(v) for j, v in enumerate(table[i])}
        assert model.predict(row) == model.predict(table)[i]
        assert_array_equal(model.predict(table[i : i + 1]), model.predict(table)[i : i + 1])
        if probabilities:
            assert_array_equal(model.predict_proba(row), model.predict_proba(table)[i])
    model = type(model)(model.to_bytes())  # reads back, self-test and all
    assert_array_equal(model.predict(table[:9]), pipeline.predict(table[:9]))


SVM = [
    {},
    {"kernel": "linear"},
    {"kernel": "poly", "coef0": 0.5},
    {"kernel": "poly", "degree": 5, "gamma": 0.05},
    {"kernel": "sigmoid", "coef0": -0.2},
    {"break_ties": True},
    {"decision_function_shape": "ovo"},
    {"probability": True},
]


@pytest.mark.parametrize("classes", [2, 3, 4])
@pytest.mark.parametrize("parameters", SVM, ids=str)
@pytest.mark.parametrize("name", ["SVC", "NuSVC"])
def test_support_vector_classifiers(name, parameters, classes):
    y = np.array(["a", "b", "c", "d"])[SCORES[:, :classes].argmax(axis=1)]
    more = {"nu": 0.3} if name == "NuSVC" else {}
    model = getattr(svm, name)(**more, random_state=0, **parameters)
    assert_classifies(*frozen(model, y), rows())


@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf", "sigmoid"])
@pytest.mark.parametrize("name", ["SVR", "NuSVR", "OneClassSVM"])
def test_support_vector_regressors_and_outliers(name, kernel):
    pipeline, model = frozen(getattr(svm, name)(kernel=kernel), SCORES[:, 0])
    table = rows()
    close(model.predict(table), pipeline.predict(table))
    if name == "OneClassSVM":
        expected = pipeline.decision_function(table)
        # Its sums are small beside their terms, which cancel.
        assert_allclose(model.decision_function(table), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "minkowski"])
def test_nearest_neighbours(metric, weights):
    options = {"metric": metric, "weights": weights, "n_neighbors": 4, "p": 3}
    for classes in (2, 4):
        y = SCORES[:, :classes].argmax(axis=1) * 10
        assert_classifies(*frozen(neighbors.KNeighborsClassifier(**options), y), rows(300))
    for y in (SCORES[:, 0], SCORES):
        pipeline, model = frozen(neighbors.KNeighborsRegressor(**options), y)
        close(model.predict(rows(300)), pipeline.predict(rows(300)))


def test_nearest_neighbours_on_the_rows_themselves():
    pipeline, model = frozen(neighbors.KNeighborsRegressor(weights="distance"), SCORES[:, 0])
    assert_array_equal(model.predict(X), pipeline.predict(X))
    assert_array_equal(model.predict(X), SCORES[:, 0])


CLASSIFIERS = {
    "LogisticRegression": linear_model.LogisticRegression(),
    "LogisticRegressionCV": linear_model.LogisticRegressionCV(Cs=2, cv=2),
    "RidgeClassifier": linear_model.RidgeClassifier(),
    "RidgeClassifierCV": linear_model.RidgeClassifierCV(),
    "LinearSVC": svm.LinearSVC(),
    "SGD log_loss": linear_model.SGDClassifier(loss="log_loss"),
    "SGD modified_huber": linear_model.SGDClassifier(loss="modified_huber"),
    "our modified_huber": ours.SGDClassifier(loss="modified_huber"),
    "Perceptron": linear_model.Perceptron(),
    "LDA": discriminant_analysis.LinearDiscriminantAnalysis(),
    "LDA lsqr": discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
    "QDA": discriminant_analysis.QuadraticDiscriminantAnalysis(reg_param=0.1),
    "GaussianNB": naive_bayes.GaussianNB(),
    "BernoulliNB": naive_bayes.BernoulliNB(),
    "MLP": neural_network.MLPClassifier((9,), max_iter=30),
    "calibrated": calibration.CalibratedClassifierCV(linear_model.RidgeClassifier(), cv=3),
    "calibrated isotonic": calibration.CalibratedClassifierCV(svm.SVC(), method="isotonic", cv=3),
    "calibrated network": calibration.CalibratedClassifierCV(
        neural_network.MLPClassifier((5,), max_iter=20), cv=2, ensemble=False
    ),
    "soft voting": ensemble.VotingClassifier(
        [
            ("a", linear_model.LogisticRegression()),
            ("b", naive_bayes.GaussianNB()),
            ("c", make_pipeline(StandardScaler(), neighbors.KNeighborsClassifier())),
            ("d", "drop"),
        ],
        voting="soft",
        weights=[2, 1, 1.5, 1],
    ),
    "hard voting": ensemble.VotingClassifier(
        [("a", linear_model.RidgeClassifier()), ("b", svm.SVC()), ("c", naive_bayes.GaussianNB())]
    ),
    "stacking": ensemble.StackingClassifier(
        [("a", linear_model.LogisticRegression()), ("b", svm.SVC()), ("c", linear_model.Perceptron())], cv=3
    ),
    "stacking passthrough": ensemble.StackingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", svm.LinearSVC())],
        final_estimator=ensemble.VotingClassifier(
            [("x", linear_model.LogisticRegression()), ("y", svm.SVC(probability=True, random_state=0))],
            voting="soft",
        ),
        cv=3,
        passthrough=True,
    ),
    "stacking labels": ensemble.StackingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", svm.LinearSVC())], cv=3, stack_method="predict"
    ),
    "bagging": ensemble.BaggingClassifier(
        linear_model.LogisticRegression(), n_estimators=4, max_features=0.7, random_state=0
    ),
    "one vs rest": multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
    "one vs rest without scores": multiclass.OneVsRestClassifier(naive_bayes.GaussianNB()),
    "one vs one": multiclass.OneVsOneClassifier(svm.LinearSVC()),
    "search": model_selection.GridSearchCV(linear_model.LogisticRegression(), {"C": [0.1, 1]}),
    "elimination": feature_selection.RFE(linear_model.LogisticRegression(), n_features_to_select=3),
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers(name, classes):
    y = np.array(["low", "mid", "up"])[SCORES[:, :classes].argmax(axis=1)]
    np.random.seed(0)  # noqa: NPY002 for what is not seeded above
    assert_classifies(*frozen(CLASSIFIERS[name], y), rows())


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", ["MultinomialNB", "ComplementNB", "BernoulliNB"])
def test_naive_bayes_of_counts(name, classes):
    counts = RNG.poisson(2.0, size=(200, 6)).astype(float)
    y = SCORES[:200, :classes].argmax(axis=1)
    pipeline = getattr(naive_bayes, name)(**({"norm": True} if name == "ComplementNB" else {})).fit(counts, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ferroflow.freeze(pipeline, counts)
    assert_classifies(pipeline, model, counts)


REGRESSORS = {
    "ARD": linear_model.ARDRegression(),
    "BayesianRidge": linear_model.BayesianRidge(),
    "ElasticNet": linear_model.ElasticNetCV(cv=2),
    "Gamma": linear_model.GammaRegressor(),
    "Huber": linear_model.HuberRegressor(),
    "Lars": linear_model.Lars(),
    "LassoLarsIC": linear_model.LassoLarsIC(),
    "LinearRegression": linear_model.LinearRegression(),
    "LinearSVR": svm.LinearSVR(),
    "MLP": neural_network.MLPRegressor(hidden_layer_sizes=(9,), max_iter=30),
    "OMP": linear_model.OrthogonalMatchingPursuit(),
    "PLS": cross_decomposition.PLSRegression(),
    "Quantile": linear_model.QuantileRegressor(alpha=0.01),
    "RANSAC": linear_model.RANSACRegressor(random_state=0),
    "Ridge": linear_model.RidgeCV(),
    "TheilSen": linear_model.TheilSenRegressor(max_subpopulation=100, random_state=0),
    "Tweedie": linear_model.TweedieRegressor(power=1.5),
    "bagging": ensemble.BaggingRegressor(svm.SVR(), n_estimators=3, max_features=0.8, random_state=0),
    "stacking": ensemble.StackingRegressor(
        [("a", linear_model.Ridge()), ("b", svm.SVR())], final_estimator=neighbors.KNeighborsRegressor(), cv=3
    ),
    "stacking passthrough": ensemble.StackingRegressor(
        [("a", linear_model.Ridge()), ("b", svm.SVR())], cv=3, passthrough=True
    ),
    "target log": TransformedTargetRegressor(linear_model.Ridge(), func=np.log, inverse_func=np.exp),
    "target scaled": TransformedTargetRegressor(svm.SVR(), transformer=preprocessing.StandardScaler()),
    "target in range": TransformedTargetRegressor(svm.SVR(), transformer=preprocessing.MinMaxScaler()),
    "voting": ensemble.VotingRegressor(
        [("a", linear_model.Ridge()), ("b", svm.SVR()), ("c", neighbors.KNeighborsRegressor())],
        weights=[3, 1, 2],
    ),
}


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors(name):
    y = np.abs(SCORES[:, 0]) + 0.1
    np.random.seed(0)  # noqa: NPY002 for what is not seeded above
    pipeline, model = frozen(REGRESSORS[name], y)
    table = rows()
    expected = pipeline.predict(table)
    # Elementwise where exponentials make numbers of many sizes.
    close(model.predict(table), expected)
    assert model.predict(table).shape == expected.shape
    assert_array_equal(model.predict(table[:3]), model.predict(table)[:3])


@pytest.mark.parametrize(
    "model",
    [
        linear_model.MultiTaskLasso(),
        cross_decomposition.PLSRegression(),
        multioutput.MultiOutputRegressor(svm.SVR()),
        multioutput.RegressorChain(svm.SVR(), order=[2, 0, 1, 3]),
        ensemble.BaggingRegressor(linear_model.Ridge(), n_estimators=3, random_state=0),
        TransformedTargetRegressor(linear_model.Ridge(), transformer=preprocessing.RobustScaler()),
    ],
    ids=lambda v: type(v).__name__,
)
def test_regressors_of_several_targets(model):
    pipeline, model = frozen(model, SCORES)
    close(model.predict(rows()), pipeline.predict(rows()))


@pytest.mark.parametrize(
    "model",
    [
        multioutput.MultiOutputClassifier(svm.SVC()),
        multioutput.ClassifierChain(linear_model.LogisticRegression(), order=[1, 2, 0]),
        multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
        linear_model.RidgeClassifier(),
    ],
    ids=lambda v: type(v).__name__,
)
def test_several_labels_a_row_come_as_numbers(model):
    pipeline, small = frozen(model, (SCORES[:, :3] > 0).astype(int))
    assert_array_equal(small.predict(rows()), pipeline.predict(rows()))
    assert (small.task, len(small.outputs)) == ("regressor", 3)


TRANSFORMERS = {
    "PCA": decomposition.PCA(3),
    "PCA whitened": decomposition.PCA(3, whiten=True),
    "IncrementalPCA": decomposition.IncrementalPCA(2),
    "TruncatedSVD": decomposition.TruncatedSVD(3),
    "FastICA": decomposition.FastICA(3, random_state=0),
    "FactorAnalysis": decomposition.FactorAnalysis(2),
    "random projection": random_projection.GaussianRandomProjection(3, random_state=0),
    "sparse projection": random_projection.SparseRandomProjection(3, random_state=0, dense_output=True),
    "KBest": feature_selection.SelectKBest(k=3),
    "Percentile": feature_selection.SelectPercentile(percentile=40),
    "FromModel": feature_selection.SelectFromModel(linear_model.LogisticRegression()),
    "Variance": feature_selection.VarianceThreshold(),
    "Sequential": feature_selection.SequentialFeatureSelector(
        linear_model.LogisticRegression(), n_features_to_select=2, cv=2
    ),
    "union": FeatureUnion(
        [
            ("scaled", preprocessing.StandardScaler()),
            ("pca", make_pipeline(preprocessing.MinMaxScaler(), decomposition.PCA(2))),
            ("same", "passthrough"),
            ("none", "drop"),
        ],
        transformer_weights={"pca": 0.3, "same": 2},
    ),
    "KNNImputer": impute.KNNImputer(),
    "Polynomial": preprocessing.PolynomialFeatures(3),
    "Spline": preprocessing.SplineTransformer(),
    "Quantile": preprocessing.QuantileTransformer(n_quantiles=20),
    "Power": preprocessing.PowerTransformer(),
    "KBins": preprocessing.KBinsDiscretizer(4, quantile_method="linear", encode="ordinal"),
    "Normalizer": preprocessing.Normalizer(),
    "Binarizer": preprocessing.Binarizer(threshold=0.2),
    "Robust": preprocessing.RobustScaler(),
    "MaxAbs": preprocessing.MaxAbsScaler(),
    "sqrt of squares": make_pipeline(
        preprocessing.FunctionTransformer(np.square), preprocessing.FunctionTransformer(np.sqrt)
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers(name, dtype):
    table, tested = X.astype(dtype), rows().astype(dtype)
    pipeline, model = frozen(TRANSFORMERS[name], SCORES[:, :2].argmax(axis=1), table)
    expected = np.asarray(pipeline.transform(tested))
    if dtype == np.float64:
        close(model.transform(tested), expected)
    else:
        assert_allclose(model.transform(tested), expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert_array_equal(model.transform(tested[:3]), model.transform(tested)[:3])


def test_members_take_columns_of_texts_by_pipelines_of_their_own():
    frame = pd.DataFrame(
        {"a": X[:, 0], "b": X[:, 1], "t": np.array(["x", "y", "z"])[RNG.randint(0, 3, len(X))]}
    )
    y = np.where(SCORES[:, 0] > 0, "yes", "no")
    encoded = ColumnTransformer(
        [("t", preprocessing.OneHotEncoder(handle_unknown="ignore"), ["t"])], remainder="passthrough"
    )
    numbers = ColumnTransformer([("n", impute.SimpleImputer(), ["a", "b"])])
    model = ensemble.StackingClassifier(
        [
            ("whole", make_pipeline(encoded, linear_model.LogisticRegression())),
            ("numbers", make_pipeline(numbers, svm.SVC())),
        ],
        cv=3,
    ).fit(frame, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        small = ferroflow.freeze(model, frame, y)
    new = frame.assign(t="never seen", a=frame["b"])
    close(small.predict_proba(new), model.predict_proba(new))
    assert_array_equal(small.predict(new), model.predict(new))


def test_our_own_members_have_the_same_bits():
    y = SCORES[:, :3].argmax(axis=1)
    model = ensemble.VotingClassifier(
        [("a", ours.LogisticRegression()), ("b", ours.GradientDescentClassifier(random_state=0))],
        voting="soft",
    )
    pipeline, small = frozen(model, y)
    assert_array_equal(small.predict_proba(rows()), pipeline.predict_proba(rows()))


class Odd(preprocessing.StandardScaler):
    __module__ = "elsewhere"


class Own:
    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X

    def __sklearn_tags__(self):
        return preprocessing.StandardScaler().__sklearn_tags__()


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            preprocessing.FunctionTransformer(lambda X: X + 1),
            r"step 'odd' is a FunctionTransformer.*Expression",
        ),
        (Own(), r"step 'odd' is a Own, which cannot be frozen"),
        (
            neighbors.KNeighborsClassifier(metric="cosine"),
            r"step 'odd': a KNeighborsClassifier with this metric",
        ),
        (svm.SVC(kernel=lambda a, b: a @ b.T), r"step 'odd': a SVC with its own kernel.*use 'linear'"),
        (
            TransformedTargetRegressor(linear_model.Ridge(), func=np.cbrt, inverse_func=lambda y: y**3),
            r"step 'odd': its inverse_func cannot be frozen; use one of NumPy's",
        ),
    ],
    ids=lambda v: str(v)[:30],
)
def test_what_cannot_be_frozen_is_named_with_the_remedy(step, told):
    from sklearn.pipeline import Pipeline

    y = (SCORES[:, 0] > 0).astype(int)
    pipeline = Pipeline([("scale", StandardScaler()), ("odd", step)]).fit(X, y)
    with pytest.raises(TypeError, match=told):
        ferroflow.freeze(pipeline, X)


@pytest.mark.parametrize("classes", [2, 3])
def test_members_may_be_trees(classes):
    y = np.array(["low", "mid", "up"])[SCORES[:, :classes].argmax(axis=1)]
    forest = ensemble.RandomForestClassifier(8, random_state=0)
    voting = [
        ("f", forest),
        ("g", ensemble.HistGradientBoostingClassifier(max_iter=5)),
        ("s", naive_bayes.GaussianNB()),
    ]
    for model in (
        ensemble.VotingClassifier(voting, voting="soft"),
        ensemble.VotingClassifier(voting),
        ensemble.StackingClassifier(voting, final_estimator=forest, cv=3),
        calibration.CalibratedClassifierCV(forest, method="isotonic", cv=3),
        multiclass.OneVsRestClassifier(forest),
        ensemble.BaggingClassifier(forest, 2, random_state=0),
    ):
        assert_classifies(*frozen(model, y), rows(300))
    numbers = [("f", ensemble.ExtraTreesRegressor(8, random_state=0)), ("r", linear_model.Ridge())]
    for model in (ensemble.VotingRegressor(numbers), ensemble.StackingRegressor(numbers, cv=3)):
        pipeline, small = frozen(model, SCORES[:, 0])
        close(small.predict(rows(300)), pipeline.predict(rows(300)))
