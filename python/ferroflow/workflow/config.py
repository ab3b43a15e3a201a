"""``workflow.toml``: what a run does, checked strictly before anything is read or computed.

Unknown keys and wrong values are errors that name the key. `dumps` writes the same file back, with a
comment above any key that has one.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from ferroflow.workflow.problem import ConfigError

MISSING_MARKS = ("NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "?")

Positive = Annotated[float, msgspec.Meta(gt=0)]
NotNegative = Annotated[float, msgspec.Meta(ge=0)]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
Name = Annotated[str, msgspec.Meta(min_length=1)]


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A table of ``workflow.toml``; a key it does not know is an error."""


class Data(Section, frozen=True):
    """Where the table comes from. A relative ``source`` is relative to the configuration's folder."""

    source: Name
    format: Literal["csv", "parquet", "sql"] | None = None
    query: Name | None = None
    missing: list[str] = msgspec.field(default_factory=lambda: list(MISSING_MARKS))
    encoding: Name | None = None
    delimiter: Annotated[str, msgspec.Meta(min_length=1, max_length=1)] | None = None
    header: Literal[True] | None = None


class Target(Section, frozen=True):
    """What is predicted. ``positive`` is the class whose probability is reported (two classes only)."""

    column: Name
    task: Literal["classification", "regression"]
    positive: str | int | float | bool | None = None


class Columns(Section, frozen=True):
    """Which columns the model sees and how. A column in none of the lists is not used."""

    numeric: list[str] = []
    categorical: list[str] = []
    drop: list[str] = []


class Clean(Section, frozen=True):
    duplicates: Literal["drop", "keep"] = "drop"
    missing_target: Literal["drop", "error"] = "drop"


class Split(Section, frozen=True):
    """``method = "time"`` keeps the latest ``test_size`` of the rows, ordered by ``time``, for the test."""

    method: Literal["random", "time"] = "random"
    test_size: Share = 0.25
    random_state: Seed = 0
    stratify: bool = True
    time: Name | None = None


class Impute(Section, frozen=True):
    numeric: Literal["median", "mean", "most_frequent", "constant"] = "median"
    categorical: Literal["most_frequent", "constant"] = "constant"
    numeric_fill: float = 0.0
    categorical_fill: str = "missing"
    indicator: bool = False


class Encode(Section, frozen=True):
    min_frequency: Count | Share | None = None
    max_categories: Annotated[int, msgspec.Meta(ge=2)] | None = None
    handle_unknown: Literal["ignore", "infrequent_if_exist", "error"] = "infrequent_if_exist"


class Scale(Section, frozen=True):
    numeric: Literal["standard", "none"] = "standard"


class Tune(Section, frozen=True):
    """Every combination is tried by cross-validation, or ``n_candidates`` of them drawn at random."""

    learning_rate: Annotated[list[Positive], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [0.003, 0.01, 0.03]
    )
    alpha: Annotated[list[NotNegative], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [0.0001, 0.001, 0.01]
    )
    batch_size: Annotated[list[Count | Literal["full"]], msgspec.Meta(min_length=1)] = msgspec.field(
        default_factory=lambda: [64, 256]
    )
    folds: Annotated[int, msgspec.Meta(ge=2, le=100)] = 5
    metric: (
        Literal[
            "roc_auc",
            "accuracy",
            "balanced_accuracy",
            "f1",
            "neg_log_loss",
            "r2",
            "neg_mean_squared_error",
            "neg_mean_absolute_error",
        ]
        | None
    ) = None
    n_candidates: Count | None = None
    random_state: Seed = 0


class Train(Section, frozen=True):
    """The parameters of ``GradientDescentClassifier`` or ``GradientDescentRegressor`` that are not tuned."""

    loss: Literal["log_loss", "hinge", "squared_error", "huber"] | None = None
    optimizer: Literal["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"] = "adam"
    penalty: Literal["l2", "l1", "elasticnet", "none"] = "l2"
    l1_ratio: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.15
    max_iter: Count = 200
    tol: NotNegative = 1e-4
    early_stopping: bool = False
    validation_fraction: Share = 0.1
    n_iter_no_change: Count = 5
    class_weight: Literal["balanced"] | None = None
    random_state: Seed = 0


