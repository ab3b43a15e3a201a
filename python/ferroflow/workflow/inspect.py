"""The first look at a table: what kind each column is, what is missing or double, and what leaks the target.

A column is suspected as a leak when it tells the target nearly alone, or when the mere presence of a value
does (the number of a lifeboat is written down for those who were saved). Each is judged by itself: its values
are put into at most 32 bins, the target's mean by bin is learned on four fifths of the rows and ranked on
the last fifth, so that a column of many values does not look strong by having learned its rows by heart.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from ferroflow.workflow.problem import DataError

Kind = Literal["number", "boolean", "category", "text", "datetime", "id", "constant", "empty"]
Task = Literal["classification", "regression"]

SAMPLE = 20_000  # rows on which leaks are judged
LEAK = 0.98  # AUC or R2 from which a column alone is suspected to know the answer
STRONG = 0.90  # from which it deserves a second look
MAX_CLASSES = 100
# Whole numbers of so few values (months, days, grades), with so many rows each, need not act along a straight line.
STEPS = 31
STEP_ROWS = 1000
_ID_NAME = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|key|index|idx|rownames?|row_?num(ber)?)(_0)?$|[a-z]Id$|[a-z]ID$"
)
_BOOLEAN_WORDS = [{"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"}, {"on", "off"}]
_POSITIVE_WORDS = ("1", "1.0", "true", "yes", "y", "t", "positive", "pos", "bad", "default", "fraud", "churn")


@dataclass
class Column:
    """What is known of one column, and what is proposed to do with it.

    Attributes
    ----------
    score : float or None
        How well it alone tells the target: cross-validated AUC (one class against the rest) or R2.
    role : {"numeric", "categorical", "drop", "target"}
    reason : str
        Why the role was chosen, in a sentence for a person.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    numeric: bool = False
    whole: bool = False
    role: str = "drop"
    reason: str = ""
    score: float | None = None
    leak: str = ""
    strong: bool = False


