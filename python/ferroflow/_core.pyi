# The native module's signatures; tests/test_native_module.py checks them against the binary.
# What each function means is told by the public Python function or class that calls it.

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

__version__: str

# descent
def first_randint(random_state: int, limit: int) -> int: ...
def gradient_descent(
    x: Any,
    targets: dict[str, Any],
    options: dict[str, Any],
    state: tuple[NDArray[Any], NDArray[Any], NDArray[Any], int, float],
    report: Any | None = None,
) -> tuple[Any, NDArray[Any], bool, float]: ...

# sgd
def sgd_seed(random_state: int) -> int: ...
def sgd(
    x: Any,
    per_row: dict[str, Any],
    start: dict[str, Any],
    options: dict[str, Any],
    watch: Any | None = None,
) -> tuple[NDArray[Any], list[float], NDArray[Any], list[float], list[tuple[int, bool]]]: ...

# gram
_Moments = tuple[float, NDArray[Any], NDArray[Any]]

def column_products(
    x: NDArray[Any],
    y: NDArray[Any],
    weights: NDArray[Any] | None = None,
    before: _Moments | None = None,
) -> _Moments: ...
def merge_products(a: _Moments, b: _Moments) -> _Moments: ...
def normal_residual(
    x: NDArray[Any],
    y: NDArray[Any],
    weights: NDArray[Any] | None,
    mean: NDArray[Any],
    coef: NDArray[Any],
) -> NDArray[Any]: ...
def coordinate_descent(
    square: tuple[NDArray[Any], NDArray[Any], float],
    l1: float,
    l2: float,
    positive: bool,
    tol: float,
    max_iter: int,
    random: int | None,
    start: NDArray[Any],
) -> tuple[NDArray[Any], float, float, int, bool]: ...

# logistic
def logistic_gradient(
    x: Any, y: NDArray[Any], weights: NDArray[Any] | None, outputs: int, theta: NDArray[Any]
) -> tuple[float, NDArray[Any]]: ...

# scores
def linear_scores(x: Any, weights: NDArray[Any], bias: NDArray[Any]) -> NDArray[Any]: ...
def linear_probabilities(scores: NDArray[Any]) -> NDArray[Any]: ...

# pool
def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...

# metric
def count_equal_labels(t: Any, p: Any) -> int | None: ...
def count_labels(t: Any, p: Any, table: bool) -> tuple[list[Any], NDArray[Any]] | None: ...
def weigh_labels(
    t: Any, p: Any, table: bool, weights: NDArray[Any]
) -> tuple[list[Any], NDArray[Any]] | None: ...

# indicator
def count_indicators(
    t: Any, p: Any, columns: int, by_row: bool = False, weights: NDArray[Any] | None = None
) -> NDArray[Any] | None: ...
def count_sparse_indicators(
    t: tuple[NDArray[Any], NDArray[Any]],
    p: tuple[NDArray[Any], NDArray[Any]],
    columns: int,
    by_row: bool = False,
    weights: NDArray[Any] | None = None,
) -> NDArray[Any] | None: ...

# target_classes
class TargetClasses:
    labels: list[Any]
    counts: list[int]
    def __len__(self) -> int: ...
    def codes(self) -> NDArray[Any]: ...

def target_classes(y: Any) -> TargetClasses | None: ...

# losses
def mean_losses(t: Any, p: Any, w: Any | None, loss: str, alpha: float) -> list[float] | None: ...
def explained_squares(t: Any, p: Any, w: Any | None) -> list[list[float]] | None: ...
def median_errors(t: Any, p: Any) -> list[float] | None: ...
def weighted_quantiles(t: Any, p: Any, w: Any, share: float) -> list[float] | None: ...
def largest_error(t: Any, p: Any) -> float | None: ...
def probability_losses(
    classes: TargetClasses, columns: Sequence[int], p: Any, w: Any | None, loss: str
) -> tuple[float, float] | None: ...
def calibration_gaps(
    classes: TargetClasses, columns: Sequence[int], p: Any, w: Any, edges: Sequence[float]
) -> tuple[list[float], float] | None: ...
def class_weights(classes: TargetClasses, w: Any) -> NDArray[Any] | None: ...
def probability_bins(
    classes: TargetClasses, positive: int | None, p: Any, edges: Sequence[float]
) -> tuple[list[float], list[float], list[float]] | None: ...

