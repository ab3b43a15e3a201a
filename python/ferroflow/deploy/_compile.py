"""From fitted steps to the ops of the model file."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing

from ferroflow.frozen._columns import names_of

NUMBER, TEXT = "number", "text"
ZEROS, REFUSE = -1, -2

CAN = (
    "ferroflow freezes SimpleImputer, StandardScaler, OneHotEncoder, OrdinalEncoder, ColumnTransformer, Pipeline and "
    "linear classifiers and regressors"
)
INSTEAD = {
    "MinMaxScaler": "StandardScaler",
    "MaxAbsScaler": "StandardScaler(with_mean=False)",
    "RobustScaler": "StandardScaler",
    "LabelEncoder": "OrdinalEncoder",
    "TargetEncoder": "OneHotEncoder(min_frequency=...)",
    "KNNImputer": "SimpleImputer",
    "IterativeImputer": "SimpleImputer",
    "FunctionTransformer": "the same computation on the table before the pipeline",
    "FeatureUnion": "ColumnTransformer",
}


class Value(NamedTuple):
    """A value of the graph: its number, its columns' kinds, and what the sample looks like there."""

    number: int
    kinds: list[str]
    sample: Any


class Compiler:
    """Collects the nodes and the tensors of a model."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, Any]] = []
        self.tensors: dict[str, tuple[str, np.ndarray]] = {}
        self.final = ""

    # tensors

    def numbers(self, key: str, values: Any) -> str:
        """Store float64 values under `key`, and return it."""
        self.tensors[key] = ("F64", np.ascontiguousarray(values, dtype="<f8"))
        return key

    def ints(self, key: str, values: Any) -> str:
        """Store int64 values under `key`, and return it."""
        self.tensors[key] = ("I64", np.ascontiguousarray(values, dtype="<i8"))
        return key

    def texts(self, key: str, values: Any) -> str:
        """Store texts under `key`: their bytes end to end, and where each ends."""
        parts = [str(value).encode() for value in values]
        self.tensors[key] = ("U8", np.frombuffer(b"".join(parts), dtype=np.uint8))
        self.ints(f"{key}.ends", np.cumsum([len(part) for part in parts], dtype=np.int64))
        return key

    # nodes

    def add(self, op: str, kinds: list[str], sample: Any, **fields: Any) -> Value:
        """Append a node, and return its value."""
        self.nodes.append({"op": op, **fields})
        return Value(len(self.nodes), kinds, sample)

    @property
    def key(self) -> str:
        """The prefix of the next node's tensors."""
        return f"node.{len(self.nodes)}"

    def select(self, value: Value, columns: list[int], sample: Any) -> Value:
        kinds = [value.kinds[j] for j in columns]
        return self.add("select", kinds, sample, **{"in": value.number, "columns": [int(j) for j in columns]})

    def concat(self, values: list[Value], sample: Any) -> Value:
        kinds = [kind for value in values for kind in value.kinds]
        return self.add("concat", kinds, sample, **{"in": [value.number for value in values]})

    # the whole

    def compile(self, pipeline: Any, sample: Any, kinds: list[str], y: Any) -> dict[str, Any]:
        """Compile a fitted pipeline; returns the document's output."""
        value = Value(0, kinds, sample)
        steps = _flat_steps(pipeline)
        last = steps[-1] if steps else ("", None)
        is_model = hasattr(last[1], "predict") and not hasattr(last[1], "transform")
        for where, step in steps[:-1] if is_model else steps:
            value = self.step(step, value, where)
        if is_model:
            return self.model(last[1], value, last[0], y)
        if TEXT in value.kinds:
            raise TypeError(
                "the pipeline gives texts; a frozen transformer gives numbers: encode or drop them"
            )
        try:
            names = [str(name) for name in pipeline.get_feature_names_out()]
        except Exception:
            names = [f"x{j}" for j in range(len(value.kinds))]
        return {
            "task": "transformer",
            "value": value.number,
            "float": 32 if _dtype(value.sample) == np.float32 else 64,
            "names": self.texts("output.names", names),
        }

    def step(self, step: Any, value: Value, where: str) -> Value:
        """Compile one transformer."""
        if step is None or (isinstance(step, str) and step == "passthrough"):
            return value
        handler = _handler(step, TRANSFORMERS)
        if handler is None:
            raise TypeError(_cannot(step, where))
        out = step.transform(value.sample)
        result = handler(self, step, value, out, where)
        if len(result.kinds) != out.shape[1]:
            raise TypeError(f"{where} gives {out.shape[1]} columns where {len(result.kinds)} were expected")
        return result._replace(sample=out)

    # transformers

    def column_transformer(self, step: Any, value: Value, out: Any, where: str) -> Value:
        parts = []
        for name, inner, columns in step.transformers_:
            if isinstance(inner, str) and inner == "drop":
                continue
            at = _positions(columns, value.sample, step)
            if not at:
                continue
            sample = _safe_indexing(value.sample, at, axis=1)
            part = self.select(value, at, sample)
            for place, one in _flat_steps(inner, f"{where}, transformer {name!r}"):
                part = self.step(one, part, place)
            parts.append(part)
        return self.concat(parts, out)

    def function(self, step: Any, value: Value, out: Any, where: str) -> Value:
        if step.func is not None:
            raise TypeError(_cannot(step, where))
        return value

    def imputer(self, step: Any, value: Value, out: Any, where: str) -> Value:
        statistics = np.asarray(step.statistics_)
        indicator = getattr(step, "indicator_", None) if step.add_indicator else None
        dropped = [False] * len(statistics) if step.keep_empty_features else [_missing(s) for s in statistics]
        kept = [j for j, drop in enumerate(dropped) if not drop]
        marker_kind: str | None
        marker: Any
        key = self.key
        if _missing(step.missing_values):
            marker_kind, marker = None, None
        elif isinstance(step.missing_values, str):
            marker_kind, marker = TEXT, [step.missing_values]
        else:
            marker_kind, marker = NUMBER, [float(step.missing_values)]

        def stored(name: str) -> str | None:
            if marker is None:
                return None
            return (self.texts if marker_kind == TEXT else self.numbers)(name, marker)

        parts, order = [], []
        for kind in (NUMBER, TEXT):
            at = [j for j in kept if value.kinds[j] == kind]
            if not at:
                continue
            part = self.select(value, at, None)
            order += at
            if marker_kind in (None, kind):
                fill: Any = [statistics[j] for j in at]
                if any(isinstance(v, str) != (kind == TEXT) for v in fill):
                    raise TypeError(
                        f"{where}: SimpleImputer fills a column of {kind}s with {fill[0]!r}; "
                        f"fill it with a {kind}, or convert the column before the pipeline"
                    )
                if kind == NUMBER:
                    dtype = _dtype(out)
                    if dtype.kind == "f" and indicator is None:
                        fill = np.asarray(fill, dtype=np.float64).astype(dtype)
                    elif _dtype(value.sample) == np.float32:
                        fill = np.asarray(fill, dtype=np.float64).astype(np.float32)
                    tensor = self.numbers(f"{key}.fill.{kind}", fill)
                else:
                    tensor = self.texts(f"{key}.fill.{kind}", fill)
                node = {"in": part.number, "marker": stored(f"{key}.marker.{kind}"), "fill": tensor}
                part = self.add("impute", part.kinds, None, **node)
            parts.append(part)
        whole = self.concat(parts, out)
        if order != kept:
            whole = self.select(whole, [order.index(j) for j in kept], out)
        if indicator is None:
            return whole
        flags = self.select(value, list(indicator.features_), None)
        at = [j for j, kind in enumerate(flags.kinds) if marker_kind in (None, kind)]
        if len(at) != len(flags.kinds):
            raise TypeError(f"{where}: missing_values={step.missing_values!r} does not fit a column's kind")
        node = {"in": flags.number, "marker": stored(f"{key}.marker.indicator")}
        flags = self.add("indicator", [NUMBER] * len(at), None, **node)
        return self.concat([whole, flags], out)

    def scaler(self, step: Any, value: Value, out: Any, where: str) -> Value:
        self.only_numbers(value, where)
        key = self.key
        mean = self.numbers(f"{key}.mean", step.mean_) if step.with_mean else None
        scale = factor = None
        if step.scale_ is not None:
            if hasattr(out, "tocsr"):  # scikit-learn multiplies sparse columns by the reciprocal
                factor = self.numbers(f"{key}.factor", 1 / step.scale_)
            else:
                scale = self.numbers(f"{key}.scale", step.scale_)
        node = {"in": value.number, "float": _float(out), "mean": mean, "scale": scale, "factor": factor}
        return self.add("scale", value.kinds, out, **node)

    def one_hot(self, step: Any, value: Value, out: Any, where: str) -> Value:
        key = self.key
        columns, total = [], 0
        infrequent = getattr(step, "infrequent_categories_", None) if _groups(step) else None
        for j, categories in enumerate(step.categories_):
            rare = None if infrequent is None else infrequent[j]
            groups, n_groups, rare_group = _group(categories, rare)
            drop = None if step.drop_idx_ is None else step.drop_idx_[j]
            dropped = None if drop is None else groups[drop]

            def code(group: int | None, dropped: int | None = dropped) -> int:
                if group is None or group == dropped:
                    return ZEROS
                return group - (dropped is not None and group > dropped)

            if step.handle_unknown == "error":
                unknown = REFUSE
            elif step.handle_unknown == "ignore":
                unknown = ZEROS
            else:
                unknown = code(rare_group)
            known, missing = self.categories(categories, value.kinds[j], f"{where}, column {j}")
            codes = [code(groups[i]) for i in known]
            codes += [unknown if missing is None else code(groups[missing]), unknown]
            width = n_groups - (dropped is not None)
            columns.append(
                {
                    "categories": self.list_of(f"{key}.{j}", [categories[i] for i in known], value.kinds[j]),
                    "codes": self.ints(f"{key}.{j}.codes", codes),
                    "width": width,
                }
            )
            total += width
        return self.add("onehot", [NUMBER] * total, out, **{"in": value.number, "columns": columns})

    def ordinal(self, step: Any, value: Value, out: Any, where: str) -> Value:
        key = self.key
        columns = []
        # Each category is shown to the encoder itself, so groups of rare ones and missing ones come out as they do there.
        longest = max(len(c) for c in step.categories_)
        shown = np.empty((longest, len(step.categories_)), dtype=object)
        for j, categories in enumerate(step.categories_):
            shown[:, j] = [categories[min(i, len(categories) - 1)] for i in range(longest)]
        numbers = np.asarray(_transform_columns(step, shown), dtype=np.float64)
        lenient = step.handle_unknown == "use_encoded_value"
        unknown = float(step.unknown_value) if lenient else 0.0
        for j, categories in enumerate(step.categories_):
            known, missing = self.categories(categories, value.kinds[j], f"{where}, column {j}")
            values = [numbers[i, j] for i in known]
            values += [unknown if missing is None else numbers[missing, j], unknown]
            columns.append(
                {
                    "categories": self.list_of(f"{key}.{j}", [categories[i] for i in known], value.kinds[j]),
                    "values": self.numbers(f"{key}.{j}.values", values),
                    "refuse_missing": missing is None and not lenient,
                    "refuse_unknown": not lenient,
                }
            )
        return self.add("ordinal", [NUMBER] * len(columns), out, **{"in": value.number, "columns": columns})

    def list_of(self, key: str, values: list, kind: str) -> str:
        return (
            self.texts(key, values) if kind == TEXT else self.numbers(key, np.array(values, dtype=np.float64))
        )

    def categories(self, categories: np.ndarray, kind: str, where: str) -> tuple[list[int], int | None]:
        """Return the places of the true categories, and of the missing one."""
        absent = [i for i, v in enumerate(categories) if _missing(v)]
        if len(absent) > 1:
            raise TypeError(
                f"{where} has both None and NaN as categories, which a model file cannot tell apart; "
                "make them one, for example with X.fillna(np.nan)"
            )
        known = [i for i in range(len(categories)) if i not in absent]
        for i in known:
            v = categories[i]
            if isinstance(v, str) != (kind == TEXT):
                raise TypeError(
                    f"{where} holds {kind}s and is encoded by the category {v!r}; make them one type"
                )
            if kind == NUMBER and not isinstance(v, bool | np.bool_) and abs(float(v)) > 2**53:
                raise TypeError(f"{where} has the category {v}, too large for a float64; encode it as a text")
        return known, absent[0] if absent else None

    def only_numbers(self, value: Value, where: str) -> None:
        if TEXT in value.kinds:
            raise TypeError(f"{where} gets a column of texts; encode it before")

    # models

    def model(self, model: Any, value: Value, where: str, y: Any) -> dict[str, Any]:
        """Compile the last step, a linear model."""
        if _handler(model, MODELS) is None:
            raise TypeError(_cannot(model, where))
        self.only_numbers(value, where)
        self.final = type(model).__name__
        coef = np.asarray(model.coef_)
        weights = np.atleast_2d(coef)
        bias = np.broadcast_to(np.asarray(model.intercept_, dtype=np.float64).ravel(), (len(weights),))
        key = self.key
        classifier = hasattr(model, "classes_")
        raw = model.decision_function(value.sample) if classifier else model.predict(value.sample)
        single = np.asarray(raw).dtype == np.float32
        scores = self.add(
            "linear",
            [NUMBER] * len(weights),
            None,
            **{
                "in": value.number,
                "float": 32 if single else 64,
                "weights": self.numbers(f"{key}.weights", weights),
                "bias": self.numbers(f"{key}.bias", bias),
            },
        )
        output: dict[str, Any] = {"value": scores.number, "float": 32 if single else 64}
        if not classifier:
            flat = np.ndim(raw) == 1
            name = getattr(y, "name", None)
            names = names_of(y) if y is not None else None
            if names is None or len(names) != len(weights):
                names = (
                    [name if isinstance(name, str) else "y"]
                    if flat
                    else [f"y{k}" for k in range(len(weights))]
                )
            return output | {"task": "regressor", "flat": flat, "names": self.texts("output.names", names)}
        kind, classes = self.classes(model.classes_, where)
        return output | {
            "task": "classifier",
            "names": self.texts("output.names", []),
            "link": _link(model, np.asarray(raw), value.sample, where),
            "class_kind": kind,
            "classes": classes,
        }

    def classes(self, classes: Any, where: str) -> tuple[str, str]:
        if isinstance(classes, list):
            raise TypeError(f"{where} has several targets; freeze one model for each")
        values = list(np.asarray(classes))
        key = "output.classes"
        if all(isinstance(v, bool | np.bool_) for v in values):
            self.tensors[key] = ("U8", np.array(values, dtype=np.uint8))
            return "bool", key
        if all(isinstance(v, int | np.integer) for v in values):
            return "int", self.ints(key, values)
        if all(isinstance(v, int | float | np.number) for v in values):
            return "float", self.numbers(key, values)
        if all(isinstance(v, str) for v in values):
            return "text", self.texts(key, values)
        raise TypeError(f"{where} has classes of mixed types; make them all texts or all numbers")


