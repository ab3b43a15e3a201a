"""The page: what it says of a real table, and that no table breaks it."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from ferroflow.workflow import explore
from ferroflow.workflow.problem import DataError

VOID = {"meta", "br", "hr", "img", "input", "link"}
SELF_CLOSED = {"line", "rect", "circle", "path"}


class Balanced(HTMLParser):
    """Fails on a tag that is not closed, on a script, and on anything fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attributes):
        assert tag not in ("script", "iframe", "object", "link", "img")
        for name, value in attributes:
            assert name not in ("src", "onerror", "onload")
            assert name != "href" or value.startswith("#")
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attributes):
        assert tag in SELF_CLOSED

    def handle_endtag(self, tag):
        assert self.stack.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def read(path) -> str:
    page = path.read_text(encoding="utf-8")
    parser = Balanced()
    parser.feed(page)
    parser.close()
    assert parser.stack == []
    assert "url(" not in page
    drawn = re.findall(r' (?:x|y|x1|x2|y1|y2|width|height|cx|cy|r|d|points)="([^"]*)"', page)
    assert not [value for value in drawn if "nan" in value or "inf" in value]
    assert not [value for value in drawn if value.startswith("-") and " " not in value and "e" in value]
    return " ".join(" ".join(parser.text).split())


def test_titanic(home, titanic):
    found = explore(titanic, "survived", output="page.html")
    assert {column.name for column in found.leaks} == {"boat", "body"}
    text = read(home / "page.html")
    for part in (
        "1,309",
        "boat: suspected leak",
        "'?' was read as missing in 3,855 cells",
        "share of survived = 1",
        "fare and pclass -0.56",
        "What is missing together",
        "Allen, Miss. Elisabeth Walton",
    ):
        assert part in text, part


def test_without_a_target(home, titanic):
    explore(titanic)
    text = read(home / "report.html")
    assert "suspected leak" not in text
    assert "AUC" not in text


@pytest.mark.parametrize("target", ["size", "kind"])
def test_quantities_and_many_classes(home, target):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "size": rng.lognormal(size=500),
            "kind": rng.choice(list("abcdefgh"), 500),
            "a": rng.normal(size=500),
            "b": rng.choice(list("xyz"), 500),
            "when": pd.date_range("2020-01-01", periods=500, freq="h"),
        }
    )
    frame.loc[::7, ["a", "b"]] = np.nan
    frame.loc[::50, target] = np.nan
    explore(frame, target, output="page.html")
    text = read(home / "page.html")
    assert f"{target}: the target is missing in 10 rows" in text


NONSENSE = {
    "one row": pd.DataFrame({"a": [1.5], "b": ["x"]}),
    "one column": pd.DataFrame({"a": ["x", "y", "x"]}),
    "all missing": pd.DataFrame({"a": [np.nan] * 5, "b": [None] * 5}),
    "one cell, missing": pd.DataFrame({"a": [None]}),
    "infinities": pd.DataFrame({"a": [np.inf, -np.inf, 1.0, np.nan], "b": [np.inf] * 4}),
    "huge and tiny": pd.DataFrame(
        {
            "a": [1e308, -1e308, 0.0, 5e-324],
            "b": [1e300, 1.1e300, 1.2e300, 1.3e300],
            "c": 1e16 + 2.0 * np.arange(4),
        }
    ),
    "close together": pd.DataFrame({"a": 1e15 + np.arange(400) * 0.125, "b": 1 + np.arange(400) * 2.3e-16}),
    "large whole numbers": pd.DataFrame({"a": [2**62, 2**63 - 1, -(2**63), 7]}),
    "wide": pd.DataFrame(np.random.default_rng(0).normal(size=(30, 500))),
    "unicode": pd.DataFrame({"名前": ["\u202eabc", "e\u0301", "\U0001f600", "\x07bell"], "": [1, 2, 3, 4]}),
    "dates": pd.DataFrame({"d": pd.to_datetime(["1700-01-01", "2200-01-01", None, "2000-01-01"])}),
    "zones": pd.DataFrame({"d": pd.date_range("2020-01-01", periods=30, tz="Asia/Tokyo")}),
    "truths": pd.DataFrame({"t": [True, False, True], "n": pd.array([True, None, False], "boolean")}),
    "nullable": pd.DataFrame(
        {"n": pd.array([1, None, 3], "Int64"), "s": pd.array(["a", None, "b"], "string")}
    ),
    "category": pd.DataFrame({"c": pd.Categorical(["a", None, "b", "a"], categories=["a", "b", "never"])}),
    "long text": pd.DataFrame({"t": ["x" * 100_000, "y\n" * 1000, "z"]}),
    "blank texts": pd.DataFrame({"t": ["", " ", "\t", "a"]}),
    "durations": pd.DataFrame({"d": pd.to_timedelta([1, 2, None, 4], unit="h")}),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_any_table(home, name):
    frame = NONSENSE[name]
    explore(frame, output="page.html")
    read(home / "page.html")
    # Also as something that tells a target, where there are rows enough to have one.
    if len(frame) > 2:
        target = np.tile(["yes", "no", "yes"], len(frame))[: len(frame)]
        explore(frame.assign(target=target), "target", output="page.html")
        read(home / "page.html")
        explore(frame.assign(target=np.arange(len(frame)) * 0.5), "target", output="page.html")
        read(home / "page.html")


def test_markup_in_names_and_values_is_text(home):
    evil = "</title><script>alert(1)</script>\"'&"
    frame = pd.DataFrame({evil: [evil, "b", evil, "c"] * 10, "n": range(40), "<b>y": ["<i>", "&amp;"] * 20})
    explore(frame, "<b>y", output="page.html")
    page = (home / "page.html").read_text()
    assert "<script" not in page
    assert "<i>" not in page.replace("<i></i>", "")
    assert "alert(1)" in read(home / "page.html")


def test_what_cannot_be_shown(home, titanic):
    with pytest.raises(DataError, match="no rows"):
        explore(pd.DataFrame({"a": []}))
    with pytest.raises(DataError, match="no folder"):
        explore(titanic, output="nowhere/page.html")
    with pytest.raises(DataError, match="Did you mean 'survived'"):
        explore(titanic, "survive")
    assert list(home.iterdir()) == []


def test_numbers_that_are_texts_are_told(home):
    frame = pd.DataFrame({"n": [str(k) for k in range(30)] + ["unknown"]})
    explore(frame, output="page.html")
    assert "like 'unknown'" in read(home / "page.html")
