"""Which step is whose: by the name of scikit-learn's class, so that its subclasses count too."""

from typing import Any

CAN = (
    "ferroflow freezes SimpleImputer, KNNImputer, IterativeImputer, MissingIndicator, scalers of columns, Normalizer, "
    "Binarizer, QuantileTransformer, PowerTransformer, KBinsDiscretizer, PolynomialFeatures, SplineTransformer, "
    "OneHotEncoder, OrdinalEncoder, TargetEncoder, FrequencyEncoder, RareCategoryGrouper, FeatureHasher, ColumnTransformer, "
    "Pipeline, linear classifiers and regressors, MLPClassifier and MLPRegressor, decision trees, random forests, extra "
    "trees, bagged trees, gradient boosting, XGBClassifier, XGBRegressor, LGBMClassifier and LGBMRegressor"
)
LIBRARIES = ("sklearn", "ferroflow", "xgboost", "lightgbm")
INSTEAD = {
    "LabelBinarizer": "OneHotEncoder",
    "LabelEncoder": "OrdinalEncoder",
    "MultiLabelBinarizer": "OneHotEncoder for each column",
    "FunctionTransformer": "the same computation on the table before the pipeline",
    "FeatureUnion": "ColumnTransformer",
}


def flat_steps(step: Any, where: str = "") -> list[tuple[str, Any]]:
    """Return the steps of nested pipelines one after another, each with a name for messages."""
    if step is not None and find_handler(step, {"Pipeline": None}, found=True):
        prefix = f"{where}, " if where else ""
        return [one for name, inner in step.steps for one in flat_steps(inner, f"{prefix}step {name!r}")]
    return [(where or f"the {type(step).__name__}", step)]


def find_handler(step: Any, table: dict[str, Any], found: bool = False) -> Any:
    for cls in type(step).__mro__:
        if cls.__name__ in table and cls.__module__.partition(".")[0] in LIBRARIES:
            return True if found else table[cls.__name__]
    return None


def cannot(step: Any, where: str) -> str:
    name = type(step).__name__
    instead = f"use {INSTEAD[name]} instead" if name in INSTEAD else CAN
    return f"{where} is a {name}, which cannot be frozen: {instead}."