def _flat_steps(step: Any, where: str = "") -> list[tuple[str, Any]]:
    """Return the steps of nested pipelines one after another, each with a name for messages."""
    if step is not None and _handler(step, {"Pipeline": None}, found=True):
        prefix = f"{where}, " if where else ""
        return [one for name, inner in step.steps for one in _flat_steps(inner, f"{prefix}step {name!r}")]
    return [(where or f"the {type(step).__name__}", step)]


def _handler(step: Any, table: dict[str, Any], found: bool = False) -> Any:
    for cls in type(step).__mro__:
        if cls.__name__ in table and cls.__module__.partition(".")[0] in ("sklearn", "ferroflow"):
            return True if found else table[cls.__name__]
    return None


def _cannot(step: Any, where: str) -> str:
    name = type(step).__name__
    instead = f"use {INSTEAD[name]} instead" if name in INSTEAD else CAN
    return f"{where} is a {name}, which cannot be frozen: {instead}."


def _missing(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, float | np.floating) and value != value)
        or type(value).__name__ in ("NAType", "NaTType")
    )


def _dtype(X: Any) -> np.dtype:
    if hasattr(X, "dtypes"):
        kinds = [t if isinstance(t, np.dtype) else np.dtype(object) for t in X.dtypes]
        return np.result_type(*kinds) if kinds else np.dtype(np.float64)
    dtype = getattr(X, "dtype", None)
    return dtype if isinstance(dtype, np.dtype) else np.dtype(np.float64)


