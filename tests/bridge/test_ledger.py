import io
import threading

import pytest

import ferroflow
from ferroflow._bridge.ledger import StrictError, entries, memory_budget, note_rust, note_sklearn


@pytest.fixture(autouse=True)
def empty_ledger():
    ferroflow.explain(clear=True, file=io.StringIO())


def printed():
    out = io.StringIO()
    ferroflow.explain(file=out)
    return out.getvalue()


def test_it_says_what_ran_where_and_why():
    note_rust("A.fit")
    note_rust("A.fit")
    note_sklearn("B.fit", "sparse input")
    text = printed()
    assert "A.fit  rust         x2" in text
    assert "B.fit  scikit-learn x1  (sparse input)" in text


def test_an_empty_ledger_says_so():
    assert "nothing" in printed()


def test_strict_raises_instead_and_the_former_setting_comes_back():
    with ferroflow.config(strict=True):
        with pytest.raises(StrictError, match=r"B\.fit would be handed to scikit-learn: sparse input"):
            note_sklearn("B.fit", "sparse input")
        note_rust("A.fit")
    note_sklearn("B.fit", "sparse input")
    assert [entry.call for entry in entries()] == ["A.fit", "B.fit"]


def test_settings_that_are_not_given_stay():
    with ferroflow.config(memory_budget=5):
        with ferroflow.config(strict=True), pytest.raises(StrictError):
            assert memory_budget() == 5
            note_sklearn("B.fit", "sparse input")
        assert memory_budget() == 5
    assert memory_budget() is None
    for wrong in (-1, 0.5, "1 GB", True):
        with pytest.raises(ValueError, match="memory_budget"):
            ferroflow.config(memory_budget=wrong)


def test_each_thread_has_its_own():
    note_rust("A.fit")
    seen = []
    thread = threading.Thread(target=lambda: seen.extend(entries()))
    thread.start()
    thread.join()
    assert seen == []
