"""The frozen model: one file that predicts what its pipeline predicted, with NumPy alone."""

from ferroflow.frozen._model import FrozenModel

__all__ = ["FrozenModel"]
