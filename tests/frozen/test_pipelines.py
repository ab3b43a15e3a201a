"""A frozen pipeline gives the pipeline's own numbers, to the last bit with ferroflow's models."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.decomposition import KernelPCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

import ferroflow
from ferroflow.feature_extraction import FeatureHasher
from ferroflow.frozen import FrozenModel
from ferroflow.impute import SimpleImputer
from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor
from ferroflow.preprocessing import (
    Binarizer,
    FrequencyEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    RareCategoryGrouper,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

N = 120


def table(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, N),
            "fare": rng.lognormal(3, 1, N),
            "rooms": rng.integers(1, 6, N),
            "town": rng.choice(["Bath", "York", "Ely", "Rye"], N, p=[0.5, 0.3, 0.15, 0.05]),
            "sort": rng.choice(["a", "b"], N),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame["town"] = frame["town"].astype(object)
    frame.loc[::11, "town"] = None
    return frame


def targets(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    score = frame["fare"].to_numpy() / 20 + frame["rooms"].to_numpy()
    return {
        "binary": np.where(score > np.median(score), "yes", "no"),
        "many": np.digitize(score, np.quantile(score, [0.3, 0.6])) * 10,
        "number": score,
    }


def assert_same(pipeline, X, *, exact: bool = True) -> FrozenModel:
    """Freeze, and compare everything that the pipeline can do on X."""
    with warnings.catch_warnings():
        if exact:
            warnings.simplefilter("error")
        else:
            warnings.simplefilter("ignore")
        model = ferroflow.freeze(pipeline, X)
    equal = np.testing.assert_array_equal if exact else _close
    if model.task == "transformer":
        expected = pipeline.transform(X)
        expected = expected.toarray() if hasattr(expected, "toarray") else np.asarray(expected)
        found = model.transform(X)
        np.testing.assert_array_equal(found, expected.astype(found.dtype))
        return model
    predicted = pipeline.predict(X)
    if model.task == "regressor":
        equal(model.predict(X), predicted)
        assert model.predict(X).shape == predicted.shape
        return model
    np.testing.assert_array_equal(model.predict(X), predicted)
    np.testing.assert_array_equal(model.classes_, pipeline.classes_)
    equal(model.decision_function(X), pipeline.decision_function(X))
    if hasattr(pipeline, "predict_proba"):
        equal(model.predict_proba(X), pipeline.predict_proba(X))
        assert model.predict_proba(X).dtype == pipeline.predict_proba(X).dtype
    return model


def _close(found, expected) -> None:
    # scikit-learn's linear models sum in BLAS's order: a few ulps of the largest product.
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("options", [{}, {"with_mean": False}, {"with_std": False}])
def test_standard_scaler(dtype, options):
    X = np.random.default_rng(0).normal(3, 5, (50, 11)).astype(dtype)
    X[3, 2] = np.nan
    model = assert_same(StandardScaler(**options).fit(X), X)
    assert model.transform(X).dtype == dtype
    for order in ("C", "F"):
        np.testing.assert_array_equal(
            model.transform(np.asarray(X, order=order)), StandardScaler(**options).fit_transform(X)
        )


SCALERS = [
    MinMaxScaler(),
    MinMaxScaler(feature_range=(-2, 0.3), clip=True),
    MaxAbsScaler(),
    RobustScaler(),
    RobustScaler(with_centering=False, unit_variance=True),
    RobustScaler(with_scaling=False),
    RobustScaler(with_centering=False, with_scaling=False),
]
STATELESS = [Normalizer("l1"), Normalizer("l2"), Normalizer("max"), Binarizer(), Binarizer(threshold=0.3)]


@pytest.mark.parametrize("step", [*SCALERS, *STATELESS], ids=str)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_scalers(step, dtype):
    rng = np.random.default_rng(0)
    X = rng.normal(3, 5, (50, 11)).astype(dtype)
    X[5] = 0
    if hasattr(step, "inverse_transform"):
        X[3, 2] = np.nan
    model = assert_same(clone(step).fit(X), X)
    assert model.transform(X).dtype == dtype
    wild = (X * rng.normal(0, 30, X.shape)).astype(dtype)
    for rows in (wild, wild[:3]):  # as a block, and row by row
        np.testing.assert_array_equal(model.transform(rows), clone(step).fit(X).transform(rows))


@pytest.mark.parametrize(
    "step", [MaxAbsScaler(), RobustScaler(with_centering=False), *STATELESS[:3], Binarizer()], ids=str
)
def test_scalers_of_sparse_columns(step):
    frame = table()[["town", "sort"]].fillna("none")
    pipeline = make_pipeline(
        OneHotEncoder(handle_unknown="ignore"), StandardScaler(with_mean=False), clone(step)
    )
    assert sparse.issparse(pipeline.fit_transform(frame))
    assert_same(pipeline, frame)


@pytest.mark.parametrize("step", STATELESS[1:4], ids=str)
def test_rows_that_are_not_finite_are_refused(step):
    X = np.random.default_rng(0).normal(3, 5, (30, 4))
    model = ferroflow.freeze(step.fit(X), X)
    for rows in (X.copy(), X[:3].copy()):
        rows[1, 2] = np.nan
        with pytest.raises(ValueError, match="x2"):
            model.transform(rows)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
@pytest.mark.parametrize("add_indicator", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_imputer_of_numbers(strategy, add_indicator, dtype):
    X = np.random.default_rng(1).integers(0, 5, (40, 4)).astype(dtype)
    X[::3, 0] = np.nan
    X[::5, 2] = np.nan
    fill = {"fill_value": -7.25} if strategy == "constant" else {}
    imputer = SimpleImputer(strategy=strategy, add_indicator=add_indicator, **fill).fit(X)
    assert_same(imputer, X)


@pytest.mark.parametrize("keep", [False, True])
def test_imputer_of_a_column_without_values(keep):
    X = np.random.default_rng(1).normal(size=(20, 3))
    X[:, 1] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        imputer = SimpleImputer(keep_empty_features=keep).fit(X)
        model = ferroflow.freeze(imputer, X)
        np.testing.assert_array_equal(model.transform(X), imputer.transform(X))


@pytest.mark.parametrize("target", ["binary", "many", "number"])
@pytest.mark.parametrize("columns", [["town", "sort"], ["rooms"], ["rooms", "town"], ["age"]])
def test_target_encoder(target, columns):
    X = table()
    y = targets(X)[target]
    assert_same(TargetEncoder().fit(X[columns], y), X[columns])
    # Categories and missing values that were not there get the mean.
    model = ferroflow.freeze(encoder := TargetEncoder().fit(X[["sort", "rooms"]], y), X[["sort", "rooms"]])
    new = pd.DataFrame({"sort": ["never", "a", None], "rooms": [99, 2, 3]})
    np.testing.assert_array_equal(model.transform(new), encoder.transform(new))


@pytest.mark.parametrize(
    "options", [{}, {"normalize": False, "unknown_value": -1}, {"handle_unknown": "error"}]
)
def test_frequency_encoder(options):
    X = table()
    assert_same(FrequencyEncoder(**options).fit(X), X)
    encoder = FrequencyEncoder(**options).fit(X[["sort"]])
    model = ferroflow.freeze(encoder, X[["sort"]])
    new = pd.DataFrame({"sort": ["never", "a", None]})
    if options.get("handle_unknown") == "error":
        with pytest.raises(ValueError, match="never"):
            model.transform(new[:1])
    else:
        np.testing.assert_array_equal(model.transform(new), encoder.transform(new))


@pytest.mark.parametrize("number", [np.nan, -1])
def test_rare_category_grouper(number):
    X = table()[["town", "rooms", "sort"]]
    grouper = RareCategoryGrouper(min_frequency=0.2, other_number=number)
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), [0, 2]), (OrdinalEncoder(), [1])
    )
    pipeline = make_pipeline(grouper, encode).fit(X)
    model = ferroflow.freeze(pipeline, X)
    new = pd.DataFrame(
        {"town": ["York", None, "never"], "rooms": [2, 3, 1], "sort": ["a", "c", "b"]}, dtype=object
    )
    new["rooms"] = new["rooms"].astype(int)
    for rows in (X, new):
        np.testing.assert_array_equal(model.transform(rows), pipeline.transform(rows))
        for i in range(3):
            np.testing.assert_array_equal(
                model.transform(rows[i : i + 1]), pipeline.transform(rows[i : i + 1])
            )
    assert_same(RareCategoryGrouper(min_frequency=20).fit(X[["rooms"]]), X[["rooms"]])


def test_imputer_of_a_marker():
    X = np.random.default_rng(1).integers(0, 4, (30, 3)).astype(float)
    assert_same(SimpleImputer(missing_values=0, add_indicator=True).fit(X), X)


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
@pytest.mark.parametrize("add_indicator", [False, True])
def test_imputer_of_texts(strategy, add_indicator):
    X = table()[["town", "sort"]].fillna(np.nan)
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    columns = make_column_transformer((encoder, [0, 1]), remainder="passthrough")
    pipeline = make_pipeline(SimpleImputer(strategy=strategy, add_indicator=add_indicator), columns).fit(X)
    model = ferroflow.freeze(pipeline, X)
    np.testing.assert_array_equal(model.transform(X), pipeline.transform(X).astype(float))
    assert model.schema["columns"][0]["nullable"]


ONE_HOT = [
    {},
    {"drop": "first"},
    {"drop": "if_binary"},
    {"handle_unknown": "ignore"},
    {"handle_unknown": "ignore", "drop": "first"},
    {"min_frequency": 20, "handle_unknown": "infrequent_if_exist"},
    {"max_categories": 2, "handle_unknown": "infrequent_if_exist"},
    {"max_categories": 3, "drop": "first"},
    {"sparse_output": False, "dtype": np.float32},
]


@pytest.mark.parametrize("options", ONE_HOT, ids=str)
@pytest.mark.filterwarnings("ignore:Found unknown categories")
def test_one_hot(options):
    X = table()[["town", "sort"]]
    encoder = OneHotEncoder(**options).fit(X)
    model = assert_same(encoder, X)
    assert model.outputs == encoder.get_feature_names_out().tolist()
    other = pd.DataFrame({"town": ["Rome"], "sort": ["a"]})
    if options.get("handle_unknown", "error") == "error":
        with pytest.raises(ValueError, match="row 0, column 'town': the category 'Rome' was not seen"):
            model.transform(other)
        return
    expected = encoder.transform(other)
    expected = expected.toarray() if hasattr(expected, "toarray") else expected
    np.testing.assert_array_equal(model.transform(other), expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"handle_unknown": "use_encoded_value", "unknown_value": -1},
        {"handle_unknown": "use_encoded_value", "unknown_value": np.nan, "encoded_missing_value": -2},
        {"max_categories": 3},
        {"min_frequency": 20, "handle_unknown": "use_encoded_value", "unknown_value": 99},
    ],
    ids=str,
)
def test_ordinal(options):
    X = table()[["town", "sort"]]
    encoder = OrdinalEncoder(**options).fit(X)
    model = assert_same(encoder, X)
    # As objects: pandas would make NaN of None, which scikit-learn tells from the None of training.
    other = pd.DataFrame({"town": ["Rome", None], "sort": ["a", "b"]}, dtype=object)
    if "handle_unknown" not in options:
        with pytest.raises(ValueError, match="'Rome'"):
            model.transform(other)
    else:
        np.testing.assert_array_equal(model.transform(other), encoder.transform(other))


@pytest.mark.parametrize("encoder", [OneHotEncoder, OrdinalEncoder])
def test_encoders_of_numbers(encoder):
    X = np.random.default_rng(0).integers(-2, 3, (40, 2)).astype(float)
    X[::9, 0] = np.nan
    assert_same(encoder().fit(X), X)
    assert_same(encoder().fit(X[:, 1:].astype(int)), X[:, 1:].astype(int))


def preparation() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    return ColumnTransformer(
        [
            ("numbers", numbers, ["age", "fare"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["town", "sort"]),
        ],
        remainder="passthrough",
    )


MODELS = {
    "binary": [
        GradientDescentClassifier(max_iter=30, random_state=0),
        GradientDescentClassifier(loss="hinge", max_iter=30, random_state=0),
    ],
    "many": [GradientDescentClassifier(max_iter=30, random_state=0)],
    "number": [GradientDescentRegressor(max_iter=30, random_state=0)],
}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("target", "model"), [(t, m) for t, models in MODELS.items() for m in models], ids=lambda v: str(v)[:40]
)
def test_whole_pipelines_to_the_last_bit(target, model):
    X = table()
    y = targets(X)[target]
    scaled = make_pipeline(preparation(), StandardScaler(with_mean=False), model)
    pipeline = scaled.fit(X, y)
    frozen = assert_same(pipeline, X)
    assert frozen.provenance["replay"] == "exact"
    fresh = table(seed=1)
    np.testing.assert_array_equal(frozen.predict(fresh), pipeline.predict(fresh))


@pytest.mark.parametrize(
    ("target", "model"),
    [
        ("binary", LogisticRegression()),
        ("many", LogisticRegression()),
        ("many", SGDClassifier(loss="log_loss", random_state=0)),
        ("binary", SGDClassifier(random_state=0)),
        ("number", Ridge()),
        ("number", LinearRegression()),
    ],
    ids=lambda v: str(v)[:40],
)
def test_the_linear_models_of_scikit_learn_agree_closely(target, model):
    X = table()
    pipeline = make_pipeline(preparation(), StandardScaler(with_mean=False), model).fit(X, targets(X)[target])
    assert_same(pipeline, X, exact=False)


def test_several_targets_at_once():
    X = np.random.default_rng(0).normal(size=(50, 4))
    Y = pd.DataFrame(X @ np.random.default_rng(1).normal(size=(4, 3)), columns=["up", "down", "left"])
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ferroflow.freeze(pipeline, X, Y)
    assert model.outputs == ["up", "down", "left"]
    _close(model.predict(X), pipeline.predict(X))
    row = dict(zip(["x0", "x1", "x2", "x3"], X[0].tolist(), strict=True))
    np.testing.assert_array_equal(model.predict(row), model.predict(X)[0])


@pytest.mark.parametrize("remainder", ["drop", "passthrough", StandardScaler()])
def test_column_transformers_by_name_number_slice_mask_and_selector(remainder):
    X = table()[["age", "fare", "rooms", "sort"]]
    for columns in ([0, 1], ["age", "fare"], slice("age", "fare"), slice(0, 2), [True, True, False, False]):
        step = ColumnTransformer(
            [
                ("n", SimpleImputer(), columns),
                ("t", OneHotEncoder(), make_column_selector(dtype_include=[object, "string", "str"])),
                ("no", "drop", []),
            ],
            remainder=remainder,
        )
        assert_same(step.fit(X), X)


def test_containers_agree():
    X = table()
    y = targets(X)["binary"]
    pipeline = make_pipeline(
        preparation(), StandardScaler(with_mean=False), GradientDescentClassifier(max_iter=20, random_state=0)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ferroflow.freeze(pipeline.fit(X, y), X, y)
    expected = pipeline.predict_proba(X)
    rows = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in X.to_dict(orient="records")]
    forms = {
        "pandas": X,
        "columns in another order": X[X.columns[::-1]],
        "categories": X.astype({"sort": "category"}),
        "polars": pl.from_pandas(X),
        "pyarrow": pl.from_pandas(X).to_arrow(),
        "dicts": rows,
        "object array": X.to_numpy(dtype=object),
    }
    for name, form in forms.items():
        np.testing.assert_array_equal(model.predict_proba(form), expected, err_msg=name)
    for i in (0, 7, 11):
        np.testing.assert_array_equal(model.predict_proba(rows[i]), expected[i])
        assert model.predict(rows[i]) == pipeline.predict(X)[i]
        assert model.decision_function(rows[i]) == pipeline.decision_function(X)[i]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("target", "model"), [(t, m) for t, models in MODELS.items() for m in models], ids=lambda v: str(v)[:40]
)
def test_models_of_sparse_rows_to_the_last_bit(target, model):
    y = targets(table())[target]
    X = table()[["town", "sort"]]
    pipeline = make_pipeline(OneHotEncoder(handle_unknown="ignore"), model).fit(X, y)
    assert sparse.issparse(pipeline[0].transform(X))
    frozen = assert_same(pipeline, X)
    assert frozen.provenance["replay"] == "exact"
    fresh = table(seed=1)[["town", "sort"]]
    np.testing.assert_array_equal(frozen.predict(fresh), pipeline.predict(fresh))


def test_frozen_from_polars_is_frozen_from_pandas():
    X = table()[["age", "fare"]]
    step = StandardScaler().fit(X)
    assert (
        ferroflow.freeze(step, pl.from_pandas(X, nan_to_null=False)).sha256
        == ferroflow.freeze(step, X).sha256
    )


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (
            FunctionTransformer(np.logaddexp.accumulate),
            r"step 'odd' is a FunctionTransformer.*use ferroflow.preprocessing.ExpressionTransformer",
        ),
        (KernelPCA(1), r"step 'odd' is a KernelPCA.*ferroflow freezes its own transformers and models"),
    ],
    ids=lambda v: str(v)[:30],
)
def test_what_cannot_be_frozen_is_named_with_an_alternative(step, told):
    X = np.random.default_rng(0).normal(size=(30, 2))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = Pipeline([("scale", StandardScaler()), ("odd", step)]).fit(X)
    with pytest.raises(TypeError, match=told):
        ferroflow.freeze(pipeline, X)


def test_a_subclass_with_other_numbers_is_refused():
    class Odd(StandardScaler):
        def transform(self, X, copy=None):
            return super().transform(X) + 1

    X = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(ValueError, match="differs from the pipeline"):
        ferroflow.freeze(Odd().fit(X), X)


def test_hashed_texts():
    X = np.array([["a", "b"], ["c", "a"], ["a", "a"], ["é", ""]] * 40, dtype=object)
    for options in ({}, {"alternate_sign": False}, {"dtype": np.float32}):
        hasher = FeatureHasher(n_features=7, input_type="string", **options)
        model = ferroflow.freeze(make_pipeline(hasher).fit(X), X)
        expected = hasher.transform(X).toarray()
        np.testing.assert_array_equal(model.transform(X), expected)
        np.testing.assert_array_equal(model.transform(X[:1]), expected[:1])
    with pytest.raises(TypeError, match="takes no table"):
        # scikit-learn takes each text of two letters for a pair.
        pairs = np.array([["ab", "cd"]] * 20, dtype=object)
        ferroflow.freeze(make_pipeline(FeatureHasher(n_features=7, input_type="pair")), pairs)
