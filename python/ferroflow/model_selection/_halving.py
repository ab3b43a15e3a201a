"""Successive halving, whose candidates share what they agree on. No import from ``sklearn.experimental`` is needed."""

import numpy as np

from ferroflow._bridge import sklearn_search as theirs
from ferroflow.model_selection._search import SharedSearch, with_extra


class HalvingGridSearchCV(theirs.HalvingGridSearchCV, SharedSearch):
    _parameter_constraints: dict = {
        **theirs.HalvingGridSearchCV._parameter_constraints,
        **SharedSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        factor=3,
        resource="n_samples",
        max_resources="auto",
        min_resources="exhaust",
        aggressive_elimination=False,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=True,
        random_state=None,
        n_jobs=None,
        verbose=0,
        memory_budget=None,
        checkpoint=None,
    ):
        super().__init__(
            estimator,
            param_grid,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.memory_budget = memory_budget
        self.checkpoint = checkpoint


class HalvingRandomSearchCV(theirs.HalvingRandomSearchCV, SharedSearch):
    _parameter_constraints: dict = {
        **theirs.HalvingRandomSearchCV._parameter_constraints,
        **SharedSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_candidates="exhaust",
        factor=3,
        resource="n_samples",
        max_resources="auto",
        min_resources="smallest",
        aggressive_elimination=False,
        cv=5,
        scoring=None,
        refit=True,
        error_score=np.nan,
        return_train_score=True,
        random_state=None,
        n_jobs=None,
        verbose=0,
        memory_budget=None,
        checkpoint=None,
    ):
        super().__init__(
            estimator,
            param_distributions,
            n_candidates=n_candidates,
            factor=factor,
            resource=resource,
            max_resources=max_resources,
            min_resources=min_resources,
            aggressive_elimination=aggressive_elimination,
            cv=cv,
            scoring=scoring,
            refit=refit,
            error_score=error_score,
            return_train_score=return_train_score,
            random_state=random_state,
            n_jobs=n_jobs,
            verbose=verbose,
        )
        self.memory_budget = memory_budget
        self.checkpoint = checkpoint


HalvingGridSearchCV.__doc__ = with_extra(theirs.HalvingGridSearchCV.__doc__)
HalvingRandomSearchCV.__doc__ = with_extra(theirs.HalvingRandomSearchCV.__doc__)
