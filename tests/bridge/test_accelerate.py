import subprocess
import sys

import numpy as np
import sklearn.preprocessing

import ferroflow
import ferroflow.preprocessing


def test_names_are_swapped_and_given_back():
    original = sklearn.preprocessing.StandardScaler
    swapped = ferroflow.accelerate()
    try:
        assert "sklearn.preprocessing.StandardScaler" in swapped
        assert sklearn.preprocessing.StandardScaler is ferroflow.preprocessing.StandardScaler
        assert ferroflow.accelerate() == swapped
    finally:
        ferroflow.restore()
    assert sklearn.preprocessing.StandardScaler is original


def test_what_ours_ask_of_scikit_learns_stays_scikit_learns():
    ours = ferroflow.preprocessing
    calls = [
        lambda: ours.LabelBinarizer().fit([3, 1, 2]).classes_,
        lambda: ours.label_binarize([3, 1, 2], classes=[1, 2, 3], pos_label=np.int64(2)),
        lambda: ours.SplineTransformer(knots="uniform").fit_transform(np.arange(9.0)[:, None]),
        lambda: ours.TargetEncoder().fit(np.arange(30)[:, None] % 3, np.arange(30) % 4).classes_,
    ]
    before = [call() for call in calls]
    ferroflow.accelerate()
    try:
        for call, expected in zip(calls, before, strict=True):
            np.testing.assert_array_equal(call(), expected)
    finally:
        ferroflow.restore()


def test_a_script_runs_unchanged_on_ferroflow(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "print(StandardScaler.__module__.split('.')[0], sys.argv[1:], __name__)\n"
        "StandardScaler().fit([[1.0], [2.0]])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "ferroflow", "--explain", str(script), "--x", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "ferroflow ['--x', '1'] __main__\n"
    assert "StandardScaler.fit" in done.stderr


def test_a_missing_script_is_wrong_usage():
    done = subprocess.run([sys.executable, "-m", "ferroflow", "nowhere.py"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no script 'nowhere.py'" in done.stderr
