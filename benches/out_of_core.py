"""Fit on more rows than memory holds: Parquet row groups go through `partial_fit` one after the other.

python benches/out_of_core.py              20 GB, as one row group of 20 MB after another, never stored whole
python benches/out_of_core.py --gb 1 --only Gradient

Prints how fast each estimator takes them in, how fast they can be read without one, and the most memory the whole
process had, Python and its libraries included; another process makes the row groups.
"""

import argparse
import io
import multiprocessing
import resource
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from ferroflow.impute import MissingIndicator, SimpleImputer
from ferroflow.linear_model import GradientDescentClassifier, LinearRegression, SGDClassifier
from ferroflow.preprocessing import (
    FrequencyEncoder,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

ROWS = 125_000
NUMBERS = [f"x{j}" for j in range(19)]
TARGET = "y"
GROUP = ROWS * 20 * 8

ESTIMATORS = {
    "StandardScaler": (StandardScaler(), NUMBERS),
    "MinMaxScaler": (MinMaxScaler(), NUMBERS),
    "MaxAbsScaler": (MaxAbsScaler(), NUMBERS),
    "RobustScaler": (RobustScaler(), NUMBERS),
    "QuantileTransformer": (QuantileTransformer(), NUMBERS),
    # x0 has missing values, which KBinsDiscretizer refuses.
    "KBinsDiscretizer": (KBinsDiscretizer(quantile_method="averaged_inverted_cdf"), NUMBERS[1:]),
    "SimpleImputer mean": (SimpleImputer(), NUMBERS),
    "SimpleImputer median": (SimpleImputer(strategy="median"), NUMBERS),
    "MissingIndicator": (MissingIndicator(), NUMBERS),
    "OrdinalEncoder": (OrdinalEncoder(), ["place"]),
    "OneHotEncoder": (OneHotEncoder(), ["place"]),
    "FrequencyEncoder": (FrequencyEncoder(), ["place"]),
    "GradientDescentClassifier": (GradientDescentClassifier(batch_size=256, random_state=0), NUMBERS[1:]),
    "SGDClassifier": (SGDClassifier(random_state=0), NUMBERS[1:]),
    "LinearRegression": (LinearRegression(), NUMBERS[1:]),
}


def write_row_groups(to: Connection, n: int) -> None:
    """Send row groups as they lie in a file; each has its own values."""
    rng = np.random.default_rng(0)
    places = np.array([f"place {k:04}" for k in range(5_000)], dtype=object)
    for _ in range(n):
        columns = {name: rng.standard_normal(ROWS) for name in NUMBERS}
        columns["x0"][rng.random(ROWS) < 0.1] = np.nan
        target = (columns["x1"] - columns["x2"] + rng.standard_normal(ROWS) > 0).astype(np.int64)
        table = pa.table({**columns, "place": places[rng.integers(5_000, size=ROWS)], TARGET: target})
        file = io.BytesIO()
        pq.write_table(table, file, compression="none", use_dictionary=["place"])
        to.send_bytes(file.getbuffer())


def row_groups(n: int) -> Iterator[bytes]:
    """Row groups from a process of their own: what it takes to make them is none of the memory that is measured."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe(duplex=False)
    writer = spawn.Process(target=write_row_groups, args=(there, n), daemon=True)
    writer.start()
    there.close()
    for _ in range(n):
        yield here.recv_bytes()
    writer.join()


def read(group: bytes) -> pd.DataFrame:
    return pq.ParquetFile(io.BytesIO(group)).read_row_group(0).to_pandas()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gb", type=float, default=20, help="how much (default: %(default)s)")
    parser.add_argument("--only", default="", help="those estimators whose name has this in it")
    options = parser.parse_args()
    n = max(1, round(options.gb * 1e9 / GROUP))
    estimators: dict[str, tuple[BaseEstimator, list[str]]]
    estimators = {name: one for name, one in ESTIMATORS.items() if options.only in name}
    spent = dict.fromkeys(["reading", *estimators], 0.0)
    for i, group in enumerate(row_groups(n), 1):
        start = time.perf_counter()
        frame = read(group)
        spent["reading"] += time.perf_counter() - start
        for name, (estimator, columns) in estimators.items():
            part = frame[columns]
            target = (
                {"y": frame[TARGET].to_numpy()} if is_classifier(estimator) or is_regressor(estimator) else {}
            )
            if is_classifier(estimator) and i == 1:
                target["classes"] = np.array([0, 1])
            start = time.perf_counter()
            estimator.partial_fit(part, **target)
            spent[name] += time.perf_counter() - start
        print(f"\r{i} of {n} row groups", end="", flush=True)
    print(f"\n\n{n * GROUP / 1e9:.1f} GB, {n * ROWS:,} rows")
    for name, seconds in spent.items():
        width = 21 if name == "reading" else len(estimators[name][1])
        print(
            f"{name:<26}{seconds:>8.1f} s   {n * ROWS * width / seconds / 1e6:>8.0f} million values a second"
        )
    print(f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
