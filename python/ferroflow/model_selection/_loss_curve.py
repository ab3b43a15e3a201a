"""The loss curves of an iterative fit as a plot."""

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from ferroflow.model_selection._diagnose import curves_of


class LossCurveDisplay:
    """Loss by epoch, and what was measured on held-out rows.

    Make it with :meth:`from_estimator`.

    Parameters
    ----------
    losses : ndarray of shape (n_epochs,)
        Training losses.
    held_out : ndarray of shape (n_epochs,), default=None
        Losses or scores of held-out rows.
    held_out_name : str, default="validation loss"
    name : str, default=None
        The estimator's name, for the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        Of the training loss, and of the held-out rows if there are such.

    See Also
    --------
    diagnose : The same in words.
    """

    def __init__(
        self,
        *,
        losses: np.ndarray,
        held_out: np.ndarray | None = None,
        held_out_name: str = "validation loss",
        name: str | None = None,
    ) -> None:
        self.losses = losses
        self.held_out = held_out
        self.held_out_name = held_out_name
        self.name = name

    @classmethod
    def from_estimator(cls, estimator: Any, *, ax: Any = None, name: str | None = None, **kwargs: Any) -> Any:
        """Plot the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator or Pipeline
            Fitted, with a ``loss_curve_``, or a pipeline that ends in one.
        ax : matplotlib Axes, default=None
            A new one is made if None.
        name : str, default=None
            The class's name if None.
        **kwargs
            For matplotlib's ``plot``.

        Returns
        -------
        display : LossCurveDisplay
        """
        model = estimator[-1] if isinstance(estimator, Pipeline) else estimator
        losses, held_out, of_scores = curves_of(model)
        display = cls(
            losses=losses,
            held_out=-held_out if of_scores and held_out is not None else held_out,
            held_out_name="validation score" if of_scores else "validation loss",
            name=type(model).__name__ if name is None else name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Any:
        """Plot the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            A new one is made if None.
        name : str, default=None
            Instead of the display's own.
        **kwargs
            For matplotlib's ``plot``.

        Returns
        -------
        display : LossCurveDisplay
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError(
                "LossCurveDisplay needs matplotlib: pip install 'ferroflow[workflow]'.", name="matplotlib"
            ) from error
        if ax is None:
            _, ax = plt.subplots()
        name = self.name if name is None else name
        of = "" if name is None else f" of {name}"
        (first,) = ax.plot(
            np.arange(1, len(self.losses) + 1), self.losses, **{"label": f"training loss{of}", **kwargs}
        )
        self.lines_ = [first]
        ax.set(xlabel="epoch", ylabel="loss")
        if self.held_out is not None:
            # Scores have a unit of their own.
            beside = ax.twinx() if self.held_out_name.endswith("score") else ax
            style = {"linestyle": "--", "color": first.get_color(), "label": f"{self.held_out_name}{of}"}
            self.lines_ += beside.plot(np.arange(1, len(self.held_out) + 1), self.held_out, **style)
            if beside is not ax:
                beside.set_ylabel("score")
        ax.legend(handles=self.lines_)
        self.ax_, self.figure_ = ax, ax.figure
        return self
