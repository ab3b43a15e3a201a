"""Every public estimator of the package that is not simply scikit-learn's own."""

import inspect
from importlib import import_module

from sklearn.base import BaseEstimator

from ferroflow._bridge.accelerate import MODULES


def estimator_classes():
    for module in MODULES:
        public = import_module(f"ferroflow.{module}")
        for name in public.__all__:
            found = getattr(public, name)
            if (
                inspect.isclass(found)
                and issubclass(found, BaseEstimator)
                and found.__module__.startswith("ferroflow.")
            ):
                yield found
