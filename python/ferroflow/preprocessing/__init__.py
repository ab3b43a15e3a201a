"""scikit-learn's ``sklearn.preprocessing`` on the Rust core."""

from ferroflow.preprocessing._frequency_encoder import FrequencyEncoder
from ferroflow.preprocessing._label_binarizer import LabelBinarizer, label_binarize
from ferroflow.preprocessing._label_encoder import LabelEncoder
from ferroflow.preprocessing._multi_label_binarizer import MultiLabelBinarizer
from ferroflow.preprocessing._one_hot_encoder import OneHotEncoder
from ferroflow.preprocessing._ordinal_encoder import OrdinalEncoder
from ferroflow.preprocessing._rare_category_grouper import RareCategoryGrouper
from ferroflow.preprocessing._standard_scaler import StandardScaler
from ferroflow.preprocessing._target_encoder import TargetEncoder

__all__ = [
    "FrequencyEncoder",
    "LabelBinarizer",
    "LabelEncoder",
    "MultiLabelBinarizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "RareCategoryGrouper",
    "StandardScaler",
    "TargetEncoder",
    "label_binarize",
]
