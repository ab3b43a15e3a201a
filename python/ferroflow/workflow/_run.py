"""Run the whole workflow: collect, clean, split, tune, train, evaluate, freeze, report.

A run lives in ``runs/<id>/`` beside the configuration. The id is a digest of the configuration and of the
data, so that the same command finds its unfinished run again; every file there appears whole or not at all,
and every stage depends only on its inputs and the seed, so that a run that was killed at any moment ends with
the files that it would have had. What is on disk when a run goes on:

- ``tuning.json``, each fit of the search that is finished, is used as it is;
- the other stages are one fit or less, and are done again unless the run is finished.
"""

import hashlib
import json
import os
import platform
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferroflow._bridge.progress import Progress
from ferroflow.workflow import report as report_page
from ferroflow.workflow._files import read_json, sweep, write_beside, write_json
from ferroflow.workflow.clean import CLASSIFICATION, Cleaned, CleaningError, clean
from ferroflow.workflow.collect import collect
from ferroflow.workflow.config import load as load_config
from ferroflow.workflow.evaluate import Evaluation, evaluate
from ferroflow.workflow.plan import Plan, plan_of
from ferroflow.workflow.problem import WorkflowError
from ferroflow.workflow.split import Split, split, time_order
from ferroflow.workflow.train import Trained, build_preparation, train
from ferroflow.workflow.tune import Fit, Search, grid, sampled, tune

# Raised when a change of the code changes what a run computes, so that old unfinished runs are left alone.
REVISION = 1


class RunError(WorkflowError):
    """A run cannot go on; the message says why and what to do."""


@dataclass
class RunResult:
    """Where a run is, and what came out."""

    folder: Path
    scores: dict[str, Any]
    already_finished: bool = False
    resumed: bool = False
    version: str | None = None

    @property
    def model(self) -> Path:
        return self.folder / "model.ff"

    @property
    def report(self) -> Path:
        return self.folder / "report.html"


def run(
    config: str | Path = "workflow.toml", *, fresh: bool = False, progress: Progress | None = None
) -> RunResult:
    """Run what a configuration says.

    Parameters
    ----------
    config : str or Path, default="workflow.toml"
    fresh : bool, default=False
        Start a new run even if one with this configuration and these data is finished.
    progress : Progress, optional
        Told what happens; by default nobody is.

    Returns
    -------
    RunResult

    Raises
    ------
    WorkflowError
        If the configuration or the data are not what they should be; nothing is written then.
    """
    path = Path(config)
    wanted = load_config(path)
    progress = progress or Progress()
    with progress:
        progress.stage("collect")
        found = collect(wanted.data, path.parent)
        frame = found.frame
        progress.finish(f"{len(frame):,} rows, {frame.shape[1]} columns from {Path(found.source).name}")
        return run_plan(
            plan_of(wanted, list(frame.columns)),
            frame,
            runs=path.parent / wanted.output.folder,
            fingerprint={"sha256": found.fingerprint, "rows": len(frame), "columns": frame.shape[1]},
            source=wanted.data.source,
            config_text=path.read_text(encoding="utf-8"),
            marks=found.missing,
            progress=progress,
            fresh=fresh,
        )