def _float(X: Any) -> int:
    return 32 if _dtype(X) == np.float32 else 64


def _positions(columns: Any, X: Any, step: Any) -> list[int]:
    """Return the column numbers that a fitted ColumnTransformer's selector stands for."""
    names = names_of(X)
    if names is None and hasattr(step, "feature_names_in_"):
        names = list(step.feature_names_in_)
    n = X.shape[1]

    def at(name: Any) -> int:
        return names.index(name) if isinstance(name, str) and names else int(name) % n

    if isinstance(columns, slice):
        start, stop = columns.start, columns.stop
        if isinstance(start, str) or isinstance(stop, str):
            start = None if start is None else at(start)
            stop = None if stop is None else at(stop) + 1  # scikit-learn counts the last name in
        return list(range(n))[slice(start, stop, columns.step)]
    if isinstance(columns, str) or np.ndim(columns) == 0:
        return [at(columns)]
    columns = list(columns)
    if columns and all(isinstance(c, bool | np.bool_) for c in columns):
        return [j for j, chosen in enumerate(columns) if chosen]
    return [at(c) for c in columns]


def _groups(step: Any) -> bool:
    return step.max_categories is not None or step.min_frequency is not None


def _group(categories: np.ndarray, rare: Any) -> tuple[list[int], int, int | None]:
    """Number the categories as the encoder does: frequent ones in order, then one group of the rare ones."""
    if rare is None or len(rare) == 0:
        return list(range(len(categories))), len(categories), None
    missing = any(_missing(v) for v in rare)
    texts = {v for v in rare if not _missing(v)}
    is_rare = [missing if _missing(v) else v in texts for v in categories]
    group = len(categories) - sum(is_rare)
    numbers = iter(range(group))
    return [group if r else next(numbers) for r in is_rare], group + 1, group


