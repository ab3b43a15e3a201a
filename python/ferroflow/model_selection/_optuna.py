"""Search by Optuna's samplers, with the interface of scikit-learn's searches."""

import copy
import time
import warnings
from importlib import import_module
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from ferroflow._bridge.progress import Progress
from ferroflow._bridge.sklearn_compat import Interval
from ferroflow._bridge.sklearn_search import BaseSearchCV
from ferroflow.model_selection._search import SharedSearch, running, with_extra
from ferroflow.model_selection._session import Session
from ferroflow.model_selection._tasks import Task


class OptunaSearchCV(SharedSearch):
    """Search over parameters that one of Optuna's samplers proposes, trial by trial.

    What the trials agree on is fitted once per fold and held for the next ones, within ``memory_budget``. The folds
    are the same for all trials. Needs Optuna (``pip install 'ferroflow[workflow]'``).

    Parameters
    ----------
    estimator : estimator object
        It needs a ``score`` method, or ``scoring`` must be given.
    param_distributions : dict of str to optuna.distributions.BaseDistribution
        What each parameter is drawn from.
    n_trials : int, default=10
        How many candidates are tried.
    timeout : float, default=None
        Seconds after which no further trial is begun. The trials then depend on the machine's speed.
    sampler : optuna.samplers.BaseSampler, default=None
        Proposes the parameters; ``TPESampler`` with ``random_state`` as its seed if None. A copy of it is used.
    pruner : optuna.pruners.BasePruner, default=None
        Judges a trial by the mean score of its folds so far, after each fold. The other folds of a pruned trial get
        NaN as their score. With a pruner folds run one after the other whatever ``n_jobs`` is. None prunes nothing.
    scoring : str, callable, list, tuple or dict, default=None
        As for ``GridSearchCV``. Of several metrics the one that ``refit`` names is searched for.
    n_jobs : int, default=None
        Folds of a trial that run at once.
    refit : bool, str or callable, default=True
        As for ``GridSearchCV``.
    cv : int, cross-validation generator or iterable, default=None
        As for ``GridSearchCV``.
    verbose : int, default=0
        As for ``GridSearchCV``; from 1 on the time left is printed too.
    pre_dispatch : int or str, default='2*n_jobs'
        As for ``GridSearchCV``.
    random_state : int, RandomState instance or None, default=None
        Seeds the sampler, unless one is given. With an int, and folds and estimator that do not depend on chance,
        the search always finds the same, whatever ``n_jobs`` is.
    error_score : 'raise' or numeric, default=np.nan
        As for ``GridSearchCV``.
    return_train_score : bool, default=False
        As for ``GridSearchCV``.

    Attributes
    ----------
    study_ : optuna.study.Study
        With every trial, its parameters, values by fold and state.
    cv_results_, best_estimator_, best_score_, best_params_, best_index_, scorer_, n_splits_, refit_time_, multimetric_
        As for ``GridSearchCV``; candidates are in the order of the trials.

    Examples
    --------
    >>> from optuna.distributions import FloatDistribution
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ferroflow.model_selection import OptunaSearchCV
    >>> X, y = load_iris(return_X_y=True)
    >>> search = OptunaSearchCV(
    ...     LogisticRegression(max_iter=1000), {"C": FloatDistribution(0.01, 10, log=True)}, n_trials=5, random_state=0
    ... ).fit(X, y)
    >>> len(search.study_.trials)
    5
    """

    _parameter_constraints: dict = {
        **BaseSearchCV._parameter_constraints,
        **SharedSearch._parameter_constraints,
        "param_distributions": [dict],
        "n_trials": [Interval(Integral, 1, None, closed="left")],
        "timeout": [Interval(Real, 0, None, closed="left"), None],
        "sampler": [object],
        "pruner": [object],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        param_distributions,
        *,
        n_trials=10,
        timeout=None,
        sampler=None,
        pruner=None,
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
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.param_distributions = param_distributions
        self.n_trials = n_trials
        self.timeout = timeout
        self.sampler = sampler
        self.pruner = pruner
        self.random_state = random_state
        self.memory_budget = memory_budget
        self.checkpoint = checkpoint

    def _session(self, X: Any, y: Any, params: dict[str, Any]) -> Session:
        session = super()._session(X, y, params)
        session.varied = set(self.param_distributions)
        return session

    def _run_search(self, evaluate_candidates):
        study = self.study_ = _study(self)
        session = running(self).session
        folds = _SameFolds(self._checked_cv_orig)
        progress, session.progress = session.progress, Progress()  # trials are counted, not fits
        progress.stage("search", self.n_trials)
        end = None if self.timeout is None else time.monotonic() + self.timeout
        for number in range(self.n_trials):
            if number and end is not None and time.monotonic() >= end:
                break
            judge = _Judge(study.ask(self.param_distributions), self.refit)
            session.stop = None if self.pruner is None else judge
            results = evaluate_candidates([dict(judge.trial.params)], cv=folds)
            judge.tell(study, session.results, results)
            progress.step()
        progress.finish(f"{len(study.trials)} trials")

    def _format_results(self, candidate_params, n_splits, out, more_results=None):
        with warnings.catch_warnings():
            if self.pruner is not None:
                warnings.filterwarnings("ignore", "One or more of the (test|train) scores are non-finite")
            return super()._format_results(candidate_params, n_splits, out, more_results)


OptunaSearchCV.__doc__ = with_extra(OptunaSearchCV.__doc__)


def _study(search: OptunaSearchCV) -> Any:
    try:
        optuna: Any = import_module("optuna")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "OptunaSearchCV needs Optuna: pip install 'ferroflow[workflow]'.", name="optuna"
        ) from None
    for name, distribution in search.param_distributions.items():
        if not isinstance(distribution, optuna.distributions.BaseDistribution):
            raise TypeError(
                f"param_distributions[{name!r}] is a {type(distribution).__name__}, not one of optuna.distributions."
            )
    several = not isinstance(search.scoring, str | type(None)) and not callable(search.scoring)
    if several and not isinstance(search.refit, str):
        raise ValueError("With several metrics refit must name the one that is searched for.")
    state = search.random_state
    if state is not None and not isinstance(state, Integral):
        state = check_random_state(state).randint(2**31 - 1)
    sampler = copy.deepcopy(search.sampler) or optuna.samplers.TPESampler(seed=state)
    pruner = copy.deepcopy(search.pruner) or optuna.pruners.NopPruner()
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(max(before, optuna.logging.WARNING))
    try:
        return optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    finally:
        optuna.logging.set_verbosity(before)


