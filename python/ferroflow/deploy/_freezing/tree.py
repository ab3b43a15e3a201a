"""scikit-learn's trees, and what is made of many of them, as ops."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.forest import LEFT, NONE, RIGHT, Tree, forest
from ferroflow.deploy._freezing.graph import Graph, Value
from ferroflow.deploy._freezing.linear import classes_of, targets

DUMMIES = {
    "DummyClassifier": ("prior", "most_frequent", "constant"),
    "DummyRegressor": ("mean", "median", "quantile", "constant"),
}


def tree(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, a tree."""
    return _mean(graph, model, [model], None, value, where, y)


def mean(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, which gives the mean of its trees."""
    return _mean(graph, model, model.estimators_, None, value, where, y)


def bagging(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, which gives the mean of trees that look at some of the columns each."""
    classifier = hasattr(model, "classes_")
    for one in model.estimators_:
        if classifier and len(one.classes_) != len(model.classes_):
            raise TypeError(
                f"{where}: a {type(model).__name__} of {type(one).__name__} cannot be frozen; "
                "use trees, each of which has seen all classes"
            )
    return _mean(graph, model, model.estimators_, model.estimators_features_, value, where, y)


def _mean(
    graph: Graph, model: Any, trees: Any, features: Any, value: Value, where: str, y: Any
) -> dict[str, Any]:
    graph.only_numbers(value, where)
    classifier = hasattr(model, "classes_")
    kind, classes = classes_of(graph, model.classes_, where) if classifier else ("", "")
    if classifier and len(model.classes_) < 2:
        raise TypeError(f"{where} has seen one class only; there is nothing to predict")
    packed = [_tree(one, classifier) for one in trees]
    if features is not None:
        packed = [
            one._replace(column=np.asarray(f)[one.column]) for one, f in zip(packed, features, strict=True)
        ]
    outputs = packed[0].values.shape[1]
    alone = len(trees) == 1 and trees[0] is model
    sums = forest(
        graph,
        value,
        packed,
        outputs,
        compare=32,
        refuse_missing=not trees[0].__sklearn_tags__().input_tags.allow_nan,
        start=None if alone else np.zeros(outputs),
        divide=len(trees),
    )
    output: dict[str, Any] = {"value": sums.number, "float": 64}
    if not classifier:
        return output | targets(graph, model.predict(value.sample[:1]), outputs, y)
    return output | {
        "task": "classifier",
        "names": graph.texts("output.names", []),
        "link": "given",
        "class_kind": kind,
        "classes": classes,
    }


def _tree(model: Any, classifier: bool) -> Tree:
    packed = model.tree_
    nodes = packed.__getstate__()["nodes"]
    # Missing cells are told apart only where there were some in training; else they go with most of the rows.
    missing = np.where(nodes["missing_go_to_left"] != 0, LEFT, RIGHT)
    return Tree(
        left=packed.children_left,
        right=packed.children_right,
        column=np.maximum(packed.feature, 0),
        threshold=packed.threshold,
        missing=missing,
        members=np.full(len(nodes), NONE),
        values=packed.value[:, 0, :] if classifier else packed.value[:, :, 0],
        sizes=packed.weighted_n_node_samples if classifier else None,
    )


def boosted(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, gradient boosting."""
    graph.only_numbers(value, where)
    classifier = hasattr(model, "classes_")
    if model.loss == "exponential":
        raise TypeError(f"{where}: loss='exponential' cannot be frozen; use loss='log_loss'")
    init = model.init_
    constant = DUMMIES.get(type(init).__name__, ())
    if not (isinstance(init, str) and init == "zero") and getattr(init, "strategy", None) not in constant:
        raise TypeError(f"{where}: the init {type(init).__name__} cannot be frozen; use init=None or 'zero'")
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0]
    trees = (_tree(one, False) for one in model.estimators_.ravel())
    sums = forest(
        graph,
        value,
        [one._replace(values=model.learning_rate * one.values) for one in trees],
        model.estimators_.shape[1],
        compare=32,
        refuse_missing=True,
        start=start,
    )
    output: dict[str, Any] = {"value": sums.number, "float": 64}
    if not classifier:
        return output | targets(graph, model.predict(value.sample[:1]), 1, y)
    return output | scores_of(graph, model, where)


def scores_of(graph: Graph, model: Any, where: str) -> dict[str, Any]:
    """Return what an output says of a classifier's scores: logits, of which there is one for two classes."""
    kind, classes = classes_of(graph, model.classes_, where)
    return {
        "task": "classifier",
        "names": graph.texts("output.names", []),
        "link": "softmax" if len(model.classes_) > 2 else "sigmoid",
        "class_kind": kind,
        "classes": classes,
    }


MODELS = (
    dict.fromkeys(("DecisionTreeClassifier", "DecisionTreeRegressor"), tree)
    | dict.fromkeys(("ForestClassifier", "ForestRegressor"), mean)
    | dict.fromkeys(("GradientBoostingClassifier", "GradientBoostingRegressor"), boosted)
)
