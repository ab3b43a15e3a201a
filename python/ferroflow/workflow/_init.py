"""``ferroflow init``: looks at the data and writes a ``workflow.toml`` whose comments say why.

The proposals are for a person to judge and edit: every column is in one list, with the reason beside it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ferroflow.workflow.collect import Collected, read_table
from ferroflow.workflow.config import (
    MISSING_MARKS,
    Clean,
    Columns,
    Config,
    Data,
    Encode,
    Evaluate,
    Impute,
    Output,
    Scale,
    Split,
    Target,
    Train,
    Tune,
    dumps,
    loads,
)
from ferroflow.workflow.inspect import Inspection, Task, inspect
from ferroflow.workflow.problem import ConfigError

MANY_ROWS = 50_000  # from here on one pass over the data is long, and few passes are enough


def init(
    source: str,
    target: str,
    *,
    query: str | None = None,
    task: Task | None = None,
    encoding: str | None = None,
    header: bool = False,
    output: str | Path = "workflow.toml",
    force: bool = False,
) -> tuple[Config, Inspection]:
    """Look at a table and write a commented configuration.

    Parameters
    ----------
    source : str
        A CSV, Parquet or SQLite file, or a database URL.
    target : str
        The column to be predicted.
    query : str, optional
        SQL that gives the table.
    task : {"classification", "regression"}, optional
        By default what the target's values suggest.
    encoding : str, optional
        Of a CSV file.
    header : bool, default=False
        True says that the first line holds names even where it looks like data.
    output : str or Path, default="workflow.toml"
    force : bool, default=False
        Whether a file that is already there is overwritten.

    Returns
    -------
    config : Config
    inspection : Inspection

    Raises
    ------
    ConfigError
        If ``output`` exists and ``force`` is False.
    DataError
        If the data cannot be read or the target cannot be learned.
    """
    output = Path(output)
    if output.exists() and not force:
        raise ConfigError(
            f"{str(output)!r} is already there and may hold your edits. Overwrite it with --force, or move it."
        )
    if not output.parent.is_dir():
        raise ConfigError(f"There is no folder {str(output.parent)!r} to write {output.name!r} in.")
    collected = read_table(source, query=query, encoding=encoding, header=header)
    inspection = inspect(collected.frame, target, task)
    config = propose(collected, inspection, output.parent, encoding=encoding, header=header)
    text = render(config, collected, inspection)
    # What is written must be readable; a clash shows here and not at the first run.
    loads(text, str(output))
    part = output.with_name(output.name + ".part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(output)
    except OSError as error:
        raise ConfigError(f"{str(output)!r} cannot be written: {error.strerror}.") from None
    return config, inspection


def propose(
    collected: Collected,
    inspection: Inspection,
    folder: str | Path = ".",
    *,
    encoding: str | None = None,
    header: bool = False,
) -> Config:
    """The configuration that the inspection suggests."""
    assert inspection.target is not None
    assert inspection.task is not None
    rows = inspection.rows
    classify = inspection.task == "classification"
    many = rows > MANY_ROWS
    smallest = min(inspection.classes.values()) if inspection.classes else rows
    wide = max((inspection[name].distinct for name in inspection.named("categorical")), default=0)
    return Config(
        data=Data(
            source=_relative(collected.source, folder),
            format=collected.format,  # type: ignore[arg-type]
            query=collected.query,
            missing=list(MISSING_MARKS),
            encoding=encoding or (collected.encoding if collected.encoding != "utf-8" else None),
            delimiter=collected.delimiter if collected.delimiter != "," else None,
            header=True if header else None,
        ),
        target=Target(
            column=inspection.target,
            task=inspection.task,
            positive=inspection.positive,
        ),
        columns=Columns(
            numeric=inspection.named("numeric"),
            categorical=inspection.named("categorical"),
            drop=inspection.named("drop"),
        ),
        clean=Clean(),
        split=Split(test_size=0.2 if many else 0.25, stratify=classify and smallest >= 2),
        impute=Impute(),
        encode=Encode(min_frequency=max(5, rows // 2000) if wide > 20 else None),
        scale=Scale(),
        tune=Tune(
            learning_rate=[0.003, 0.01] if many else [0.003, 0.01, 0.03],
            alpha=[1e-6, 1e-4] if many else [0.0001, 0.001, 0.01],
            batch_size=[512, 2048] if many else [32, 128] if rows < 5000 else [128, 512],
            folds=3 if many else 5 if smallest >= 5 else max(2, min(5, smallest)),
            metric=_metric(classify, len(inspection.classes)),  # type: ignore[arg-type]
        ),
        train=Train(max_iter=20 if many else 200),
        evaluate=Evaluate(),
        output=Output(),
    )


def _metric(classify: bool, classes: int) -> str:
    if not classify:
        return "r2"
    return "roc_auc" if classes == 2 else "balanced_accuracy"


def _relative(source: str, folder: str | Path) -> str:
    """The source as the configuration's folder sees it; it stays absolute where it was given so."""
    scheme = "sqlite:///" if source.startswith("sqlite:///") else ""
    path = source.removeprefix(scheme)
    if "://" in path or Path(path).is_absolute():
        return source
    return scheme + Path(os.path.relpath(path, folder)).as_posix()