# ranking
def ranking_score(
    classes: TargetClasses, positive: int, scores: Any, column: int, precision: bool
) -> float | None: ...
def ranking_scores_of_columns(indicator: Any, scores: Any, precision: bool) -> list[float] | None: ...
def areas_of_pairs(classes: TargetClasses, scores: Any) -> list[list[float]] | None: ...
def trapezoids(x: Any, y: Any) -> tuple[float, bool, bool] | None: ...
def score_curve(
    classes: TargetClasses, positive: int, scores: Any, weights: Any | None, drop: str
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None: ...

# row_scores
def row_scores(truth: Any, scores: Any, what: str, discounts: Sequence[float]) -> NDArray[Any] | None: ...
def top_k_hits(
    classes: TargetClasses, columns: Sequence[int], scores: Any, k: int
) -> NDArray[Any] | None: ...

# bootstrap
def bootstrap(
    rows: int,
    resamples: int,
    seed: int,
    means: Sequence[NDArray[Any]] = ...,
    median: NDArray[Any] | None = None,
    labels: tuple[NDArray[Any], NDArray[Any], int] | None = None,
    groups: tuple[NDArray[Any], NDArray[Any], int] | None = None,
    rankings: tuple[TargetClasses, Sequence[int], Sequence[NDArray[Any]]] | None = None,
) -> NDArray[Any]: ...

# scale
def column_moments(
    x: NDArray[Any] | list[NDArray[Any]],
    weights: NDArray[Any] | None = None,
    before: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], bool, bool]: ...
def merge_moments(
    a: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], b: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def scale_columns(
    x: NDArray[Any] | list[NDArray[Any]],
    shift: NDArray[Any] | None,
    scale: NDArray[Any] | None,
    how: tuple[bool, bool, tuple[float, float] | None],
) -> tuple[NDArray[Any], bool]: ...
def scale_columns_in_place(
    x: NDArray[Any],
    shift: NDArray[Any] | None,
    scale: NDArray[Any] | None,
    how: tuple[bool, bool, tuple[float, float] | None],
) -> bool: ...
def multiply_sparse_columns(
    values: NDArray[Any], places: NDArray[Any], by_column: bool, factor: NDArray[Any]
) -> None: ...
def sparse_column_moments(
    values: NDArray[Any],
    indices: NDArray[Any],
    pointers: NDArray[Any],
    shape: tuple[int, int],
    by_column: bool,
    weights: NDArray[Any] | None = None,
    before: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any], bool, bool]: ...

# extrema
def column_extrema(x: NDArray[Any] | list[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any], bool]: ...
def sparse_column_extrema(
    values: NDArray[Any],
    indices: NDArray[Any],
    pointers: NDArray[Any],
    shape: tuple[int, int],
    by_column: bool,
) -> tuple[NDArray[Any], NDArray[Any], bool]: ...

# normalize
def binarize_values(x: NDArray[Any], threshold: float) -> tuple[NDArray[Any], bool]: ...
def binarize_values_in_place(x: NDArray[Any], threshold: float) -> None: ...
def normalize_csr(values: NDArray[Any], pointers: NDArray[Any], norm: str) -> None: ...
def normalize_rows(
    x: NDArray[Any], norm: str, tell: bool
) -> tuple[NDArray[Any], NDArray[Any] | None, bool]: ...
def normalize_rows_in_place(x: NDArray[Any], norm: str, tell: bool) -> NDArray[Any] | None: ...

# column_quantiles
def column_quantiles(
    x: NDArray[Any] | list[NDArray[Any]], fractions: Sequence[float]
) -> tuple[NDArray[Any], NDArray[Any], bool]: ...
def sparse_column_quantiles(
    values: NDArray[Any],
    indices: NDArray[Any],
    pointers: NDArray[Any],
    shape: tuple[int, int],
    fractions: Sequence[float],
) -> tuple[NDArray[Any], NDArray[Any], bool]: ...

# quantile
def sketch_quantiles(
    x: NDArray[Any], before: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]] | None = None
) -> tuple[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]], bool]: ...
def merge_quantile_sketches(
    a: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]],
    b: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]],
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]: ...
def quantiles_of_sketch(
    sketch: tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]], q: NDArray[Any]
) -> NDArray[Any]: ...
def many_quantiles(x: NDArray[Any], q: NDArray[Any], method: str) -> tuple[NDArray[Any], bool, bool]: ...
def map_quantiles(
    x: NDArray[Any], quantiles: NDArray[Any], references: NDArray[Any], normal: bool, inverse: bool
) -> tuple[NDArray[Any], bool] | None: ...

