"""Kills searches with a checkpoint at random moments, and starts them again until they are through.

Started by test_interrupted.py as a process of its own: it forks, and threads of a test runner would not survive that.
Prints the numbers of kills and of fits, or says what differs.

python killed.py FOLDER JOBS
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ferroflow.model_selection import GridSearchCV

FOLDER, JOBS = Path(sys.argv[1]), int(sys.argv[2])
X = np.random.RandomState(0).randn(60, 2)
Y = (X[:, 0] > 0).astype(int)
GRID = {"slow__shift": [0.0, 0.2, 0.4, 0.8], "standardscaler__with_mean": [True, False]}
FITS = 4 * 2 * 3


class Slow(ClassifierMixin, BaseEstimator):
    """Takes a few milliseconds, and leaves a mark in a file when it begins."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        with (FOLDER / "log").open("a") as log:
            log.write("x")
        time.sleep(0.02)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (X[:, 0] > self.shift).astype(int)


def search(checkpoint):
    model = make_pipeline(StandardScaler(), Slow())
    model.steps[-1] = ("slow", model.steps[-1][1])
    # joblib's threads: processes of its own would outlive the one that is killed.
    import joblib

    with joblib.parallel_config("threading"):
        return GridSearchCV(model, GRID, cv=3, checkpoint=checkpoint, refit=False, n_jobs=JOBS).fit(X, Y)


def child(path, results):
    pid = os.fork()
    if pid == 0:
        try:
            np.savez(results, **{k: v for k, v in search(path).cv_results_.items() if k.endswith("score")})
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    return pid


def main():
    random.seed(JOBS)
    whole = search(None).cv_results_
    for _ in range(3):
        (FOLDER / "log").unlink(missing_ok=True)
        for old in FOLDER.glob("search*"):
            old.unlink()
        kills, status = 0, None
        while status is None:
            pid = child(FOLDER / "search", FOLDER / "results.npz")
            time.sleep(random.uniform(0, 0.2 + 0.05 * kills))  # longer each time, for busy machines
            gone, code = os.waitpid(pid, os.WNOHANG)
            if gone:
                status = code
            else:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                kills += 1
        if status != 0:
            raise SystemExit("a search that went on failed")
        fits = len((FOLDER / "log").read_text())
        if not FITS <= fits <= FITS + kills * JOBS:
            raise SystemExit(f"{fits} fits instead of {FITS}, with {kills} kills")
        with np.load(FOLDER / "results.npz") as found:
            for key in found:
                np.testing.assert_array_equal(found[key], whole[key])
        sys.stdout.write(f"{kills} kills, {fits} fits\n")


main()
