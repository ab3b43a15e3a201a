"""scikit-learn's ``sklearn.metrics``, on the Rust core where it is faster there; the rest is scikit-learn's own."""

import sys

from sklearn import metrics as _theirs
from sklearn.metrics import *  # noqa: F403  (what is not replaced below)
from sklearn.metrics import cluster, pairwise

from ferroflow.metrics._classification import accuracy_score as accuracy_score
from ferroflow.metrics._classification import confusion_matrix as confusion_matrix
from ferroflow.metrics._classification import f1_score as f1_score
from ferroflow.metrics._classification import precision_score as precision_score
from ferroflow.metrics._classification import recall_score as recall_score
from ferroflow.metrics._scorers import check_scoring as check_scoring
from ferroflow.metrics._scorers import get_scorer as get_scorer

__all__ = list(_theirs.__all__)

# Importable under this package's name too.
sys.modules[f"{__name__}.cluster"] = cluster
sys.modules[f"{__name__}.pairwise"] = pairwise