class Evaluate(Section, frozen=True):
    """Resamples of the held-out rows for the confidence interval of each score; 0 leaves it out."""

    bootstrap: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 200
    confidence: Share = 0.95


class Output(Section, frozen=True):
    folder: Name = "runs"


class Config(Section, frozen=True):
    """The whole of ``workflow.toml``."""

    data: Data
    target: Target
    columns: Columns
    clean: Clean = Clean()
    split: Split = Split()
    impute: Impute = Impute()
    encode: Encode = Encode()
    scale: Scale = Scale()
    tune: Tune = Tune()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    output: Output = Output()

    @property
    def metric(self) -> str:
        """The metric that chooses among candidates: what is set, or the task's usual one."""
        usual = "roc_auc" if self.target.task == "classification" else "r2"
        return self.tune.metric or usual

    @property
    def loss(self) -> str:
        """The loss that is minimised: what is set, or the task's usual one."""
        usual = "log_loss" if self.target.task == "classification" else "squared_error"
        return self.train.loss or usual

    @property
    def features(self) -> list[str]:
        """The columns that the model sees, numeric ones first."""
        return [*self.columns.numeric, *self.columns.categorical]


_CLASSIFICATION = {
    "metric": {"roc_auc", "accuracy", "balanced_accuracy", "f1", "neg_log_loss"},
    "loss": {"log_loss", "hinge"},
}
_REGRESSION = {
    "metric": {"r2", "neg_mean_squared_error", "neg_mean_absolute_error"},
    "loss": {"squared_error", "huber"},
}


def load(path: str | Path) -> Config:
    """Read and check a configuration file.

    Parameters
    ----------
    path : str or Path
        The ``workflow.toml``.

    Returns
    -------
    Config

    Raises
    ------
    ConfigError
        If the file is absent, is not TOML, or has an unknown key or a wrong value.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(
            f"There is no file {str(path)!r}. Make one with: ferroflow init DATA --target COLUMN"
        ) from None
    except IsADirectoryError:
        raise ConfigError(f"{str(path)!r} is a folder; name the workflow.toml in it.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.") from None
    return loads(text, str(path))


def loads(text: str, name: str = "workflow.toml") -> Config:
    """Check the text of a configuration; ``name`` stands in front of every message."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not valid TOML: {error}.") from None
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_explain(str(error), raw)}") from None
    problem = _contradiction(config)
    if problem:
        raise ConfigError(f"{name}: {problem}")
    return config


