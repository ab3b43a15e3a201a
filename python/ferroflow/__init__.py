"""scikit-learn's API on a Rust core, from the raw table to the served model.

Submodules are named and laid out as scikit-learn's; they are imported when first used, so that
``from ferroflow.frozen import FrozenModel`` needs NumPy alone.
"""

from importlib import import_module
from typing import Any

from ferroflow._core import __version__

_HOMES = {
    "accelerate": "ferroflow._bridge.accelerate",
    "restore": "ferroflow._bridge.accelerate",
    "config": "ferroflow._bridge.ledger",
    "explain": "ferroflow._bridge.ledger",
    "freeze": "ferroflow.deploy.freeze",
    "from_onnx": "ferroflow.neural_network._onnx",
    "to_onnx": "ferroflow.deploy.export",
}
_MODULES = (
    "calibration",
    "compose",
    "deploy",
    "frozen",
    "impute",
    "linear_model",
    "maintain",
    "metrics",
    "model_selection",
    "neural_network",
    "pipeline",
    "preprocessing",
    "svm",
    "workflow",
)

__all__ = ["__version__", *_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"ferroflow.{name}")
    raise AttributeError(f"module 'ferroflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
