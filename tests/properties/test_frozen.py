"""Any small table, any of the steps: the frozen model gives the pipeline's bits, by frame, by dict and by array."""

import warnings

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

import ferroflow
from ferroflow.frozen import FrozenModel
from ferroflow.impute import SimpleImputer
from ferroflow.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

NUMBERS = st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, 1.0, np.nan])
TEXTS = st.text(max_size=3) | st.none()


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 8))
    frame = {}
    for j in range(draw(st.integers(1, 3))):
        values = np.array(draw(st.lists(NUMBERS, min_size=rows, max_size=rows)))
        frame[f"n{j}"] = values.astype(draw(st.sampled_from([np.float64, np.float32])))
    for j in range(draw(st.integers(0, 2))):
        column = np.empty(rows, dtype=object)
        column[:] = draw(st.lists(TEXTS, min_size=rows, max_size=rows))
        frame[f"t{j}"] = column
    return pd.DataFrame(frame)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tables(),
    st.sampled_from(["mean", "median", "most_frequent"]),
    st.booleans(),
    st.sampled_from(
        [
            OneHotEncoder(handle_unknown="ignore"),
            OneHotEncoder(handle_unknown="ignore", drop="if_binary"),
            OneHotEncoder(min_frequency=2, handle_unknown="infrequent_if_exist"),
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2),
        ]
    ),
    st.data(),
)
def test_a_frozen_pipeline_gives_its_bits(X, strategy, indicator, encoder, data):
    numbers = [c for c in X if c.startswith("n")]
    texts = [c for c in X if c.startswith("t")]
    step = ColumnTransformer(
        [
            (
                "n",
                make_pipeline(
                    SimpleImputer(strategy=strategy, add_indicator=indicator, keep_empty_features=True),
                    StandardScaler(),
                ),
                numbers,
            ),
            ("t", encoder, texts),
        ],
        sparse_threshold=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        step.fit(X)
        model = ferroflow.freeze(step, X)
        expected = np.asarray(step.transform(X), dtype=np.float64)
    np.testing.assert_array_equal(model.transform(X), expected)
    again = FrozenModel(model.to_bytes())
    rows = X.astype(object).where(X.notna(), None).to_dict(orient="records")
    np.testing.assert_array_equal(again.transform(rows), expected)
    i = data.draw(st.integers(0, len(rows) - 1))
    np.testing.assert_array_equal(again.transform(rows[i]), expected[i])
    # Texts never seen take the encoder's way for them.
    strange = {**rows[i], **dict.fromkeys(texts, "never seen")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = X.iloc[[i]].copy()
        frame[texts] = "never seen"
        np.testing.assert_array_equal(again.transform(strange), np.asarray(step.transform(frame))[0])
