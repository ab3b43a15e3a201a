"""scikit-learn's linear models by stochastic gradient descent on the Rust core: its sequence of updates, row by row."""

import numpy as np
from sklearn import linear_model
from sklearn.utils import check_random_state
from sklearn.utils.parallel import Parallel, delayed

from ferroflow._bridge.ledger import note_rust, note_sklearn
from ferroflow._bridge.sklearn_compat import BaseSGDClassifier
from ferroflow.linear_model._sgd_kernel import MAX_INT, Model, classifier_seed, descend, why_not
from ferroflow.linear_model._sgd_scores import sgd_scores


class _Classifier(BaseSGDClassifier):
    def _models(self):
        """Return the weights that steps change, and their averages; scikit-learn keeps both where it averages."""
        if not self.average:
            return Model(self.coef_, self.intercept_, None, [0.0] * len(self.intercept_))
        return Model(
            self._standard_coef, self._standard_intercept, self._average_coef, self._average_intercept
        )

    def _other(self):
        """Return the target of rows that are not of the class."""
        return 0.0 if self.loss == "log_loss" else -1.0

    def _validation(self, held_out, X, y, sample_weight):
        if held_out is None:
            return None
        classes = np.array([-1, 1], dtype=y.dtype)
        return self._make_validation_score_cb(held_out, X, y, sample_weight, classes=classes)

    def _split_off(self, y, sample_weight):
        if not self.early_stopping:
            return None
        return lambda: self._make_validation_split(y, sample_mask=sample_weight > 0)

    def _fit_binary(self, X, y, alpha, sample_weight, learning_rate, max_iter):
        model = self._models()
        if (why := why_not(self, X, model.coef, model.averaged)) is not None:
            note_sklearn(f"{type(self).__name__}.fit", why)
            super()._fit_binary(X, y, alpha, sample_weight, learning_rate, max_iter)
            return
        targets = np.full(y.shape, self._other(), dtype=X.dtype)
        targets[y == self.classes_[1]] = 1.0
        seed, held_out = classifier_seed(self.random_state, self._split_off(targets, sample_weight))
        (self.n_iter_,) = descend(
            self,
            X,
            targets,
            model,
            alpha=alpha,
            loss=self.loss,
            learning_rate=learning_rate,
            max_iter=max_iter,
            seeds=[seed],
            sample_weight=sample_weight,
            class_weights=[(self._expanded_class_weight[1], self._expanded_class_weight[0])],
            held_out=held_out,
            score=self._validation(held_out, X, targets, sample_weight),
        )
        self.t_ += self.n_iter_ * X.shape[0]
        if self.average:
            self._average_intercept[0] = model.averaged_intercept[0]
        if 0 < self.average <= self.t_ - 1:
            self.coef_, self.intercept_ = self._average_coef.reshape(1, -1), self._average_intercept
        else:
            self.coef_, self.intercept_ = model.coef.reshape(1, -1), np.array(model.intercept)
            if self.average:
                self._standard_intercept = self.intercept_
        note_rust(f"{type(self).__name__}.fit")

    def _fit_multiclass(self, X, y, alpha, learning_rate, sample_weight, max_iter):
        model = self._models()
        if (why := why_not(self, X, model.coef, model.averaged)) is not None:
            note_sklearn(f"{type(self).__name__}.fit", why)
            super()._fit_multiclass(X, y, alpha, learning_rate, sample_weight, max_iter)
            return
        split = self._split_off(y, sample_weight)
        held_out = split() if split else None
        seeds = check_random_state(self.random_state).randint(MAX_INT, size=len(self.classes_))
        seeds = [classifier_seed(int(seed))[0] for seed in seeds]
        class_weights = [(weight, 1.0) for weight in self._expanded_class_weight]
        common = {
            "alpha": alpha,
            "loss": self.loss,
            "learning_rate": learning_rate,
            "max_iter": max_iter,
            "sample_weight": sample_weight,
            "held_out": held_out,
        }

        def alone(i):
            targets = np.full(y.shape, self._other(), dtype=X.dtype)
            targets[y == self.classes_[i]] = 1.0
            one = model.row(i)
            epochs = descend(
                self,
                X,
                targets,
                one,
                seeds=[seeds[i]],
                class_weights=[class_weights[i]],
                score=self._validation(held_out, X, targets, sample_weight),
                **common,
            )
            model.intercept[i], model.averaged_intercept[i] = one.intercept[0], one.averaged_intercept[0]
            return epochs[0]

        if held_out is not None or self.verbose:
            # Each class prints or scores by Python, so Python's threads run them.
            run = Parallel(n_jobs=self.n_jobs, verbose=self.verbose, require="sharedmem")
            epochs = run(delayed(alone)(i) for i in range(len(seeds)))
        else:
            codes = np.full(y.shape, -1, dtype=np.int32)
            for i, label in enumerate(self.classes_):
                codes[y == label] = i
            epochs = descend(
                self, X, codes, model, seeds=seeds, class_weights=class_weights, other=self._other(), **common
            )
        self.n_iter_ = max(epochs)
        self.t_ += self.n_iter_ * X.shape[0]
        if self.average:
            self._average_intercept[:] = model.averaged_intercept
        # From the second partial_fit on, these are the averages: scikit-learn overwrites them.
        self.intercept_[:] = model.intercept
        if self.average:
            if self.average <= self.t_ - 1.0:
                self.coef_, self.intercept_ = self._average_coef, self._average_intercept
            else:
                self.coef_ = self._standard_coef
                self._standard_intercept = self.intercept_
        note_rust(f"{type(self).__name__}.fit")

    def decision_function(self, X):
        out = sgd_scores(self, X, "decision_function")
        if out is None:
            return super().decision_function(X)
        return out[:, 0] if out.shape[1] == 1 else out

    def predict(self, X):
        out = sgd_scores(self, X, "predict")
        if out is None:
            return super().predict(X)
        at = (out[:, 0] > 0).astype(np.intp) if out.shape[1] == 1 else out.argmax(axis=1)
        return self.classes_.take(at, axis=0)


