"""Which step is whose: by the name of scikit-learn's class, so that its subclasses count too."""

from typing import Any

CAN = (
    "ferroflow freezes its own transformers and models, and scikit-learn's imputers, scalers, encoders, selectors and "
    "projections, ColumnTransformer, FeatureUnion, Pipeline, linear models, support vector machines, nearest neighbours, "
    "naive Bayes, networks, trees, forests and gradient boosting (XGBoost's and LightGBM's too), and what calibrates, stacks, bags "
    "or votes on them"
)
LIBRARIES = ("sklearn", "ferroflow", "xgboost", "lightgbm")
INSTEAD = {
    "LabelBinarizer": "use OneHotEncoder instead",
    "LabelEncoder": "use OrdinalEncoder instead",
    "MultiLabelBinarizer": "use OneHotEncoder for each column instead",
    "FunctionTransformer": (
        "use ferroflow.preprocessing.ExpressionTransformer, or the same computation on the table before the pipeline, instead"
    ),
    "DictVectorizer": "use OneHotEncoder on the table's columns instead",
    "HashingVectorizer": "make numbers of the texts before the pipeline: no vectoriser of texts can be frozen yet",
    "CountVectorizer": "make numbers of the texts before the pipeline: no vectoriser of texts can be frozen yet",
    "TfidfTransformer": "make numbers of the texts before the pipeline: no vectoriser of texts can be frozen yet",
    "TfidfVectorizer": "make numbers of the texts before the pipeline: no vectoriser of texts can be frozen yet",
}
HELD = {"BaseSearchCV": "best_estimator_", "FrozenEstimator": "estimator", "RANSACRegressor": "estimator_"}
"""What holds a fitted step that does its work."""


def flat_steps(step: Any, where: str = "") -> list[tuple[str, Any]]:
    """Return the steps of nested pipelines one after another, each with a name for messages."""
    while held := find_handler(step, HELD):
        step = getattr(step, held)
    if step is not None and find_handler(step, {"Pipeline": True}):
        prefix = f"{where}, " if where else ""
        return [one for name, inner in step.steps for one in flat_steps(inner, f"{prefix}step {name!r}")]
    return [(where or f"the {type(step).__name__}", step)]


def find_handler(step: Any, table: dict[str, Any]) -> Any:
    for cls in type(step).__mro__:
        if cls.__name__ in table and cls.__module__.partition(".")[0] in LIBRARIES:
            return table[cls.__name__]
    return None


def cannot(step: Any, where: str) -> str:
    name = type(step).__name__
    return f"{where} is a {name}, which cannot be frozen: {INSTEAD.get(name, CAN)}."
