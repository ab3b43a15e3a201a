"""Write the golden files of this version: `python tests/frozen/make_golden.py`. Files that are there are kept.

A released version's files never change: they are the promise that a model written once gives the same bits for ever.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder
from sklearn.svm import SVC, SVR

import ferroflow
from ferroflow.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from ferroflow.linear_model import (
    GradientDescentClassifier,
    GradientDescentRegressor,
    PoissonRegressor,
    SGDClassifier,
)
from ferroflow.neural_network import MLPClassifier, MLPRegressor
from ferroflow.preprocessing import (
    Binarizer,
    ExpressionTransformer,
    FrequencyEncoder,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RareCategoryGrouper,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

GOLDEN = Path(__file__).parents[1] / "golden"


def table() -> pd.DataFrame:
    rng = np.random.default_rng(20251)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, 80),
            "fare": rng.lognormal(3, 1, 80).astype(np.float32),
            "rooms": rng.integers(1, 6, 80),
            "own": rng.integers(0, 2, 80).astype(bool),
            "town": rng.choice(["Bath", "York", "Œly", "Rye"], 80, p=[0.5, 0.3, 0.15, 0.05]),
            "sort": rng.choice(["a", "b", "c"], 80),
        }
    )
    frame.loc[::7, "age"] = np.nan
    return frame


def preparation() -> ColumnTransformer:
    return ColumnTransformer(
        [
            (
                "n",
                make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
                ["age", "fare"],
            ),
            ("t", OneHotEncoder(handle_unknown="ignore", min_frequency=8), ["town"]),
            ("o", OrdinalEncoder(), ["sort"]),
        ],
        remainder="passthrough",
        sparse_threshold=0,
    )


def shapes() -> ColumnTransformer:
    numbers = ["fare", "height"]
    return ColumnTransformer(
        [
            ("quantile", QuantileTransformer(n_quantiles=30), numbers),
            ("normal", QuantileTransformer(n_quantiles=30, output_distribution="normal"), numbers),
            ("yeo-johnson", PowerTransformer(), numbers),
            ("box-cox", PowerTransformer("box-cox"), ["fare"]),
            ("bin", KBinsDiscretizer(4, quantile_method="linear", encode="ordinal"), numbers),
            ("hot", KBinsDiscretizer(3, strategy="uniform"), numbers),
            ("terms", PolynomialFeatures(3), numbers),
            ("constant", SplineTransformer(), numbers),
            ("linear", SplineTransformer(4, 2, extrapolation="linear", include_bias=False), numbers),
            ("periodic", SplineTransformer(6, extrapolation="periodic", knots="quantile"), numbers),
            ("root", FunctionTransformer(np.sqrt, feature_names_out="one-to-one"), ["fare"]),
        ],
        sparse_threshold=0,
    )


def categories() -> ColumnTransformer:
    return ColumnTransformer(
        [
            ("t", TargetEncoder(), ["town", "rooms"]),
            ("f", FrequencyEncoder(), ["sort", "town"]),
            ("r", make_pipeline(RareCategoryGrouper(min_frequency=10), OneHotEncoder()), ["town", "sort"]),
            ("n", RareCategoryGrouper(min_frequency=15, other_number=-1), ["rooms"]),
        ],
        sparse_threshold=0,
    )


def scaling() -> ColumnTransformer:
    steps = {
        "range": MinMaxScaler(feature_range=(-1, 2), clip=True),
        "most": MaxAbsScaler(),
        "robust": RobustScaler(unit_variance=True),
        "l1": Normalizer("l1"),
        "l2": Normalizer("l2"),
        "max": Normalizer("max"),
        "above": Binarizer(threshold=21.5),
    }
    numbers = ["age", "fare", "rooms"]
    return ColumnTransformer([(k, make_pipeline(SimpleImputer(), v), numbers) for k, v in steps.items()])


def boosters(X: pd.DataFrame, classes: np.ndarray, score: np.ndarray) -> dict:
    import lightgbm
    import xgboost

    small = {"n_estimators": 6, "random_state": 0}
    typed = X.astype({"town": "category", "sort": "category"})
    few = {"min_child_samples": 4, "min_data_per_group": 4, "verbose": -1}
    numbers = X[["age", "fare", "rooms"]]
    return {
        "forest": (make_pipeline(preparation(), RandomForestClassifier(max_depth=5, **small)), X, classes),
        "forest32": (ExtraTreesRegressor(max_depth=4, **small), numbers.astype(np.float32), score),
        "gradient": (
            make_pipeline(preparation(), GradientBoostingClassifier(max_depth=2, **small)),
            X,
            score > 6,
        ),
        "histogram": (
            HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=5, random_state=0),
            typed,
            classes,
        ),
        "histogram-gamma": (
            HistGradientBoostingRegressor(loss="gamma", max_iter=5, min_samples_leaf=5, random_state=0),
            numbers,
            score,
        ),
        "lightgbm": (lightgbm.LGBMClassifier(**small, **few), typed, classes),
        "lightgbm-zero": (lightgbm.LGBMRegressor(zero_as_missing=True, **small, **few), numbers, score),
        "xgboost": (
            xgboost.XGBClassifier(max_depth=3, enable_categorical=True, max_cat_to_onehot=1, **small),
            typed.drop(columns="town"),
            score > 6,
        ),
        "xgboost-many": (xgboost.XGBClassifier(max_depth=3, **small), numbers, np.digitize(score, [5, 7])),
    }


def expressions() -> ExpressionTransformer:
    return ExpressionTransformer(
        {
            "share": "fare / (rooms + 1) if own else coalesce(age, -1)",
            "old": "age > 40 and not own or rooms in (1, 3)",
            "curve": "round(sin(age) + log1p(fare) ** 2 - exp(-rooms), 3) % 0.7 // 0.1",
            "far": "max(sqrt(fare), abs(age - 40), 2) - min(log10(fare), cos(rooms))",
            "gap": "is_missing(age) + is_missing(town)",
            "letters": "length(town) + contains(town, 'e') + (town < 'S')",
            "code": "number(extract(concat(part(town, 'o', 0), '12', sort), '([0-9])2', 1))",
            "match": "matches(replace(lower(town), 'y', 'ü'), '^\\\\w{2,4}$')",
            "when": "days(concat('2024-0', slice(number_text, 0, 1), '-01T12:30+01:00')) + weekday('2024-02-29')",
            "town": "upper(strip(town))",
        },
        keep=["rooms"],
    )


def combined() -> dict:
    """Models made of models, by name."""
    votes = [("l", GradientDescentClassifier(random_state=0)), ("n", GaussianNB()), ("s", SVC())]
    return {
        "svm": SVC(probability=True, random_state=0, C=3),
        "pairs": SVC(kernel="poly", coef0=1, decision_function_shape="ovo"),
        "nearest": KNeighborsClassifier(4, weights="distance", p=3),
        "calibrated": VotingClassifier(
            [
                ("r", CalibratedClassifierCV(RidgeClassifier(), cv=2)),
                ("i", CalibratedClassifierCV(SVC(kernel="sigmoid"), method="isotonic", cv=2)),
                ("h", SGDClassifier(loss="modified_huber", random_state=0)),
            ],
            voting="soft",
            weights=[1, 2, 1.5],
        ),
        "majority": VotingClassifier(votes),
        "stacked": StackingClassifier(votes[:2], KNeighborsClassifier(3), cv=2, passthrough=True),
    }


def models() -> dict:
    X = table()
    score = X["fare"].to_numpy() / 10 + X["rooms"].to_numpy()
    rng = np.random.default_rng(7)
    single = rng.normal(size=(40, 9)).astype(np.float32)
    wide = pd.DataFrame({"fare": rng.lognormal(3, 1, 80), "height": rng.normal(size=80)})
    return {
        "binary": (make_pipeline(preparation(), GradientDescentClassifier(random_state=0)), X, score > 6),
        "multiclass": (
            make_pipeline(preparation(), GradientDescentClassifier(random_state=0)),
            X,
            np.array(["low", "middle", "high"])[np.digitize(score, [5, 7])],
        ),
        "hinge": (
            make_pipeline(preparation(), GradientDescentClassifier(loss="hinge", random_state=0)),
            X,
            X["own"],
        ),
        "regressor": (make_pipeline(preparation(), GradientDescentRegressor(random_state=0)), X, score),
        "poisson": (make_pipeline(preparation(), PoissonRegressor()), X, score),
        "transformer": (preparation(), X, None),
        "shapes": (shapes(), wide, None),
        "shapes32": (shapes(), wide.astype(np.float32), None),
        "categories": (categories(), X, np.digitize(score, [5, 7])),
        "imputers": (
            ColumnTransformer(
                [
                    ("k", KNNImputer(n_neighbors=3, weights="distance"), ["age", "fare", "rooms"]),
                    ("i", IterativeImputer(), ["age", "fare", "rooms"]),
                    ("m", MissingIndicator(features="all"), ["age", "town"]),
                ]
            ),
            X,
            None,
        ),
        "scalers": (scaling(), X, None),
        "neighbours": (
            make_pipeline(preparation(), StandardScaler(), KNeighborsRegressor(2, metric="manhattan")),
            X,
            score,
        ),
        "svr": (make_pipeline(preparation(), StandardScaler(), SVR(C=20)), X, score),
        "clipped": (
            make_pipeline(preparation(), SGDClassifier(loss="modified_huber", random_state=0)),
            X,
            X["own"],
        ),
        "expressions": (
            make_pipeline(
                expressions(),
                ColumnTransformer(
                    [("t", OneHotEncoder(handle_unknown="ignore"), ["town"])], remainder="passthrough"
                ),
            ),
            X.assign(number_text=X["rooms"].astype(str)),
            None,
        ),
        **{
            name: (
                make_pipeline(preparation(), StandardScaler(), model),
                X,
                np.array(["low", "middle", "high"])[np.digitize(score, [5, 7])],
            )
            for name, model in combined().items()
        },
        "network": (
            make_pipeline(
                preparation(), MLPClassifier(hidden_layer_sizes=(9, 5), activation="tanh", random_state=0)
            ),
            X,
            np.array(["low", "middle", "high"])[np.digitize(score, [5, 7])],
        ),
        "network32": (
            MLPRegressor(hidden_layer_sizes=(12, 7), activation="logistic", loss="poisson", random_state=0),
            single,
            np.abs(single[:, :2]),
        ),
        "float32": (
            make_pipeline(StandardScaler(), GradientDescentClassifier(random_state=0)),
            single,
            (single[:, 0] > 0).astype(int),
        ),
        **boosters(X, np.array(["low", "middle", "high"])[np.digitize(score, [5, 7])], score),
    }


def rows_of(X) -> list[dict]:
    if isinstance(X, pd.DataFrame):
        return json.loads(X.to_json(orient="records", double_precision=15))
    return [{f"x{j}": float(v) for j, v in enumerate(row)} for row in X]


def outputs(model, rows: list[dict]) -> dict[str, list]:
    """Return everything the model gives, floats as hexadecimal."""
    found = {}
    for what in ("predict", "predict_proba", "decision_function", "transform"):
        try:
            values = getattr(model, what)(rows)
        except AttributeError:
            continue
        flat = np.asarray(values).ravel().tolist()
        found[what] = [v.hex() if isinstance(v, float) else v for v in flat]
    return found


def main() -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, (pipeline, X, y) in models().items():
        path = GOLDEN / f"v1-{name}.ff"
        if path.exists():
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pipeline.fit(X, y)
        model = ferroflow.freeze(pipeline, X, name=name)
        model.save(path)
        rows = rows_of(X[:12])
        if "town" in getattr(X, "columns", ()):
            rows[1] |= {"town": "never seen", "age": None}
        text = json.dumps({"rows": rows, **outputs(model, rows)}, ensure_ascii=False, indent=0)
        path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