@dataclass
class Inspection:
    """What `inspect` found."""

    rows: int
    columns: list[Column]
    duplicates: int
    target: str | None = None
    task: Task | None = None
    positive: Any = None
    classes: dict[Any, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    @property
    def leaks(self) -> list[Column]:
        return [column for column in self.columns if column.leak]

    def named(self, role: str) -> list[str]:
        return [column.name for column in self.columns if column.role == role]


def inspect(frame: pd.DataFrame, target: str | None = None, task: Task | None = None) -> Inspection:
    """Look at a table.

    Parameters
    ----------
    frame : pandas.DataFrame
    target : str, optional
        The column to be predicted; with it leaks are looked for.
    task : {"classification", "regression"}, optional
        By default what the target's values suggest.

    Returns
    -------
    Inspection

    Raises
    ------
    DataError
        If the target is absent, has no values, or has one value only.
    """
    if target is not None and target not in frame.columns:
        raise DataError(_no_target(target, list(map(str, frame.columns))))
    columns = [_look(frame[name], str(name)) for name in frame.columns]
    found = Inspection(
        len(frame),
        columns,
        int(_duplicated(frame, [c.name for c in columns if c.kind == "id"]).sum()),
    )
    if target is not None:
        _look_at_target(frame[target], found, target, task)
        _score_all(frame, found)
    for column in columns:
        if column.role != "target":
            _propose(column, found)
    if target is not None and not (found.named("numeric") or found.named("categorical")):
        for column in found.leaks:
            column.role = "numeric" if column.numeric else "categorical"
            column.reason += "; kept, as no other column is left"
    _warn(found, frame)
    return found


def _no_target(target: str, names: list[str]) -> str:
    near = difflib.get_close_matches(target, names, n=1)
    same = [name for name in names if name.lower() == target.lower()]
    hint = (same or near or [""])[0]
    listed = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return (
        f"There is no column {target!r}. "
        + (f"Did you mean {hint!r}? " if hint else "")
        + f"It has: {listed}."
    )


def _look(values: pd.Series, name: str) -> Column:
    present = values.dropna()
    distinct = int(present.nunique())
    missing = len(values) - len(present)
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    whole = numeric and distinct <= STEPS and bool((present.astype(np.float64) % 1 == 0).all())
    return Column(name, _kind(present, distinct, missing, name), missing, distinct, numeric, whole)


def _kind(present: pd.Series, distinct: int, missing: int, name: str) -> Kind:
    rows = len(present)
    if rows == 0:
        return "empty"
    if distinct == 1 and missing == 0:
        return "constant"
    if pd.api.types.is_bool_dtype(present):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(present):
        return "datetime"
    named_id = bool(_ID_NAME.search(name))
    if pd.api.types.is_numeric_dtype(present):
        numbers = present.to_numpy(dtype=np.float64)
        if distinct == 2 and set(np.unique(numbers)) == {0.0, 1.0}:
            return "boolean"
        if distinct == rows and rows > 2 and np.array_equal(numbers, np.floor(numbers)):
            steps = np.diff(numbers)
            if named_id or (rows > 20 and (np.all(steps == 1) or np.ptp(numbers) == rows - 1)):
                return "id"
        return "number"
    words = present.astype(str)
    if distinct == 2 and {word.lower() for word in words.unique()} in _BOOLEAN_WORDS:
        return "boolean"
    some = words.iloc[:: max(1, rows // 500)]
    if rows > 20 and some.str.fullmatch(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?").all():
        return "datetime"
    spaces = float(some.str.count(r"\s+").mean())
    if distinct > 0.5 * rows and rows > 20 and spaces >= 2:
        return "text"
    if distinct > 0.95 * rows and rows > 20:
        return "id" if spaces < 1 else "text"
    return "category"


def repeated_rows(frame: pd.DataFrame, features: Sequence[str] = ()) -> np.ndarray:
    """Say which rows repeat an earlier one; a column that only counts the rows, and is no feature, hides none."""
    columns = [_look(frame[name], str(name)) for name in frame.columns if name not in features]
    return _duplicated(frame, [c.name for c in columns if c.kind == "id"])


def _duplicated(frame: pd.DataFrame, ids: list[str]) -> np.ndarray:
    kept = [name for name in frame.columns if str(name) not in ids]
    return frame[kept].duplicated().to_numpy() if kept else np.zeros(len(frame), dtype=bool)


def _look_at_target(values: pd.Series, found: Inspection, target: str, task: Task | None) -> None:
    column = found[target]
    column.role, column.reason = "target", "what is predicted"
    if column.kind == "empty":
        raise DataError(f"The target {target!r} has no values at all. Choose another column.")
    if column.distinct == 1:
        raise DataError(
            f"The target {target!r} has one value only ({values.dropna().iloc[0]!r}): there is nothing to learn."
        )
    numeric = column.numeric
    if task is None:
        whole = numeric and bool((values.dropna() % 1 == 0).all())
        few = column.distinct <= min(20, max(2, found.rows // 10))
        task = "classification" if not numeric or (whole and few) else "regression"
    if task == "regression" and not numeric:
        raise DataError(f"The target {target!r} is not a number, which task = 'regression' needs.")
    if task == "classification" and column.distinct > MAX_CLASSES:
        raise DataError(
            f"The target {target!r} has {column.distinct} different values; as classes these are too many"
            f" (at most {MAX_CLASSES})."
            + (" Use --task regression." if numeric else " Choose another column.")
        )
    found.target, found.task = target, task
    if task == "classification":
        counts = values.value_counts()
        found.classes = {_plain(key): int(count) for key, count in counts.items()}
        if len(counts) == 2:
            found.positive = _positive(list(found.classes))


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _positive(classes: list[Any]) -> Any:
    """The class that a person would call yes; without one the rarer, which stands last."""
    for word in _POSITIVE_WORDS:
        for value in classes:
            if str(value).lower() == word:
                return value
    return classes[-1]


def _score_all(frame: pd.DataFrame, found: Inspection) -> None:
    assert found.target is not None
    known = frame[frame[found.target].notna()]
    if len(known) > SAMPLE:
        known = known.iloc[np.sort(np.random.default_rng(0).choice(len(known), SAMPLE, replace=False))]
    target = known[found.target]
    outcomes = _outcomes(target, found)
    folds = np.random.default_rng(0).permutation(len(known)) % 5
    codes_of_target = pd.factorize(target)[0]
    for column in found.columns:
        if column.role == "target" or column.kind in ("empty", "constant"):
            continue
        codes = _codes(known[column.name])
        column.score = max(_tells(codes, outcome, folds, found.task) for outcome in outcomes)
        if column.missing:
            column.leak = _missing_leak(known[column.name].isna().to_numpy(), target, outcomes, folds, found)
        if not column.leak and column.kind not in ("id", "text"):
            column.leak = _value_leak(column, known[column.name], codes_of_target)
        column.strong = not column.leak and column.score >= STRONG


def _outcomes(target: pd.Series, found: Inspection) -> list[np.ndarray]:
    if found.task == "regression":
        return [target.to_numpy(dtype=np.float64)]
    if found.positive is not None:
        return [(target == found.positive).to_numpy(dtype=np.float64)]
    largest = list(target.value_counts().index[:10])
    return [(target == value).to_numpy(dtype=np.float64) for value in largest]


def _codes(values: pd.Series) -> np.ndarray:
    """The bin of each value, the last one for missing: 32 quantile bins of numbers, categories as they are."""
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if numeric or pd.api.types.is_datetime64_any_dtype(values):
        numbers = values.astype("int64") if not numeric and not values.isna().any() else values
        if not numeric and values.isna().any():
            numbers = (values - values.min()).dt.total_seconds()
        floats = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
        gone = ~np.isfinite(floats)
        if gone.all():
            return np.zeros(len(floats), np.intp)
        if len(np.unique(floats[~gone])) <= 32:
            edges = np.unique(floats[~gone])
        else:
            edges = np.unique(np.quantile(floats[~gone], np.linspace(0, 1, 33)[1:-1]))
        codes = np.searchsorted(edges, floats, side="left")
        codes[gone] = len(edges) + 1
        return codes
    codes, words = pd.factorize(values)
    return np.where(codes < 0, len(words), codes)


def _tells(codes: np.ndarray, outcome: np.ndarray, folds: np.ndarray, task: Task | None) -> float:
    """AUC or R2 of the outcome's mean by bin, each fold ranked by what the four others say."""
    size = int(codes.max()) + 1
    rows = np.bincount(codes * 5 + folds, minlength=size * 5).reshape(size, 5)
    sums = np.bincount(codes * 5 + folds, outcome, minlength=size * 5).reshape(size, 5)
    rows_other = rows.sum(1, keepdims=True) - rows
    sums_other = sums.sum(1, keepdims=True) - sums
    mean = sums_other.sum(0) / np.maximum(rows_other.sum(0), 1)
    # One row's worth of the overall mean: a value that was never seen is guessed to be average.
    guess = ((sums_other + mean) / (rows_other + 1))[codes, folds]
    if task == "regression":
        spread = float(((outcome - outcome.mean()) ** 2).sum())
        return max(0.0, 1 - float(((outcome - guess) ** 2).sum()) / spread) if spread else 0.0
    aucs = [_auc(guess[folds == fold], outcome[folds == fold]) for fold in range(5)]
    known = [auc for auc in aucs if not math.isnan(auc)]
    return max(0.5, float(np.mean(known))) if known else 0.5


def _auc(score: np.ndarray, outcome: np.ndarray) -> float:
    positives = float(outcome.sum())
    negatives = len(outcome) - positives
    if not positives or not negatives:
        return math.nan
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return float((rank[outcome == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _missing_leak(
    gone: np.ndarray, target: pd.Series, outcomes: list[np.ndarray], folds: np.ndarray, found: Inspection
) -> str:
    alone = max(_tells(gone.astype(np.intp), outcome, folds, found.task) for outcome in outcomes)
    if found.task == "regression":
        if alone < 0.5:
            return ""
        return (
            f"whether it has a value explains {alone:.0%} of {found.target!r}; it is probably filled in later"
        )
    overall = target.value_counts(normalize=True)
    for group, words in ((~gone, "has a value"), (gone, "is empty")):
        rows = int(group.sum())
        if rows < 20:
            continue
        shares = target[group].value_counts(normalize=True)
        value, share = shares.index[0], float(shares.iloc[0])
        usual = float(overall[value])
        # Nearly pure, ten times purer than the whole, and not by chance (normal tail, five sigma).
        sigma = math.sqrt(usual * (1 - usual) / rows)
        if share >= 0.95 and 1 - share <= 0.1 * (1 - usual) and share - usual > 5 * sigma:
            return (
                f"where it {words} ({rows} of {len(gone)} rows), {found.target!r} is {_plain(value)!r} in"
                f" {share:.1%} (overall {usual:.1%}); it was probably filled in after the outcome"
            )
    return ""


def _value_leak(column: Column, values: pd.Series, target: np.ndarray) -> str:
    codes = pd.factorize(values)[0]
    pairs = len(np.unique(np.stack([codes, target]), axis=1)[0])
    if pairs == len(np.unique(codes)) == len(np.unique(target)):
        return "it is the target under another name: each of its values stands for one value of the target"
    if column.score is not None and column.score >= LEAK:
        return f"it tells the target nearly alone (cross-validated score {column.score:.3f} of 1)"
    return ""


def _propose(column: Column, found: Inspection) -> None:
    present = found.rows - column.missing
    per_value = present / column.distinct if column.distinct else 0
    if column.kind == "empty":
        column.reason = "has no values"
    elif column.kind == "constant":
        column.reason = "has the same value in every row"
    elif column.kind == "id":
        column.reason = "names or counts the rows, so it says nothing about a new one"
    elif column.leak:
        column.reason = "LEAK suspected: " + column.leak
    elif column.kind == "text":
        column.reason = f"free text, {column.distinct} different; needs words made into features first"
    elif column.kind == "datetime":
        column.reason = 'a point in time; use it in [split] with method = "time", or make features of it'
    elif column.kind == "category" and per_value < 5:
        column.reason = f"{column.distinct} different values in {present} rows: too many to learn from"
    elif present < 0.02 * found.rows:
        column.reason = f"has a value in {present} of {found.rows} rows only"
    else:
        column.role = "categorical"
        column.reason = f"{column.distinct} categories"
        if column.kind == "number" or (column.kind == "boolean" and column.numeric):
            column.role, column.reason = "numeric", f"{column.distinct} different numbers"
            if (
                column.kind == "number"
                and column.distinct <= STEPS
                and per_value >= STEP_ROWS
                and column.whole
            ):
                column.role = "categorical"
                column.reason = (
                    f"{column.distinct} different whole numbers with many rows each: a weight for each"
                )
        if column.missing:
            column.reason += f", {column.missing / found.rows:.1%} missing"
        if column.strong:
            column.reason += f"; tells much of the target alone ({column.score:.3f}): is it known beforehand?"


def _warn(found: Inspection, frame: pd.DataFrame) -> None:
    say = found.warnings.append
    for column in found.leaks:
        say(f"{column.name}: suspected leak: {column.leak}.")
    for column in found.columns:
        if column.kind == "id" and column.score is not None:
            limit = 0.6 if found.task == "classification" else 0.2
            if column.score > limit and pd.api.types.is_numeric_dtype(frame[column.name]):
                say(
                    f"{column.name}: counts the rows and still tells the target ({column.score:.3f}): the table"
                    " seems to be sorted by it. Keep the column out."
                )
        if column.strong:
            say(
                f"{column.name}: tells much of the target alone ({column.score:.3f}); is it known beforehand?"
            )
        if column.kind == "empty":
            say(f"{column.name}: has no values.")
        elif column.missing > 0.5 * found.rows and not column.leak:
            say(f"{column.name}: {column.missing / found.rows:.0%} of its values are missing.")
    if found.duplicates:
        say(
            f"{found.duplicates} rows repeat an earlier one; on both sides of a random split they would"
            " make the scores too good."
        )
    if found.target is not None:
        gone = found[found.target].missing
        if gone:
            say(f"{found.target}: the target is missing in {gone} rows; they cannot be learned from.")
    if found.classes:
        total = sum(found.classes.values())
        value, count = min(found.classes.items(), key=lambda item: item[1])
        if count < 10:
            say(f"{found.target}: class {value!r} has {count} rows only.")
        elif count < 0.05 * total:
            say(
                f"{found.target}: class {value!r} is rare ({count / total:.1%}); accuracy will look too good."
            )
