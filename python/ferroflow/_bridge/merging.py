"""What every ``merge`` asks before it takes in another fit."""

from typing import Any

from sklearn.utils.validation import check_is_fitted


def check_same_columns(mine: Any, other: Any, what: str) -> None:
    """Raise unless both are fitted, on as many columns; `what` is merged, for the message."""
    check_is_fitted(mine)
    check_is_fitted(other)
    n, m = getattr(mine, "n_features_in_", None), getattr(other, "n_features_in_", None)
    if n != m:
        raise ValueError(f"Cannot merge {what} of {n} and {m} features; fit both on the same columns.")


def check_sketched(mine: Any, other: Any, what: str, lost: str = "others") -> None:
    """Raise unless both keep a sketch, of as many columns: ``fit`` keeps none, and so has `lost` the rest."""
    check_same_columns(mine, other, what)
    if "_sketch" not in vars(mine) or "_sketch" not in vars(other):
        raise ValueError(
            f"Cannot merge {what} learned by fit, which keeps no {lost}; use partial_fit for both."
        )
