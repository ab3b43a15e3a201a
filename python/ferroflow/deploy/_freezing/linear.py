"""Linear models as ops."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value
from ferroflow.frozen._columns import names_of


def linear(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, a linear model."""
    graph.only_numbers(value, where)
    coef = np.asarray(model.coef_)
    weights = np.atleast_2d(coef)
    bias = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64).ravel(), (len(weights),))
    key = graph.key
    classifier = hasattr(model, "classes_")
    raw = model.decision_function(value.sample) if classifier else model.predict(value.sample)
    single = np.asarray(raw).dtype == np.float32
    scores = graph.add(
        "linear",
        [NUMBER] * len(weights),
        None,
        **{
            "in": value.number,
            "float": 32 if single else 64,
            "weights": graph.numbers(f"{key}.weights", weights),
            "bias": graph.numbers(f"{key}.bias", bias),
        },
    )
    if getattr(model, "loss", None) == "poisson" or _has_log_link(model):
        exp = {"in": scores.number, "float": 32 if single else 64, "name": "exp"}
        scores = graph.add("function", [NUMBER], None, **exp)
    output: dict[str, Any] = {"value": scores.number, "float": 32 if single else 64}
    if not classifier:
        return output | targets(graph, raw, len(weights), y)
    if np.ndim(model.predict(value.sample[:1])) == 2:  # several labels a row
        from ferroflow.deploy._freezing.several import truths

        return truths(graph, scores, y)
    kind, classes = classes_of(graph, model.classes_, where)
    return output | {
        "task": "classifier",
        "names": graph.texts("output.names", []),
        "link": _link(model, np.asarray(raw), value.sample, where),
        "class_kind": kind,
        "classes": classes,
    }


def targets(graph: Graph, raw: Any, width: int, y: Any) -> dict[str, Any]:
    """Return what an output says of a regressor's targets, of which it gave `raw`."""
    flat = np.ndim(raw) == 1
    name = getattr(y, "name", None)
    names = names_of(y) if y is not None else None
    if names is None or len(names) != width:
        names = [name if isinstance(name, str) else "y"] if flat else [f"y{k}" for k in range(width)]
    return {"task": "regressor", "flat": flat, "names": graph.texts("output.names", names)}


def _has_log_link(model: Any) -> bool:
    """Does a generalised linear model predict the exponential of its scores?"""
    return type(getattr(getattr(model, "_base_loss", None), "link", None)).__name__ == "LogLink"


def outliers(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, a linear one-class model: outliers (-1) and inliers (1) are its classes."""
    graph.only_numbers(value, where)
    coef = np.atleast_2d(np.asarray(model.coef_))
    single = np.asarray(model.decision_function(value.sample)).dtype == np.float32
    key = graph.key
    scores = graph.add(
        "linear",
        [NUMBER],
        None,
        **{
            "in": value.number,
            "float": 32 if single else 64,
            "weights": graph.numbers(f"{key}.weights", coef),
            "bias": graph.numbers(f"{key}.bias", -np.asarray(model.offset_, dtype=np.float64)),
        },
    )
    return {
        "value": scores.number,
        "float": 32 if single else 64,
        "task": "classifier",
        "names": graph.texts("output.names", []),
        "link": "none",
        "class_kind": "int",
        "classes": graph.ints("output.classes", [-1, 1]),
    }


def classes_of(graph: Graph, classes: Any, where: str) -> tuple[str, str]:
    if isinstance(classes, list):
        raise TypeError(f"{where} has several targets; freeze one model for each")
    values = list(np.asarray(classes))
    key = "output.classes"
    if all(isinstance(v, bool | np.bool_) for v in values):
        graph.tensors[key] = ("U8", np.array(values, dtype=np.uint8))
        return "bool", key
    if all(isinstance(v, int | np.integer) for v in values):
        return "int", graph.ints(key, values)
    if all(isinstance(v, int | float | np.number) for v in values):
        return "float", graph.numbers(key, values)
    if all(isinstance(v, str) for v in values):
        return "text", graph.texts(key, values)
    raise TypeError(f"{where} has classes of mixed types; make them all texts or all numbers")


def _link(model: Any, scores: np.ndarray, X: Any, where: str) -> str:
    """Find how `model` makes probabilities of scores, by its own word on the sample."""
    if not hasattr(model, "predict_proba"):
        return "none"
    theirs = np.asarray(model.predict_proba(X), dtype=np.float64)
    z = scores.astype(np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        s = 1 / (1 + np.exp(-z))
        if z.ndim == 1:
            half = (np.clip(z, -1, 1) + 1) / 2
            candidates = {
                "sigmoid": np.column_stack([1 - s, s]),
                "clipped": np.column_stack([1 - half, half]),
            }
        else:
            e = np.exp(z - z.max(axis=1, keepdims=True))
            half = (np.clip(z, -1, 1) + 1) / 2
            half[half.sum(axis=1) == 0] = 1
            candidates = {
                "clipped": half / half.sum(axis=1, keepdims=True),
                "softmax": e / e.sum(axis=1, keepdims=True),
                "one_vs_rest": s / s.sum(axis=1, keepdims=True),
            }
    for name, ours in candidates.items():
        if np.allclose(theirs, ours, rtol=1e-5, atol=1e-6):
            return name
    raise TypeError(
        f"{where}: {type(model).__name__} makes its probabilities in a way that cannot be frozen; "
        "use loss='log_loss', or a loss without probabilities"
    )


MODELS = dict.fromkeys(
    (
        "ARDRegression",
        "BayesianRidge",
        "ElasticNet",
        "ElasticNetCV",
        "GammaRegressor",
        "GradientDescentClassifier",
        "GradientDescentRegressor",
        "HuberRegressor",
        "Lars",
        "LarsCV",
        "Lasso",
        "LassoCV",
        "LassoLars",
        "LassoLarsCV",
        "LassoLarsIC",
        "LinearRegression",
        "LinearSVC",
        "LinearSVR",
        "LogisticRegression",
        "LogisticRegressionCV",
        "MultiTaskElasticNet",
        "MultiTaskElasticNetCV",
        "MultiTaskLasso",
        "MultiTaskLassoCV",
        "OrthogonalMatchingPursuit",
        "OrthogonalMatchingPursuitCV",
        "PassiveAggressiveClassifier",
        "PassiveAggressiveRegressor",
        "Perceptron",
        "PoissonRegressor",
        "QuantileRegressor",
        "Ridge",
        "RidgeCV",
        "RidgeClassifier",
        "RidgeClassifierCV",
        "SGDClassifier",
        "SGDRegressor",
        "TheilSenRegressor",
        "TweedieRegressor",
    ),
    linear,
) | {"SGDOneClassSVM": outliers}
