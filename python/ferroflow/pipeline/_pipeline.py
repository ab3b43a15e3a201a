"""Pipeline with steps that change the rows while fitting."""

from sklearn import pipeline
from sklearn.base import clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_memory

from ferroflow._bridge.sklearn_compat import (
    check_method_params,
    consumed,
    has_callbacks,
    name_estimators,
    num_samples,
    print_elapsed_time,
    routing_enabled,
)


def _changes_rows(step) -> bool:
    return not isinstance(step, type) and hasattr(step, "fit_resample")


def _ends_in_a_filter(self) -> bool:
    return _changes_rows(self._final_estimator)


def _only_transforms(self) -> bool:
    """Can the last step that is there at predict time transform?"""
    final = self._final_estimator
    return final == "passthrough" or hasattr(final, "transform") or _changes_rows(final)


def _has(name):
    def check(self):
        getattr(self._final_estimator, name)  # it words the AttributeError
        return True

    return check


class Pipeline(pipeline.Pipeline):
    """scikit-learn's Pipeline, which also takes steps that change the rows while fitting.

    A step with a ``fit_resample(X, y)`` method (:class:`DropMissing`, :class:`DropDuplicates`, :class:`OutlierRemover`,
    every sampler of imbalanced-learn) gives the rows that the steps after it learn from. ``y``, and metadata with a
    value for each row such as ``sample_weight``, follow by the step's ``sample_indices_``. Every other method sees all
    rows: nothing is left out of ``predict``, ``transform`` or ``score``, nor of ``fit_transform`` and ``fit_predict``,
    which are ``fit`` and then ``transform`` or ``predict`` if there is such a step.

    Without such a step it is scikit-learn's Pipeline.

    Parameters
    ----------
    steps : list of tuples
        List of (name of step, estimator) tuples that are to be chained in sequential order. All but the last must
        have ``fit`` and ``transform``, or ``fit_resample``.
    transform_input : list of str, default=None
        The names of the metadata that are transformed by the steps before the one that takes them.
    memory : str or object with the joblib.Memory interface, default=None
        Where fitted steps are cached, those that change the rows too.
    verbose : bool, default=False
        If True, the time that each step takes to fit is printed.

    See Also
    --------
    make_pipeline : Names the steps by itself.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from ferroflow.pipeline import DropMissing, make_pipeline
    >>> X = np.array([[0.0], [1.0], [np.nan], [3.0]])
    >>> model = make_pipeline(DropMissing(), LogisticRegression()).fit(X, [0, 0, 1, 1])
    >>> model.named_steps["dropmissing"].sample_indices_
    array([0, 1, 3])
    """

    # scikit-learn's methods go through the steps by this: those that only change rows are not there for them.

    def _iter(self, with_final=True, filter_passthrough=True):
        for index, name, step in super()._iter(with_final, filter_passthrough):
            if not (filter_passthrough and _changes_rows(step) and not hasattr(step, "transform")):
                yield index, name, step

    def _validate_steps(self):
        if not self._cuts():
            return super()._validate_steps()
        steps = [(name, "passthrough" if _changes_rows(step) else step) for name, step in self.steps]
        return pipeline.Pipeline(steps)._validate_steps()

    def _cuts(self):
        """The places of steps that change the rows."""
        try:
            return [i for i, (_, step) in enumerate(self.steps) if _changes_rows(step)]
        except (TypeError, ValueError):
            return []  # scikit-learn's validation words the error

    def fit(self, X, y=None, **params):
        if not self._cuts():
            return super().fit(X, y, **params)
        X, y, params = self._fit_filters(X, y, params, "fit")
        last = self._cuts()[-1] + 1
        if last < len(self.steps):
            tail = _Part.of(self, last, len(self.steps))
            tail.fit(X, y, **tail.share(params, "fit"))
            self.steps[last:] = tail.steps
        return self

    @available_if(_only_transforms)
    def fit_transform(self, X, y=None, **params):
        if not self._cuts():
            return super().fit_transform(X, y, **params)
        return self.fit(X, y, **params).transform(X, **self._given(params, "transform"))

    @available_if(_has("fit_predict"))
    def fit_predict(self, X, y=None, **params):
        if not self._cuts():
            return super().fit_predict(X, y, **params)
        if not hasattr(self._final_estimator, "predict"):
            raise TypeError(
                f"{type(self._final_estimator).__name__} predicts only the rows that it learns from, and this pipeline "
                "leaves some of them out; call fit and read its labels_."
            )
        return self.fit(X, y, **params).predict(X, **self._given(params, "predict"))

    @available_if(_ends_in_a_filter)
    def fit_resample(self, X, y=None, **params):
        """Fit the steps, the last of which changes the rows, and return what it leaves.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,), default=None
        **params : dict of str -> object
            As for ``fit``.

        Returns
        -------
        X, y
            The rows that are left, transformed.
        """
        X, y, _ = self._fit_filters(X, y, params, "fit")
        return X, y

    @available_if(_only_transforms)
    def transform(self, X, **params):
        if not _ends_in_a_filter(self):
            return super().transform(X, **params)
        steps = [(name, step) for _, name, step in self._iter()]
        return pipeline.Pipeline([*steps, (self.steps[-1][0], "passthrough")]).transform(X, **params)

    def _given(self, params, method):
        """Those of the metadata for fit that another method takes too."""
        return consumed(self, method, params) if routing_enabled() else {}

    def _fit_filters(self, X, y, params, method):
        """Fit all steps up to the last one that changes the rows; return X, y and the metadata for the rest."""
        self._validate_params()
        if has_callbacks(self):
            raise ValueError("A pipeline with steps that change the rows takes no callbacks.")
        if not routing_enabled() and self.transform_input is not None:
            raise ValueError(
                "The `transform_input` parameter can only be set if metadata "
                "routing is enabled. You can enable metadata routing using "
                "`sklearn.set_config(enable_metadata_routing=True)`."
            )
        self.steps: list = list(self.steps)
        self._validate_steps()
        self._check_method_params(method=method, props=params)  # it names what no step takes
        begin, transformed = 0, self.transform_input or []
        for cut in self._cuts():
            if begin < cut:
                part = _Part.of(self, begin, cut)
                X = part.fit_transform(X, y, **part.share(params, "fit_transform"))
                self.steps[begin:cut] = part.steps[:-1]
                for name in set(transformed) & set(params):
                    params = {**params, name: _transformed(part, params[name])}
            X, y, params = self._filter(cut, X, y, params, transformed)
            begin = cut + 1
        return X, y, params

    def _filter(self, place, X, y, params, transformed):
        name, step = self.steps[place]
        memory = check_memory(self.memory)
        if getattr(memory, "location", True) is not None:
            step = clone(step)
        prefix = name + "__"
        own = (
            {} if routing_enabled() else {k[len(prefix) :]: params[k] for k in params if k.startswith(prefix)}
        )
        with print_elapsed_time("Pipeline", self._log_message(place)):
            left, y_left, step = memory.cache(_fit_resample)(step, X, y, own)
        self.steps[place] = (name, step)
        by_row = {
            key: value
            for key, value in params.items()
            if key not in transformed and not key.startswith(prefix) and _is_by_row(value, X)
        }
        if by_row:
            kept = getattr(step, "sample_indices_", None)
            if kept is None:
                raise ValueError(
                    f"The step {name!r} made rows of its own, for which there is no {', '.join(by_row)}: "
                    "it has no sample_indices_ that tell which rows they were."
                )
            by_row = check_method_params(X, by_row, indices=kept)
        return left, y_left, {**params, **by_row}


