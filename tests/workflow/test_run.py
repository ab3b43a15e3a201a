"""A run from its configuration to its folder: what it writes, that it repeats, and that every key counts."""

import json

import numpy as np
import pandas as pd
import pytest

from ferroflow.frozen import FrozenModel
from ferroflow.workflow import run
from ferroflow.workflow.problem import WorkflowError
from ferroflow.workflow.split import Split

FILES = {
    "data.json",
    "model.ff",
    "report.html",
    "run.json",
    "scores.json",
    "split.npz",
    "tuning.json",
    "workflow.toml",
}


def test_the_folder_of_a_run(finished):
    folder, result = finished
    assert {path.name for path in result.folder.iterdir()} == FILES
    assert result.folder.parent == folder / "runs"
    assert result.scores == json.loads((result.folder / "scores.json").read_text())
    data = json.loads((result.folder / "data.json").read_text())
    assert (data["rows"], data["source"]) == (200, "small.csv")
    assert data["cleaning"]["read_marks"] == {"?": 19, "NA": 12}
    parts = Split.load(result.folder / "split.npz")
    assert (len(parts.train), len(parts.test)) == (150, 50)
    assert result.scores["measures"]["roc_auc"]["value"] > 0.8
    assert result.scores["positive"] == "yes"
    assert (result.folder / "workflow.toml").read_text() == (folder / "workflow.toml").read_text()


def test_the_model_predicts_what_was_judged(finished):
    folder, result = finished
    from ferroflow.workflow.collect import read_table

    table = read_table(folder / "small.csv").frame
    model = FrozenModel.load(result.model)
    parts = Split.load(result.folder / "split.npz")
    columns = [column["name"] for column in model.schema["columns"]]
    predicted = model.predict(table[columns].iloc[parts.test])
    accuracy = float(np.mean(predicted == table["bought"].iloc[parts.test]))
    assert accuracy == result.scores["measures"]["accuracy"]["value"]
    assert model.provenance["replay"] == "exact"
    assert result.version == "bought:1"


def test_the_report_is_whole(finished):
    page = finished[1].report.read_text()
    for part in (
        "Confusion matrix",
        "ROC",
        "Precision and recall",
        "Calibration",
        "What moves the prediction",
    ):
        assert part in page
    assert "http" not in page.partition("<body>")[2].replace("http://www.w3.org", "")
    assert "<script" not in page


def test_the_same_again_is_finished(small, typed, home):
    small()
    first = typed("run")
    assert "roc auc" in first.lower()
    assert "about" not in first
    before = {path: path.stat().st_mtime_ns for path in (home / "runs").rglob("*")}
    again = typed("run", "workflow.toml")
    assert "This run is finished" in again
    assert {path: path.stat().st_mtime_ns for path in (home / "runs").rglob("*")} == before
    # Comments are no choices.
    (home / "workflow.toml").write_text("# a remark\n" + (home / "workflow.toml").read_text())
    assert "This run is finished" in typed("run")
    typed("run", "--fresh")
    old, new = sorted((home / "runs").iterdir())
    assert new.name == f"{old.name}-2"
    for name in ("scores.json", "model.ff"):
        assert (old / name).read_bytes() == (new / name).read_bytes()


def test_other_data_or_choices_make_another_run(small, home, config):
    small()
    first = run()
    small(config + "\n[split]\nrandom_state = 1\n")
    second = run()
    small(floor=[k % 3 for k in range(200)])
    third = run()
    assert len({first.folder, second.folder, third.folder}) == 3


def test_the_positive_class_can_be_the_first(small, config, home):
    small(config.replace('positive = "yes"', 'positive = "no"'))
    found = run()
    assert found.scores["positive"] == "no"
    measures = found.scores["measures"]
    true, said = (
        np.array(found.scores["confusion_matrix"])[0],
        np.array(found.scores["confusion_matrix"])[:, 0],
    )
    assert measures["recall"]["value"] == pytest.approx(true[0] / true.sum())
    assert measures["precision"]["value"] == pytest.approx(said[0] / said.sum())
    assert measures["roc_auc"]["value"] > 0.8
    assert "raises the odds of no" in found.report.read_text()
    small(config.replace('positive = "yes"', 'positive = "maybe"'))
    with pytest.raises(WorkflowError, match=r"\[target\] positive is 'maybe'.*no, yes"):
        run()


def test_hinge_has_no_probabilities(small, config, home):
    small(config.replace("max_iter = 20", 'max_iter = 20\nloss = "hinge"'))
    found = run()
    assert "log_loss" not in found.scores["measures"]
    assert found.scores["measures"]["roc_auc"]["value"] > 0.8
    from ferroflow.workflow import predict

    assert predict(found.model, "small.csv").columns.tolist() == ["prediction"]


def test_a_quantity(small, config, home):
    text = config.replace('column = "bought"', 'column = "income"').replace("classification", "regression")
    small(text.replace('positive = "yes"\n', "").replace(', "income"', "").replace("floor", "bought"))
    found = run()
    assert set(found.scores["measures"]) == {"r2", "mse", "rmse", "mae"}
    assert "Predicted against true" in found.report.read_text()


def test_three_classes(small, config, home):
    text = config.replace('column = "bought"', 'column = "town"').replace('positive = "yes"\n', "")
    small(text.replace('"town", "floor"', '"bought"'))
    found = run()
    assert found.scores["classes"] == ["Bath", "Ely", "York"]
    assert "cleaning" in json.loads((found.folder / "data.json").read_text())


def test_the_latest_rows_can_judge(small, config, home):
    days = pd.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d").to_numpy()
    order = np.random.default_rng(0).permutation(200)
    small(config + '\n[split]\nmethod = "time"\ntime = "day"\ntest_size = 0.2\n', day=days[order])
    parts = Split.load(run().folder / "split.npz")
    assert set(order[parts.test]) == set(range(160, 200))
    small(config + '\n[split]\nmethod = "time"\ntime = "town"\n')
    with pytest.raises(WorkflowError, match="holds what is no point in time"):
        run()


def test_categories_and_fills_as_configured(small, config, home):
    small(
        config
        + '\n[impute]\nnumeric = "constant"\nnumeric_fill = -1.0\ncategorical = "most_frequent"\nindicator = true\n'
        + '[encode]\nmin_frequency = 45\n[scale]\nnumeric = "none"\n[evaluate]\n'.replace("[evaluate]\n", "")
    )
    page = run().report.read_text()
    assert "fill with -1, mark what was missing" in page
    assert "fill with the most frequent, pool the rare" in page
    assert "standardise" not in page


def test_without_a_search(small, config, home):
    small(config.replace("[0.01, 0.05]", "[0.05]"))
    found = run()
    assert found.scores["tuning"] is None
    assert found.scores["params"]["eta0"] == 0.05
    assert not (found.folder / "tuning.json").exists()


def test_some_candidates_at_random(small, config, home):
    small(config.replace("alpha = [0.001]", "alpha = [0.1, 0.01, 0.001]\nn_candidates = 2"))
    assert len(run().scores["tuning"]["candidates"]) == 2
