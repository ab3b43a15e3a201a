"""Searches over parameters, whose candidates share what they agree on."""

import sys
from collections import Counter
from numbers import Integral
from os import PathLike
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn import model_selection
from sklearn.base import clone

from ferroflow._bridge.progress import PlainProgress, Progress
from ferroflow._bridge.sklearn_compat import Interval, fit_context
from ferroflow._bridge.sklearn_search import BaseSearchCV, with_globals
from ferroflow.metrics import check_scoring
from ferroflow.metrics._scorers import SharedScorer
from ferroflow.model_selection._check_cv import check_cv
from ferroflow.model_selection._checkpoint import Checkpoint
from ferroflow.model_selection._fingerprint import fingerprint
from ferroflow.model_selection._parallel import Parallel
from ferroflow.model_selection._session import Session

EXTRA = """
    memory_budget : int, default=None
        The bytes of prepared rows that may be held at a time for candidates that share steps; if None, what
        ``ferroflow.config(memory_budget=...)`` says, or a quarter of the machine's memory. With 0 nothing is held.

    checkpoint : str or path, default=None
        A file in which each fit is written down when it is done. Another search for the same (data, estimator,
        candidates, folds) goes on from there, with the same result; one for anything else is refused.
"""
"""The parameters that scikit-learn's searches have not."""

# Not in the estimator: it is pickled with the calls that go to other processes.
_running: WeakKeyDictionary[Any, "Run"] = WeakKeyDictionary()


class Run:
    """A search that is running: its session, and what it has so far."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.results: dict[str, Any] | None = None


def running(search: Any) -> Run:
    """The run of a search whose ``fit`` has not returned."""
    return _running[search]


class SharedSearch(BaseSearchCV):
    """What our searches have instead of scikit-learn's ``BaseSearchCV.fit``: the same code around another way to run."""

    _parameter_constraints: dict = {
        "memory_budget": [Interval(Integral, 0, None, closed="left"), None],
        "checkpoint": [str, PathLike, None],
    }

    _get_scorers = with_globals(
        BaseSearchCV._get_scorers,
        check_scoring=check_scoring,
        _check_multimetric_scoring=lambda estimator, scoring: check_scoring(estimator, scoring)._scorers,
        _MultimetricScorer=SharedScorer,
    )

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, **params):
        session = self._session(X, y, params)
        run = _running[self] = Run(session)

        def parallel(n_jobs=None, **options):
            return Parallel(n_jobs, session=session, **options)

        try:
            return with_globals(BaseSearchCV.fit, Parallel=parallel, check_cv=check_cv)(self, X, y, **params)
        except KeyboardInterrupt:
            keep_best(self, run, X, y, params)
            raise
        finally:
            _running.pop(self, None)
            if session.checkpoint is not None:
                session.checkpoint.close()

    fit.__doc__ = BaseSearchCV.fit.__doc__

    def _session(self, X: Any, y: Any, params: dict[str, Any]) -> Session:
        checkpoint = None
        if self.checkpoint is not None:
            problem = {
                "rows": fingerprint(X),
                "target": fingerprint(y),
                "estimator": fingerprint(self.estimator),
                "parameters of fit": fingerprint(params),
                "scoring": fingerprint(self.scoring, self.return_train_score, self.error_score),
            }
            checkpoint = Checkpoint(self.checkpoint, problem)
        progress: Progress = PlainProgress(sys.stderr) if self.verbose > 0 else Progress()
        return Session(self.memory_budget, checkpoint, progress)

    def _format_results(self, candidate_params, n_splits, out, more_results=None):
        results = super()._format_results(candidate_params, n_splits, out, more_results)
        if self in _running:
            _running[self].results = results
        return results


