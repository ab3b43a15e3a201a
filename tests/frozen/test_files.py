"""The file: the same bytes for the same model, nothing half-written, nothing altered gets in."""

import copy
import json
import pickle
import struct

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

import ferroflow
from ferroflow.frozen import FrozenModel
from ferroflow.linear_model import GradientDescentClassifier
from ferroflow.preprocessing import StandardScaler


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(60, 3))


@pytest.fixture(scope="module")
def pipeline(rows):
    return make_pipeline(StandardScaler(), GradientDescentClassifier(random_state=0)).fit(
        rows, rows[:, 0] > 0
    )


@pytest.fixture(scope="module")
def model(pipeline, rows):
    return ferroflow.freeze(pipeline, rows, name="demo", version="7")


def test_a_round_trip_changes_nothing(model, rows, tmp_path):
    path = tmp_path / "model.ff"
    model.save(path)
    again = FrozenModel.load(path)
    assert path.read_bytes() == model.to_bytes() == again.to_bytes()
    assert (again.name, again.version, again.sha256) == ("demo", "7", model.sha256)
    assert again.schema == model.schema
    assert again.statistics == model.statistics
    for other in (again, pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(other.predict_proba(rows), model.predict_proba(rows))
    assert list(tmp_path.iterdir()) == [path]


def test_the_same_model_gives_the_same_bytes(model, pipeline, rows):
    assert ferroflow.freeze(pipeline, rows, name="demo", version="7").sha256 == model.sha256
    assert ferroflow.freeze(pipeline, rows, name="demo", version="8").sha256 != model.sha256


def test_a_save_that_fails_leaves_what_was_there(model, tmp_path):
    path = tmp_path / "model.ff"
    path.mkdir()
    with pytest.raises(OSError):
        model.save(path)
    assert list(tmp_path.iterdir()) == [path]


def test_cut_anywhere_it_is_refused(model, tmp_path):
    data = model.to_bytes()
    for n in range(len(data)):
        with pytest.raises(ValueError):
            FrozenModel(data[:n])
    path = tmp_path / "cut.ff"
    path.write_bytes(data[:100])
    with pytest.raises(ValueError, match=r"cut\.ff: not a readable ferroflow model file: .*it was cut"):
        FrozenModel.load(path)
    with pytest.raises(ValueError, match="cut or lengthened"):
        FrozenModel(data + b"\0")


def test_altered_anywhere_it_is_refused(model):
    data = model.to_bytes()
    rng = np.random.default_rng(0)
    for i in rng.permutation(len(data))[:1500].tolist():
        altered = bytearray(data)
        altered[i] ^= int(rng.integers(1, 256))
        with pytest.raises(ValueError):
            FrozenModel(bytes(altered))


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**63, 2**64 - 1])
def test_sizes_from_a_file_are_not_believed(size):
    with pytest.raises(ValueError):
        FrozenModel(struct.pack("<Q", size) + b"{}" * 8)
    shape = json.dumps(
        {
            "__metadata__": {"ferroflow": "{}"},
            "a": {"dtype": "F64", "shape": [size, 8], "data_offsets": [0, size]},
        }
    )
    with pytest.raises(ValueError):
        FrozenModel(struct.pack("<Q", len(shape)) + shape.encode())


@pytest.mark.parametrize(
    "data", [b"", b"x", b"PK\x03\x04" + bytes(100), b"\x80\x04\x95" + bytes(50), bytes(1000)]
)
def test_other_files_are_refused(data):
    with pytest.raises(ValueError, match="not a readable ferroflow model file"):
        FrozenModel(data)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        FrozenModel.load(tmp_path / "none.ff")
