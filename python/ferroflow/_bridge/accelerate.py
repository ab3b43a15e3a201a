"""Put ferroflow's names into scikit-learn's public modules, and take them back."""

import sys
from importlib import import_module
from types import ModuleType

MODULES = (
    "calibration",
    "preprocessing",
    "compose",
    "feature_extraction",
    "impute",
    "linear_model",
    "metrics",
    "model_selection",
    "neural_network",
    "pipeline",
    "svm",
)
"""The modules that mirror scikit-learn's."""

_swapped: list[tuple[ModuleType, str, object]] = []


def accelerate() -> list[str]:
    """Swap ferroflow's classes and functions into scikit-learn's public modules.

    Code that imports from scikit-learn afterwards (``from sklearn.preprocessing import StandardScaler``), or
    reaches a name through its module, gets ferroflow's. Names that were imported before keep scikit-learn's,
    as do scikit-learn's own private modules. ``python -m ferroflow script.py`` does this before a script runs.

    Returns
    -------
    list of str
        The names that were swapped, e.g. ``"sklearn.preprocessing.StandardScaler"``.

    See Also
    --------
    restore : Take the names back.
    """
    if not _swapped:
        # Imported now, so that a script's own import of them later does not undo the swap.
        import_module("sklearn.experimental.enable_iterative_imputer")
        import_module("sklearn.experimental.enable_halving_search_cv")
        for name in MODULES:
            ours, theirs = import_module(f"ferroflow.{name}"), import_module(f"sklearn.{name}")
            for public in ours.__all__:
                new, old = getattr(ours, public), getattr(theirs, public, None)
                if old is not None and old is not new:
                    _swapped.append((theirs, public, old))
                    setattr(theirs, public, new)
    return [f"{module.__name__}.{name}" for module, name, _ in _swapped]


def restore() -> None:
    """Give scikit-learn's public modules their own names back."""
    while _swapped:
        module, name, old = _swapped.pop()
        setattr(module, name, old)


def run_script(argv: list[str]) -> None:
    """Run ``argv[0]`` as ``__main__`` with the rest as its arguments, accelerated."""
    import runpy
    from pathlib import Path

    accelerate()
    script = Path(argv[0])
    sys.argv = argv
    sys.path[0] = str(script.resolve().parent)
    runpy.run_path(str(script), run_name="__main__")
