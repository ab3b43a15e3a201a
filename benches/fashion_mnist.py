"""Fashion-MNIST by a network of one hidden layer: how long until so many of the test pictures are told right?

python benches/fashion_mnist.py

scikit-learn's MLPClassifier learns epoch by epoch until 0.86 of the 10,000 test pictures are right; ours, of the same size, has one
fit of a few epochs by the one-cycle schedule and has to reach 0.88 in that time. Looking at test pictures takes no part in
the times. The data come from Debian's dataset-fashion-mnist, or a folder with its four files.
"""

import argparse
import gzip
import time
from pathlib import Path

import numpy as np
import sklearn.neural_network

from ferroflow.neural_network import MLPClassifier


def load(folder: Path) -> list[np.ndarray]:
    """Return pictures and labels to learn from, and those to test."""
    out = []
    for part in ("train", "t10k"):
        with gzip.open(folder / f"{part}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read(), np.uint8, offset=8)
        with gzip.open(folder / f"{part}-images-idx3-ubyte.gz") as file:
            pictures = np.frombuffer(file.read(), np.uint8, offset=16).reshape(len(labels), -1)
        out += [pictures.astype(np.float32) / 255, labels]
    return out


def theirs(X, y, X_test, y_test, goal: float) -> float:
    model = sklearn.neural_network.MLPClassifier((128,), random_state=0)
    spent, right = 0.0, 0.0
    while right < goal:
        start = time.perf_counter()
        model.partial_fit(X, y, classes=np.arange(10))
        spent += time.perf_counter() - start
        right = model.score(X_test, y_test)
        print(f"  scikit-learn {spent:6.2f} s  {right:.4f}", flush=True)
    return spent


def ours(X, y, X_test, y_test, epochs: int, seed: int) -> tuple[float, float]:
    model = MLPClassifier(
        (128,),
        learning_rate="one_cycle",
        learning_rate_init=0.004,
        max_iter=epochs,
        tol=0.0,
        n_iter_no_change=epochs,
        random_state=seed,
    )
    start = time.perf_counter()
    model.fit(X, y)
    spent = time.perf_counter() - start
    right = model.score(X_test, y_test)
    print(f"  ferroflow    {spent:6.2f} s  {right:.4f}  (seed {seed})", flush=True)
    return spent, right


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=6, help="of ours (default: %(default)s)")
    parser.add_argument("--fashion", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    options = parser.parse_args()
    data = load(options.fashion)
    limit = theirs(*data, goal=0.86)
    runs = [ours(*data, options.epochs, seed) for seed in range(3)]
    seconds, right = np.median(runs, axis=0)
    print(f"0.86 by scikit-learn in {limit:.2f} s; {right:.4f} by ferroflow in {seconds:.2f} s")


if __name__ == "__main__":
    main()
