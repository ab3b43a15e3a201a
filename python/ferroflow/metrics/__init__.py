"""scikit-learn's ``sklearn.metrics``, on the Rust core where it is faster there; the rest is scikit-learn's own."""

import sys

from sklearn import metrics as _theirs
from sklearn.metrics import *  # noqa: F403  (what is not replaced below)
from sklearn.metrics import cluster, pairwise

from ferroflow.metrics._agreement import accuracy_score as accuracy_score
from ferroflow.metrics._agreement import hamming_loss as hamming_loss
from ferroflow.metrics._agreement import zero_one_loss as zero_one_loss
from ferroflow.metrics._calibration import expected_calibration_error as expected_calibration_error
from ferroflow.metrics._confusion import balanced_accuracy_score as balanced_accuracy_score
from ferroflow.metrics._confusion import class_likelihood_ratios as class_likelihood_ratios
from ferroflow.metrics._confusion import cohen_kappa_score as cohen_kappa_score
from ferroflow.metrics._confusion import confusion_matrix as confusion_matrix
from ferroflow.metrics._confusion import matthews_corrcoef as matthews_corrcoef
from ferroflow.metrics._confusion import multilabel_confusion_matrix as multilabel_confusion_matrix
from ferroflow.metrics._evaluate import Estimate as Estimate
from ferroflow.metrics._evaluate import Evaluation as Evaluation
from ferroflow.metrics._evaluate import evaluate as evaluate
from ferroflow.metrics._precision_recall import f1_score as f1_score
from ferroflow.metrics._precision_recall import fbeta_score as fbeta_score
from ferroflow.metrics._precision_recall import jaccard_score as jaccard_score
from ferroflow.metrics._precision_recall import (
    precision_recall_fscore_support as precision_recall_fscore_support,
)
from ferroflow.metrics._precision_recall import precision_score as precision_score
from ferroflow.metrics._precision_recall import recall_score as recall_score
from ferroflow.metrics._probability import brier_score_loss as brier_score_loss
from ferroflow.metrics._probability import d2_log_loss_score as d2_log_loss_score
from ferroflow.metrics._probability import hinge_loss as hinge_loss
from ferroflow.metrics._probability import log_loss as log_loss
from ferroflow.metrics._ranked_labels import coverage_error as coverage_error
from ferroflow.metrics._ranked_labels import dcg_score as dcg_score
from ferroflow.metrics._ranked_labels import (
    label_ranking_average_precision_score as label_ranking_average_precision_score,
)
from ferroflow.metrics._ranked_labels import label_ranking_loss as label_ranking_loss
from ferroflow.metrics._ranked_labels import ndcg_score as ndcg_score
from ferroflow.metrics._ranked_labels import top_k_accuracy_score as top_k_accuracy_score
from ferroflow.metrics._ranking import auc as auc
from ferroflow.metrics._ranking import average_precision_score as average_precision_score
from ferroflow.metrics._ranking import det_curve as det_curve
from ferroflow.metrics._ranking import precision_recall_curve as precision_recall_curve
from ferroflow.metrics._ranking import roc_auc_score as roc_auc_score
from ferroflow.metrics._ranking import roc_curve as roc_curve
from ferroflow.metrics._regression import d2_absolute_error_score as d2_absolute_error_score
from ferroflow.metrics._regression import d2_pinball_score as d2_pinball_score
from ferroflow.metrics._regression import d2_tweedie_score as d2_tweedie_score
from ferroflow.metrics._regression import explained_variance_score as explained_variance_score
from ferroflow.metrics._regression import max_error as max_error
from ferroflow.metrics._regression import mean_absolute_error as mean_absolute_error
from ferroflow.metrics._regression import mean_absolute_percentage_error as mean_absolute_percentage_error
from ferroflow.metrics._regression import mean_gamma_deviance as mean_gamma_deviance
from ferroflow.metrics._regression import mean_pinball_loss as mean_pinball_loss
from ferroflow.metrics._regression import mean_poisson_deviance as mean_poisson_deviance
from ferroflow.metrics._regression import mean_squared_error as mean_squared_error
from ferroflow.metrics._regression import mean_squared_log_error as mean_squared_log_error
from ferroflow.metrics._regression import mean_tweedie_deviance as mean_tweedie_deviance
from ferroflow.metrics._regression import median_absolute_error as median_absolute_error
from ferroflow.metrics._regression import r2_score as r2_score
from ferroflow.metrics._regression import root_mean_squared_error as root_mean_squared_error
from ferroflow.metrics._regression import root_mean_squared_log_error as root_mean_squared_log_error
from ferroflow.metrics._report import classification_report as classification_report
from ferroflow.metrics._scorers import check_scoring as check_scoring
from ferroflow.metrics._scorers import get_scorer as get_scorer

if "d2_brier_score" in _theirs.__all__:
    from ferroflow.metrics._probability import d2_brier_score as d2_brier_score

__all__ = [*_theirs.__all__, "Estimate", "Evaluation", "evaluate", "expected_calibration_error"]

# Importable under this package's name too.
sys.modules[f"{__name__}.cluster"] = cluster
sys.modules[f"{__name__}.pairwise"] = pairwise