def keep_best(search: Any, run: Run, X: Any, y: Any, params: dict[str, Any]) -> None:
    """After Ctrl-C, give a search the results that it has, and fit the best of these candidates.

    Of a first round that is not finished, those candidates and folds count that have most fits between them, all done.
    """
    results, folds = run.results, getattr(search, "n_splits_", 0)
    if results is None:
        whole = _whole(run.session)
        if whole is None:
            return
        candidates, out, folds = whole
        results = search._format_results(candidates, folds, out)
    search.cv_results_, search.n_splits_ = results, folds
    names = [key[len("rank_test_") :] for key in results if key.startswith("rank_test_")]
    search.multimetric_ = names != ["score"]
    scorers, _ = search._get_scorers()
    search.scorer_ = getattr(scorers, "_scorers", scorers)
    if search.multimetric_ and not search.refit:
        return
    metric = search.refit if search.multimetric_ else "score"
    search.best_index_ = search._select_best_index(search.refit, metric, results)
    if not callable(search.refit) and f"mean_test_{metric}" in results:
        search.best_score_ = results[f"mean_test_{metric}"][search.best_index_]
    search.best_params_ = results["params"][search.best_index_]
    if search.refit:
        fit_params = search._get_routed_params_for_fit(params).estimator.fit
        best = clone(search.estimator).set_params(**clone(search.best_params_, safe=False))
        search.best_estimator_ = best.fit(X, **fit_params) if y is None else best.fit(X, y, **fit_params)


def _whole(session: Session) -> tuple[list[dict[str, Any]], list[Any], int] | None:
    """The candidates, and their fits, that are done on the same folds; None if no fit is done."""
    done: dict[int, dict[int, Any]] = {}
    parameters = {}
    for task, result in zip(session.tasks, session.results, strict=True):
        if result is not None:
            candidate, fold = task.kwargs["candidate_progress"][0], task.kwargs["split_progress"][0]
            done.setdefault(candidate, {})[fold] = result
            parameters[candidate] = task.parameters
    often = [fold for fold, _ in Counter(fold for folds in done.values() for fold in folds).most_common()]
    best: tuple[list[int], list[int]] = ([], [])
    for count in range(1, len(often) + 1):
        folds = sorted(often[:count])
        having = sorted(c for c, results in done.items() if all(fold in results for fold in folds))
        if len(having) * count > len(best[0]) * len(best[1]):
            best = (having, folds)
    if not best[0]:
        return None
    out = [done[candidate][fold] for candidate in best[0] for fold in best[1]]
    return [parameters[candidate] for candidate in best[0]], out, len(best[1])


class GridSearchCV(model_selection.GridSearchCV, SharedSearch):
    _parameter_constraints: dict = {
        **model_selection.GridSearchCV._parameter_constraints,
        **SharedSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_grid,
        *,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        error_score=np.nan,
        return_train_score=False,
        memory_budget=None,
        checkpoint=None,
    ):
        super().__init__(
            estimator,
            param_grid,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.memory_budget = memory_budget
        self.checkpoint = checkpoint


class RandomizedSearchCV(model_selection.RandomizedSearchCV, SharedSearch):
    _parameter_constraints: dict = {
        **model_selection.RandomizedSearchCV._parameter_constraints,
        **SharedSearch._parameter_constraints,
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_iter=10,
        scoring=None,
        n_jobs=None,
        refit=True,
        cv=None,
        verbose=0,
        pre_dispatch="2*n_jobs",
        random_state=None,
        error_score=np.nan,
        return_train_score=False,
        memory_budget=None,
        checkpoint=None,
    ):
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.memory_budget = memory_budget
        self.checkpoint = checkpoint


def with_extra(doc: str | None) -> str:
    """scikit-learn's docstring, with our parameters at the end of its own."""
    head, attributes, tail = (doc or "").partition("\n    Attributes\n")
    return head + EXTRA + attributes + tail


GridSearchCV.__doc__ = with_extra(model_selection.GridSearchCV.__doc__)
RandomizedSearchCV.__doc__ = with_extra(model_selection.RandomizedSearchCV.__doc__)