def _fit_resample(step, X, y, params):
    X, y = step.fit_resample(X, y, **params)
    return X, y, step


def _is_by_row(value, X) -> bool:
    return hasattr(value, "__len__") and not isinstance(value, str | dict) and len(value) == num_samples(X)


def _transformed(part, value):
    return tuple(map(part.transform, value)) if isinstance(value, tuple) else part.transform(value)


class _Part(pipeline.Pipeline):
    """Steps of a pipeline between two that change the rows."""

    @classmethod
    def of(cls, whole, begin, end):
        steps = whole.steps[begin:end]
        if end < len(whole.steps):
            steps = [*steps, (whole.steps[end][0], "passthrough")]
        inputs = whole.transform_input
        part = cls(steps, transform_input=inputs, memory=whole.memory, verbose=whole.verbose)
        part._whole, part._begin = whole, begin
        return part

    def _log_message(self, step_idx):
        place = self._begin + step_idx
        # The last one here may be a step of the whole that is not fitted yet.
        return None if self.steps[step_idx][1] == "passthrough" else self._whole._log_message(place)

    def share(self, params, method):
        """The metadata for these steps."""
        if routing_enabled():
            return consumed(self, method, params)
        names = {name for name, _ in self.steps}
        return {key: value for key, value in params.items() if key.split("__", 1)[0] in names}


def make_pipeline(*steps, memory=None, transform_input=None, verbose=False):
    """Make a :class:`Pipeline` of the steps, named by their classes in lower case.

    Parameters
    ----------
    *steps : list of Estimator objects
        In the order in which they are chained.
    memory : str or object with the joblib.Memory interface, default=None
        Where fitted steps are cached.
    transform_input : list of str, default=None
        The names of the metadata that are transformed by the steps before the one that takes them.
    verbose : bool, default=False
        If True, the time that each step takes to fit is printed.

    Returns
    -------
    Pipeline
    """
    named = name_estimators(steps)
    return Pipeline(named, transform_input=transform_input, memory=memory, verbose=verbose)
