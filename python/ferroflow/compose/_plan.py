"""How a fitted ColumnTransformer runs on plain tables: what is looked up once, and what runs for each table."""

from typing import Any

import numpy as np
from scipy import sparse
from sklearn import pipeline as theirs
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import _safe_indexing

from ferroflow._bridge.frame_columns import ColumnOf, block_of, column_reader
from ferroflow._bridge.fresh import empty
from ferroflow._bridge.sklearn_compat import default_output
from ferroflow.pipeline import Pipeline

# Tables of texts with more rows are handed on as frames: their columns cross without objects.
_FEW = 256
# Values that each transformer of a chain works on before the next rows, so that it finds them in cache.
_BLOCK = 1 << 17
_NAMES = "feature_names_in_"
_F64, _F32 = np.dtype(np.float64), np.dtype(np.float32)


class NotPlain(Exception):
    """The table, or a step, needs scikit-learn's own way."""


class Step:
    """A fitted transformer, its columns, and where its output goes."""

    def __init__(self, trans: Any, columns: Any, places: list[int], to: slice) -> None:
        self.columns, self.places, self.to = columns, places, to
        self.chain = _chain(trans)
        self.scalar = np.isscalar(columns)
        first = self.chain[0] if self.chain else None
        self.first, self.nameless = first, _without_names(first)
        self.ours = first is None or type(first).__module__.startswith("ferroflow.")
        self.encodes = "Encoder" in type(first).__name__
        self.texts = self.encodes or hasattr(first, "statistics_")
        self.there = all(hasattr(one, "_transform_there") for one in self.chain)
        self.encoder: Any = first if len(self.chain) == 1 and hasattr(first, "_encode_there") else None
        self.floats = hasattr(first, "_transform_there") and not hasattr(first, "_can_write_there")

    def is_plain(self) -> bool:
        """Would an array of this step's columns do as well as the part of the frame?"""
        return self.ours and not self.scalar and all(default_output(one) for one in self.chain)

    def block(self, X: Any, column: ColumnOf | None, rows: int) -> np.ndarray | None:
        """This step's columns as an array, if it is one of ours and they are plain."""
        if not self.is_plain():
            return None
        if column is None:
            return X[:, self.places]
        block = block_of(column, self.places, rows, texts=self.texts and rows <= _FEW, mixed=not self.encodes)
        if block is not None and self.floats and block.dtype.kind in "iu":
            block = block.astype(np.float64)
        return block

    def run(self, X: Any, column: ColumnOf | None, rows: int) -> Any:
        """Transform this step's columns of X."""
        out = self.block(X, column, rows)
        if out is None:
            out = self.part(X, column)
            rest = self.chain
        else:
            if self.first is not None:
                out = self._plain_first().transform(out)
            rest = self.chain[1:]
        for one in rest:
            out = one.transform(out)
        return out

    def dtype_there(self, X: Any, column: ColumnOf | None, rows: int) -> np.dtype | None:
        """The type of an output that this step can write in its place; None if it has to make its own."""
        if rows <= _FEW or not self.is_plain():
            return None
        if self.encoder is not None and column is not None:
            return self.encoder._dtype_there()
        if not self.there:
            return None
        dtypes = {X.dtype} if column is None else {getattr(column(j), "dtype", None) for j in self.places}
        if dtypes in ({_F32}, {_F64}):
            (dtype,) = dtypes
            careful = (one for one in self.chain if hasattr(one, "_can_write_there"))
            return dtype if all(one._can_write_there(dtype) for one in careful) else None
        if not self.floats or len(self.chain) > 1:
            return None
        plain = all(isinstance(d, np.dtype) and (d.kind in "iu" or d in (_F64, _F32)) for d in dtypes)
        return _F64 if plain else None

    def write(self, X: Any, column: ColumnOf | None, out: np.ndarray) -> None:
        """Transform this step's columns in their place in the output, after they were copied to it; or encode to it."""
        if self.encoder is not None:
            if not self.encoder._encode_there(self.part(X, column), out):
                raise NotPlain
            return
        chain = [one if k else self._plain_first() for k, one in enumerate(self.chain)]
        columns = None if column is None else [column(j) for j in self.places]
        step = max(_FEW, _BLOCK // len(self.places))
        for begin in range(0, len(out), step):
            rows = slice(begin, begin + step)
            part = out[rows]
            if columns is None:
                part[:] = X[rows, self.places]
            else:
                for k, values in enumerate(columns):
                    part[:, k] = values[rows]
            if not all(one._transform_there(part) for one in chain):
                raise NotPlain  # a value that scikit-learn's validation refuses

    def part(self, X: Any, column: ColumnOf | None) -> Any:
        """This step's columns of X, as scikit-learn would select them."""
        if column is None:
            return _safe_indexing(X, self.columns, axis=1)
        if hasattr(X, "iloc"):
            # By place: pandas' search for labels takes most of the time of a row.
            return X.iloc[:, self.places[0]] if self.scalar else X.take(self.places, axis=1)
        labels = [X.columns[j] for j in self.places]
        return _safe_indexing(X, labels[0] if self.scalar else labels, axis=1)

    def _plain_first(self) -> Any:
        state, known = self.first.__dict__, self.nameless.__dict__
        if len(state) - (_NAMES in state) != len(known) or any(
            known.get(key) is not value for key, value in state.items() if key != _NAMES
        ):
            self.nameless = _without_names(self.first)  # somebody changed it
        return self.nameless


def _chain(trans: Any) -> list[Any]:
    """The transformers that run one after the other; empty if they change nothing."""
    if type(trans) in (Pipeline, theirs.Pipeline):
        steps = [one for _, one in trans.steps if hasattr(one, "transform")]
        return [inner for one in steps for inner in _chain(one)]
    plain = getattr(type(trans), "transform", None) is FunctionTransformer.transform
    if plain and trans.func is None and not trans.validate:
        return []
    return [trans]


def _without_names(estimator: Any) -> Any:
    """The same fitted estimator (the same attributes, not copied), but for the names of its columns."""
    if estimator is None:
        return None
    other = object.__new__(type(estimator))
    other.__dict__.update(estimator.__dict__)
    other.__dict__.pop(_NAMES, None)
    return other


class Plan:
    """The steps of a fitted ColumnTransformer."""

    def __init__(self, owner: Any) -> None:
        self.transformers = owner.transformers_
        self.names = getattr(owner, _NAMES, None)
        self.width = owner.n_features_in_
        self.seen: Any = None
        self.steps = []
        for name, trans, columns in owner.transformers_:
            places = [int(j) for j in owner._transformer_to_input_indices[name]]
            if places and not (isinstance(trans, str) and trans == "drop"):
                if isinstance(trans, str):
                    raise NotPlain  # scikit-learn before 1.6 keeps "passthrough" as it is
                self.steps.append(Step(trans, columns, places, owner.output_indices_[name]))
        if not self.steps:
            raise NotPlain
        self.total = self.steps[-1].to.stop

    def run(self, X: Any) -> list[Any]:
        """Transform X by each step."""
        rows, column = self._look(X)
        parts = [step.run(X, column, rows) for step in self.steps]
        if any(getattr(part, "ndim", 0) != 2 for part in parts):
            raise NotPlain  # scikit-learn words the error
        return parts

    def run_dense(self, X: Any) -> np.ndarray:
        """Transform X into one array; if all steps can, they write straight into it."""
        rows, column = self._look(X)
        there = [step.dtype_there(X, column, rows) for step in self.steps]
        blocks = {
            k: self._dense(step, step.run(X, column, rows), rows)
            for k, step in enumerate(self.steps)
            if there[k] is None
        }
        dtype = np.result_type(*(blocks.get(k, d) for k, d in enumerate(there)))
        for k, step in enumerate(self.steps):
            if there[k] not in (None, dtype):
                blocks[k] = self._dense(step, step.run(X, column, rows), rows)
        if len(blocks) == len(self.steps):
            return blocks[0] if len(blocks) == 1 else np.hstack([blocks[k] for k in range(len(blocks))])
        # A frame's columns lie by themselves, so they stay so: interleaving them took twice the time.
        by_row = column is None and X.flags.c_contiguous
        out = empty((rows, self.total), dtype, "C" if by_row else "F")
        for k, step in enumerate(self.steps):
            if k in blocks:
                out[:, step.to] = blocks.pop(k)
            else:
                step.write(X, column, out[:, step.to])
        return out

    @staticmethod
    def _dense(step: Step, out: Any, rows: int) -> np.ndarray:
        out = out.toarray() if sparse.issparse(out) else out
        if type(out) is not np.ndarray or out.shape != (rows, step.to.stop - step.to.start):
            raise NotPlain
        return out

    def _look(self, X: Any) -> tuple[int, ColumnOf | None]:
        """Check that X has the columns of the fit, in that order."""
        if type(X) is np.ndarray:
            if self.names is not None or X.ndim != 2 or X.shape[1] != self.width or X.size == 0:
                raise NotPlain
            return X.shape[0], None
        column = column_reader(X)
        if column is None or self.names is None or X.shape[0] == 0:
            raise NotPlain
        labels = X.columns
        if labels is not self.seen:
            if len(labels) != self.width or any(a != b for a, b in zip(labels, self.names, strict=True)):
                raise NotPlain
            self.seen = labels if type(labels) is not list else None
        return X.shape[0], column
