"""What the steps' values are."""

from typing import Any

import numpy as np


def is_missing(value: Any) -> bool:
    return (
        value is None
        or (isinstance(value, float | np.floating) and value != value)
        or type(value).__name__ in ("NAType", "NaTType")
    )


def dtype_of(X: Any) -> np.dtype:
    if hasattr(X, "dtypes"):
        kinds = [t if isinstance(t, np.dtype) else np.dtype(object) for t in X.dtypes]
        return np.result_type(*kinds) if kinds else np.dtype(np.float64)
    dtype = getattr(X, "dtype", None)
    return dtype if isinstance(dtype, np.dtype) else np.dtype(np.float64)


def float_of(X: Any) -> int:
    return 32 if dtype_of(X) == np.float32 else 64
