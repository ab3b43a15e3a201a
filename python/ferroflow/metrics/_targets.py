"""True labels as numbered classes, and where the classes' scores stand."""

import itertools
from typing import Any

import numpy as np

from ferroflow import _core
from ferroflow.metrics._labels import plain, wanted_labels
from ferroflow.metrics._rust_first import Foreign
from ferroflow.metrics._shared import counted_once


def classes_of(y: Any) -> _core.TargetClasses:
    """Number the classes of a column of labels."""
    found = counted_once(_core.target_classes, y)
    if found is None:
        if type(y) is list or type(y) is tuple:
            try:
                y = np.asarray(y)
            except ValueError as error:
                raise Foreign("targets of ragged lists") from error
        if getattr(y, "ndim", 1) != 1:
            raise Foreign("targets of several columns")
        found = _core.target_classes(plain(y))
        if found is None:
            raise Foreign("targets that are not a column of integers, or of strings")
    return found


def columns_of(classes: _core.TargetClasses, labels: Any, columns: int) -> list[int]:
    """Return the column of each class among as many as the scores have.

    Parameters
    ----------
    classes : TargetClasses
    labels : array-like or None
        The caller's labels, a column each; None if all of them occur.
    columns : int
        How many columns there are; one stands for the second of two.
    """
    found = classes.labels
    if labels is None:
        if len(found) != columns or columns < 2:
            raise Foreign("as many classes as columns are not there")
        return list(range(columns))
    wanted = wanted_labels(labels, found)
    if len(wanted) != columns or columns < 2 or any(a >= b for a, b in itertools.pairwise(wanted)):
        raise Foreign("labels that are not in order, or not as many as there are columns")
    place = {label: column for column, label in enumerate(wanted)}
    try:
        return [place[label] for label in found]
    except KeyError as error:
        raise Foreign("a target that is not among the labels") from error


# Targets whose positive label is 1 without being asked for.
_USUAL = ([0, 1], [-1, 1], [0], [-1], [1])


def positive(labels: list[Any], pos_label: Any, *, or_last: bool = False) -> Any:
    """Return the positive one of at most two labels; it need not occur.

    Parameters
    ----------
    labels : list
        The labels that occur.
    pos_label : int, str, bool or None
        What the caller says.
    or_last : bool
        Does the greater of two numbers do where nothing is said and nothing is usual?
    """
    if pos_label is None:
        if labels in _USUAL:
            return 1
        if or_last and not isinstance(labels[-1], str):
            return labels[-1]
        raise Foreign("targets without a usual positive label")
    if type(pos_label) not in (int, bool, str) or pos_label not in labels:
        raise Foreign("a positive label that does not occur")
    return pos_label
