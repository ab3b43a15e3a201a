"""What a fit by gradient descent tells: of each epoch, of columns that do not suit it, and of its end."""

import sys
import time
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ferroflow._bridge.progress import duration

# Where columns differ by more in scale, no single rate suits them.
SCALE_RATIO = 100.0
# As many columns are named.
NAMED = 5
_INSIDE = ("ferroflow.linear_model.", "ferroflow._bridge.", "sklearn.base")


class Told:
    """Calls the user's callback after each epoch, and prints what SGDClassifier prints, with the time left."""

    def __init__(self, callback, verbose, earlier, max_iter, outputs, of_loss, of_weights):
        self.callback, self.verbose = callback, verbose
        self.earlier, self.max_iter, self.outputs = earlier, max_iter, outputs
        self.of_loss, self.of_weights = of_loss, of_weights
        self.began = time.perf_counter()

    def __call__(self, epoch, loss, validation, rate, updates, theta):
        loss *= self.of_loss
        if validation is not None:
            validation *= self.of_loss
        if self.verbose:
            took = time.perf_counter() - self.began
            left = took / epoch * (self.max_iter - epoch)
            coef, bias = np.split(theta * self.of_weights, [-self.outputs])
            held_out = "" if validation is None else f"Validation loss: {validation:f}, "
            sys.stdout.write(
                f"-- Epoch {self.earlier + epoch}\nNorm: {np.linalg.norm(coef):.2f}, NNZs: {np.count_nonzero(coef)}, "
                f"Bias: {bias.mean():.6f}, T: {updates}, Avg. loss: {loss:f}\n"
                f"{held_out}Learning rate: {rate:.3g}, Time left at most: {duration(left)}\n"
            )
        if self.callback is None:
            return False
        return bool(self.callback(self.earlier + epoch, loss, validation, rate))

    def finish(self):
        sys.stdout.write(f"Total training time: {time.perf_counter() - self.began:.2f} seconds.\n")


def scale_ratio(sizes):
    """Return the largest of the columns' typical sizes over the smallest."""
    low, high = sizes[sizes > 0].min(initial=np.inf), sizes.max(initial=0.0)
    return float(high / low) if 0 < low < np.inf else 1.0


def unscaled_columns(estimator, sizes):
    """Name the columns whose typical size is far from the others', the farthest first."""
    used = np.flatnonzero(sizes > 0)
    away = np.abs(np.log(sizes[used] / np.median(sizes[used])))
    names = getattr(estimator, "feature_names_in_", None)
    far = used[np.argsort(-away, kind="stable")][: int((away >= np.log(SCALE_RATIO) / 2).sum())]
    named = [repr(str(names[j])) if names is not None else str(j) for j in far[:NAMED]]
    return ", ".join(named) + (f" and {len(far) - NAMED} more" if len(far) > NAMED else "")


def diverged(estimator, found):
    """Say at which rate, and which columns should be scaled."""
    epoch, rate, sizes = len(found["losses"]), found["diverged"], found["column_sizes"]
    if (ratio := scale_ratio(sizes)) > SCALE_RATIO:
        why = (
            f"The columns differ in scale by a factor of {ratio:.3g}; far from the others: "
            f"{unscaled_columns(estimator, sizes)}. Scaling input data with StandardScaler or MinMaxScaler might help, or a "
            "smaller eta0."
        )
    else:
        why = (
            "No column differs from the others in scale by a factor of more than 100, so a smaller eta0 should help, or "
            "clip_norm; if all columns are large or small, scaling input data with StandardScaler or MinMaxScaler might."
        )
    return (
        f"Floating-point under-/overflow occurred at epoch #{epoch}, at a learning rate of {rate:.3g} "
        f"(learning_rate={estimator.learning_rate!r}, eta0={estimator.eta0!r}). {why}"
    )


def warn(estimator, sizes, not_converged):
    """Warn of unscaled columns, and of a fit that ended too early."""
    if (ratio := scale_ratio(sizes)) > SCALE_RATIO:
        warnings.warn(
            f"The features differ in scale by a factor of {ratio:.3g}, on which gradient descent converges slowly or "
            f"not at all; far from the others: {unscaled_columns(estimator, sizes)}. Scale them first, for example with "
            "ferroflow.preprocessing.StandardScaler.",
            ConvergenceWarning,
            stacklevel=_callers_level(),
        )
    if not_converged:
        warnings.warn(
            "Maximum number of iteration reached before convergence. Consider increasing max_iter to improve the fit.",
            ConvergenceWarning,
            stacklevel=_callers_level(),
        )


def _callers_level():
    """Return the stack level, as `warn` counts, of the call of ``fit``: the ways to here differ in length."""
    frame, level = sys._getframe(2), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_INSIDE):
        frame, level = frame.f_back, level + 1
    return level
