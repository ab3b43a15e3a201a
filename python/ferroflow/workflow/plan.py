"""What a run computes, worked out from ``workflow.toml`` and the names of the table's columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ferroflow.workflow.clean import CATEGORY, CLASSIFICATION, NUMBER
from ferroflow.workflow.config import Config
from ferroflow.workflow.tune import SEARCH_ROWS


@dataclass
class Plan:
    """Everything that decides what a run computes, but for the data."""

    target: str
    task: str | None = None
    positive: Any = None
    kinds: dict[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    missing_marks: list[str] = field(default_factory=lambda: ["?"])
    drop_duplicates: bool = True
    drop_missing_target: bool = True
    test_size: float = 0.2
    stratify: bool = True
    time: str | None = None
    split_seed: int = 0
    preparation: dict[str, Any] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    train_seed: int = 0
    search: dict[str, list[Any]] = field(default_factory=dict)
    n_candidates: int | None = None
    folds: int = 5
    scoring: str | None = None
    max_rows: int | None = SEARCH_ROWS
    tune_seed: int = 0
    resamples: int = 200
    confidence: float = 0.95


def plan_of(config: Config, columns: Sequence[str]) -> Plan:
    """Say what a configuration means for a table with these columns."""
    used = set(config.features)
    numeric, tuned = config.impute, config.tune
    learner: dict[str, Any] = {
        "loss": config.loss,
        "penalty": None if config.train.penalty == "none" else config.train.penalty,
    }
    names = ["l1_ratio", "optimizer", "max_iter", "tol", "early_stopping"]
    names += ["validation_fraction", "n_iter_no_change"]
    if config.target.task == CLASSIFICATION:
        names.append("class_weight")
    learner |= {name: getattr(config.train, name) for name in names}
    return Plan(
        target=config.target.column,
        task=config.target.task,
        positive=config.target.positive,
        kinds=dict.fromkeys(config.columns.numeric, NUMBER)
        | dict.fromkeys(config.columns.categorical, CATEGORY),
        drop=[name for name in columns if name not in used and name != config.target.column],
        missing_marks=list(config.data.missing),
        drop_duplicates=config.clean.duplicates == "drop",
        drop_missing_target=config.clean.missing_target == "drop",
        test_size=config.split.test_size,
        stratify=config.split.stratify,
        time=config.split.time if config.split.method == "time" else None,
        split_seed=config.split.random_state,
        preparation={
            "fill_numbers": numeric.numeric,
            "number": numeric.numeric_fill,
            "fill_categories": numeric.categorical,
            "category": numeric.categorical_fill,
            "indicators": numeric.indicator,
            "min_frequency": config.encode.min_frequency,
            "max_categories": config.encode.max_categories,
            "handle_unknown": config.encode.handle_unknown,
            "scale": config.scale.numeric == "standard",
        },
        params=learner,
        train_seed=config.train.random_state,
        search={
            "eta0": list(tuned.learning_rate),
            "alpha": list(tuned.alpha),
            "batch_size": [None if size == "full" else size for size in tuned.batch_size],
        },
        n_candidates=tuned.n_candidates,
        folds=tuned.folds,
        scoring=config.metric.removeprefix("neg_"),
        tune_seed=tuned.random_state,
        resamples=config.evaluate.bootstrap,
        confidence=config.evaluate.confidence,
    )
