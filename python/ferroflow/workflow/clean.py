"""Clean a raw table: missing marks, types, rows without a target, duplicates.

Nothing here learns from the values of other rows: a mark becomes missing, a text that is a number becomes
that number, a row leaves because of itself or because it is there twice. Filling, scaling and encoding are
fitted later, inside the pipeline, on training rows alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ferroflow.workflow.inspect import repeated_rows
from ferroflow.workflow.problem import DataError

NUMBER = "number"
CATEGORY = "category"

CLASSIFICATION = "classification"
REGRESSION = "regression"

# A whole-number target with at most this many values is taken for classes when nobody says otherwise.
MAX_INFERRED_CLASSES = 20


class CleaningError(DataError):
    """The table cannot be used as asked; the message says why and what to do."""


@dataclass
class CleanReport:
    """What cleaning changed, for the report and for a person to check.

    `marks` counts the missing marks by column, `read_marks` by text those that were read as missing before.
    """

    rows_in: int = 0
    rows_out: int = 0
    duplicates: int = 0
    missing_target: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    read_marks: dict[str, int] = field(default_factory=dict)
    parsed_numbers: list[str] = field(default_factory=list)
    dropped_columns: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Cleaned:
    """A clean table: features, target, and which feature is of which kind.

    Attributes
    ----------
    X : DataFrame of shape (n_rows, n_features)
        Numbers, and categories that are numbers, are float64 columns, other categories object columns of str;
        missing is NaN in both.
    y : ndarray of shape (n_rows,)
    numeric, categorical : list of str
        The columns of `X` by kind, in the order of the table.
    task : {"classification", "regression"}
    rows : ndarray of shape (n_rows,)
        Positions in the raw table of the rows that were kept.
    report : CleanReport
    """

    X: pd.DataFrame
    y: np.ndarray
    numeric: list[str]
    categorical: list[str]
    task: str
    rows: np.ndarray
    report: CleanReport


def infer_task(y: pd.Series) -> str:
    """Say whether a target holds classes or quantities."""
    present = y.dropna()
    if not pd.api.types.is_numeric_dtype(present) or pd.api.types.is_bool_dtype(present):
        return CLASSIFICATION
    values = present.unique()
    whole = bool(np.all(np.mod(values.astype(np.float64), 1) == 0)) if len(values) else False
    return CLASSIFICATION if whole and len(values) <= MAX_INFERRED_CLASSES else REGRESSION


def blank_marks(column: pd.Series, marks: Sequence[str]) -> tuple[pd.Series, int]:
    """Return the text column with each missing mark made missing, and how many there were.

    Blanks around a mark do not count: ``" ?"`` is the mark ``"?"``. Other texts stay as they are, since the
    rows that are predicted later come with the same blanks.
    """
    if _is_text(column):
        values = column.astype(object)
        stripped = values.map(lambda v: v.strip() if isinstance(v, str) else v)
        hit = stripped.isin([*marks, ""]).to_numpy()
        return (values.mask(hit, np.nan) if hit.any() else values), int(hit.sum())
    return column, 0


def as_number(column: pd.Series) -> pd.Series | None:
    """Return the column as float64 (or float32 where it is one), or None if it holds what is no number."""
    if pd.api.types.is_float_dtype(column) and isinstance(column.dtype, np.dtype):
        return column if column.dtype in (np.float32, np.float64) else column.astype(np.float64)
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        return pd.Series(column.to_numpy(dtype=np.float64, na_value=np.nan), column.index, name=column.name)
    if _is_text(column):
        present = column.dropna()
        if len(present) and present.map(lambda v: isinstance(v, (bool, np.bool_))).all():
            return column.map(lambda v: float(v) if isinstance(v, (bool, np.bool_)) else np.nan).astype(float)
        try:
            return pd.to_numeric(column.astype(object)).astype(np.float64)
        except (ValueError, TypeError):
            return None
    return None


def as_category(column: pd.Series) -> pd.Series:
    """Return the column as objects of str, missing as NaN; whole numbers are written without ``.0``."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        of_column = pd.Series(column.cat.categories, dtype=object)
        texts = as_category(of_column).to_numpy(dtype=object) if len(of_column) else np.empty(0, dtype=object)
        codes = column.cat.codes.to_numpy()
        values = np.append(texts, [np.nan]).astype(object)[codes]
        return pd.Series(values, column.index, dtype=object, name=column.name)
    missing = column.isna().to_numpy()
    if pd.api.types.is_float_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        present = values[~missing]
        whole = len(present) == 0 or bool(np.all(np.mod(present, 1) == 0))
        uniques, codes = np.unique(values, return_inverse=True)
        names = [str(int(v)) if whole and np.isfinite(v) else repr(float(v)) for v in uniques]
        out = np.array(names, dtype=object)[codes]
    else:
        out = column.astype(object).map(lambda v: v if isinstance(v, str) else str(v)).to_numpy(dtype=object)
    out[missing] = np.nan
    return pd.Series(out, column.index, dtype=object, name=column.name)