class SGDClassifier(_Classifier, linear_model.SGDClassifier):
    __doc__ = linear_model.SGDClassifier.__doc__


class Perceptron(_Classifier, linear_model.Perceptron):
    __doc__ = linear_model.Perceptron.__doc__


def _learn_alone(estimator, X, y, model, sample_weight, **how):
    """Learn one model, and leave its weights and their averages where scikit-learn has them; returns the intercept.

    Here the seed of the orders is the first number drawn, and the data set's the second.
    """
    one_class = how.get("one_class", False)
    held_out = score = None
    if estimator.early_stopping:
        held_out = estimator._make_validation_split(y, sample_mask=sample_weight > 0)
        score = estimator._make_validation_score_cb(held_out, X, y, sample_weight)
    if one_class:
        check_random_state(None).randint(1, MAX_INT)  # of the data set, which does not use it
    rng = check_random_state(estimator.random_state)
    seed = rng.randint(0, MAX_INT)
    if not one_class:
        rng.randint(1, MAX_INT)
    (estimator.n_iter_,) = descend(
        estimator,
        X,
        y,
        model,
        seeds=[seed],
        sample_weight=sample_weight,
        held_out=held_out,
        score=score,
        **how,
    )
    estimator.t_ += estimator.n_iter_ * X.shape[0]
    intercept = np.array(model.intercept)
    if not estimator.average:
        estimator.coef_ = model.coef
        return intercept
    estimator._average_intercept = np.array(model.averaged_intercept)
    estimator._standard_intercept = intercept
    if estimator.average <= estimator.t_ - 1.0:
        estimator.coef_ = model.averaged
        return estimator._average_intercept
    estimator.coef_ = model.coef
    return intercept


class SGDRegressor(linear_model.SGDRegressor):
    __doc__ = linear_model.SGDRegressor.__doc__
    intercept_: np.ndarray

    def _fit_regressor(self, X, y, alpha, loss, learning_rate, sample_weight, max_iter):
        if self.average:
            model = Model(
                self._standard_coef, self._standard_intercept, self._average_coef, self._average_intercept
            )
        else:
            model = Model(self.coef_, self.intercept_, None, [0.0])
        if (why := why_not(self, X, model.coef, model.averaged)) is not None:
            note_sklearn("SGDRegressor.fit", why)
            super()._fit_regressor(X, y, alpha, loss, learning_rate, sample_weight, max_iter)
            return
        if not hasattr(self, "t_"):
            self.t_ = 1.0
        self.intercept_ = _learn_alone(
            self,
            X,
            np.ascontiguousarray(y),
            model,
            sample_weight,
            alpha=alpha,
            loss=loss,
            learning_rate=learning_rate,
            max_iter=max_iter,
        )
        note_rust("SGDRegressor.fit")

    def predict(self, X):
        out = sgd_scores(self, X, "predict")
        return super().predict(X) if out is None else out[:, 0]


class SGDOneClassSVM(linear_model.SGDOneClassSVM):
    __doc__ = linear_model.SGDOneClassSVM.__doc__
    offset_: np.ndarray

    def _fit_one_class(self, X, alpha, sample_weight, learning_rate, max_iter):
        if self.average:
            model = Model(
                self._standard_coef, self._standard_intercept, self._average_coef, self._average_intercept
            )
        else:
            model = Model(self.coef_, 1 - self.offset_, None, [0.0])
        if (why := why_not(self, X, model.coef, model.averaged)) is not None:
            note_sklearn("SGDOneClassSVM.fit", why)
            super()._fit_one_class(X, alpha, sample_weight, learning_rate, max_iter)
            return
        intercept = _learn_alone(
            self,
            X,
            np.ones(X.shape[0], dtype=X.dtype),
            model,
            sample_weight,
            alpha=alpha,
            loss="hinge",
            learning_rate=learning_rate,
            max_iter=max_iter,
            one_class=True,
        )
        self.offset_ = 1 - intercept
        note_rust("SGDOneClassSVM.fit")

    def decision_function(self, X):
        out = sgd_scores(self, X, "decision_function", one_class=True)
        return super().decision_function(X) if out is None else out[:, 0]

    def predict(self, X):
        # Inliers are 1, outliers -1.
        return np.where(self.decision_function(X) >= 0, np.int32(1), np.int32(-1))
