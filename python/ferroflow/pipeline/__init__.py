"""scikit-learn's ``sklearn.pipeline``, and steps that leave rows out while fitting."""

from sklearn.pipeline import FeatureUnion, make_union

from ferroflow.pipeline._drop_duplicates import DropDuplicates
from ferroflow.pipeline._drop_missing import DropMissing
from ferroflow.pipeline._outlier_remover import OutlierRemover
from ferroflow.pipeline._pipeline import Pipeline, make_pipeline

__all__ = [
    "DropDuplicates",
    "DropMissing",
    "FeatureUnion",
    "OutlierRemover",
    "Pipeline",
    "make_pipeline",
    "make_union",
]
