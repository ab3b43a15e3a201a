"""What stands where scikit-learn's cross-validation and searches have joblib's ``Parallel``.

Fits on the Rust core run in threads on the caller's rows, others through joblib. Those of a search are put in the
order in which a fold's candidates share most, and share it.
"""

import contextvars
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from threading import Semaphore
from typing import Any

import joblib
import sklearn
from joblib.parallel import get_active_backend

from ferroflow._bridge import ledger
from ferroflow._bridge import sklearn_search as theirs
from ferroflow.model_selection._checkpoint import Checkpoint
from ferroflow.model_selection._draws import is_ours
from ferroflow.model_selection._session import Session
from ferroflow.model_selection._tasks import Evaluator, Task, draw, in_order, one_each, plan

Call = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]


class Parallel:
    """Runs the calls that scikit-learn makes, in its order of results.

    Parameters
    ----------
    n_jobs : int, default=None
        As joblib takes it.
    session : Session, default=None
        Of the search that makes the calls.
    **options
        For joblib.
    """

    def __init__(self, n_jobs: int | None = None, *, session: Session | None = None, **options: Any) -> None:
        self.n_jobs = n_jobs
        self.session = session
        self.options = options

    def __enter__(self) -> "Parallel":
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __call__(self, calls: Iterable[Call]) -> list[Any]:
        calls = iter(calls)
        first = next(calls, None)
        if first is None:
            return []
        calls = chain([first], calls)
        function, args, kwargs = first
        jobs = joblib.effective_n_jobs(self.n_jobs)
        if getattr(function, "function", None) is not theirs.fit_and_score or kwargs["parameters"] is None:
            if jobs > 1 and _suits_threads(args[0]):
                return _in_threads(calls, jobs)
            return theirs.Parallel(n_jobs=self.n_jobs, **self.options)(calls)
        return self._search([Task(i, args, dict(kwargs)) for i, (_, args, kwargs) in enumerate(calls)], jobs)

    def _search(self, tasks: list[Task], jobs: int) -> list[Any]:
        session = self.session or Session()
        plan(tasks, session.varied)
        evaluator = session.begin(tasks)
        # One after the other, fits that draw from NumPy's own stream have to draw as scikit-learn's would.
        todo = tasks if jobs == 1 and draw(tasks) else in_order(tasks)
        todo = [task for task in todo if session.results[task.position] is None]
        if session.varied is None:
            evaluator.expect(todo)
        if jobs == 1 or session.stop is not None:
            run_here(todo, evaluator, session)
        elif all(_suits_threads(task.model) for task in one_each(tasks)):
            _run_in_threads(todo, evaluator, session, jobs)
        else:
            self._run_by_joblib(todo, session, jobs)
        session.finish()
        return session.results

    def _run_by_joblib(self, todo: list[Task], session: Session, jobs: int) -> None:
        backend, _ = get_active_backend()
        options = dict(self.options)
        if getattr(backend, "supports_return_generator", False):
            options["return_as"] = "generator_unordered"
        checkpoint = session.checkpoint
        run = theirs.Parallel(n_jobs=self.n_jobs, **options)
        for done in run(
            theirs.delayed(_run_bundle)(bundle, session.budget // jobs, checkpoint)
            for bundle in bundles(todo, jobs)
        ):
            for position, result in done:
                session.record(position, result, saved=True)


def _suits_threads(estimator: Any) -> bool:
    """Is it ours, and has nobody asked for another way of running things at once?"""
    backend, _ = get_active_backend()
    try:
        return type(backend).__name__ == "LokyBackend" and is_ours(estimator)
    except Exception:
        return False  # no estimator that can be looked into


class _Failure:
    """The error of the fit that scikit-learn would have run first."""

    def __init__(self) -> None:
        self.position: int | None = None
        self.error: Exception | None = None

    def add(self, position: int, error: Exception) -> None:
        if self.position is None or position < self.position:
            self.position, self.error = position, error

    def precedes(self, task: Task) -> bool:
        return self.position is not None and self.position < task.position

    def raise_it(self) -> None:
        if self.error is not None:
            raise self.error


def run_here(todo: Sequence[Task], evaluator: Evaluator, session: Any) -> None:
    """Run tasks one after the other."""
    failure = _Failure()
    for task in todo:
        if not failure.precedes(task) and not session.skip(task):
            try:
                session.record(task.position, evaluator.run(task, evaluator.prepare(task)))
            except Exception as error:
                failure.add(task.position, error)
        evaluator.done(task)
    failure.raise_it()


def _run_in_threads(todo: Sequence[Task], evaluator: Evaluator, session: Session, jobs: int) -> None:
    """Run tasks in threads; what they share is fitted here, while the others are busy."""
    failure = _Failure()
    slots = Semaphore(jobs)

    def run(task: Task, prepared: Any) -> None:
        try:
            if not failure.precedes(task):
                session.record(task.position, evaluator.run(task, prepared))
        except Exception as error:
            failure.add(task.position, error)
        finally:
            evaluator.done(task)
            slots.release()

    with _threads(jobs) as submit:
        for task in todo:
            slots.acquire()
            if failure.precedes(task):
                slots.release()
                continue
            submit(run, task, evaluator.prepare(task))
    failure.raise_it()


def _in_threads(calls: Iterable[Call], jobs: int) -> list[Any]:
    """Make calls in threads, no further ahead than there are threads; the first error in order is raised."""
    slots = Semaphore(jobs)
    futures: list[Future[Any]] = []

    def run(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        finally:
            slots.release()

    with _threads(jobs) as submit:
        for wrapped, args, kwargs in calls:
            slots.acquire()
            if any(future.done() and future.exception() for future in futures):
                break
            futures.append(submit(run, wrapped.function, args, kwargs))  # type: ignore[attr-defined]
    return [future.result() for future in futures]


class _threads:
    """A pool whose threads work under the caller's settings, and add to its ledger."""

    def __init__(self, jobs: int) -> None:
        self.pool = ThreadPoolExecutor(jobs, initializer=_like_caller(), thread_name_prefix="ferroflow-fit")
        self.context = contextvars.copy_context()

    def __enter__(self) -> Callable[..., Future[Any]]:
        return lambda run, *args: self.pool.submit(self.context.copy().run, run, *args)

    def __exit__(self, kind: object, *error: object) -> None:
        # After Ctrl-C only what runs already is waited for.
        self.pool.shutdown(wait=True, cancel_futures=kind is not None)


def _like_caller() -> Callable[[], None]:
    config, join = sklearn.get_config(), ledger.joiner()

    def initialize() -> None:
        sklearn.set_config(**config)
        join()

    return initialize


def bundles(todo: Sequence[Task], jobs: int) -> Iterator[list[Task]]:
    """Cut tasks into lists that a worker runs by itself: a fold each, or parts of folds if there are fewer folds.

    Tasks that share nothing are lists of their own.
    """
    folds: dict[tuple[int, int], list[Task]] = {}
    for task in todo:
        folds.setdefault(task.fold, []).append(task)
    parts = -(-jobs // max(1, len(folds)))
    for tasks in folds.values():
        if not any(task.route is not None and task.route.slots for task in tasks):
            yield from ([task] for task in tasks)
            continue
        size = -(-len(tasks) // parts)
        yield from (tasks[i : i + size] for i in range(0, len(tasks), size))


class _Bundle:
    """What a worker keeps of its tasks."""

    def __init__(self, checkpoint: Checkpoint | None) -> None:
        self.checkpoint = checkpoint
        self.done: list[tuple[int, dict[str, Any]]] = []

    def skip(self, task: Task) -> bool:
        return False

    def record(self, position: int, result: dict[str, Any]) -> None:
        self.done.append((position, result))
        if self.checkpoint is not None:
            self.checkpoint.add(position, result)


def _run_bundle(
    tasks: list[Task], budget: int, checkpoint: Checkpoint | None
) -> list[tuple[int, dict[str, Any]]]:
    bundle, evaluator = _Bundle(checkpoint), Evaluator(budget)
    evaluator.expect(tasks)
    run_here(tasks, evaluator, bundle)
    return bundle.done
