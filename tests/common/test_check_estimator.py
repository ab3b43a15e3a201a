"""Every estimator of the package through every check of scikit-learn's."""

from importlib.util import find_spec

import pytest
from optuna.distributions import FloatDistribution
from public import estimator_classes
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils._test_common.instance_generator import (
    INIT_PARAMS,
    PER_ESTIMATOR_CHECK_PARAMS,
    PER_ESTIMATOR_XFAIL_CHECKS,
    _construct_instances,
    _get_check_estimator_ids,
    _get_expected_failed_checks,
)
from sklearn.utils.estimator_checks import estimator_checks_generator

# The other strategies take objects, which one check forbids: scikit-learn's own class fails it with them.
MORE = {"SimpleImputer": [{"strategy": "median"}], "DropMissing": [{"axis": "columns"}]}

# Classes that scikit-learn has not: how to make one, and whose expected failures they share.
OURS_ALONE = {
    "ExpressionTransformer": (FunctionTransformer, {"expressions": {"more": "x0 * 2 + 1"}, "keep": "all"}),
    "OptunaSearchCV": (
        GridSearchCV,
        {
            "estimator": LogisticRegression(),
            "param_distributions": {"C": FloatDistribution(0.1, 1.0)},
            "n_trials": 2,
            "cv": 2,
            "error_score": "raise",
        },
    ),
}

FAILS_THERE_TOO = {
    "PolynomialFeatures": {
        "check_array_api_same_namespace": "scikit-learn's table has this for its own: the check is not in it yet"
    },
    "StandardScaler": {
        "check_array_api_same_namespace": "scikit-learn's transform mixes its arrays with NumPy's, AttributeError"
    },
}


def cases():
    for cls in estimator_classes():
        # scikit-learn's own choice of parameters, for the constructor and for single checks, and of what may fail, by the
        # class's name.
        for table in (INIT_PARAMS, PER_ESTIMATOR_CHECK_PARAMS, PER_ESTIMATOR_XFAIL_CHECKS):
            theirs = next((c for c in table if c.__name__ == cls.__name__), None)
            if theirs is not None:
                table[cls] = table[theirs]
        if cls.__name__ in OURS_ALONE:
            like, parameters = OURS_ALONE[cls.__name__]
            INIT_PARAMS[cls] = parameters
            PER_ESTIMATOR_XFAIL_CHECKS[cls] = PER_ESTIMATOR_XFAIL_CHECKS.get(like, {})
        for estimator in (*_construct_instances(cls), *(cls(**more) for more in MORE.get(cls.__name__, []))):
            # scikit-learn's own table of expected failures for its class of that name, and what it left out there.
            expected = _get_expected_failed_checks(estimator) | FAILS_THERE_TOO.get(cls.__name__, {})
            for case in estimator_checks_generator(estimator, expected_failed_checks=expected, mark="xfail"):
                if not needs_a_missing_library(getattr(case, "values", case)):
                    yield case


def needs_a_missing_library(case):
    """Does an array API check ask for the arrays of a library that is not installed?"""
    return any(name in repr(case[1]) and find_spec(name) is None for name in ("torch", "cupy", "dpnp"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), list(cases()), ids=_get_check_estimator_ids)
def test_estimator(estimator, check):
    check(estimator)
