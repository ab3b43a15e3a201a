"""Support vector machines as ops."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.members import classifier, linear_map

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def support_vector_classifier(
    compiler: "Compiler", model: Any, value: Value, where: str, y: Any
) -> dict[str, Any]:
    """Compile an SVC or NuSVC: sums for pairs of classes, then what each class makes of them."""
    n_classes = len(model.classes_)
    dual = _dense(model.dual_coef_)
    proba = hasattr(model, "predict_proba")
    if n_classes == 2:
        both = np.vstack([dual, -dual]) if proba else dual
        bias = np.concatenate([model.intercept_, -model.intercept_])[: len(both)]
        sums = _sums(compiler, model, value, where, both, bias)
        score = compiler.select(sums, [0], None) if proba else sums
        labels, sums = score, compiler.select(sums, [1], None) if proba else sums
    else:
        weights = _of_pairs(dual, model.n_support_)
        labels = sums = _sums(compiler, model, value, where, weights, model.intercept_)
        by_class = model.decision_function_shape == "ovr"
        score = _pairs(compiler, sums, n_classes, "scores") if by_class else sums
        labels = score if model.break_ties else _pairs(compiler, sums, n_classes, "votes")
    more = {} if labels is score else {"labels": labels.number}
    if proba:
        more["probabilities"] = _pairs(compiler, sums, n_classes, "probabilities", model).number
    return classifier(compiler, model, score, where, 64, "given" if proba else "none", **more)


def support_vector_regressor(
    compiler: "Compiler", model: Any, value: Value, where: str, y: Any
) -> dict[str, Any]:
    sums = _sums(compiler, model, value, where, _dense(model.dual_coef_), model.intercept_)
    raw = model.predict(value.sample)
    return {"value": sums.number, "float": 64, **targets(compiler, raw, 1, y)}


def support_vector_outliers(
    compiler: "Compiler", model: Any, value: Value, where: str, y: Any
) -> dict[str, Any]:
    """Outliers (-1) and inliers (1) are the classes of a one-class model."""
    sums = _sums(compiler, model, value, where, _dense(model.dual_coef_), model.intercept_)
    return {
        "task": "classifier",
        "value": sums.number,
        "float": 64,
        "names": compiler.texts("output.names", []),
        "link": "none",
        "class_kind": "int",
        "classes": compiler.ints("output.classes", [-1, 1]),
    }


def _dense(values: Any) -> np.ndarray:
    return np.asarray(values.toarray() if hasattr(values, "toarray") else values, dtype=np.float64)


def _of_pairs(dual: np.ndarray, n_support: np.ndarray) -> np.ndarray:
    """Return a row of weights for each pair of classes: of libsvm's compact rows, which pairs share."""
    ends = np.cumsum(n_support)
    of = [slice(end - n, end) for end, n in zip(ends, n_support, strict=True)]
    rows = []
    for i in range(len(of)):
        for j in range(i + 1, len(of)):
            row = np.zeros(dual.shape[1])
            row[of[i]], row[of[j]] = dual[j - 1, of[i]], dual[i, of[j]]
            rows.append(row)
    return np.array(rows)


def _sums(
    compiler: "Compiler", model: Any, value: Value, where: str, weights: np.ndarray, bias: Any
) -> Value:
    compiler.only_numbers(value, where)
    if callable(model.kernel) or model.kernel == "precomputed":
        raise TypeError(
            f"{where}: a {type(model).__name__} with its own kernel cannot be frozen; "
            "use 'linear', 'poly', 'rbf' or 'sigmoid'"
        )
    rows = _dense(model.support_vectors_)
    if model.kernel == "linear":
        return linear_map(compiler, value, weights @ rows, bias)
    key = compiler.key
    node = {
        "in": value.number,
        "name": model.kernel,
        "degree": int(model.degree),
        "parameters": compiler.numbers(f"{key}.parameters", [model._gamma, model.coef0]),
        "rows": compiler.numbers(f"{key}.rows", rows),
        "weights": compiler.numbers(f"{key}.weights", weights),
        "bias": compiler.numbers(f"{key}.bias", bias),
    }
    return compiler.add("kernel", [NUMBER] * len(weights), None, **node)


def _pairs(compiler: "Compiler", sums: Value, n_classes: int, gives: str, model: Any = None) -> Value:
    key = compiler.key
    node: dict[str, Any] = {"in": sums.number, "classes": n_classes, "gives": gives}
    if model is not None:
        node["a"] = compiler.numbers(f"{key}.a", model._probA)
        node["b"] = compiler.numbers(f"{key}.b", model._probB)
    return compiler.add("pairs", [NUMBER] * n_classes, None, **node)


MODELS = {
    "NuSVC": support_vector_classifier,
    "NuSVR": support_vector_regressor,
    "OneClassSVM": support_vector_outliers,
    "SVC": support_vector_classifier,
    "SVR": support_vector_regressor,
}
