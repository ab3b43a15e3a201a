"""Searches give scikit-learn's cv_results_, times aside, whatever their candidates share."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from scipy.stats import loguniform, randint
from sklearn import model_selection as theirs
from sklearn import pipeline as sklearn_pipeline
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import SelectKBest
from sklearn.impute import MissingIndicator
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

import ferroflow
from ferroflow import compose as our_compose
from ferroflow import model_selection as ours
from ferroflow import pipeline as our_pipeline
from ferroflow import preprocessing as our_preprocessing
from ferroflow.impute import SimpleImputer
from ferroflow.pipeline import DropMissing

NUMBERS, TEXTS = ["a", "b", "c"], ["s", "t"]


def table(rows=120):
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.randn(rows, 3), columns=NUMBERS)
    X.loc[::9, "a"] = np.nan
    for name in TEXTS:
        X[name] = rng.choice(["x", "y", "z"], rows)
    y = (X["b"] + 0.5 * rng.randn(rows) > 0).to_numpy().astype(int)
    return X, y


def mixed(final=None, pipeline=sklearn_pipeline.Pipeline, scaler=None):
    numbers = pipeline([("fill", SimpleImputer()), ("scale", scaler or StandardScaler())])
    columns = ColumnTransformer(
        [("n", numbers, NUMBERS), ("t", OneHotEncoder(handle_unknown="ignore"), TEXTS)]
    )
    return pipeline([("columns", columns), ("final", final or LogisticRegression())])


def numbers_only(*steps):
    return sklearn_pipeline.Pipeline([*steps, ("final", LogisticRegression())])


class WritesInPlace(TransformerMixin, BaseEstimator):
    """Somebody's step that changes the rows it is given."""

    def __init__(self, by=2.0):
        self.by = by

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        X *= self.by
        return X


class Counts(TransformerMixin, BaseEstimator):
    """A step that counts its fits and transforms."""

    fits = transforms = 0

    def __init__(self, by=1.0):
        self.by = by

    def fit(self, X, y=None):
        Counts.fits += 1
        self.fitted_ = True
        return self

    def transform(self, X):
        Counts.transforms += 1
        return X * self.by


class Breaks(TransformerMixin, BaseEstimator):
    def __init__(self, when=False, at="fit"):
        self.when, self.at = when, at

    def fit(self, X, y=None):
        if self.when and self.at == "fit":
            raise ValueError("broken on purpose")
        self.rows_ = len(X)
        return self

    def transform(self, X):
        if self.when and self.at == "transform" and len(X) < self.rows_:
            raise ValueError("broken on purpose")
        return X


def plain_scorer(model, X, y):
    assert model.named_steps["columns"].n_features_in_ == 5
    return {"accuracy": accuracy_score(y, model.predict(X)), "rows": len(X)}


def share_of_ones(model, X, y):
    return float(model.predict(X).mean())


def assert_same_scores(a, b, key=""):
    """Equal to the bit, or, where our metric sums in another order than scikit-learn's, to its tolerance."""
    if np.asarray(a).dtype.kind == "f" and "rank" not in key:
        assert_allclose(a, b, rtol=1e-12, atol=0, err_msg=key)
    else:
        assert_array_equal(a, b, err_msg=key)


def same(a, b):
    """Equal tables of results but for the times."""
    assert list(a) == list(b)
    for key in a:
        if "time" in key:
            continue
        if key == "params":
            assert [{k: repr(v) for k, v in p.items()} for p in a[key]] == [
                {k: repr(v) for k, v in p.items()} for p in b[key]
            ]
        elif isinstance(a[key], np.ma.MaskedArray):
            assert_array_equal(a[key].mask, b[key].mask)
            assert list(map(repr, a[key].compressed())) == list(map(repr, b[key].compressed()))
            assert a[key].dtype == b[key].dtype
        else:
            assert_same_scores(a[key], b[key], key)
            assert a[key].dtype == b[key].dtype