def run_plan(
    plan: Plan,
    frame: pd.DataFrame,
    *,
    runs: Path,
    fingerprint: Mapping[str, Any],
    source: str,
    config_text: str,
    marks: Mapping[str, int] | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> RunResult:
    """Run a plan on a collected table.

    Parameters
    ----------
    plan : Plan
    frame : DataFrame
    runs : Path
        The folder in which the run gets its own.
    fingerprint : mapping
        What says that the data are the same: sha256, rows, columns.
    source : str
        Where the data came from, for people.
    config_text : str
        The configuration as written, kept beside the results.
    marks : mapping, optional
        The missing marks that were read when the table was collected, and how many cells held each.
    fresh : bool, default=False
        Start a new run even if one with this plan and these data is finished.
    progress : Progress, optional
    """
    progress = progress or Progress()
    folder, finished = _find(Path(runs), _digest(plan, fingerprint), fresh)
    if finished:
        state = read_json(folder / "run.json")
        return RunResult(folder, read_json(folder / "scores.json"), True, version=state["version"])
    # Cleaning comes before the folder is made: a table that cannot be used leaves nothing behind.
    progress.stage("clean")
    cleaned = clean(
        frame,
        plan.target,
        task=plan.task,
        kinds=plan.kinds,
        drop=plan.drop,
        missing_marks=plan.missing_marks,
        drop_duplicates=plan.drop_duplicates,
        drop_missing_target=plan.drop_missing_target,
    )
    cleaned.report.read_marks = dict(marks or {})
    progress.finish(_cleaning(cleaned))
    progress.stage("split")
    parts = split(
        cleaned.y,
        task=cleaned.task,
        test_size=plan.test_size,
        stratify=plan.stratify,
        order=None if plan.time is None else time_order(frame, plan.time, cleaned.rows),
        random_state=plan.split_seed,
    )
    job = _Job(plan, cleaned, parts, folder, source, config_text, fingerprint, progress)
    resumed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        sweep(folder)
        with write_beside(folder / "workflow.toml") as file:
            file.write(config_text)
        write_json(
            folder / "data.json",
            {"source": source, **fingerprint, "cleaning": cleaned.report.as_dict(), "task": cleaned.task},
        )
        parts.save(folder / "split.npz")
        progress.finish(f"{len(parts.train):,} rows to learn from, {len(parts.test):,} held out")
        return job.finish(resumed)


class _Job:
    """The stages after the split, on the rows of one run."""

    def __init__(
        self,
        plan: Plan,
        cleaned: Cleaned,
        parts: Split,
        folder: Path,
        source: str,
        config_text: str,
        fingerprint: Mapping[str, Any],
        progress: Progress,
    ) -> None:
        self.plan, self.cleaned, self.folder, self.progress = plan, cleaned, folder, progress
        self.source, self.config_text, self.fingerprint = source, config_text, fingerprint
        self.test_rows = cleaned.rows[parts.test]
        self.X_train = cleaned.X.iloc[parts.train].reset_index(drop=True)
        self.X_test = cleaned.X.iloc[parts.test].reset_index(drop=True)
        self.y_train, self.y_test = cleaned.y[parts.train], cleaned.y[parts.test]
        self.warnings: list[str] = []
        self.numeric, self.categorical = list(cleaned.numeric), list(cleaned.categorical)
        self._drop_unlearnable()
        self.preparation = build_preparation(self.X_train, self.numeric, self.categorical, **plan.preparation)
        self.positive = _positive(plan.positive, self.y_train)

    def finish(self, resumed: bool) -> RunResult:
        search = self.tune()
        trained = self.train(search)
        evaluation = self.evaluate(trained)
        scores = self.write_scores(search, trained, evaluation)
        self.freeze(trained)
        self.report(search, trained, evaluation)
        version = self.register(scores)
        write_json(self.folder / "run.json", {"finished": True, "version": version})
        return RunResult(self.folder, scores, resumed=resumed, version=version)

    def tune(self) -> Search | None:
        candidates = sampled(grid(self.plan.search), self.plan.n_candidates, self.plan.tune_seed)
        if len(candidates) < 2:
            return None
        candidates = [{**self.plan.params, **c} for c in candidates]
        path = self.folder / "tuning.json"
        done = _finished_fits(path)
        total = len(candidates) * self.plan.folds
        self.progress.stage("tune", total, len(done))

        def record(fit: Fit) -> None:
            done.append(fit)
            write_json(path, {"fits": [asdict(f) for f in done]}, durable=False)
            self.progress.step()

        search = tune(
            self.X_train,
            self.y_train,
            self.preparation,
            candidates,
            task=self.cleaned.task,
            folds=self.plan.folds,
            scoring=self.plan.scoring,
            max_rows=self.plan.max_rows,
            random_state=self.plan.tune_seed,
            done=list(done),
            record=record,
        )
        for c in search.candidates:
            c.params = {k: v for k, v in c.params.items() if k in self.plan.search}
        best = ", ".join(f"{k}={report_page.setting(v)}" for k, v in search.params.items())
        self.progress.finish(f"{len(candidates)} candidates on {search.folds} folds; best: {best}")
        return search

    def train(self, search: Search | None) -> Trained:
        self.progress.stage("train")
        only = grid(self.plan.search)[0] if self.plan.search else {}
        params = {**self.plan.params, **(search.params if search else only)}
        trained = train(
            self.X_train,
            self.y_train,
            self.preparation,
            params,
            task=self.cleaned.task,
            random_state=self.plan.train_seed,
        )
        self.progress.finish(f"{len(trained.features):,} features, {trained.epochs} epochs")
        return trained

    def evaluate(self, trained: Trained) -> Evaluation:
        self.progress.stage("evaluate")
        pipeline = trained.pipeline
        probabilities = decision = None
        predicted = pipeline.predict(self.X_test)
        if self.cleaned.task == CLASSIFICATION:
            if hasattr(pipeline, "predict_proba"):
                probabilities = pipeline.predict_proba(self.X_test)
            else:
                decision = pipeline.decision_function(self.X_test)
        evaluation = evaluate(
            self.y_train,
            self.y_test,
            predicted,
            task=self.cleaned.task,
            classes=getattr(pipeline, "classes_", None),
            probabilities=probabilities,
            decision=decision,
            positive=self.positive,
            resamples=self.plan.resamples,
            confidence=self.plan.confidence,
            random_state=self.plan.split_seed,
        )
        self._judge(evaluation)
        self.progress.finish(headline(evaluation.as_dict()))
        return evaluation

    def write_scores(self, search: Search | None, trained: Trained, evaluation: Evaluation) -> dict[str, Any]:
        scores = {
            "target": self.plan.target,
            **evaluation.as_dict(),
            "params": trained.params,
            "epochs": trained.epochs,
            "features": len(trained.features),
            "training_rows": len(self.y_train),
            "warnings": self.warnings,
            "tuning": None
            if search is None
            else {
                "scoring": search.scoring,
                "folds": search.folds,
                "rows": search.rows,
                "candidates": [{"params": c.params, "scores": c.scores} for c in search.candidates],
                "best": search.best,
            },
        }
        write_json(self.folder / "scores.json", scores)
        return read_json(self.folder / "scores.json")

    def freeze(self, trained: Trained) -> None:
        from ferroflow.deploy.freeze import freeze

        self.progress.stage("freeze")
        path = self.folder / "model.ff"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = freeze(
                trained.pipeline,
                self.X_train,
                pd.Series(self.y_train, name=self.plan.target),
                name=self.plan.target,
                provenance={
                    "data": str(self.fingerprint.get("sha256", "")),
                    "missing": json.dumps(self.plan.missing_marks, ensure_ascii=False),
                    # Without the number of a repetition: the same run gives the same file.
                    "run": self.folder.name.partition("-")[0],
                },
            )
        self.warnings += [str(w.message) for w in caught]
        exact = model.provenance["replay"] == "exact"
        if exact and not np.array_equal(model.predict(self.X_test), trained.pipeline.predict(self.X_test)):
            raise RunError(
                "The frozen model does not predict what the pipeline predicts, so it was not written."
                " This is a defect: please report it with workflow.toml."
            )
        with write_beside(path, "wb") as file:
            file.write(model.to_bytes())
        self.progress.finish(f"model.ff, {path.stat().st_size / 1024:,.0f} KiB")

    def report(self, search: Search | None, trained: Trained, evaluation: Evaluation) -> None:
        self.progress.stage("report")
        story = report_page.Story(
            target=self.plan.target,
            source=self.source,
            cleaned=self.cleaned,
            n_train=len(self.y_train),
            n_test=len(self.y_test),
            missing=report_page.missing_counts(self.X_train),
            trained=trained,
            evaluation=evaluation,
            search=search,
            config=self.config_text,
            footer=f"ferroflow {_version()}, Python {platform.python_version()}, run {self.folder.name}",
            split_note=self._split_note(),
            preparation=self.plan.preparation,
            confidence=self.plan.confidence,
            warnings=self.warnings,
        )
        page = report_page.render(story)
        with write_beside(self.folder / "report.html") as file:
            file.write(page)
        self.progress.finish("report.html")

    def register(self, scores: Mapping[str, Any]) -> str:
        from ferroflow.maintain.registry import held_out_digest, register_run

        data = str(self.fingerprint.get("sha256", ""))
        return register_run(
            self.folder,
            name=self.plan.target,
            measures=scores["measures"],
            data=data,
            held_out=held_out_digest(data, self.plan.target, self.test_rows),
        )

    def _split_note(self) -> str:
        if self.plan.time is not None:
            how = f"the latest by {self.plan.time}"
        elif self.plan.stratify and self.cleaned.task == CLASSIFICATION:
            how = "at random, with equal shares of the classes"
        else:
            how = "at random"
        return f"{self.plan.test_size:.0%} of the rows were held out, {how}, before anything was fitted."

    def _drop_unlearnable(self) -> None:
        """Leave out columns that hold no value in any training row: there is nothing to learn to fill them with."""
        empty = [name for name in self.X_train.columns if self.X_train[name].isna().all()]
        if not empty:
            return
        for name in empty:
            self.warnings.append(f"Column {name!r} is left out: it is missing in every training row.")
        self.X_train = self.X_train.drop(columns=empty)
        self.X_test = self.X_test.drop(columns=empty)
        self.numeric = [n for n in self.numeric if n not in empty]
        self.categorical = [n for n in self.categorical if n not in empty]
        if not self.X_train.shape[1]:
            raise CleaningError("no feature is left: every column is missing in every training row")

    def _judge(self, evaluation: Evaluation) -> None:
        """Add the warnings that the scores call for."""
        area = evaluation.measures.get("roc_auc")
        if area is not None and area.value is not None:
            if area.value > 0.99:
                self.warnings.append(
                    f"ROC AUC is {area.value:.3f}, which is rarely true: look for a column that is known only "
                    f"after {self.plan.target!r} is, and drop it."
                )
            if area.low is not None and area.low <= 0.5:
                self.warnings.append(
                    "The interval of ROC AUC includes 0.5: the model may be no better than chance."
                )
        share = evaluation.measures.get("r2")
        if share is not None and share.low is not None and share.low <= 0:
            self.warnings.append("The interval of R² includes 0: the model may be no better than the mean.")
        if evaluation.rows < 100:
            self.warnings.append(f"Only {evaluation.rows} rows are held out: the scores are rough.")


def headline(scores: Mapping[str, Any]) -> str:
    """Say the scores that matter most in one line."""
    parts = []
    for name in ("roc_auc", "accuracy", "log_loss", "r2", "rmse", "mae"):
        m = scores["measures"].get(name)
        if m is not None and m["value"] is not None:
            base = f" (prior {report_page.number(m['baseline'])})" if m["baseline"] is not None else ""
            parts.append(f"{report_page.MEASURE_NAMES[name]} {report_page.number(m['value'])}{base}")
    return ", ".join(parts[:3])


def _cleaning(cleaned: Cleaned) -> str:
    r = cleaned.report
    text = f"{r.rows_out:,} of {r.rows_in:,} rows, {len(cleaned.numeric)} numbers, {len(cleaned.categorical)} categories"
    marks = sum(r.read_marks.values()) + sum(r.marks.values())
    if marks:
        text += f", {marks:,} missing marks read"
    return text


def _finished_fits(path: Path) -> list[Fit]:
    """The fits of an interrupted search; a file that a loss of power has damaged is as good as none."""
    try:
        return [Fit(**fit) for fit in read_json(path)["fits"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _positive(wanted: Any, y: np.ndarray) -> Any:
    """The class that the configuration calls positive, as the target holds it."""
    if wanted is None:
        return None
    classes = np.unique(y)
    for value in classes:
        if value == wanted or str(value).lower() == str(wanted).lower():
            if len(classes) > 2:
                break
            return value
    shown = ", ".join(str(value) for value in classes[:10])
    what = "is for two classes only" if len(classes) > 2 else f"is {wanted!r}, which is none of them"
    raise CleaningError(f"[target] positive {what}; the target's classes are: {shown}.")


def _digest(plan: Plan, fingerprint: Mapping[str, Any]) -> str:
    text = json.dumps([REVISION, _version(), asdict(plan), dict(fingerprint)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _find(runs: Path, digest: str, fresh: bool) -> tuple[Path, bool]:
    """Return the folder of the run with this digest, and whether it is finished."""
    number, last = 1, None
    while (folder := runs / (digest if number == 1 else f"{digest}-{number}")).exists():
        number, last = number + 1, folder
    if last is None:
        return folder, False
    finished = (last / "run.json").exists()
    if fresh and finished:
        return folder, False
    return last, finished


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second process out of a run; the hold ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"another process is at work on {folder}; wait for it") from error
        yield
    finally:
        os.close(handle)


def _version() -> str:
    import ferroflow

    return str(ferroflow.__version__)
