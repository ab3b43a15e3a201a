"""Any expression gives what Python gives, with missing values missing, and is read or refused: nothing else happens."""

import ast
import math

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

import ferroflow
from ferroflow.preprocessing import ExpressionTransformer

NUMBERS = st.one_of(
    st.none(), st.integers(-5, 5).map(float), st.floats(-1e6, 1e6), st.sampled_from([-0.0, 5e-324])
)
TEXTS = st.one_of(st.none(), st.text("aB1-ß é", max_size=6), st.sampled_from(["2024-02-29", "x"]))


def number_expressions():
    leaf = st.sampled_from(["a", "b", "1", "2.5", "length(t)", "length(u)", "0"])

    def more(inner):
        two = st.tuples(inner, inner)
        return st.one_of(
            st.tuples(two, st.sampled_from(["+", "-", "*", "<", "<=", ">", ">=", "==", "!="])).map(
                lambda v: f"({v[0][0]} {v[1]} {v[0][1]})"
            ),
            st.tuples(two, st.sampled_from(["and", "or"])).map(lambda v: f"({v[0][0]} {v[1]} {v[0][1]})"),
            st.tuples(two, st.sampled_from(["min", "max", "coalesce"])).map(
                lambda v: f"{v[1]}({v[0][0]}, {v[0][1]})"
            ),
            st.tuples(inner, inner, inner).map(lambda v: f"({v[0]} if {v[1]} else {v[2]})"),
            inner.map(lambda v: f"(not {v})"),
            inner.map(lambda v: f"abs({v})"),
            inner.map(lambda v: f"floor({v})"),
            inner.map(lambda v: f"is_missing({v})"),
            st.sampled_from(
                ["contains(t, u)", "(t == u)", "(t < u)", "(t >= u)", "starts_with(t, 'a')", "is_missing(t)"]
            ),
            st.sampled_from(
                ["length(slice(t, -3, 2))", "length(coalesce(t, u))", "length(concat(t, u, 'é'))"]
            ),
            st.sampled_from(
                ["length(replace(t, 'a', u))", "length(part(u, '-', 0))", "length(strip(lower(t)))"]
            ),
        )

    return st.recursive(leaf, more, max_leaves=12)


def value(node, row):
    """What Python makes of it; None where missing."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return row[node.id]
    if isinstance(node, ast.IfExp):
        test = value(node.test, row)
        return None if test is None else value(node.body if test else node.orelse, row)
    if isinstance(node, ast.BinOp):
        a, b = value(node.left, row), value(node.right, row)
        if a is None or b is None:
            return None
        return {ast.Add: a + b, ast.Sub: a - b, ast.Mult: a * b}[type(node.op)]
    if isinstance(node, ast.UnaryOp):
        a = value(node.operand, row)
        return None if a is None else float(not a)
    if isinstance(node, ast.BoolOp):
        values = [value(v, row) for v in node.values]
        if None in values:
            return None
        return float(all(values) if isinstance(node.op, ast.And) else any(values))
    if isinstance(node, ast.Compare):
        a, b = value(node.left, row), value(node.comparators[0], row)
        if a is None or b is None:
            return None
        op = type(node.ops[0])
        if isinstance(a, str):  # texts are ordered by their bytes, as by their code points
            pass
        return float(
            {
                ast.Lt: a < b,
                ast.LtE: a <= b,
                ast.Gt: a > b,
                ast.GtE: a >= b,
                ast.Eq: a == b,
                ast.NotEq: a != b,
            }[op]
        )
    args = [value(arg, row) for arg in node.args]
    name = node.func.id
    if name == "is_missing":
        return float(args[0] is None)
    if name == "coalesce":
        return args[0] if args[0] is not None else args[1]
    if None in args:
        return None
    functions = {
        "abs": abs,
        "concat": lambda *parts: "".join(parts),
        "contains": lambda a, b: float(b in a),
        "floor": lambda a: float(math.floor(a)),
        "length": lambda a: float(len(a)),
        "lower": str.lower,
        "max": max,
        "min": min,
        "part": lambda a, b, i: a.split(b)[i],
        "replace": str.replace,
        "slice": lambda a, i, j: a[i:j],
        "starts_with": lambda a, b: float(a.startswith(b)),
        "strip": str.strip,
    }
    if name == "slice":
        args[1:] = [ast.literal_eval(arg) for arg in node.args[1:]]
    return functions[name](*args)


ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, TEXTS, TEXTS), min_size=1, max_size=12)


def frame(rows):
    texts = [[row[j] for row in rows] for j in (2, 3)]
    numbers = [np.array([np.nan if row[j] is None else row[j] for row in rows]) for j in (0, 1)]
    return pd.DataFrame(
        {
            "a": numbers[0],
            "b": numbers[1],
            "t": pd.Series(texts[0], dtype=object),
            "u": pd.Series(texts[1], dtype=object),
        }
    )


@settings(max_examples=200)
@given(number_expressions(), ROWS)
def test_expressions_give_what_python_gives(text, rows):
    X = frame(rows)
    step = ExpressionTransformer({"n": text}).fit(X)
    found = step.transform(X)["n"].tolist()
    tree = ast.parse(text, mode="eval").body
    for one, row in zip(found, rows, strict=True):
        expected = value(tree, dict(zip("abtu", row, strict=True)))
        assert one == expected or (expected is None and math.isnan(one)), (text, row)


@settings(max_examples=200)
@given(number_expressions(), ROWS)
def test_a_frozen_expression_has_the_same_bits(text, rows):
    X = frame(rows)
    step = ExpressionTransformer({"n": text, "d": "days(t)"}).fit(X)
    model = ferroflow.freeze(step, X)
    expected = step.transform(X).to_numpy()
    found = model.transform(X)
    assert np.array_equal(found, expected, equal_nan=True)
    there = ~np.isnan(expected)
    assert np.array_equal(np.signbit(found[there]), np.signbit(expected[there]))


@settings(max_examples=200)
@given(
    st.text(st.characters(codec="utf-8"), max_size=30)
    | st.text("ab(), '\"+-*/%<>=!.[]0123in\nif else not", max_size=40)
)
def test_any_text_is_an_expression_or_refused(text):
    X = frame([(1.0, None, "x", None)])
    try:
        step = ExpressionTransformer({"n": text}).fit(X)
    except ValueError as error:
        assert "expression 'n'" in str(error)
    else:
        assert len(step.transform(X)) == 1
