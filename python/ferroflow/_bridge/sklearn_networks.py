"""What scikit-learn's neural networks are made of, by its private names; importing it takes longer than most estimators need."""

from sklearn import __version__
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils.fixes import parse_version

__all__ = ["HAS_WEIGHTS", "AdamOptimizer", "BaseMultilayerPerceptron", "SGDOptimizer"]

HAS_WEIGHTS = parse_version(__version__) >= parse_version("1.7")
"""Does ``fit`` take weights of rows?"""