def clean(
    frame: pd.DataFrame,
    target: str,
    *,
    task: str | None = None,
    kinds: Mapping[str, str] | None = None,
    drop: Sequence[str] = (),
    missing_marks: Sequence[str] = ("?",),
    drop_duplicates: bool = True,
    drop_missing_target: bool = True,
) -> Cleaned:
    """Clean a raw table.

    Parameters
    ----------
    frame : DataFrame
        The table as collected. It is not changed.
    target : str
        The column to predict.
    task : {"classification", "regression"}, default=None
        What the target is; inferred from its values if None.
    kinds : mapping of str to {"number", "category"}, default=None
        The kind of each feature. Columns that are not named get the kind that their values have.
    drop : sequence of str
        Columns that are no features (ids, leaks).
    missing_marks : sequence of str
        Texts that stand for a missing value.
    drop_duplicates : bool, default=True
        Keep only the first of rows that are equal in every column of the raw table (but for ids that are no
        features); a copy in both parts of a split would be judged on what was learned by heart.
    drop_missing_target : bool, default=True
        Leave out rows without a target; if False they are an error.

    Returns
    -------
    Cleaned

    Raises
    ------
    CleaningError
        When no such target, no row with a target, one class only, or no feature remains.
    """
    report = CleanReport(rows_in=len(frame))
    kinds = dict(kinds or {})
    _check_columns(frame, target, drop, kinds)

    label, n_marks = blank_marks(frame[target], missing_marks)
    if n_marks:
        report.marks[target] = n_marks
    # A target of text that holds numbers becomes numbers.
    if _is_text(label):
        numbers = as_number(label)
        if numbers is not None:
            label = numbers
    has_target = label.notna().to_numpy()
    report.missing_target = int((~has_target).sum())
    if not has_target.any():
        raise CleaningError(
            f"every value of the target {target!r} is missing; name another target, or check `missing_marks`"
        )
    if report.missing_target and not drop_missing_target:
        row = int(np.flatnonzero(~has_target)[0])
        raise CleaningError(
            f"the target {target!r} is missing in {report.missing_target:,} rows, first in row {row + 1};"
            ' complete them, or set [clean] missing_target = "drop"'
        )
    task = infer_task(label) if task is None else task
    rows = np.flatnonzero(has_target)
    label = label[has_target]

    dropped = set(drop)
    numeric: list[str] = []
    categorical: list[str] = []
    columns: dict[str, pd.Series] = {}
    for name in frame.columns:
        if name == target or name in dropped:
            continue
        column, n_marks = blank_marks(frame[name][has_target], missing_marks)
        if n_marks:
            report.marks[name] = n_marks
        if column.isna().all():
            report.dropped_columns[name] = "every value is missing"
            report.warnings.append(f"Column {name!r} is dropped: every value is missing.")
            continue
        wanted = kinds.get(name)
        # Categories that are numbers stay numbers: 3 and 3.0 are one category, and a served row gives it as 3.
        numbers = None if wanted == CATEGORY and _is_text(column) else as_number(column)
        if wanted == NUMBER and numbers is None:
            row, value = _first_no_number(column)
            raise CleaningError(
                f"column {name!r} should hold numbers, but row {row + 1} holds {value!r}; add it to the missing "
                f"marks, or make the column a category"
            )
        if numbers is not None:
            if column.map(lambda v: isinstance(v, str)).any():
                report.parsed_numbers.append(name)
            infinite = np.isinf(numbers.to_numpy())
            if infinite.any():
                n = int(infinite.sum())
                numbers = numbers.mask(infinite, np.nan)
                report.warnings.append(f"{n:,} infinite values of {name!r} are treated as missing.")
            columns[name] = numbers
            (categorical if wanted == CATEGORY else numeric).append(name)
        elif pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            report.dropped_columns[name] = "a date or time; make numbers or categories of it first"
            report.warnings.append(
                f"Column {name!r} is dropped: it holds dates or times, which this workflow does not use as they are."
            )
        else:
            columns[name] = as_category(column)
            categorical.append(name)
    if not columns:
        raise CleaningError("no feature is left: every column is the target, dropped, or all missing")

    X = pd.DataFrame(columns, copy=False)
    if drop_duplicates:
        twice = repeated_rows(frame, features=list(columns))[has_target]
        report.duplicates = int(twice.sum())
        if report.duplicates:
            X, label, rows = X[~twice], label[~twice], rows[~twice]
    X = X.reset_index(drop=True)
    report.rows_out = len(X)
    y = _target_values(label, target, task)
    _note_losses(report, target)
    return Cleaned(X, y, numeric, categorical, task, rows, report)