def both(name, *args, fit=(), fit_params=None, **kwargs):
    """Run scikit-learn's search and ours; compare results and warnings."""
    made, said = [], []
    for module in (theirs, ours):
        np.random.seed(7)  # noqa: NPY002 (what is drawn from NumPy's own stream has to be the same too)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search = getattr(module, name)(*args, **kwargs).fit(*copy.deepcopy(fit), **(fit_params or {}))
        made.append(search)
        said.append({w.category for w in caught})
    same(made[0].cv_results_, made[1].cv_results_)
    assert said[0] == said[1]
    for name in ("best_index_", "best_params_", "best_score_", "n_splits_", "multimetric_"):
        if hasattr(made[0], name):
            assert repr(getattr(made[0], name)) == repr(getattr(made[1], name))
    return made


C = {"final__C": [0.01, 0.1, 1.0]}
GRIDS = {
    "last step": C,
    "first step": {"columns__n__fill__strategy": ["mean", "median"]},
    "both": {**C, "columns__n__fill__strategy": ["mean", "median"]},
    "steps replaced": [
        C,
        {"final": [DecisionTreeClassifier(random_state=0), LogisticRegression(C=3)]},
        {"columns__n": ["drop", SimpleImputer()], "final__C": [1.0]},
    ],
    "steps": {"steps": [mixed().steps, mixed(LogisticRegression(C=2)).steps]},
    "nothing": {},
}


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("train_score", [False, True])
def test_grids(grid, train_score):
    both("GridSearchCV", mixed(), GRIDS[grid], cv=3, return_train_score=train_score, fit=table())


@pytest.mark.parametrize(
    "scoring, refit",
    [
        ("roc_auc", True),
        (["accuracy", "roc_auc", "neg_log_loss"], "roc_auc"),
        ({"a": "accuracy", "b": make_scorer(accuracy_score)}, "a"),
        ({"a": "accuracy", "b": share_of_ones}, "b"),
        (plain_scorer, "accuracy"),
        (share_of_ones, True),
        ("accuracy", lambda results: int(np.argmin(results["mean_test_score"]))),
        (["accuracy", "f1"], False),
    ],
)
@pytest.mark.parametrize("train_score", [False, True])
def test_scorers(scoring, refit, train_score):
    both(
        "GridSearchCV",
        mixed(),
        GRIDS["both"],
        cv=3,
        scoring=scoring,
        refit=refit,
        return_train_score=train_score,
        fit=table(),
    )


@pytest.mark.parametrize("pipeline", [sklearn_pipeline.Pipeline, our_pipeline.Pipeline])
def test_pipelines_of_ours(pipeline):
    made = both(
        "GridSearchCV",
        mixed(pipeline=pipeline, scaler=our_preprocessing.StandardScaler()),
        GRIDS["both"],
        cv=4,
        scoring="f1",
        fit=table(),
    )
    X, _ = table()
    assert_array_equal(made[0].predict(X), made[1].predict(X))
    assert_array_equal(made[0].predict_proba(X), made[1].predict_proba(X))


def test_nested_pipelines():
    inner = sklearn_pipeline.Pipeline([("scale", StandardScaler()), ("select", SelectKBest(k=2))])
    model = numbers_only(("fill", SimpleImputer()), ("inner", inner))
    X, y = table()
    grid = [
        {"inner__select__k": [1, 2], "final__C": [0.1, 1]},
        {"inner": ["passthrough"], "final__C": [0.1, 1]},
        {"inner__scale": ["passthrough", None], "final__C": [0.1, 1]},
        {"inner__verbose": [False], "fill": [SimpleImputer(strategy="median")]},
    ]
    both("GridSearchCV", model, grid, cv=3, return_train_score=True, fit=(X[NUMBERS], y))


def test_rows_left_out():
    model = our_pipeline.Pipeline(
        [("drop", DropMissing()), ("scale", StandardScaler()), ("final", LogisticRegression())]
    )
    X, y = table()
    X = X[NUMBERS].fillna({"a": 0.0})
    X.iloc[:10, 1] = np.nan
    # The rows with missing values are always learnt from, never judged.
    folds = [(np.r_[:10, 20:120], np.arange(10, 20)), (np.r_[:10, 10:100], np.arange(100, 120))]
    both("GridSearchCV", model, C, cv=folds, fit=(X, y))


@pytest.mark.parametrize("final", [SGDClassifier(), DecisionTreeClassifier(max_features=1)])
def test_what_draws_from_numpys_own_stream(final):
    name = "alpha" if isinstance(final, SGDClassifier) else "max_depth"
    both("GridSearchCV", mixed(final), {f"final__{name}": [1, 2, 3]}, cv=3, fit=table())


