"""CalibratedClassifierCV as ops."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, Value
from ferroflow.deploy._freezing.members import classifier, linear_map, link, mean, response

if TYPE_CHECKING:
    from ferroflow.deploy._freezing.compiler import Compiler


def calibrated(compiler: "Compiler", model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    parts = [
        _one(compiler, one, value, f"{where}, calibrated classifier {i}")
        for i, one in enumerate(model.calibrated_classifiers_)
    ]
    whole = parts[0] if len(parts) == 1 else mean(compiler, parts, None, 64)
    return classifier(compiler, model, whole, where, 64, "given")


def _one(compiler: "Compiler", one: Any, value: Value, where: str) -> Value:
    """Compile a classifier and what calibrates each of its columns."""
    said = response(compiler, one.estimator, value, where)
    n_classes = len(one.classes)
    if one.method == "temperature":
        return _temperature(compiler, one, said, n_classes, where)
    columns = [
        _curve(compiler, calibrator, compiler.select(said, [j], None), where)
        for j, calibrator in enumerate(one.calibrators)
    ]
    if n_classes == 2:
        return link(compiler, columns[0], "complement", 64)
    places = np.searchsorted(one.classes, one.estimator.classes_)
    weights = np.zeros((n_classes, len(columns)))
    weights[places, range(len(columns))] = 1.0
    whole = compiler.concat(columns, None)
    if len(columns) < n_classes:  # a fold without some class
        whole = linear_map(compiler, whole, weights, np.zeros(n_classes))
    return link(compiler, whole, "share", 64)


def _curve(compiler: "Compiler", calibrator: Any, said: Value, where: str) -> Value:
    if hasattr(calibrator, "X_thresholds_"):
        x, heights = (np.asarray(v) for v in (calibrator.X_thresholds_, calibrator.y_thresholds_))
        if calibrator.out_of_bounds != "clip":
            raise TypeError(f"{where}: an isotonic curve without out_of_bounds='clip' cannot be frozen")
        key = compiler.key
        points = {"x": compiler.numbers(f"{key}.x", x), "y": compiler.numbers(f"{key}.y", heights)}
        precision = 32 if x.dtype == np.float32 else 64
        node = {"in": said.number, "float": precision, "columns": [points]}
        return compiler.add("piecewise", said.kinds, None, **node)
    line = linear_map(compiler, said, [[-calibrator.a_]], [-calibrator.b_])
    return compiler.add("activation", [NUMBER], None, **{"in": line.number, "float": 64, "name": "logistic"})


def _temperature(compiler: "Compiler", one: Any, said: Value, n_classes: int, where: str) -> Value:
    if not hasattr(one.estimator, "decision_function"):
        raise TypeError(
            f"{where}: method='temperature' of a classifier without decision_function cannot be frozen; "
            "use method='sigmoid' or 'isotonic'"
        )
    beta = float(one.calibrators[0].beta_)
    columns = [[-1.0], [1.0]] if len(said.kinds) == 1 else np.eye(n_classes)
    return link(
        compiler, linear_map(compiler, said, beta * np.array(columns), np.zeros(n_classes)), "softmax", 64
    )


MODELS = {"CalibratedClassifierCV": calibrated}
