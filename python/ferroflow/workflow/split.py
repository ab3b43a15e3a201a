"""Split a clean table into rows to learn from and rows to judge by."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ferroflow.model_selection import train_test_split
from ferroflow.workflow._files import write_beside
from ferroflow.workflow.clean import CLASSIFICATION, CleaningError


@dataclass(frozen=True)
class Split:
    """Positions of the training and of the held-out rows; no row is in both."""

    train: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        if np.intersect1d(self.train, self.test).size:
            raise ValueError("a row is in the training and in the held-out part")

    def save(self, path: Path) -> None:
        with write_beside(path, "wb") as file:
            np.savez_compressed(file, train=self.train, test=self.test)

    @classmethod
    def load(cls, path: Path) -> "Split":
        with np.load(path, allow_pickle=False) as arrays:
            return cls(arrays["train"], arrays["test"])


def split(
    y: np.ndarray,
    *,
    task: str = CLASSIFICATION,
    test_size: float = 0.2,
    stratify: bool = True,
    order: np.ndarray | None = None,
    random_state: int = 0,
) -> Split:
    """Split the rows of a target.

    Parameters
    ----------
    y : ndarray of shape (n_rows,)
    task : {"classification", "regression"}
    test_size : float, default=0.2
        The share of the rows that is held out.
    stratify : bool, default=True
        Keep the shares of the classes in both parts (classification only).
    order : ndarray of shape (n_rows,), optional
        The rows from the earliest to the latest: the latest are held out then, see :func:`time_order`.
    random_state : int, default=0

    Returns
    -------
    Split
    """
    positions = np.arange(len(y)) if order is None else order
    by_class = y if stratify and order is None and task == CLASSIFICATION else None
    try:
        train, test = train_test_split(
            positions,
            test_size=test_size,
            stratify=by_class,
            shuffle=order is None,
            random_state=random_state if order is None else None,
        )
    except ValueError as error:
        raise CleaningError(f"{len(y):,} rows cannot be split with test_size={test_size}: {error}") from error
    if task == CLASSIFICATION:
        for part, rows in (("training", train), ("held-out", test)):
            if len(np.unique(y[rows])) < 2:
                raise CleaningError(
                    f'the {part} part holds one class only; set [split] stratify to true, method to "random", or'
                    " another test_size"
                )
    return Split(np.sort(train), np.sort(test))


def time_order(frame: pd.DataFrame, column: str, rows: np.ndarray) -> np.ndarray:
    """Return the order in time of some rows of a table: numbers, dates, or texts that are dates.

    Parameters
    ----------
    frame : DataFrame
    column : str
        What orders the rows; equal ones stay in the table's order.
    rows : ndarray of shape (n_rows,)
        Positions in `frame`.

    Returns
    -------
    ndarray of shape (n_rows,)
        Positions in `rows`, the earliest first.
    """
    if column not in frame.columns:
        raise CleaningError(f"[split] time: no column is called {column!r}")
    values = frame[column].iloc[rows].reset_index(drop=True)
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_datetime64_any_dtype(values)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that it looks at each text by itself
                values = pd.to_datetime(values)
        except (ValueError, TypeError) as error:
            raise CleaningError(f"[split] time: {column!r} holds what is no point in time: {error}") from None
    gone = int(values.isna().sum())
    if gone:
        raise CleaningError(
            f"[split] time: {column!r} is missing in {gone:,} rows, which have no place in time"
        )
    return np.argsort(values.to_numpy(), kind="stable")
