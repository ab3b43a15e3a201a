"""Repeated folds on the Rust core."""

from sklearn import model_selection

from ferroflow.model_selection._folds import KFold, StratifiedKFold


class RepeatedKFold(model_selection.RepeatedKFold):
    __doc__ = model_selection.RepeatedKFold.__doc__

    def __init__(self, *, n_splits=5, n_repeats=10, random_state=None):
        super().__init__(n_splits=n_splits, n_repeats=n_repeats, random_state=random_state)
        self.cv = KFold


class RepeatedStratifiedKFold(model_selection.RepeatedStratifiedKFold):
    __doc__ = model_selection.RepeatedStratifiedKFold.__doc__

    def __init__(self, *, n_splits=5, n_repeats=10, random_state=None):
        super().__init__(n_splits=n_splits, n_repeats=n_repeats, random_state=random_state)
        self.cv = StratifiedKFold
