"""scikit-learn's ``sklearn.metrics``, on the Rust core where it is faster there; the rest is scikit-learn's own."""

import sys

from sklearn import metrics as _theirs
from sklearn.metrics import *  # noqa: F403  (what is not replaced below)
from sklearn.metrics import cluster, pairwise

from ferroflow.metrics._agreement import accuracy_score as accuracy_score
from ferroflow.metrics._agreement import hamming_loss as hamming_loss
from ferroflow.metrics._agreement import zero_one_loss as zero_one_loss
from ferroflow.metrics._confusion import balanced_accuracy_score as balanced_accuracy_score
from ferroflow.metrics._confusion import class_likelihood_ratios as class_likelihood_ratios
from ferroflow.metrics._confusion import cohen_kappa_score as cohen_kappa_score
from ferroflow.metrics._confusion import confusion_matrix as confusion_matrix
from ferroflow.metrics._confusion import matthews_corrcoef as matthews_corrcoef
from ferroflow.metrics._confusion import multilabel_confusion_matrix as multilabel_confusion_matrix
from ferroflow.metrics._precision_recall import f1_score as f1_score
from ferroflow.metrics._precision_recall import fbeta_score as fbeta_score
from ferroflow.metrics._precision_recall import jaccard_score as jaccard_score
from ferroflow.metrics._precision_recall import (
    precision_recall_fscore_support as precision_recall_fscore_support,
)
from ferroflow.metrics._precision_recall import precision_score as precision_score
from ferroflow.metrics._precision_recall import recall_score as recall_score
from ferroflow.metrics._report import classification_report as classification_report
from ferroflow.metrics._scorers import check_scoring as check_scoring
from ferroflow.metrics._scorers import get_scorer as get_scorer

__all__ = list(_theirs.__all__)

# Importable under this package's name too.
sys.modules[f"{__name__}.cluster"] = cluster
sys.modules[f"{__name__}.pairwise"] = pairwise
