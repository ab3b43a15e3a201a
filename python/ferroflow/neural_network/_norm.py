"""Batch normalisation of a hidden layer's sums (Ioffe, Szegedy: Batch Normalization, 2015)."""

import numpy as np

# Keeps variances above zero.
_EPSILON = 1e-5
# Share of a new batch in the running statistics; the first batches' means count alike.
_SHARE = 0.1


class BatchNorm:
    """Sums less their batch's mean, divided by its deviation, times a learnt scale.

    The layer's intercept is added afterwards. Statistics of the rows are kept for prediction, where the whole is a linear
    map: :meth:`folded` makes it part of the layer's weights.
    """

    def __init__(self, width, dtype):
        self.scale = np.ones(width, dtype=dtype)
        self.gradient = np.zeros_like(self.scale)
        self.mean = np.zeros_like(self.scale)
        self.variance = np.ones_like(self.scale)
        self.batches = 0

    def forward(self, z):
        """Normalise `z` in place, and take the batch into the statistics."""
        n = len(z)
        mean = z.mean(axis=0)
        z -= mean
        variance = np.einsum("ij,ij->j", z, z) / n
        self._inverse = 1 / np.sqrt(variance + _EPSILON)
        z *= self._inverse
        self._normal = z.copy()
        z *= self.scale
        self.batches += 1
        share = max(_SHARE, 1 / self.batches)
        self.mean += share * (mean - self.mean)
        self.variance += share * (variance * (n / max(n - 1, 1)) - self.variance)

    def backward(self, delta):
        """Make the gradient by the sums of that by the normalised ones, in place; leaves the scale's behind."""
        n = len(delta)
        self.gradient[:] = np.einsum("ij,ij->j", delta, self._normal)
        self._normal *= self.gradient / n
        delta -= delta.mean(axis=0)
        delta -= self._normal
        delta *= self.scale * self._inverse

    def folded(self, coef, intercept):
        """Return the weights that do to new rows what those and this do."""
        factor = self.scale / np.sqrt(self.variance + _EPSILON)
        return coef * factor, intercept - self.mean * factor

    def state(self):
        """Return what :meth:`restore` takes."""
        return [self.scale, self.mean, self.variance, self.batches]

    def restore(self, state):
        """Take over the numbers, into the arrays that there are."""
        self.scale[:], self.mean[:], self.variance[:], self.batches = state


def fold(coefs, intercepts, norms):
    """Return weights and intercepts of the whole network with its normalisations folded in."""
    folded = [norm.folded(*layer) for norm, *layer in zip(norms, coefs, intercepts, strict=False)]
    folded.append((coefs[-1], intercepts[-1]))
    return [coef for coef, _ in folded], [intercept for _, intercept in folded]
