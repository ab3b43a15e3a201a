"""Whatever candidates have in common, a search gives what scikit-learn's gives."""

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from sklearn import model_selection as theirs
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from ferroflow import compose, preprocessing
from ferroflow import model_selection as ours

RNG = np.random.RandomState(0)
X = RNG.randn(14, 2)
Y = X @ [1.0, -2.0] + RNG.randn(14)

STEPS = st.lists(
    st.sampled_from(
        [
            StandardScaler(),
            preprocessing.StandardScaler(),
            preprocessing.MinMaxScaler(),
            MinMaxScaler(),
            FunctionTransformer(np.tanh),
            "passthrough",
            preprocessing.QuantileTransformer(n_quantiles=5, subsample=6),
            preprocessing.QuantileTransformer(n_quantiles=5, subsample=6, random_state=1),
            Pipeline([("x", StandardScaler()), ("y", MinMaxScaler())]),
        ]
    ),
    max_size=3,
)
VALUES = st.sampled_from(["passthrough", StandardScaler(), MinMaxScaler(), None])
# Beside each other in a union.
BRANCHES = st.sampled_from([StandardScaler(), preprocessing.StandardScaler(), MinMaxScaler(), "passthrough"])
UNION = st.sampled_from([ColumnTransformer, compose.ColumnTransformer, FeatureUnion])


def candidates(values):
    """Some of the combinations, so that no example costs more than a few fits."""
    chosen = st.fixed_dictionaries({}, optional=values).map(lambda c: {key: [v] for key, v in c.items()})
    return st.lists(chosen, min_size=1, max_size=5)


@st.composite
def unions(draw):
    kind = draw(UNION)
    columns = [] if kind is FeatureUnion else [[0], [0, 1]]
    steps = [(name, draw(BRANCHES)) for name in "ab"]
    return kind([(*step, *of) for step, of in zip(steps, zip(columns) if columns else [(), ()], strict=True)])


@settings(max_examples=200, deadline=None)
@given(steps=STEPS, data=st.data())
def test_results_are_scikit_learns(steps, data):
    steps = [(f"s{i}", step) for i, step in enumerate(steps)]
    values = {"ridge__alpha": st.sampled_from([0.1, 1.0, 10.0]), **{name: VALUES for name, _ in steps}}
    if data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(steps)))
        steps.insert(at, ("u", data.draw(unions())))
        values |= {"u__a": BRANCHES, "u__b": BRANCHES}
    model = Pipeline([*steps, ("ridge", Ridge())])
    grid = data.draw(candidates(values))
    options = {
        "cv": data.draw(st.sampled_from([2, 3])),
        "return_train_score": data.draw(st.booleans()),
        "scoring": data.draw(
            st.sampled_from([None, ["r2", "neg_mean_absolute_error"], lambda m, X, y: m.score(X, y)])
        ),
        "refit": False,
    }
    budget = data.draw(st.sampled_from([None, 0, 200]))
    tables = []
    for search in (
        theirs.GridSearchCV(model, grid, **options),
        ours.GridSearchCV(model, grid, memory_budget=budget, **options),
    ):
        np.random.seed(5)  # noqa: NPY002 (a step without a seed draws from NumPy's own stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tables.append(search.fit(X, Y).cv_results_)
    assert list(tables[0]) == list(tables[1])
    for key in tables[0]:
        if key.endswith("score"):
            assert_array_equal(tables[0][key], tables[1][key])
