"""The functions that cross-validate: scikit-learn's code, with our way of running what it has to run."""

from collections.abc import Callable
from typing import Any

from sklearn import model_selection

from ferroflow._bridge.sklearn_compat import like_sklearns
from ferroflow._bridge.sklearn_search import with_globals
from ferroflow.metrics import check_scoring
from ferroflow.model_selection._check_cv import check_cv
from ferroflow.model_selection._parallel import Parallel


def _ours(theirs: Callable[..., Any], **names: Any) -> Callable[..., Any]:
    function = with_globals(
        theirs, Parallel=Parallel, check_cv=check_cv, check_scoring=check_scoring, **names
    )
    function.__module__ = __name__
    return like_sklearns(theirs, skip_nested=False)(function)


cross_validate = _ours(model_selection.cross_validate)
cross_val_score = _ours(model_selection.cross_val_score, cross_validate=cross_validate)
cross_val_predict = _ours(model_selection.cross_val_predict)
learning_curve = _ours(model_selection.learning_curve)
permutation_test_score = _ours(model_selection.permutation_test_score)
validation_curve = _ours(model_selection.validation_curve)
