"""Split a clean table into rows to learn from and rows to judge by."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ferroflow.workflow._files import write_beside
from ferroflow.workflow._parts import train_test_split
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
    shuffle: bool = True,
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
    shuffle : bool, default=True
        If False the last rows are held out: right for rows in the order of time.
    random_state : int, default=0

    Returns
    -------
    Split
    """
    positions = np.arange(len(y))
    by_class = y if stratify and shuffle and task == CLASSIFICATION else None
    try:
        train, test = train_test_split(
            positions,
            test_size=test_size,
            stratify=by_class,
            shuffle=shuffle,
            random_state=random_state if shuffle else None,
        )
    except ValueError as error:
        raise CleaningError(f"{len(y):,} rows cannot be split with test_size={test_size}: {error}") from error
    if task == CLASSIFICATION:
        for part, rows in (("training", train), ("held-out", test)):
            if len(np.unique(y[rows])) < 2:
                raise CleaningError(
                    f"the {part} part holds one class only; set stratify to true, shuffle to true, or another test_size"
                )
    return Split(np.sort(train), np.sort(test))
