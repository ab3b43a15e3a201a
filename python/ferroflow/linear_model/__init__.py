"""scikit-learn's ``sklearn.linear_model`` on the Rust core."""

from ferroflow.linear_model._gradient_descent import GradientDescentClassifier, GradientDescentRegressor
from ferroflow.linear_model._sgd import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor

__all__ = [
    "GradientDescentClassifier",
    "GradientDescentRegressor",
    "Perceptron",
    "SGDClassifier",
    "SGDOneClassSVM",
    "SGDRegressor",
]