# power
def invert_powers(y: NDArray[Any], exponents: NDArray[Any], box_cox: bool) -> NDArray[Any] | None: ...
def power_exponents(x: NDArray[Any], box_cox: bool) -> NDArray[Any]: ...
def transform_powers(
    x: NDArray[Any], exponents: NDArray[Any], box_cox: bool
) -> tuple[NDArray[Any], bool]: ...

# bin
def bin_values(x: NDArray[Any], inner: Sequence[NDArray[Any]]) -> NDArray[Any] | None: ...
def bin_positions(
    x: NDArray[Any], inner: Sequence[NDArray[Any]], offsets: NDArray[Any]
) -> NDArray[Any] | None: ...
def bin_one_hot(
    x: NDArray[Any], inner: Sequence[NDArray[Any]], offsets: NDArray[Any], width: int
) -> NDArray[Any] | None: ...

# polynomial
def polynomial_terms(
    x: NDArray[Any], degrees: tuple[int, int], distinct: bool, bias: bool, fortran: bool
) -> NDArray[Any] | None: ...

# spline
def spline_bases(
    x: NDArray[Any],
    columns: Sequence[tuple[NDArray[Any], Sequence[NDArray[Any]]]],
    degree: int,
    beyond: str,
    all: bool,
    gaps: bool,
) -> NDArray[Any] | None: ...

# arrow_floats
class ArrowFloats:
    def __new__(cls, frame: Any) -> ArrowFloats: ...
    def __len__(self) -> int: ...
    def sums(self, marker: float | None) -> tuple[NDArray[Any], NDArray[Any], bool]: ...
    def fill(self, marker: float | None, values: NDArray[Any]) -> NDArray[Any] | None: ...

class ArrowFrame:
    def __new__(cls, x: NDArray[Any], names: list[str]) -> ArrowFrame: ...
    def __arrow_c_stream__(self, requested_schema: object = None) -> Any: ...

# impute
def column_statistics(
    x: NDArray[Any], strategy: str, marker: float | None
) -> tuple[NDArray[Any], NDArray[Any], bool]: ...
def fill_missing_in_place(x: NDArray[Any], marker: float | None, values: NDArray[Any]) -> bool: ...
def missing_marks(
    x: NDArray[Any], marker: float | None, chosen: Sequence[int] | None
) -> tuple[NDArray[Any], NDArray[Any], bool]: ...
def sparse_missing(
    values: NDArray[Any], indices: NDArray[Any], pointers: NDArray[Any], marker: float | None
) -> tuple[NDArray[Any], NDArray[Any]]: ...
def fill_sparse_columns(
    values: NDArray[Any], pointers: NDArray[Any], marker: float | None, fills: NDArray[Any]
) -> None: ...
def sparse_column_statistics(
    values: NDArray[Any],
    pointers: NDArray[Any],
    rows: int,
    strategy: str,
    marker: float | None,
    empty: float | None,
) -> NDArray[Any]: ...
def fill_missing(
    x: NDArray[Any], marker: float | None, values: NDArray[Any], indicators: Sequence[int] | None = None
) -> NDArray[Any] | None: ...
def integer_modes(x: NDArray[Any], marker: int | None) -> tuple[NDArray[Any], NDArray[Any]]: ...
def object_missing(x: NDArray[Any], marker: float | str | None) -> tuple[NDArray[Any], bool] | None: ...
def object_modes(x: NDArray[Any], marker: float | str | None) -> tuple[list[Any], NDArray[Any]] | None: ...

# linear_bayes
def bayesian_ridge(
    x: NDArray[Any],
    left_out: NDArray[Any],
    target: int,
    inputs: Sequence[int],
    priors: tuple[int, float, tuple[float, float], tuple[float, float], float | None, float | None],
) -> tuple[NDArray[Any], float, NDArray[Any], float, float, NDArray[Any], int] | None: ...
def fill_linear(
    x: NDArray[Any],
    rows: NDArray[Any],
    target: int,
    inputs: Sequence[int],
    coef: NDArray[Any],
    intercept: float,
    limits: tuple[float, float],
) -> None: ...

# neighbours
def nearest_fills(
    x: NDArray[Any], rows: NDArray[Any], missing: float | None, k: int, by_distance: bool
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], list[int]] | None: ...

# encode
class ArrowColumn:
    def __new__(cls, column: Any, nan: bool) -> ArrowColumn: ...
    def __len__(self) -> int: ...
    @property
    def dictionary(self) -> bool: ...

