"""Learning rates that follow the share of ``max_iter`` that is done."""

import math

SCHEDULES = ("cosine", "one_cycle", "step")
# One cycle (Smith, Topin: Super-Convergence, 2018): up from a 25th for three tenths of the way, then down to a 10,000th.
_UP, _FIRST, _LAST = 0.3, 1 / 25, 1e-4


def share_of_rate(schedule, done):
    """Return the factor of ``learning_rate_init`` where the share `done` of all epochs is behind."""
    done = min(done, 1.0)
    if schedule == "cosine":
        return _along(1.0, 0.0, done)
    if schedule == "step":
        return 0.1 ** ((done >= 0.5) + (done >= 0.75))
    if done < _UP:
        return _along(_FIRST, 1.0, done / _UP)
    return _along(1.0, _LAST, (done - _UP) / (1 - _UP))


def _along(begin, end, way):
    return end + (begin - end) * (1 + math.cos(math.pi * way)) / 2
