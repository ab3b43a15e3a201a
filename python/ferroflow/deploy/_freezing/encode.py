"""Encoders as ops."""

from typing import Any

import numpy as np

from ferroflow.deploy._freezing.graph import NUMBER, TEXT, Graph, Value
from ferroflow.deploy._freezing.values import is_missing

ZEROS, REFUSE = -1, -2


def one_hot(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    key = graph.key
    columns, total = [], 0
    infrequent = getattr(step, "infrequent_categories_", None) if _groups(step) else None
    for j, categories in enumerate(step.categories_):
        rare = None if infrequent is None else infrequent[j]
        groups, n_groups, rare_group = _group(categories, rare)
        drop = None if step.drop_idx_ is None else step.drop_idx_[j]
        dropped = None if drop is None else groups[drop]

        def code(group: int | None, dropped: int | None = dropped) -> int:
            if group is None or group == dropped:
                return ZEROS
            return group - (dropped is not None and group > dropped)

        if step.handle_unknown == "error":
            unknown = REFUSE
        elif step.handle_unknown == "ignore":
            unknown = ZEROS
        else:
            unknown = code(rare_group)
        known, missing = known_categories(categories, value.kinds[j], f"{where}, column {j}")
        codes = [code(groups[i]) for i in known]
        codes += [unknown if missing is None else code(groups[missing]), unknown]
        width = n_groups - (dropped is not None)
        columns.append(
            {
                "categories": graph.list_of(f"{key}.{j}", [categories[i] for i in known], value.kinds[j]),
                "codes": graph.ints(f"{key}.{j}.codes", codes),
                "width": width,
            }
        )
        total += width
    return graph.add("onehot", [NUMBER] * total, out, **{"in": value.number, "columns": columns})


def feature_hasher(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    if step.input_type != "string" or NUMBER in value.kinds:
        raise TypeError(
            f"{where}: a FeatureHasher of {step.input_type}s takes no table; "
            "fit one with input_type='string' on columns of texts, or name its columns before the pipeline"
        )
    width = int(step.n_features)
    node = {"in": value.number, "width": width, "alternate": bool(step.alternate_sign)}
    return graph.add("hash", [NUMBER] * width, out, **node)


def ordinal(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    key = graph.key
    columns = []
    # Each category is shown to the encoder itself, so groups of rare ones and missing ones come out as they do there.
    longest = max(len(c) for c in step.categories_)
    shown = np.empty((longest, len(step.categories_)), dtype=object)
    for j, categories in enumerate(step.categories_):
        shown[:, j] = [categories[min(i, len(categories) - 1)] for i in range(longest)]
    numbers = np.asarray(_transform_columns(step, shown), dtype=np.float64)
    lenient = step.handle_unknown == "use_encoded_value"
    unknown = float(step.unknown_value) if lenient else 0.0
    for j, categories in enumerate(step.categories_):
        known, missing = known_categories(categories, value.kinds[j], f"{where}, column {j}")
        values = [numbers[i, j] for i in known]
        values += [unknown if missing is None else numbers[missing, j], unknown]
        columns.append(
            {
                "categories": graph.list_of(f"{key}.{j}", [categories[i] for i in known], value.kinds[j]),
                "values": graph.numbers(f"{key}.{j}.values", values),
                "refuse_missing": missing is None and not lenient,
                "refuse_unknown": not lenient,
            }
        )
    return graph.add("ordinal", [NUMBER] * len(columns), out, **{"in": value.number, "columns": columns})


def frequency(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    return _tabled(graph, step, value, out, where, step._tables(), step.handle_unknown == "error")


def target(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    width = len(step.classes_) if step.target_type_ == "multiclass" else 1
    means = np.broadcast_to(np.asarray(step.target_mean_, dtype=np.float64), (width,))
    tables = [
        np.vstack([np.stack(step.encodings_[j : j + width], axis=1), means])
        for j in range(0, len(step.encodings_), width)
    ]
    if width == 1:
        return _tabled(graph, step, value, out, where, [table[:, 0] for table in tables])
    key = graph.key
    columns = []
    for j, (categories, table) in enumerate(zip(step.categories_, tables, strict=True)):
        known, missing = known_categories(categories, value.kinds[j], f"{where}, column {j}")
        rows = [*known, -1 if missing is None else missing, -1]
        columns.append(
            {
                "categories": graph.list_of(f"{key}.{j}", [categories[i] for i in known], value.kinds[j]),
                "values": graph.numbers(f"{key}.{j}.values", table[rows]),
            }
        )
    kinds = [NUMBER] * (width * len(columns))
    return graph.add("lookup", kinds, out, **{"in": value.number, "columns": columns})


def rare_categories(graph: Graph, step: Any, value: Value, out: Any, where: str) -> Value:
    """Texts that are kept stay, others become one; numbers are looked up."""
    texts = [j for j, kind in enumerate(value.kinds) if kind == TEXT]
    numbers = [j for j, kind in enumerate(value.kinds) if kind == NUMBER]
    parts = []
    if texts:
        part, columns = graph.select(value, texts, None), []
        key = graph.key
        for j in texts:
            known, _ = known_categories(step.categories_[j], TEXT, f"{where}, column {j}")
            rare = set(step._rare[j].tolist())
            kept = [step.categories_[j][i] for i in known if i not in rare]
            columns.append({"kept": graph.texts(f"{key}.{j}", kept)})
        other = graph.texts(f"{key}.other", [step.other])
        parts.append(
            graph.add("group", part.kinds, None, **{"in": part.number, "columns": columns, "other": other})
        )
    if numbers:
        part = graph.select(value, numbers, None)
        tables = [step._tables()[j] for j in numbers]
        parts.append(_tabled(graph, step, part, None, where, tables, places=numbers, missing=np.nan))
    whole = graph.concat(parts, out)
    order = [*texts, *numbers]
    return graph.select(whole, [order.index(j) for j in range(len(order))], out)


def _tabled(
    graph: Graph,
    step: Any,
    value: Value,
    out: Any,
    where: str,
    tables: list[np.ndarray],
    refuse_unknown: bool = False,
    places: list[int] | None = None,
    missing: float | None = None,
) -> Value:
    """Each column's categories by a table that ends with the number of unknown ones; a missing cell gets `missing`, or
    what its category or else an unknown one gets."""
    key = graph.key
    columns = []
    for j, (at, table) in enumerate(zip(places or range(len(tables)), tables, strict=True)):
        categories = step.categories_[at]
        known, absent = known_categories(categories, value.kinds[j], f"{where}, column {at}")
        of_missing = table[-1 if absent is None else absent] if missing is None else missing
        columns.append(
            {
                "categories": graph.list_of(f"{key}.{j}", [categories[i] for i in known], value.kinds[j]),
                "values": graph.numbers(f"{key}.{j}.values", [*table[known], of_missing, table[-1]]),
                "refuse_missing": refuse_unknown and absent is None,
                "refuse_unknown": refuse_unknown,
            }
        )
    return graph.add("ordinal", [NUMBER] * len(columns), out, **{"in": value.number, "columns": columns})


def known_categories(categories: np.ndarray, kind: str, where: str) -> tuple[list[int], int | None]:
    """Return the places of the true categories, and of the missing one."""
    absent = [i for i, v in enumerate(categories) if is_missing(v)]
    if len(absent) > 1:
        raise TypeError(
            f"{where} has both None and NaN as categories, which a model file cannot tell apart; "
            "make them one, for example with X.fillna(np.nan)"
        )
    known = [i for i in range(len(categories)) if i not in absent]
    for i in known:
        v = categories[i]
        if isinstance(v, str) != (kind == TEXT):
            raise TypeError(f"{where} holds {kind}s and is encoded by the category {v!r}; make them one type")
        if kind == NUMBER and not isinstance(v, bool | np.bool_) and abs(float(v)) > 2**53:
            raise TypeError(f"{where} has the category {v}, too large for a float64; encode it as a text")
    return known, absent[0] if absent else None


def _groups(step: Any) -> bool:
    return step.max_categories is not None or step.min_frequency is not None


def _group(categories: np.ndarray, rare: Any) -> tuple[list[int], int, int | None]:
    """Number the categories as the encoder does: frequent ones in order, then one group of the rare ones."""
    if rare is None or len(rare) == 0:
        return list(range(len(categories))), len(categories), None
    missing = any(is_missing(v) for v in rare)
    texts = {v for v in rare if not is_missing(v)}
    is_rare = [missing if is_missing(v) else v in texts for v in categories]
    group = len(categories) - sum(is_rare)
    numbers = iter(range(group))
    return [group if r else next(numbers) for r in is_rare], group + 1, group


def _transform_columns(step: Any, shown: Any) -> Any:
    """Transform an object table as if it were a table like the one fitted."""
    if hasattr(step, "feature_names_in_"):
        import pandas as pd

        # As objects, or pandas would turn None into NaN, which is another category.
        shown = pd.DataFrame(shown, columns=list(step.feature_names_in_), dtype=object)
        for name, categories in zip(step.feature_names_in_, step.categories_, strict=True):
            if categories.dtype.kind in "biuf":
                shown[name] = shown[name].astype(categories.dtype)
    elif all(c.dtype.kind in "biuf" for c in step.categories_):
        shown = shown.astype(np.result_type(*[c.dtype for c in step.categories_]))
    return step.transform(shown)


STEPS = {
    "FeatureHasher": feature_hasher,
    "FrequencyEncoder": frequency,
    "OneHotEncoder": one_hot,
    "OrdinalEncoder": ordinal,
    "RareCategoryGrouper": rare_categories,
    "TargetEncoder": target,
}
