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


def check_kept(mine: Any, other: Any, what: str, lost: str = "others", kept: str = "_sketch") -> None:
    """Raise unless both have `kept` what ``partial_fit`` keeps, of as many columns: ``fit`` has `lost` it."""
    check_same_columns(mine, other, what)
    if kept not in vars(mine) or kept not in vars(other):
        raise ValueError(
            f"Cannot merge {what} learned by fit, which keeps no {lost}; use partial_fit for both."
        )


def take_over(mine: Any, fitted: Any) -> None:
    """Take what another one of the same parameters has learned, all at once."""
    parameters = mine.get_params(deep=False)
    learned = {name: value for name, value in vars(fitted).items() if name not in parameters}
    mine.__dict__.update(learned)