class Categories:
    def __new__(cls, values: NDArray[Any]) -> Categories: ...

def count_codes(codes: NDArray[Any], n: int) -> NDArray[Any]: ...
def csr_parts(matrix: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]: ...
def encode_columns(
    columns: list[Any],
    categories: list[Categories | None],
    tables: list[NDArray[Any]],
    out: NDArray[Any],
) -> list[bool] | None: ...
def learn_categories(
    column: Any, count: bool, keep: bool
) -> tuple[NDArray[Any], NDArray[Any] | None, NDArray[Any] | None, NDArray[Any] | None] | None: ...
def one_per_place(one: NDArray[Any], data: NDArray[Any], k: int, indptr: NDArray[Any]) -> None: ...
def scatter_ones(matrix: NDArray[Any], one: NDArray[Any], out: NDArray[Any]) -> None: ...

# frozen
class FrozenModel:
    def __new__(cls, data: bytes) -> FrozenModel: ...
    def describe(self) -> dict[str, Any]: ...
    def predict_row(self, row: dict[str, Any]) -> Any: ...
    def proba_row(self, row: dict[str, Any]) -> Any: ...
    def run_dicts(self, rows: list[dict[str, Any]], what: str) -> Any: ...
    def run_columns(self, columns: list[Any], what: str) -> Any: ...
    def run_matrix(self, matrix: Any, what: str) -> Any: ...

def frozen_write(document: str, tensors: list[tuple[str, str, list[int], bytes]]) -> bytes: ...

# serve
def serve(data: bytes, host: str, port: int, listening: Callable[[str, int], object]) -> None: ...

# split
class Classes:
    smallest: int
    largest: int
    whole: bool
    def __len__(self) -> int: ...
    def firsts(self) -> list[int]: ...
    def ranks(self) -> NDArray[Any]: ...
    def balanced(self, k: int) -> NDArray[Any]: ...
    def folds(self, folds: NDArray[Any], k: int) -> Folds: ...
    def part(self, roles: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]: ...

class Folds:
    def numbers(self) -> NDArray[Any]: ...
    def rows(self, fold: int) -> tuple[NDArray[Any], NDArray[Any]]: ...

class Halves:
    def rows(self) -> tuple[NDArray[Any], NDArray[Any]]: ...
    def take(self, table: NDArray[Any], train: NDArray[Any], test: NDArray[Any]) -> None: ...

class Stream:
    def __init__(self, seed: int) -> None: ...

def halves(
    n: int,
    train: int,
    test: int,
    source: int | Stream | tuple[NDArray[Any], int] | None = None,
    classes: Classes | None = None,
) -> tuple[Halves, tuple[NDArray[Any], int] | None]: ...
def label_classes(y: NDArray[Any]) -> Classes | None: ...
def plain_folds(
    n: int, k: int, source: int | Stream | tuple[NDArray[Any], int] | None = None
) -> tuple[Folds, tuple[NDArray[Any], int] | None]: ...
def stratified_folds(
    classes: Classes, k: int, source: int | Stream | tuple[NDArray[Any], int] | None = None
) -> tuple[Folds, tuple[NDArray[Any], int] | None]: ...
def stratified_groups(
    groups: Classes, classes: Classes, k: int, source: int | Stream | tuple[NDArray[Any], int] | None = None
) -> tuple[NDArray[Any], tuple[NDArray[Any], int] | None]: ...
def text_classes(points: NDArray[Any]) -> Classes: ...

# target
def learn_targets(
    codes: NDArray[Any],
    categories: list[int],
    target: tuple[NDArray[Any], int] | NDArray[Any],
    rows_of_mean: float | None,
    tests: NDArray[Any] | None = None,
    folds: int = 1,
) -> tuple[NDArray[Any], list[NDArray[Any]], list[NDArray[Any]], NDArray[Any] | None]: ...
def target_encodings(
    total: NDArray[Any], columns: list[NDArray[Any]], rows_of_mean: float | None
) -> tuple[list[float], list[NDArray[Any]]]: ...
def write_targets(codes: NDArray[Any], tables: list[NDArray[Any]], unknown: NDArray[Any]) -> NDArray[Any]: ...

# label_sets
def hash_features(
    samples: list[Any], input: str, columns: int, alternate: bool, single: bool
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None: ...
def label_sets(numbers: NDArray[Any], lens: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]: ...
