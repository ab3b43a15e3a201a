"""Build and fit the one pipeline between the table and the predictions.

Numbers: missing values filled, then standardised. Categories: missing as a category of its own, rare ones
together, then one column each. After that a linear model by gradient descent.
"""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from ferroflow.impute import SimpleImputer
from ferroflow.linear_model import GradientDescentClassifier, GradientDescentRegressor
from ferroflow.preprocessing import OneHotEncoder, StandardScaler
from ferroflow.workflow.clean import CLASSIFICATION

# The names of the pipeline's parts.
NUMBERS, CATEGORIES, CODES = "numbers", "categories", "codes"
PREPARE = "prepare"
MODEL = "model"
MISSING = "(missing)"

# Above this many bytes the encoded table is kept sparse.
DENSE_BYTES = 1 << 30

DEFAULTS: dict[str, Any] = {"optimizer": "adam", "max_iter": 100, "tol": 1e-4, "batch_size": 256}


@dataclass
class Trained:
    """A fitted pipeline and what it took."""

    pipeline: Pipeline
    params: dict[str, Any]
    loss_curve: list[float]
    epochs: int
    features: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def build_preparation(
    X: pd.DataFrame,
    numeric: Sequence[str],
    categorical: Sequence[str],
    *,
    fill_numbers: str = "median",
    number: float = 0.0,
    fill_categories: str = "constant",
    category: str = MISSING,
    indicators: bool = False,
    min_frequency: int | float | None = None,
    max_categories: int | None = None,
    handle_unknown: str = "infrequent_if_exist",
    scale: bool = True,
) -> ColumnTransformer:
    """Build, unfitted, the part that turns a clean table into numbers.

    Parameters
    ----------
    X : DataFrame
        Training rows; their number, the columns' types and the count of frequent categories are looked at.
    numeric, categorical : sequence of str
        A categorical column of numbers stays one: its missing values are a category of their own.
    fill_numbers : {"median", "mean", "most_frequent", "constant"}, default="median"
    number : float, default=0.0
        What ``"constant"`` fills numbers with.
    fill_categories : {"constant", "most_frequent"}, default="constant"
    category : str, default="(missing)"
        The category that ``"constant"`` makes of missing values.
    indicators : bool, default=False
        Add a column that says where a number was missing.
    min_frequency : int or float, default=None
        Rarer categories are pooled; none are if None.
    max_categories : int, default=None
    handle_unknown : {"infrequent_if_exist", "ignore", "error"}, default="infrequent_if_exist"
    scale : bool, default=True
        Standardise the numbers.
    """
    limit: float = 1 if min_frequency is None else min_frequency
    if limit < 1:
        limit = math.ceil(limit * len(X))
    width = len(numeric) + sum(int((X[c].value_counts() >= limit).sum()) + 2 for c in categorical)
    sparse = 8 * width * len(X) > DENSE_BYTES
    encode = OneHotEncoder(
        handle_unknown=handle_unknown,
        min_frequency=min_frequency,
        max_categories=max_categories,
        sparse_output=sparse,
    )
    parts: list[tuple[str, Any, list[str]]] = []
    if numeric:
        fill = SimpleImputer(strategy=fill_numbers, fill_value=number, add_indicator=indicators)
        steps = [("fill", fill), ("scale", StandardScaler())]
        parts.append((NUMBERS, Pipeline(steps if scale else steps[:1]), list(numeric)))
    codes = [c for c in categorical if pd.api.types.is_numeric_dtype(X[c])]
    texts = [c for c in categorical if c not in codes]
    if texts:
        fill = SimpleImputer(strategy=fill_categories, fill_value=category)
        parts.append((CATEGORIES, Pipeline([("fill", fill), ("encode", encode)]), texts))
    if codes:
        often = [("fill", SimpleImputer(strategy="most_frequent"))] if fill_categories != "constant" else []
        parts.append((CODES, Pipeline([*often, ("encode", clone(encode))]), codes))
    return ColumnTransformer(parts, sparse_threshold=1.0 if sparse else 0.0)


def build_model(task: str, params: Mapping[str, Any], *, random_state: int = 0) -> Any:
    """Build, unfitted, the model: `params` are those of the gradient descent estimators."""
    kind = GradientDescentClassifier if task == CLASSIFICATION else GradientDescentRegressor
    wanted = {**DEFAULTS, "random_state": random_state, **params}
    known = kind().get_params()
    for name in wanted:
        if name not in known and name not in DEFAULTS:
            raise ValueError(f"{kind.__name__} has no parameter {name!r}; it has {', '.join(sorted(known))}")
    return kind(**{k: v for k, v in wanted.items() if k in known})


def fit_model(model: Any, X: Any, y: np.ndarray, task: str) -> Any:
    """Fit the model on prepared rows.

    A quantity is standardised while it is learned, so that one learning rate suits euros and millimetres, and
    the coefficients are put back on its own scale. Counts, whose loss is Poisson's, stay as they are.
    """
    if task == CLASSIFICATION or model.loss == "poisson":
        return model.fit(X, y)
    centre, spread = float(np.mean(y)), float(np.std(y)) or 1.0
    model.fit(X, (y - centre) / spread)
    model.coef_ = model.coef_ * spread
    model.intercept_ = model.intercept_ * spread + centre
    return model


def train(
    X: pd.DataFrame,
    y: np.ndarray,
    preparation: ColumnTransformer,
    params: Mapping[str, Any],
    *,
    task: str = CLASSIFICATION,
    random_state: int = 0,
) -> Trained:
    """Fit the pipeline on the training rows."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        preparation = clone(preparation)
        prepared = preparation.fit_transform(X)
        model = fit_model(build_model(task, params, random_state=random_state), prepared, y, task)
    categorical = [
        c for name, _, columns in preparation.transformers_ if name in (CATEGORIES, CODES) for c in columns
    ]
    pipeline = Pipeline([(PREPARE, preparation), (MODEL, model)])
    curve = [float(v) for v in np.ravel(getattr(model, "loss_curve_", []))]
    notes = list(dict.fromkeys(_told(w, model) for w in caught))
    return Trained(
        pipeline,
        dict(params),
        curve,
        int(np.max(getattr(model, "n_iter_", len(curve)))),
        plain_names(preparation.get_feature_names_out(), categorical),
        notes,
    )


def _told(warning: warnings.WarningMessage, model: Any) -> str:
    """Say a warning in the words of the configuration."""
    if issubclass(warning.category, ConvergenceWarning) and "iteration" in str(warning.message):
        return (
            f"Training ended at max_iter = {model.max_iter}, before the loss stood still; a larger [train] max_iter may"
            " do better."
        )
    return f"{warning.category.__name__}: {warning.message}"


def plain_names(names: Sequence[str], categorical: Sequence[str] = ()) -> list[str]:
    """Return the names of prepared columns as a person would write them: ``sex = male``."""
    # The longest column name that fits is the right one: "a_b_c" is column "a_b" if there is one.
    longest_first = sorted(categorical, key=len, reverse=True)
    out = []
    for name in names:
        part, _, rest = str(name).partition("__")
        rest = rest or part
        if part in (CATEGORIES, CODES):
            column = next((c for c in longest_first if rest.startswith(f"{c}_")), None)
            if column is not None:
                value = rest[len(column) + 1 :]
                if part == CODES:
                    value = "(missing)" if value == "nan" else value.removesuffix(".0")
                rest = f"{column} = {'(rare)' if value == 'infrequent_sklearn' else value}"
        out.append(rest.replace("missingindicator_", "missing: "))
    return out
