"""A digest of data, estimators and settings by what they hold, the same in every process."""

import hashlib
from types import CodeType
from typing import Any

import joblib
import numpy as np
import pandas as pd
from scipy import sparse


def fingerprint(*values: Any) -> str:
    """Digest the values; an object that cannot be looked into counts by its type."""
    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        _feed(digest, value)
    return digest.hexdigest()


def _feed(digest: Any, value: Any) -> None:
    digest.update(f"<{type(value).__module__}.{type(value).__qualname__}".encode())
    if isinstance(value, type(None) | bool | int | float | complex | str | bytes | np.generic):
        digest.update(repr(value).encode())
    elif isinstance(value, np.ndarray) and not value.dtype.hasobject:
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(np.ascontiguousarray(value).data.cast("B") if value.size else b"")
    elif isinstance(value, pd.DataFrame | pd.Series | pd.Index):
        _feed_frame(digest, value)
    elif sparse.issparse(value):
        digest.update(f"{value.format}{value.shape}".encode())
        for name in ("data", "indices", "indptr", "row", "col"):
            if isinstance(getattr(value, name, None), np.ndarray):
                _feed(digest, getattr(value, name))
    elif isinstance(value, dict):
        for key, item in value.items():
            _feed(digest, key)
            _feed(digest, item)
    elif isinstance(value, list | tuple):
        for item in value:
            _feed(digest, item)
    elif hasattr(value, "get_params") and not isinstance(value, type):
        _feed(digest, value.get_params(deep=False))
    elif hasattr(value, "__code__"):
        _feed_function(digest, value)
    else:
        _feed_other(digest, value)
    digest.update(b">")


def _feed_frame(digest: Any, value: Any) -> None:
    frame = value.to_frame() if not isinstance(value, pd.DataFrame) else value
    digest.update(repr([*frame.columns, *map(str, frame.dtypes), len(frame)]).encode())
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]
        try:
            hashes = pd.util.hash_pandas_object(column, index=False).to_numpy()
        except TypeError:  # objects that have no hash
            _feed(digest, column.tolist())
        else:
            _feed(digest, hashes)


def _feed_function(digest: Any, function: Any) -> None:
    digest.update(f"{function.__module__}.{function.__qualname__}".encode())
    _feed_code(digest, function.__code__)
    _feed(digest, function.__defaults__)
    for cell in function.__closure__ or ():
        _feed_other(digest, cell.cell_contents)


def _feed_code(digest: Any, code: CodeType) -> None:
    digest.update(code.co_code)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _feed_code(digest, constant)
        else:
            digest.update(repr(constant).encode())


def _feed_other(digest: Any, value: Any) -> None:
    try:
        digest.update(str(joblib.hash(value)).encode())
    except Exception:  # whatever cannot be pickled says so in its own way
        return
