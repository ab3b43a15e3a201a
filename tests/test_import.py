import subprocess
import sys


def modules_after(code):
    code += "; import sys; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )


def test_the_frozen_model_needs_numpy_at_most():
    heavy = {"sklearn", "scipy", "pandas", "joblib", "narwhals", "pyarrow", "polars", "threadpoolctl"}
    assert modules_after("from ferroflow.frozen import FrozenModel") & heavy == set()


def test_the_package_itself_imports_nothing_heavy():
    assert modules_after("import ferroflow") & {"numpy", "sklearn", "scipy", "pandas"} == set()
