"""check_cv, which makes our splitters."""

from functools import update_wrapper

from sklearn import model_selection

from ferroflow.model_selection._folds import KFold, StratifiedKFold
from ferroflow.model_selection._rows import classes_of

_theirs = model_selection.check_cv  # under that name is ours once scikit-learn is accelerated
_OURS = {model_selection.KFold: KFold, model_selection.StratifiedKFold: StratifiedKFold}


def check_cv(cv=5, y=None, *, classifier=False, **options):
    classes = classes_of(y) if classifier else None
    if classes is not None and classes.whole:
        y = y[classes.firsts()[:3]]  # of the same type as all labels together
    checked = _theirs(cv, y, classifier=classifier, **options)
    ours = _OURS.get(type(checked))
    if ours is None or checked is cv:
        return checked
    return ours(checked.n_splits, shuffle=checked.shuffle, random_state=checked.random_state)


update_wrapper(check_cv, model_selection.check_cv, assigned=("__name__", "__qualname__", "__doc__"))
