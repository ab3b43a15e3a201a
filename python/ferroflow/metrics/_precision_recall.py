"""Precision, recall, F-scores and the Jaccard index of predicted labels."""

from sklearn import metrics

from ferroflow.metrics._rust_first import Foreign, rust_first
from ferroflow.metrics._set_scores import Asked


@rust_first(metrics.precision_score)
def precision_score(
    y_true,
    y_pred,
    *,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    asked = Asked(y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)
    return asked.score("precision", warn=True)


@rust_first(metrics.recall_score)
def recall_score(
    y_true,
    y_pred,
    *,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    asked = Asked(y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)
    return asked.score("recall", warn=True)


@rust_first(metrics.f1_score)
def f1_score(
    y_true,
    y_pred,
    *,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    asked = Asked(y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)
    return asked.score("f-score", warn=True)


@rust_first(metrics.fbeta_score)
def fbeta_score(
    y_true,
    y_pred,
    *,
    beta,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    _check_beta(beta)
    asked = Asked(y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)
    return _f_score(asked, beta, warn=True)


@rust_first(metrics.precision_recall_fscore_support)
def precision_recall_fscore_support(
    y_true,
    y_pred,
    *,
    beta=1.0,
    labels=None,
    pos_label=1,
    average=None,
    warn_for=("precision", "recall", "f-score"),
    sample_weight=None,
    zero_division="warn",
):
    _check_beta(beta)
    if type(warn_for) not in (list, tuple, set):
        raise Foreign("parameters to be checked")
    asked = Asked(y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)
    precision = asked.score("precision", warn="precision" in warn_for)
    recall = asked.score("recall", warn="recall" in warn_for)
    f_score = _f_score(asked, beta, warn="f-score" in warn_for)
    return precision, recall, f_score, asked.sums.truly if average is None else None


@rust_first(metrics.jaccard_score)
def jaccard_score(
    y_true,
    y_pred,
    *,
    labels=None,
    pos_label=1,
    average="binary",
    sample_weight=None,
    zero_division="warn",
):
    if zero_division != zero_division:
        raise Foreign("parameters to be checked")
    asked = Asked(y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)
    return asked.score("jaccard", warn=True)


def _check_beta(beta):
    if not (type(beta) in (int, float) and beta >= 0):
        raise Foreign("parameters to be checked")


def _f_score(asked, beta, *, warn):
    # Its limits, of which scikit-learn does not warn.
    if beta == 0 or beta == float("inf"):
        return asked.score("recall" if beta else "precision", warn=False)
    return asked.score("f-score", warn=warn, beta=beta)
