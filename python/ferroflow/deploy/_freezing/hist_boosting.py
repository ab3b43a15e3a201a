"""scikit-learn's histogram-based gradient boosting as ops."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing import encode
from ferroflow.deploy._freezing.forest import LEFT, MEMBERS_LEFT, MEMBERS_RIGHT, NONE, RIGHT, Tree, forest
from ferroflow.deploy._freezing.graph import NUMBER, Graph, Value
from ferroflow.deploy._freezing.linear import targets
from ferroflow.deploy._freezing.tree import scores_of
from ferroflow.deploy._freezing.values import float_of


def hist_boosting(graph: Graph, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
    """Compile the last step, histogram-based gradient boosting."""
    link = type(model._loss.link).__name__
    classifier = hasattr(model, "classes_")
    if not classifier and link not in ("IdentityLink", "LogLink"):
        raise TypeError(
            f"{where}: the loss {model.loss!r} cannot be frozen; use 'squared_error' or 'poisson'"
        )
    compare = float_of(value.sample)
    if model._preprocessor is not None:
        value = _encoded(graph, model, value, where)
        compare = 64
    graph.only_numbers(value, where)
    known, of_column = model._bin_mapper.make_known_categories_bitsets()
    sets: list[bytes] = []
    trees = [_tree(one, known, of_column, sets) for stage in model._predictors for one in stage]
    outputs = model.n_trees_per_iteration_
    sums = forest(
        graph, value, trees, outputs, compare=compare, sets=sets, start=model._baseline_prediction.ravel()
    )
    if not classifier and link == "LogLink":
        sums = graph.add("function", [NUMBER], None, **{"in": sums.number, "float": 64, "name": "exp"})
    output: dict[str, Any] = {"value": sums.number, "float": 64}
    if not classifier:
        return output | targets(graph, np.zeros(1), 1, y)
    return output | scores_of(graph, model, where)


def _encoded(graph: Graph, model: Any, value: Value, where: str) -> Value:
    """Number the categories as the model does, and put their columns first."""
    categorical = np.flatnonzero(model.is_categorical_).tolist()
    others = np.flatnonzero(~model.is_categorical_).tolist()
    encoder = model._preprocessor.named_transformers_["encoder"]
    part = graph.select(value, categorical, None)
    parts = [encode.ordinal(graph, encoder, part, None, where)]
    if others:
        rest = graph.select(value, others, None)
        graph.only_numbers(rest, where)
        parts.append(rest)
    return graph.concat(parts, None)


def _tree(predictor: Any, known: np.ndarray, of_column: np.ndarray, sets: list[bytes]) -> Tree:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"] != 0
    missing_left = nodes["missing_go_to_left"] != 0
    threshold = np.where(leaf, 0.0, nodes["num_threshold"])
    members = np.full(len(nodes), NONE)
    for i in np.flatnonzero((nodes["is_categorical"] != 0) & ~leaf):
        goes_left = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][i]]
        # What was never seen goes where missing cells go, so the set is of those that go the other way.
        other = known[of_column[nodes["feature_idx"][i]]] & ~goes_left if missing_left[i] else goes_left
        members[i] = MEMBERS_RIGHT if missing_left[i] else MEMBERS_LEFT
        threshold[i] = len(sets)
        sets.append(np.ascontiguousarray(other, dtype="<u4").tobytes())
    return Tree(
        left=np.where(leaf, -1, nodes["left"].astype(np.int64)),
        right=nodes["right"],
        column=np.where(leaf, 0, nodes["feature_idx"]),
        threshold=threshold,
        missing=np.where(missing_left, LEFT, RIGHT),
        members=members,
        values=nodes["value"][:, None].astype(np.float64),
    )


MODELS = dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), hist_boosting)
