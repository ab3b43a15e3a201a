"""The same rows through pytest-benchmark: ``pytest benches --benchmark-enable -k "scaler"``."""

import pytest

from run import all_cases

CASES = {case.row: case for case in all_cases()}


@pytest.mark.parametrize("engine", ["ferroflow", "scikit-learn"])
@pytest.mark.parametrize("row", list(CASES))
def test_row(benchmark, row, engine):
    ours, theirs = CASES[row].make()
    benchmark.group = row
    benchmark(ours if engine == "ferroflow" else theirs)
