"""The workflow, one module per stage, from the raw table to the frozen model.

The commands of ``ferroflow`` as functions: :func:`init`, :func:`explore`, :func:`run`, :func:`predict`.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "explore": "ferroflow.workflow._explore",
    "init": "ferroflow.workflow._init",
    "predict": "ferroflow.workflow._predict",
    "run": "ferroflow.workflow._run",
}

__all__ = ["explore", "init", "predict", "run"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'ferroflow.workflow' has no attribute {name!r}")
