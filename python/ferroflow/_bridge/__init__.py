"""What estimators share: arrays, threads, ledger, and the one place that knows scikit-learn's versions."""

from ferroflow._bridge import threads  # noqa: F401  (makes the pool visible to threadpoolctl)
