"""ColumnTransformer with less between its steps."""

from typing import Any
from weakref import WeakKeyDictionary

from sklearn import compose

from ferroflow._bridge.fast_path import with_fast_path
from ferroflow._bridge.sklearn_compat import default_output, routing_enabled, transformer_list
from ferroflow.compose import _parts
from ferroflow.compose._plan import NotPlain, Plan
from ferroflow.compose._stack import stack_csr


class ColumnTransformer(compose.ColumnTransformer):
    __doc__ = compose.ColumnTransformer.__doc__

    def transform(self, X, **params):
        return super().transform(X, **params)

    def partial_fit(self, X, y=None):
        """Let each transformer take in its columns of more rows.

        The transformers must have ``partial_fit``, as those of :mod:`ferroflow.preprocessing` and
        :mod:`ferroflow.impute` have; pipelines have not. Which columns are whose is found in the first rows.

        Parameters
        ----------
        X : {array-like, dataframe} of shape (n_samples, n_features)
            More rows of the same columns.
        y : array-like of shape (n_samples,), default=None
            Targets.

        Returns
        -------
        self : ColumnTransformer

        Raises
        ------
        TypeError
            If a transformer has no ``partial_fit``.
        """
        _parts.partial_fit(self, X, y)
        return self

    def merge(self, other):
        """Take in what another one has learned, as if both had seen their rows together.

        Parameters
        ----------
        other : ColumnTransformer
            Fitted, of the same transformers and columns.

        Returns
        -------
        self : ColumnTransformer

        Raises
        ------
        ValueError
            If the transformers or their columns differ.
        TypeError
            If a transformer has no ``merge``.
        """
        _parts.merge(self, other)
        return self

    def _record_output_indices(self, Xs):
        super()._record_output_indices(Xs)
        self._filled = _parts.filled_by(self, Xs)

    def _hstack(self, Xs, *, n_samples):
        if self.sparse_output_ and (out := stack_csr(Xs)) is not None:
            return out
        return super()._hstack(Xs, n_samples=n_samples)


# Not in the estimator, whose attributes `transform` must not change.
_plans: WeakKeyDictionary[Any, Plan] = WeakKeyDictionary()


def _plan(self: Any) -> Plan:
    plan = _plans.get(self)
    if plan is None or plan.transformers is not self.transformers_:
        plan = _plans[self] = Plan(self)
    return plan


def _fast_transform(self, X, **params):
    state = self.__dict__
    if (
        params
        or "transformers_" not in state
        or "sparse_output_" not in state
        or self.n_jobs not in (None, 1)
        or self.transformer_weights
        or not default_output(self)
        or routing_enabled()
    ):
        return NotImplemented
    try:
        plan = _plan(self)
        if not self.sparse_output_:
            return plan.run_dense(X)
        return self._hstack(plan.run(X), n_samples=X.shape[0])
    except NotPlain:
        return NotImplemented


def make_column_transformer(
    *transformers,
    remainder="drop",
    sparse_threshold=0.3,
    n_jobs=None,
    verbose=False,
    verbose_feature_names_out=True,
):
    return ColumnTransformer(
        transformer_list(transformers),
        n_jobs=n_jobs,
        remainder=remainder,
        sparse_threshold=sparse_threshold,
        verbose=verbose,
        verbose_feature_names_out=verbose_feature_names_out,
    )


make_column_transformer.__doc__ = compose.make_column_transformer.__doc__

with_fast_path(ColumnTransformer, "transform", _fast_transform)
