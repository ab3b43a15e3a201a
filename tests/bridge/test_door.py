"""The one door into Rust: the interpreter is free while a kernel runs, and Ctrl-C stops a long one."""

import signal
import subprocess
import sys
import threading

import numpy as np

from ferroflow.preprocessing import StandardScaler

LONG_FIT = """
import numpy as np
from ferroflow.linear_model import GradientDescentRegressor
X = np.random.RandomState(0).rand(20_000, 20)
model = GradientDescentRegressor(max_iter=100_000_000, tol=None, random_state=0, batch_size=64, eta0=1e-6)
print("fitting", flush=True)
try:
    model.fit(X, X[:, 0])
except KeyboardInterrupt:
    print("stopped", flush=True)
"""


def test_ctrl_c_stops_a_long_fit():
    process = subprocess.Popen([sys.executable, "-c", LONG_FIT], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "fitting\n"
    try:
        process.wait(0.5)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert out == "stopped\n"


def test_other_python_threads_run_while_a_kernel_does():
    X = np.random.RandomState(0).rand(3_000_000, 8)
    fitting, done = threading.Event(), threading.Event()

    def fit():
        fitting.set()
        for _ in range(3):
            StandardScaler().fit(X)
        done.set()

    thread = threading.Thread(target=fit)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)  # without a release by the kernel, this thread would not run before the end
    try:
        thread.start()
        fitting.wait(30)
        assert not done.is_set()
    finally:
        sys.setswitchinterval(before)
        thread.join(30)
    assert not thread.is_alive()


def test_many_threads_at_once_agree():
    X = np.random.RandomState(0).rand(50_000, 5)
    expected = StandardScaler().fit(X).var_
    results = []
    threads = [
        threading.Thread(target=lambda: results.extend(StandardScaler().fit(X).var_ for _ in range(20)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 160
    assert all((var == expected).all() for var in results)
