"""What a search keeps while it runs: the fits that are done, for a checkpoint, for Ctrl-C and for the time left."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

from ferroflow._bridge.progress import Progress
from ferroflow.model_selection._checkpoint import Checkpoint
from ferroflow.model_selection._prepared import default_budget
from ferroflow.model_selection._tasks import Evaluator, Task


class Session:
    """One run of a search, or of a function that cross-validates.

    Parameters
    ----------
    budget : int, default=None
        Bytes of prepared rows that may be held at a time; a quarter of the memory if None.
    checkpoint : Checkpoint, default=None
    progress : Progress, default=None
    varied : set of str, default=None
        The parameters in which candidates differ, for a search that asks for them one after the other: what they
        share is then held from one to the next.
    stop : callable, default=None
        ``stop(task, results)`` returns what stands for the result of a task that is not worth running, else None.
    """

    def __init__(
        self,
        budget: int | None = None,
        checkpoint: Checkpoint | None = None,
        progress: Progress | None = None,
        varied: set[str] | None = None,
        stop: Callable[[Task, list[Any]], dict[str, Any] | None] | None = None,
    ) -> None:
        self.budget = default_budget() if budget is None else budget
        self.checkpoint = checkpoint
        self.progress = progress or Progress()
        self.varied = varied
        self.stop = stop
        self.tasks: list[Task] = []
        self.results: list[Any] = []
        self._evaluator: Evaluator | None = None
        self._lock = Lock()

    def begin(self, tasks: Sequence[Task]) -> Evaluator:
        """Begin a round of fits: take those that the checkpoint has, and return what runs the others."""
        self.results = [None] * len(tasks)
        if self.checkpoint is not None:
            self.checkpoint.begin_round(tasks)
            for position, result in self.checkpoint.done().items():
                self.results[position] = result
        done = sum(result is not None for result in self.results)
        self.progress.stage("search", len(tasks), done)
        # Where and under which candidate each fit was, without the fit's estimator and rows.
        self.tasks = [Task(task.position, (), task.kwargs) for task in tasks]
        if self._evaluator is None or self.varied is None:
            self._evaluator = Evaluator(self.budget)
        return self._evaluator

    def skip(self, task: Task) -> bool:
        """Is there nothing to run for this task?"""
        if self.results[task.position] is None and self.stop is not None:
            self.results[task.position] = self.stop(task, self.results)
        return self.results[task.position] is not None

    def record(self, position: int, result: dict[str, Any], *, saved: bool = False) -> None:
        """A fit is done; `saved` if the worker that ran it wrote it down."""
        with self._lock:
            self.results[position] = result
            if self.checkpoint is not None and not saved:
                self.checkpoint.add(position, result)
            self.progress.step()

    def finish(self) -> None:
        self.progress.finish(f"{len(self.results)} fits")
