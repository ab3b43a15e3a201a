"""What estimators share: arrays, threads, ledger, and the one place that knows scikit-learn's versions."""
