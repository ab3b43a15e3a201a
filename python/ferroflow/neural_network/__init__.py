"""scikit-learn's ``sklearn.neural_network`` on the Rust core."""

from sklearn.neural_network import BernoulliRBM

from ferroflow.neural_network._mlp import MLPClassifier, MLPRegressor

__all__ = ["BernoulliRBM", "MLPClassifier", "MLPRegressor"]