def _is_text(column: pd.Series) -> bool:
    return bool(
        pd.api.types.is_object_dtype(column) or pd.api.types.is_string_dtype(column)
    ) and not isinstance(column.dtype, pd.CategoricalDtype)


def _check_columns(frame: pd.DataFrame, target: str, drop: Sequence[str], kinds: Mapping[str, str]) -> None:
    names = list(frame.columns)
    if len(set(names)) != len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise CleaningError(f"two columns are called {twice!r}; rename one")
    if target not in names:
        raise CleaningError(f"no column is called {target!r} (the target); {_near(target, names)}")
    for name in (*drop, *kinds):
        if name not in names:
            raise CleaningError(f"no column is called {name!r}; {_near(name, names)}")
    if target in drop:
        raise CleaningError(f"the target {target!r} is also among the columns to drop")
    if len(frame) == 0:
        raise CleaningError("the table has no rows")


def _near(name: str, names: Sequence[str]) -> str:
    from difflib import get_close_matches

    texts = [str(n) for n in names]
    close = get_close_matches(name, texts, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    shown = ", ".join(texts[:20]) + (", ..." if len(texts) > 20 else "")
    return f"the columns are: {shown}"


def _first_no_number(column: pd.Series) -> tuple[int, Any]:
    bad = pd.to_numeric(column.astype(object), errors="coerce").isna() & column.notna()
    if not bad.any():
        return 0, column.iloc[0]
    position = int(np.flatnonzero(bad.to_numpy())[0])
    return int(column.index[position]) if isinstance(column.index[position], int) else position, column.iloc[
        position
    ]


def _target_values(label: pd.Series, target: str, task: str) -> np.ndarray:
    if task == REGRESSION:
        numbers = as_number(label)
        if numbers is None:
            row, value = _first_no_number(label)
            raise CleaningError(
                f"the target {target!r} should be a number for regression, but row {row + 1} holds {value!r}; "
                f"set the task to classification, or name another target"
            )
        y = numbers.to_numpy(dtype=np.float64)
        if not np.isfinite(y).all():
            raise CleaningError(f"the target {target!r} holds infinite values")
        return y
    if task != CLASSIFICATION:
        raise CleaningError(f"the task should be 'classification' or 'regression', not {task!r}")
    y = label.to_numpy(dtype=object)
    numbers = as_number(label)
    if numbers is not None:
        values = numbers.to_numpy(dtype=np.float64)
        if np.all(np.mod(values, 1) == 0):
            y = values.astype(np.int64)
        else:
            raise CleaningError(
                f"the target {target!r} holds fractions, which are no classes; set the task to regression"
            )
    else:
        y = as_category(label).to_numpy(dtype=object).astype(str)
    classes, counts = np.unique(y, return_counts=True)
    if len(classes) < 2:
        raise CleaningError(
            f"the target {target!r} has one class only ({classes[0]!s}, {len(y):,} rows); there is nothing to tell apart"
        )
    rare = classes[counts < 2]
    if len(rare):
        raise CleaningError(
            f"class {rare[0]!s} of the target {target!r} has one row only; it can be in the training or the held-out "
            f"part, not in both. Drop it, merge it with another class, or set the task to regression"
        )
    return y


def _note_losses(report: CleanReport, target: str) -> None:
    if report.missing_target:
        report.warnings.append(
            f"{report.missing_target:,} of {report.rows_in:,} rows are dropped: their {target!r} is missing."
        )
    if report.duplicates:
        report.warnings.append(
            f"{report.duplicates:,} of {report.rows_in:,} rows are dropped: an equal row stands before them."
        )
