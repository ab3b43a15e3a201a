"""scikit-learn's ``sklearn.neural_network`` on the Rust core."""

from sklearn.neural_network import BernoulliRBM

from ferroflow.neural_network._mlp import MLPClassifier, MLPRegressor
from ferroflow.neural_network._onnx import from_onnx

__all__ = ["BernoulliRBM", "MLPClassifier", "MLPRegressor", "from_onnx"]