def _transform_columns(step: Any, shown: Any) -> Any:
    """Transform an object table as if it were a table like the one fitted."""
    if hasattr(step, "feature_names_in_"):
        import pandas as pd

        # As objects, or pandas would turn None into NaN, which is another category.
        shown = pd.DataFrame(shown, columns=list(step.feature_names_in_), dtype=object)
        for name, categories in zip(step.feature_names_in_, step.categories_, strict=True):
            if categories.dtype.kind in "biuf":
                shown[name] = shown[name].astype(categories.dtype)
    elif all(c.dtype.kind in "biuf" for c in step.categories_):
        shown = shown.astype(np.result_type(*[c.dtype for c in step.categories_]))
    return step.transform(shown)


def _link(model: Any, scores: np.ndarray, X: Any, where: str) -> str:
    """Find how `model` makes probabilities of scores, by its own word on the sample."""
    if not hasattr(model, "predict_proba"):
        return "none"
    theirs = np.asarray(model.predict_proba(X), dtype=np.float64)
    z = scores.astype(np.float64)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        s = 1 / (1 + np.exp(-z))
        if z.ndim == 1:
            candidates = {"sigmoid": np.column_stack([1 - s, s])}
        else:
            e = np.exp(z - z.max(axis=1, keepdims=True))
            candidates = {
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


Handler = Callable[[Compiler, Any, Value, Any, str], Value]
TRANSFORMERS: dict[str, Handler] = {
    "ColumnTransformer": Compiler.column_transformer,
    "FunctionTransformer": Compiler.function,
    "SimpleImputer": Compiler.imputer,
    "StandardScaler": Compiler.scaler,
    "OneHotEncoder": Compiler.one_hot,
    "OrdinalEncoder": Compiler.ordinal,
}
MODELS = dict.fromkeys(
    (
        "GradientDescentClassifier",
        "GradientDescentRegressor",
        "LogisticRegression",
        "SGDClassifier",
        "RidgeClassifier",
        "Perceptron",
        "PassiveAggressiveClassifier",
        "LinearSVC",
        "LinearRegression",
        "Ridge",
        "Lasso",
        "ElasticNet",
        "SGDRegressor",
        "HuberRegressor",
        "LinearSVR",
    ),
    True,
)