def dumps(
    config: Config,
    comments: Mapping[str, str] | None = None,
    title: str = "",
    values: Mapping[str, Mapping[str, str]] | None = None,
) -> str:
    """Write a configuration as TOML.

    Parameters
    ----------
    config : Config
    comments : mapping, optional
        Comment by ``"section"`` or ``"section.key"``; it is written above what it speaks of.
    title : str, default=""
        Comment at the head of the file.
    values : mapping, optional
        For a key that holds a list: a remark by item; the list is then written one item a line.

    Returns
    -------
    str
        Keys whose value is None are left out, as TOML has no such value.
    """
    comments, values = comments or {}, values or {}
    lines = _comment(title)
    for section, table in msgspec.to_builtins(config).items():
        if lines:
            lines.append("")
        lines += [*_comment(comments.get(section, "")), f"[{section}]"]
        for key, value in table.items():
            if value is None:
                continue
            lines += _comment(comments.get(f"{section}.{key}", ""))
            remarks = values.get(f"{section}.{key}")
            if remarks is not None and value:
                lines.append(f"{key} = [")
                for item in value:
                    remark = " ".join(remarks.get(item, "").split())
                    lines.append(f"    {_toml(item)}," + (f"  # {remark}" if remark else ""))
                lines.append("]")
            else:
                lines.append(f"{key} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.splitlines()]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        # JSON's escapes are TOML's too, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        text = repr(value)
        return text if any(mark in text for mark in ".einf") else text + ".0"
    return repr(value)


def _explain(message: str, raw: dict[str, Any]) -> str:
    """msgspec's message in the words of the file: ``[split] test_size: expected ...``."""
    what, _, place = message.partition(" - at `$")
    path = re.sub(r"\[[^\]]*\]", "", place.rstrip("`")).strip(".").split(".")
    path = [part for part in path if part]
    unknown = re.search(r"unknown field `([^`]*)`", what)
    absent = re.search(r"missing required field `([^`]*)`", what)
    if unknown:
        known = _known(path)
        near = difflib.get_close_matches(unknown[1], known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "known are: " + ", ".join(known) + "."
        kind = "key" if path else "section"
        return f"{_place([*path, unknown[1]], raw)}: unknown {kind}; {hint}"
    if absent:
        kind = "key" if path else "section"
        return f"{_place([*path, absent[1]], raw)}: this {kind} is required and is not there."
    allowed = _allowed(path)
    found: Any = raw
    for part in path:
        found = found.get(part) if isinstance(found, dict) else None
    if "enum" in what and allowed:
        return f"{_place(path, raw)}: {found!r} is not one of {', '.join(map(repr, allowed))}."
    what = what.replace("Expected", "expected", 1).replace("`", "")
    for theirs, ours in (
        ("str", "text"),
        ("int", "a whole number"),
        ("float", "a number"),
        ("array", "a list"),
    ):
        what = re.sub(rf"\b{theirs}\b", ours, what)
    what = what.replace("object", "a section").replace("bool", "true or false").replace(" | null", "")
    return f"{_place(path, raw)}: {what} (it is {found!r})."


def _place(path: list[str], raw: dict[str, Any]) -> str:
    if not path:
        return "the file"
    return f"[{path[0]}]" if len(path) == 1 else f"[{path[0]}] {path[1]}"


def _known(path: list[str]) -> list[str]:
    struct: Any = Config
    for part in path:
        struct = get_type_hints(struct).get(part)
    fields = getattr(struct, "__struct_fields__", ())
    return list(fields)


def _allowed(path: list[str]) -> list[Any]:
    if len(path) != 2:
        return []
    section = get_type_hints(Config).get(path[0])
    hint = get_type_hints(section).get(path[1]) if section else None
    parts = get_args(hint) if get_origin(hint) is not Literal else (hint,)
    return [value for part in parts if get_origin(part) is Literal for value in get_args(part)]


def _contradiction(config: Config) -> str:
    """What no single key shows: values that cannot be true together."""
    columns, target = config.columns, config.target
    lists = {"numeric": columns.numeric, "categorical": columns.categorical, "drop": columns.drop}
    seen: dict[str, str] = {}
    for key, names in lists.items():
        for name in names:
            if name in seen:
                where = f"twice in {key}" if seen[name] == key else f"in both {seen[name]} and {key}"
                return f"[columns] {key}: {name!r} is {where}; keep it once."
            seen[name] = key
    if target.column in seen:
        return f"[columns] {seen[target.column]}: {target.column!r} is the target; take it out of the list."
    if not config.features:
        return "[columns] numeric, categorical: both are empty, so the model would see nothing."
    if config.split.method == "time" and config.split.time is None:
        return '[split] time: method = "time" needs the name of the column that orders the rows.'
    allowed = _CLASSIFICATION if target.task == "classification" else _REGRESSION
    if config.metric not in allowed["metric"]:
        return (
            f"[tune] metric: {config.metric!r} does not fit task = {target.task!r};"
            f" one of {', '.join(sorted(allowed['metric']))} does."
        )
    if config.loss not in allowed["loss"]:
        return (
            f"[train] loss: {config.loss!r} does not fit task = {target.task!r};"
            f" one of {', '.join(sorted(allowed['loss']))} does."
        )
    if config.loss == "hinge" and config.metric == "neg_log_loss":
        return '[tune] metric: "neg_log_loss" needs probabilities, which loss = "hinge" does not give.'
    if target.task == "regression" and config.train.class_weight is not None:
        return '[train] class_weight: classes are for task = "classification"; remove the key.'
    if target.task == "regression" and target.positive is not None:
        return '[target] positive: a class is for task = "classification"; remove the key.'
    return ""
