"""scikit-learn's ``sklearn.linear_model`` on the Rust core."""

from ferroflow.linear_model._elastic_net import ElasticNet, Lasso
from ferroflow.linear_model._elastic_net_cv import ElasticNetCV, LassoCV
from ferroflow.linear_model._glm import GammaRegressor, PoissonRegressor, TweedieRegressor
from ferroflow.linear_model._gradient_descent_classifier import GradientDescentClassifier
from ferroflow.linear_model._gradient_descent_regressor import GradientDescentRegressor
from ferroflow.linear_model._huber import HuberRegressor
from ferroflow.linear_model._linear_regression import LinearRegression
from ferroflow.linear_model._logistic import LogisticRegression
from ferroflow.linear_model._logistic_cv import LogisticRegressionCV
from ferroflow.linear_model._ridge import Ridge, RidgeClassifier
from ferroflow.linear_model._ridge_cv import RidgeClassifierCV, RidgeCV
from ferroflow.linear_model._sgd import Perceptron, SGDClassifier, SGDOneClassSVM, SGDRegressor

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "GammaRegressor",
    "GradientDescentClassifier",
    "GradientDescentRegressor",
    "HuberRegressor",
    "Lasso",
    "LassoCV",
    "LinearRegression",
    "LogisticRegression",
    "LogisticRegressionCV",
    "Perceptron",
    "PoissonRegressor",
    "Ridge",
    "RidgeCV",
    "RidgeClassifier",
    "RidgeClassifierCV",
    "SGDClassifier",
    "SGDOneClassSVM",
    "SGDRegressor",
    "TweedieRegressor",
]
