"""`workflow.toml`: errors name the key, and what is written reads back."""

import pytest

from ferroflow.workflow.config import ConfigError, dumps, load, loads
from ferroflow.workflow.plan import plan_of

GOOD = """
[data]
source = "a.csv"
[target]
column = "y"
task = "classification"
[columns]
numeric = ["a"]
categorical = ["b"]
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("x = [", "not valid TOML"),
        ("[splitt]\na = 1", r"\[splitt\]: unknown section; did you mean 'split'"),
        ("[split]\ntestsize = 0.2", r"\[split\] testsize: unknown key; did you mean 'test_size'"),
        ("[split]\ntest_size = 2.0", r"\[split\] test_size: expected"),
        (
            '[split]\ntest_size = "big"',
            r"\[split\] test_size: expected a number, got text|\[split\] test_size",
        ),
        ('[train]\noptimizer = "adm"', r"\[train\] optimizer: 'adm' is not one of 'sgd'"),
        ("[tune]\nlearning_rate = []", r"\[tune\] learning_rate"),
        ("[tune]\nlearning_rate = [0.0]", r"\[tune\] learning_rate"),
        ('[tune]\nmetric = "r2"', r"\[tune\] metric: 'r2' does not fit task"),
        ('[train]\nloss = "huber"', r"\[train\] loss: 'huber' does not fit"),
        ('[split]\nmethod = "time"', r"\[split\] time: method"),
        ("split = 3", r"\[split\]: expected a section"),
    ],
)
def test_errors_name_the_key(change, message):
    text = change + "\n" + GOOD if change.startswith("split") else GOOD + change
    with pytest.raises(ConfigError, match=message):
        loads(text)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('["b"]', '["a"]', "'a' is in both numeric and categorical"),
        ('["b"]', '["b", "b"]', "'b' is twice in categorical"),
        ('["b"]', '["y"]', "'y' is the target"),
        ('["a"]\ncategorical = ["b"]', "[]", "both are empty"),
        ('column = "y"\n', "", r"\[target\] column: this key is required"),
        ("classification", "clustering", "'clustering' is not one of"),
        ('task = "classification"', 'task = "regression"\npositive = 1', r"\[target\] positive"),
    ],
)
def test_contradictions(old, new, message):
    with pytest.raises(ConfigError, match=message):
        loads(GOOD.replace(old, new))


def test_files_that_are_none(tmp_path):
    with pytest.raises(ConfigError, match="ferroflow init"):
        load(tmp_path / "workflow.toml")
    with pytest.raises(ConfigError, match="is a folder"):
        load(tmp_path)
    (tmp_path / "w.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "w.toml")


def test_what_is_written_reads_back():
    config = loads(GOOD + '[impute]\ncategorical_fill = "quote \\" and \\\\ and é"\n')
    text = dumps(config, {"split": "why\nso"}, "a title", {"columns.numeric": {"a": "a remark"}})
    assert loads(text) == config
    assert "# a title" in text
    assert '"a",  # a remark' in text


def test_every_key_reaches_the_plan():
    """A key that a run would not obey is worse than none: each changes the plan."""
    changes = {
        "clean": ['duplicates = "keep"', 'missing_target = "error"'],
        "split": ["test_size = 0.3", "random_state = 5", "stratify = false", 'method = "time"\ntime = "t"'],
        "impute": [
            'numeric = "mean"',
            'categorical = "most_frequent"',
            "numeric_fill = 7.0",
            'categorical_fill = "gone"',
            "indicator = true",
        ],
        "encode": ["min_frequency = 5", "max_categories = 4", 'handle_unknown = "error"'],
        "scale": ['numeric = "none"'],
        "tune": [
            "learning_rate = [0.5]",
            "alpha = [0.5]",
            'batch_size = ["full"]',
            "folds = 7",
            'metric = "f1"',
            "n_candidates = 3",
            "random_state = 4",
        ],
        "train": [
            'loss = "hinge"',
            'optimizer = "sgd"',
            'penalty = "l1"',
            "l1_ratio = 0.5",
            "max_iter = 3",
            "tol = 0.1",
            "early_stopping = true",
            "validation_fraction = 0.3",
            "n_iter_no_change = 2",
            'class_weight = "balanced"',
            "random_state = 3",
        ],
        "evaluate": ["bootstrap = 7", "confidence = 0.9"],
    }
    usual = plan_of(loads(GOOD), ["a", "b", "c", "y"])
    assert usual.drop == ["c"]
    for section, keys in changes.items():
        for key in keys:
            changed = plan_of(loads(f"{GOOD}[{section}]\n{key}\n"), ["a", "b", "c", "y"])
            assert changed != usual, (section, key)
