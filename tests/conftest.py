import os
import signal

from hypothesis import HealthCheck, settings

# scikit-learn's checks of array API inputs need it, and SciPy reads it when it is imported.
os.environ["SCIPY_ARRAY_API"] = "1"

# The same examples each time, so that a change is judged by what it changed; `make explore` draws new ones. How fast the
# machine is decides nothing.
UNTIMED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeatable", derandomize=True, **UNTIMED)
settings.register_profile("explore", derandomize=False, **UNTIMED)
settings.load_profile("repeatable")


def pytest_configure():
    """Undo what a shell does to commands in its background, so that tests of Ctrl-C mean the same there."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
