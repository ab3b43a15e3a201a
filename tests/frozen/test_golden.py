"""Model files of released versions give, bit for bit, what they gave when they were written."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ferroflow.frozen import FrozenModel

sys.path.insert(0, str(Path(__file__).parent))
from make_golden import GOLDEN, outputs

FILES = sorted(GOLDEN.glob("*.ff"))


def test_the_files_are_there():
    assert {path.stem for path in FILES} >= {
        f"v1-{kind}"
        for kind in ("binary", "multiclass", "hinge", "regressor", "transformer", "float32", "categories")
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_bits_are_the_same(path):
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    rows = expected.pop("rows")
    model = FrozenModel.load(path)
    assert outputs(model, rows) == expected
    for i, row in enumerate(rows[:3]):
        one = model.transform(row) if model.task == "transformer" else model.predict(row)
        many = model.transform(rows) if model.task == "transformer" else model.predict(rows)
        assert repr(np.asarray(one).tolist()) == repr(np.asarray(many[i]).tolist())
