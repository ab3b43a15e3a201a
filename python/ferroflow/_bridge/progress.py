"""Tell a person where a run is: a live line on a terminal, plain lines elsewhere."""

import sys
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, TextIO

# On a plain stream a long stage says how far it is this often.
PLAIN_SECONDS = 5.0


class Progress(AbstractContextManager["Progress"]):
    """Shows nothing; what a caller from Python gets."""

    def stage(self, name: str, total: int | None = None, done: int = 0) -> None:
        """Begin a stage; with `total`, :meth:`step` counts towards it."""

    def step(self) -> None:
        """One of the stage's parts is finished."""

    def finish(self, text: str = "") -> None:
        """End the stage, with what came out of it."""

    def say(self, text: str) -> None:
        """Show a line."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class PlainProgress(Progress):
    """One line when a stage ends, and one now and then while it lasts."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = sys.stdout if stream is None else stream
        self.name, self.total, self.done, self.begun_with = "", 0, 0, 0
        self.start = self.told = time.perf_counter()

    def stage(self, name: str, total: int | None = None, done: int = 0) -> None:
        self.name, self.total, self.done, self.begun_with = name, total or 0, done, done
        self.start = self.told = time.perf_counter()

    def step(self) -> None:
        self.done += 1
        now = time.perf_counter()
        if now - self.told >= PLAIN_SECONDS and self.done < self.total:
            self.told = now
            left = (now - self.start) / (self.done - self.begun_with) * (self.total - self.done)
            self.say(f"{self.name:<10} {self.done} of {self.total}, about {duration(left)} left")

    def finish(self, text: str = "") -> None:
        self.say(f"{self.name:<10} {text}  ({duration(time.perf_counter() - self.start)})")

    def say(self, text: str) -> None:
        self.stream.write(text + "\n")
        self.stream.flush()


class RichProgress(PlainProgress):
    """A spinner and a bar with the time left, and a line when a stage ends."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Live

        super().__init__()
        self.console = Console(highlight=False)
        self.live = Live(
            SpinnerColumn(),
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )
        self.task: Any = None

    def __enter__(self) -> "RichProgress":
        self.live.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.live.stop()

    def stage(self, name: str, total: int | None = None, done: int = 0) -> None:
        super().stage(name, total, done)
        self._clear()
        self.task = self.live.add_task(name, total=total, completed=done)

    def step(self) -> None:
        self.done += 1
        self.live.advance(self.task)

    def finish(self, text: str = "") -> None:
        self._clear()
        took = duration(time.perf_counter() - self.start)
        self.console.print(f"[green]✓[/] [bold]{self.name:<10}[/] {_escape(text)}  [dim]({took})[/]")

    def say(self, text: str) -> None:
        self.console.print(_escape(text))

    def _clear(self) -> None:
        if self.task is not None:
            self.live.remove_task(self.task)
            self.task = None


def for_terminal() -> Progress:
    """Return the progress that suits standard output."""
    return RichProgress() if sys.stdout.isatty() else PlainProgress()


def duration(seconds: float) -> str:
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
