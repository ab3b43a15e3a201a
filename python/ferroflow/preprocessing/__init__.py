"""scikit-learn's ``sklearn.preprocessing`` on the Rust core."""

from sklearn.preprocessing import add_dummy_feature

from ferroflow.preprocessing._binarizer import Binarizer, binarize
from ferroflow.preprocessing._expression_transformer import ExpressionTransformer
from ferroflow.preprocessing._frequency_encoder import FrequencyEncoder
from ferroflow.preprocessing._function_transformer import FunctionTransformer
from ferroflow.preprocessing._functions import maxabs_scale, minmax_scale, robust_scale, scale
from ferroflow.preprocessing._k_bins_discretizer import KBinsDiscretizer
from ferroflow.preprocessing._label_binarizer import LabelBinarizer, label_binarize
from ferroflow.preprocessing._label_encoder import LabelEncoder
from ferroflow.preprocessing._max_abs_scaler import MaxAbsScaler
from ferroflow.preprocessing._min_max_scaler import MinMaxScaler
from ferroflow.preprocessing._multi_label_binarizer import MultiLabelBinarizer
from ferroflow.preprocessing._normalizer import Normalizer, normalize
from ferroflow.preprocessing._one_hot_encoder import OneHotEncoder
from ferroflow.preprocessing._ordinal_encoder import OrdinalEncoder
from ferroflow.preprocessing._polynomial_features import PolynomialFeatures
from ferroflow.preprocessing._power_transformer import PowerTransformer, power_transform
from ferroflow.preprocessing._quantile_transformer import QuantileTransformer, quantile_transform
from ferroflow.preprocessing._rare_category_grouper import RareCategoryGrouper
from ferroflow.preprocessing._robust_scaler import RobustScaler
from ferroflow.preprocessing._spline_transformer import SplineTransformer
from ferroflow.preprocessing._standard_scaler import StandardScaler
from ferroflow.preprocessing._target_encoder import TargetEncoder

__all__ = [
    "Binarizer",
    "ExpressionTransformer",
    "FrequencyEncoder",
    "FunctionTransformer",
    "KBinsDiscretizer",
    "LabelBinarizer",
    "LabelEncoder",
    "MaxAbsScaler",
    "MinMaxScaler",
    "MultiLabelBinarizer",
    "Normalizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "PolynomialFeatures",
    "PowerTransformer",
    "QuantileTransformer",
    "RareCategoryGrouper",
    "RobustScaler",
    "SplineTransformer",
    "StandardScaler",
    "TargetEncoder",
    "add_dummy_feature",
    "binarize",
    "label_binarize",
    "maxabs_scale",
    "minmax_scale",
    "normalize",
    "power_transform",
    "quantile_transform",
    "robust_scale",
    "scale",
]