def test_random_steps_are_not_shared():
    X, y = table()
    model = numbers_only(
        ("fill", SimpleImputer()),
        ("map", our_preprocessing.QuantileTransformer(n_quantiles=20, subsample=30)),
    )
    both("GridSearchCV", model, C, cv=3, fit=(X[NUMBERS], y))
    model.set_params(map__random_state=np.random.RandomState(3))
    both("GridSearchCV", model, C, cv=3, fit=(X[NUMBERS], y))


def test_rows_keep_their_layout():
    """Sums over the columns of another layout would round otherwise."""
    layouts = []

    class Watch(Ridge):
        def fit(self, X, y):
            layouts.append((X.flags.c_contiguous, X.flags.f_contiguous))
            return super().fit(X, y)

    union = ColumnTransformer([("a", StandardScaler(), [0]), ("b", StandardScaler(), [0, 1])])
    model = sklearn_pipeline.Pipeline([("union", union), ("watch", Watch())])
    X = np.random.RandomState(0).randn(14, 2)
    for package in (theirs, ours):
        package.GridSearchCV(model, [{}], cv=2, refit=False).fit(X, X[:, 0])
    assert layouts[:2] == layouts[2:] == [(False, True)] * 2


@pytest.mark.parametrize(
    "step",
    [
        WritesInPlace(),
        FunctionTransformer(lambda X: np.multiply(X, 2, out=X)),
        StandardScaler(copy=False),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_steps_that_write_to_their_input(step, place):
    X, y = table()
    steps = [("fill", SimpleImputer()), ("scale", StandardScaler())]
    steps.insert(place, ("writes", step))
    X = np.array(X[NUMBERS].fillna(0.0))
    grid = [{**C, "scale__with_mean": [True, False]}, {"writes": ["passthrough"]}]
    both("GridSearchCV", numbers_only(*steps), grid, cv=3, return_train_score=True, fit=(X, y))


@pytest.mark.parametrize("at", ["fit", "transform"])
@pytest.mark.parametrize("scoring", ["accuracy", ["accuracy", "f1"]])
def test_failing_steps(at, scoring):
    X, y = table()
    model = numbers_only(("fill", SimpleImputer()), ("breaks", Breaks(at=at)))
    grid = {**C, "breaks__when": [False, True]}
    both(
        "GridSearchCV", model, grid, cv=3, scoring=scoring, refit="accuracy" if isinstance(scoring, list) else True,
        error_score=-1.0, fit=(X[NUMBERS], y),
    )  # fmt: skip
    messages = []
    for module in (theirs, ours):
        with pytest.raises(ValueError, match="broken on purpose") as error:
            module.GridSearchCV(model, grid, cv=3, error_score="raise").fit(X[NUMBERS], y)
        messages.append(str(error.value))
        search = module.GridSearchCV(model, {"breaks__when": [True]}, cv=3)
        if at == "fit":
            with pytest.raises(ValueError, match="All the 3 fits failed"):
                search.fit(X[NUMBERS], y)
    assert messages[0] == messages[1]


def test_the_first_error_in_scikit_learns_order_is_raised():
    X, y = table()
    model = mixed()
    grid = {"final__C": [1.0, -1.0, -2.0]}
    for module in (theirs, ours):
        with pytest.raises(ValueError, match=r"Got -1\.0 instead"):
            module.GridSearchCV(model, grid, cv=3, error_score="raise").fit(X, y)
        with pytest.raises(ValueError, match="Invalid parameter 'nothing'"):
            module.GridSearchCV(model, {"final__nothing": [1]}, cv=3).fit(X, y)


def test_fit_params_and_weights():
    X, y = table()
    weight = np.linspace(0.1, 2, len(y))
    model = numbers_only(("fill", SimpleImputer()), ("scale", StandardScaler()))
    fit_params = {"scale__sample_weight": weight, "final__sample_weight": weight}
    grid = {**C, "fill__strategy": ["mean", "median"]}
    both("GridSearchCV", model, grid, cv=3, fit=(X[NUMBERS], y), fit_params=fit_params)
    both("GridSearchCV", Ridge(), {"alpha": [1, 10]}, fit=(X[["b"]], y), fit_params={"sample_weight": weight})


def test_metadata_routing():
    X, y = table()
    weight, groups = np.linspace(0.1, 2, len(y)), np.arange(len(y)) % 5
    with sklearn.config_context(enable_metadata_routing=True):
        model = numbers_only(
            ("fill", SimpleImputer()), ("scale", StandardScaler().set_fit_request(sample_weight=True))
        )
        model.named_steps["final"].set_fit_request(sample_weight=True)
        scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
        both(
            "GridSearchCV", model, C, cv=theirs.GroupKFold(3), scoring=scorer, fit=(X[NUMBERS], y),
            fit_params={"sample_weight": weight, "groups": groups},
        )  # fmt: skip


@pytest.mark.parametrize("n_jobs", [2])
@pytest.mark.parametrize("grid", ["both", "steps replaced"])
def test_jobs(n_jobs, grid):
    both("GridSearchCV", mixed(), GRIDS[grid], cv=3, n_jobs=n_jobs, return_train_score=True, fit=table())


def test_budgets_change_nothing():
    for budget in (0, 3000, None):
        X, y = table()
        mine = ours.GridSearchCV(mixed(), GRIDS["both"], cv=3, memory_budget=budget).fit(X, y)
        same(theirs.GridSearchCV(mixed(), GRIDS["both"], cv=3).fit(X, y).cv_results_, mine.cv_results_)


def test_each_prefix_is_fitted_once_per_fold():
    X, y = table()
    model = numbers_only(("fill", SimpleImputer()), ("counts", Counts()), ("scale", StandardScaler()))
    Counts.fits = Counts.transforms = 0
    ours.GridSearchCV(model, {**C, "counts__by": [1.0, 2.0]}, cv=4, refit=False).fit(X[NUMBERS], y)
    assert Counts.fits == 2 * 4
    assert Counts.transforms == 2 * 2 * 4
    Counts.fits = 0
    ours.GridSearchCV(model, {**C, "counts__by": [1.0, 2.0]}, cv=4, refit=False, memory_budget=0).fit(
        X[NUMBERS], y
    )
    assert Counts.fits == 3 * 2 * 4


@pytest.mark.parametrize("package", [sklearn, ours])
def test_each_branch_is_fitted_once_per_fold(package, monkeypatch):
    X, y = table()
    fits = []
    fit = OneHotEncoder.fit
    monkeypatch.setattr(OneHotEncoder, "fit", lambda self, X, y=None: fits.append(1) or fit(self, X, y))
    grid = {"columns__n__fill__strategy": ["mean", "median"], "final__C": [0.1, 1.0]}
    model = mixed()
    if package is ours:
        model.steps[0] = ("columns", our_compose.ColumnTransformer(model.steps[0][1].transformers))
    mine = ours.GridSearchCV(model, grid, cv=2, refit=False).fit(X, y)
    assert len(fits) == 2
    same(theirs.GridSearchCV(model, grid, cv=2, refit=False).fit(X, y).cv_results_, mine.cv_results_)
    # What is held to no bytes is fitted again.
    fits.clear()
    with ferroflow.config(memory_budget=0):
        ours.GridSearchCV(model, grid, cv=2, refit=False).fit(X, y)
    assert len(fits) == 2 * 4


def test_branches_of_every_kind():
    X, y = table()
    for grid in (
        {"columns__t": ["drop", OneHotEncoder()], "columns__n__scale__with_mean": [True, False]},
        {"columns__t__drop": ["first", None], "columns__sparse_threshold": [0, 1]},
    ):
        both("GridSearchCV", mixed(), grid, cv=2, fit=(X, y))
    union = FeatureUnion([("a", SimpleImputer()), ("b", MissingIndicator(features="all")), ("c", "drop")])
    model = numbers_only(("union", union), ("scale", StandardScaler()))
    grid = {"union__a__strategy": ["mean", "median"], "union__c": ["drop", "passthrough"]}
    fit = (X[NUMBERS].fillna(0.0), y)
    both("GridSearchCV", model, {**grid, "union__b__features": ["all", "missing-only"]}, cv=2, fit=fit)
    both("GridSearchCV", model, {**grid, "union__transformer_weights": [None, {"a": 2.0}]}, cv=2, fit=fit)
    both("GridSearchCV", model.set_output(transform="pandas"), grid, cv=2, fit=fit)


def test_containers_and_targets():
    X, y = table()
    S = sparse.csr_matrix(np.nan_to_num(X[NUMBERS].to_numpy()))
    model = numbers_only(("scale", StandardScaler(with_mean=False)))
    both("GridSearchCV", model, C, cv=3, fit=(S, y))
    both("GridSearchCV", model, C, cv=3, fit=(X[NUMBERS].fillna(0).to_numpy().tolist(), y.tolist()))
    both("GridSearchCV", model, C, cv=3, fit=(X[NUMBERS].fillna(0), pd.Series(np.where(y, "yes", "no"))))


def test_randomized():
    spaces = {"final__C": loguniform(1e-3, 10), "columns__n__fill__strategy": ["mean", "median"]}
    both("RandomizedSearchCV", mixed(), spaces, n_iter=6, random_state=3, cv=3, fit=table())


@pytest.mark.parametrize("name", ["HalvingGridSearchCV", "HalvingRandomSearchCV"])
@pytest.mark.parametrize("resource", [{}, {"resource": "final__max_iter", "max_resources": 30}])
def test_halving(name, resource):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        space = (
            GRIDS["both"]
            if "Grid" in name
            else {"final__C": loguniform(0.01, 1), "final__max_iter": randint(5, 90)}
        )
        if resource and "Random" in name:
            space = {"final__C": loguniform(0.01, 1)}
            resource = {**resource, "n_candidates": 9}
        made = both(name, mixed(), space, cv=3, random_state=1, factor=2, **resource, fit=table())
    for attribute in (
        "n_resources_",
        "n_candidates_",
        "n_iterations_",
        "n_remaining_candidates_",
        "min_resources_",
    ):
        assert getattr(made[0], attribute) == getattr(made[1], attribute)


FUNCTIONS = {
    "cross_validate": {
        "scoring": ["accuracy", "roc_auc"],
        "return_train_score": True,
        "return_indices": True,
    },
    "cross_val_score": {"scoring": "roc_auc"},
    "cross_val_predict": {"method": "predict_proba"},
    "learning_curve": {"train_sizes": [0.5, 1.0]},
    "validation_curve": {"param_name": "final__C", "param_range": [0.1, 1.0, 2.0]},
    "permutation_test_score": {"n_permutations": 4, "random_state": 0},
}


def flat(value):
    if isinstance(value, dict):
        return [part for key in value if "time" not in key for part in flat(value[key])]
    return [part for one in value for part in flat(one)] if isinstance(value, tuple | list) else [value]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("of_ours", [False, True])
def test_functions(name, n_jobs, of_ours):
    X, y = table()
    model = mixed()
    if of_ours:
        from ferroflow.linear_model import GradientDescentClassifier

        if name == "validation_curve":
            return  # its parameter is LogisticRegression's
        X, model = (
            X[NUMBERS],
            our_pipeline.make_pipeline(SimpleImputer(), GradientDescentClassifier(random_state=0)),
        )
    results = [getattr(m, name)(model, X, y, cv=3, n_jobs=n_jobs, **FUNCTIONS[name]) for m in (theirs, ours)]
    for a, b in zip(*map(flat, results), strict=True):
        assert_same_scores(a, b)


def test_threads_for_estimators_of_ours():
    from ferroflow.linear_model import GradientDescentClassifier

    X, y = table()
    model = our_pipeline.Pipeline(
        [
            ("fill", SimpleImputer()),
            ("scale", our_preprocessing.StandardScaler()),
            ("final", GradientDescentClassifier(random_state=0)),
        ]
    )
    grid = {"final__alpha": [1e-4, 1e-2], "fill__strategy": ["mean", "median"]}
    one = ours.GridSearchCV(model, grid, cv=3, return_train_score=True).fit(X[NUMBERS], y)
    two = ours.GridSearchCV(model, grid, cv=3, return_train_score=True, n_jobs=2).fit(X[NUMBERS], y)
    same(one.cv_results_, two.cv_results_)
    same(
        theirs.GridSearchCV(model, grid, cv=3, return_train_score=True).fit(X[NUMBERS], y).cv_results_,
        two.cv_results_,
    )


def test_warnings_of_failed_fits():
    X, y = table()
    for module in (theirs, ours):
        with pytest.warns(FitFailedWarning, match="3 fits failed out of a total of 6"):
            module.GridSearchCV(mixed(), {"final__C": [1.0, -1.0]}, cv=3).fit(X, y)
