"""FrozenModel: load, save, predict."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ferroflow._core import FrozenModel as _Native
from ferroflow.frozen._columns import NUMERIC, columns_of, rows_of
from ferroflow.frozen._file import write_whole


class FrozenModel:
    """A trained pipeline as one checked file, evaluated in Rust.

    Made by :func:`ferroflow.freeze` and :meth:`load`. Needs NumPy alone: neither scikit-learn nor pickle.

    Rows are given as an array (columns in the order of training), as a frame (pandas, polars or pyarrow: columns by
    name), as a list of dicts, or as one dict. A column that is missing or not known, text where a number is needed
    and the like are ``ValueError`` with row (counted from 0) and column.

    Attributes
    ----------
    name, version : str
        As given to :func:`ferroflow.freeze`.
    sha256 : str
        SHA-256 of the file. The same model gives the same.
    task : {"classifier", "regressor", "transformer"}
    classes_ : ndarray
        The classes, in the order of the probabilities' columns; empty unless a classifier.
    outputs : list of str
        Names of a transformer's columns or a regressor's targets.
    schema : dict
        ``{"columns": [{"name", "kind", "nullable", "single", "categories"}, ...]}``: what goes in.
    statistics : list of dict
        What the training columns looked like: counts, missing, mean, std, quantile bins or category counts.
    provenance : dict
        The versions and classes that made the model.
    """

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        self._native = _Native(self._data)
        about = self._native.describe()
        self.name: str = about["name"]
        self.version: str = about["version"]
        self.sha256: str = about["sha256"]
        self.task: str = about["task"]
        self.outputs: list[str] = about["outputs"]
        self.schema: dict[str, Any] = {"columns": about["schema"]}
        self.statistics: list[dict[str, Any]] = about["statistics"]
        self.provenance: dict[str, str] = about["provenance"]
        classes = about["classes"]
        self.classes_ = np.array(classes, dtype=object if classes and isinstance(classes[0], str) else None)
        self._names = [column["name"] for column in about["schema"]]
        self._kinds = [column["kind"] for column in about["schema"]]
        self._positions = {name: j for j, name in enumerate(self._names)}
        self._has_probabilities: bool = about["has_probabilities"]
        self._has_scores: bool = about["has_scores"]
        self._float = np.float32 if about["single"] else np.float64

    @classmethod
    def load(cls, path: str | os.PathLike) -> "FrozenModel":
        """Read a model file, check it whole and run its self-test rows.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        FrozenModel

        Raises
        ------
        ValueError
            The file is no model, was cut or altered, is newer than this reader, or fails its self-test.
        """
        path = Path(path)
        data = path.read_bytes()
        try:
            return cls(data)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return self._data

    def save(self, path: str | os.PathLike) -> None:
        """Write the model beside `path` and rename it, so that no half-written file is ever seen.

        Parameters
        ----------
        path : str or path-like
        """
        write_whole(Path(path), self._data)

    def predict(self, X: Any) -> Any:
        """Predict labels or values.

        Parameters
        ----------
        X : array-like, frame, list of dict, or dict

        Returns
        -------
        ndarray of shape (n_rows,) or (n_rows, n_outputs); for one dict the label or value itself
        """
        if self.task == "transformer":
            raise AttributeError("this frozen model is a transformer: it has transform, not predict")
        if type(X) is dict:
            return self._native.predict_row(X)
        output = self._run(X, "output")
        return self.classes_[output] if self.task == "classifier" else output

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like, frame, list of dict, or dict

        Returns
        -------
        ndarray of shape (n_rows, n_classes); for one dict of shape (n_classes,)
        """
        if not self._has_probabilities:
            raise AttributeError("this frozen model gives no probabilities (its loss has none)")
        if type(X) is dict:
            return self._native.proba_row(X)
        return self._run(X, "probabilities")

    def decision_function(self, X: Any) -> np.ndarray:
        """Compute a classifier's scores.

        Parameters
        ----------
        X : array-like, frame, list of dict, or dict

        Returns
        -------
        ndarray of shape (n_rows,) for two classes, else (n_rows, n_classes); for one dict its one row
        """
        if self.task != "classifier":
            raise AttributeError(f"this frozen model is a {self.task}: it has no decision_function")
        if not self._has_scores:
            raise AttributeError("this frozen model gives probabilities at once: it has no decision_function")
        scores = self._run(X, "scores")
        return scores[0] if type(X) is dict else scores

    def transform(self, X: Any) -> np.ndarray:
        """Transform rows to numbers.

        Parameters
        ----------
        X : array-like, frame, list of dict, or dict

        Returns
        -------
        ndarray of shape (n_rows, n_outputs); for one dict of shape (n_outputs,)
        """
        if self.task != "transformer":
            raise AttributeError(f"this frozen model is a {self.task}: it has predict, not transform")
        if type(X) is dict:
            return self._native.predict_row(X)
        return self._run(X, "output")

    def _run(self, X: Any, what: str) -> Any:
        """Return the "output", "probabilities" or "scores" of rows, or "both" of the first two."""
        if type(X) in (list, tuple) and X and type(X[0]) in (list, tuple):
            X = rows_of(X)
        if type(X) is np.ndarray:
            result = self._native.run_matrix(X, what)
            if result is not NotImplemented:
                return result
            if X.ndim == 2 and X.dtype.kind in NUMERIC and "text" not in self._kinds:
                return self._native.run_matrix(np.array(X, dtype=np.float64), what)
        if isinstance(X, dict):
            X = [X]
        if isinstance(X, list) and all(isinstance(row, dict) for row in X):
            return self._native.run_dicts(X, what)
        return self._native.run_columns(self._columns(X), what)

    def _columns(self, X: Any) -> list[Any]:
        names, columns = columns_of(X)
        if names is None:
            if len(columns) != len(self._names):
                raise ValueError(f"the array has {len(columns)} columns, the model needs {len(self._names)}")
        else:
            unknown = [name for name in names if name not in self._positions]
            if unknown:
                raise ValueError(f"the model has no column {unknown[0]!r}; leave it out")
            found = dict(zip(names, columns, strict=True))
            missing = [name for name in self._names if name not in found]
            if missing:
                raise ValueError(f"the column {missing[0]!r} is missing")
            columns = [found[name] for name in self._names]
        return [self._cells(*item) for item in zip(columns, self._kinds, self._names, strict=True)]

    @staticmethod
    def _cells(column: np.ndarray, kind: str, name: str) -> Any:
        if column.dtype.kind in NUMERIC and kind != "text":
            return column.astype(np.float64, copy=False)
        if column.dtype.kind in NUMERIC + "OUT":
            return column.tolist()
        raise ValueError(
            f"column '{name}' has the type {column.dtype}: give numbers, texts or truths (dates as numbers or texts)"
        )

    def __reduce__(self):
        return type(self), (self._data,)

    def __repr__(self) -> str:
        return (
            f"FrozenModel({self.name!r}, version={self.version!r}, {self.task}, {len(self._names)} columns)"
        )
