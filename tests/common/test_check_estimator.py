"""Every estimator of the package through every check of scikit-learn's."""

import inspect
from importlib import import_module

import pytest
from sklearn.base import BaseEstimator
from sklearn.utils._test_common.instance_generator import _construct_instances, _get_expected_failed_checks
from sklearn.utils.estimator_checks import parametrize_with_checks

from ferroflow._bridge.accelerate import MODULES


def estimators():
    for module in (*MODULES, "linear_model"):
        public = import_module(f"ferroflow.{module}")
        for name in public.__all__:
            found = getattr(public, name)
            if inspect.isclass(found) and issubclass(found, BaseEstimator):
                # scikit-learn's own choice of constructor parameters, by the class's name.
                yield from _construct_instances(found)


def expected_failures(estimator):
    """scikit-learn's own table for its class of that name: there is none of ours."""
    return _get_expected_failed_checks(estimator)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(list(estimators()), expected_failed_checks=expected_failures)
def test_estimator(estimator, check):
    check(estimator)