class _SameFolds:
    """The folds of another splitter, drawn once."""

    def __init__(self, cv: Any) -> None:
        self.cv = cv
        self.folds: list[Any] | None = None

    def split(self, X: Any, y: Any = None, **params: Any) -> list[Any]:
        if self.folds is None:
            self.folds = list(self.cv.split(X, y, **params))
        return self.folds


class _Judge:
    """Tells a study how a trial does, and the search when the study has seen enough of it."""

    def __init__(self, trial: Any, refit: Any) -> None:
        self.trial, self.metric = trial, refit if isinstance(refit, str) else "score"
        self.reported = 0
        self.pruned = False

    def __call__(self, task: Task, results: list[Any]) -> dict[str, Any] | None:
        """Return what stands for a fold that is not worth running; None if it is."""
        self.report(results)
        if not self.pruned and self.reported:
            self.pruned = self.trial.should_prune()
        if not self.pruned:
            return None
        nothing = results[0]["test_scores"]
        nothing = dict.fromkeys(nothing, np.nan) if isinstance(nothing, dict) else np.nan
        return {
            "fit_error": None,
            "test_scores": nothing,
            "train_scores": copy.copy(nothing),
            "n_test_samples": len(task.kwargs["test"]),
            "fit_time": 0.0,
            "score_time": 0.0,
        }

    def report(self, results: list[Any]) -> None:
        """Report the mean of the folds so far, for each fold that is done since the last time."""
        while not self.pruned and self.reported < len(results) and results[self.reported] is not None:
            values = [self._value(result["test_scores"]) for result in results[: self.reported + 1]]
            if not np.isnan(mean := float(np.mean(values))):
                self.trial.report(mean, self.reported)
            self.reported += 1

    def tell(self, study: Any, results: list[Any], table: dict[str, Any]) -> None:
        """End the trial."""
        from optuna.trial import TrialState

        self.report(results)
        mean = table[f"mean_test_{self.metric}"][-1]
        if self.pruned:
            study.tell(self.trial, state=TrialState.PRUNED)
        elif np.isnan(mean):
            study.tell(self.trial, state=TrialState.FAIL)
        else:
            study.tell(self.trial, float(mean))

    def _value(self, scores: Any) -> float:
        return float(scores[self.metric] if isinstance(scores, dict) else scores)
