"""scikit-learn's ``sklearn.linear_model`` on the Rust core."""

from ferroflow.linear_model._gradient_descent import GradientDescentClassifier, GradientDescentRegressor

__all__ = ["GradientDescentClassifier", "GradientDescentRegressor"]