def render(config: Config, collected: Collected, inspection: Inspection) -> str:
    """The text of the configuration with its reasons as comments."""
    return dumps(
        config, _comments(config, collected, inspection), _title(collected, inspection), _remarks(inspection)
    )


def _title(collected: Collected, inspection: Inspection) -> str:
    lines = [
        f"How {inspection.target!r} is learned from {collected.source}"
        f" ({inspection.rows:,} rows, {len(inspection.columns)} columns).",
        "Written by `ferroflow init` from a first look at the data. Each choice is a proposal: read the reasons,",
        "change what you know better, then start it with: ferroflow run workflow.toml",
    ]
    if inspection.warnings:
        lines += ["", "To look at before the first run:"]
        lines += [f"  - {' '.join(warning.split())}" for warning in inspection.warnings]
    return "\n".join(lines)


def _remarks(inspection: Inspection) -> dict[str, dict[str, str]]:
    roles = ("numeric", "categorical", "drop")
    return {
        f"columns.{role}": {c.name: c.reason for c in inspection.columns if c.role == role} for role in roles
    }


def _comments(config: Config, collected: Collected, inspection: Inspection) -> dict[str, str]:
    marks = ", ".join(f"{mark!r} in {count} cells" for mark, count in collected.missing.items())
    times = [column.name for column in inspection.columns if column.kind == "datetime"]
    target = inspection[config.target.column]
    classes = ", ".join(f"{value!r}: {count}" for value, count in list(inspection.classes.items())[:10])
    classify = config.target.task == "classification"
    balance: dict[str, Any] = inspection.classes
    rare = classify and min(balance.values()) < 0.1 * sum(balance.values())
    return {
        "data": "Where the table comes from. A relative source starts from the folder of this file.",
        "data.missing": 'Texts that mean "no value", besides the empty cell. Found: '
        + (marks or "none")
        + ".",
        "data.encoding": "\n".join(collected.notes),
        "target": "What is predicted" + (f"; {target.missing} rows have none." if target.missing else "."),
        "target.task": f"classification: the values are classes ({classes})."
        if classify
        else f"regression: the values are numbers ({target.distinct} different).",
        "target.positive": "The class whose probability is reported.",
        "columns": "What the model sees. Move a name to another list to change what becomes of it;"
        "\na column in none of the lists is not used.",
        "columns.numeric": "Used as numbers: filled, then scaled.",
        "columns.categorical": "Used as categories: filled, then one column of 0 and 1 for each value.",
        "columns.drop": "Left out.",
        "clean.duplicates": f"{inspection.duplicates} rows repeat an earlier one (ids apart);"
        " a repeated row on both sides of the split makes scores too good.",
        "clean.missing_target": f'{target.missing} rows have no target: "drop" them, or "error".',
        "split": "The test rows are kept apart before anything is fitted, and judged once, at the end.",
        "split.method": '"random", or "time" to test on the latest rows, as the future will: then also set time = '
        + (f"{times[0]!r}." if times else "COLUMN."),
        "split.stratify": "Every class has the same share in both parts.",
        "impute": "A missing value is filled with what was learned from the training rows.",
        "impute.numeric": '"median" is not moved by extreme values; or "mean", "most_frequent", "constant".',
        "impute.categorical": '"constant": missing is a category of its own, as it often means something.',
        "impute.indicator": "true adds a column that says which numbers were missing.",
        "encode.min_frequency": "Values in fewer rows share one column, as there is too little to learn them from.",
        "encode.handle_unknown": 'A value first seen when predicting counts as infrequent; or "ignore", "error".',
        "scale.numeric": 'Gradient descent needs features of like size; "none" leaves them.',
        "tune": "Each combination is judged by cross-validation on the training rows;"
        " n_candidates = 8 would try 8 of them.",
        "tune.learning_rate": "The length of a step.",
        "tune.alpha": "The strength of the penalty on large weights.",
        "tune.batch_size": 'Rows in one step; "full" for all, 1 for one at a time.',
        "tune.metric": "What chooses the best.",
        "train.optimizer": "sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.",
        "train.max_iter": "Passes over the training rows at most; it ends earlier when the loss stops falling.",
        "train.early_stopping": "true ends training when the score on validation_fraction of the rows stops rising."
        + ('\nA class is rare: class_weight = "balanced" would make its rows count more.' if rare else ""),
        "evaluate": "Resamples of the test rows for the confidence interval of each score; 0 for none.",
        "output": "Each run writes its own folder here.",
    }
