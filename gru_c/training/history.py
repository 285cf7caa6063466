"""The record of a training run, and its plot."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

from gru_c.common.attributes import Guarded
from gru_c.common.optional import require


class History(Guarded):
    """The record of a `fit`.

    Attributes
    ----------
    history : dict of str to list of float
        A value per epoch: "loss" and the metrics, both also with ``"val_"`` before the name, and
        the logs that callbacks add, such as "learning_rate".
    epoch : list of int
        Numbers of the epochs, from 0.
    interrupted : bool
        True if Ctrl-C ended the run.
    params : dict
        "verbose", "epochs" and "steps" (batches per epoch, None if not known) of the `fit`.
    model : Sequential or None
        The model, as long as the program has it.
    """

    def __init__(self) -> None:
        self.params: dict[str, Any] = {}
        self._model: weakref.ref[Any] | None = None
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.interrupted = False
        self._epochs: dict[str, list[int]] = {}  # the epochs in which each quantity was recorded

    @property
    def model(self) -> Any:
        """The model; None in a copy, and if the program has it no longer."""
        return None if self._model is None else self._model()

    def begin(self, model: Any, params: dict[str, Any]) -> None:
        """Keep the model and the parameters of the run."""
        self._model, self.params = weakref.ref(model), params

    def __getstate__(self) -> dict[str, Any]:
        """Return the state of a copy or pickle, without the model."""
        return {**vars(self), "_model": None}

    def append(self, epoch: int, logs: dict[str, float]) -> None:
        """Add an epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
            self._epochs.setdefault(name, []).append(epoch)

    def get_state(self) -> dict[str, Any]:
        """Return all values and their epochs, for the checkpoint of a run."""
        return {"history": self.history, "epoch": self.epoch, "epochs": self._epochs}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore what `get_state` returned."""
        self.history = {name: list(values) for name, values in state["history"].items()}
        self.epoch = list(state["epoch"])
        epochs = state.get("epochs") or {}  # older files do not have it
        self._epochs = {name: list(numbers) for name, numbers in epochs.items()}

    def plot(self, names: Sequence[str] | None = None) -> Any:
        """Draw a panel for each quantity over the epochs, with dashed lines for the validation.

        Needs matplotlib: ``pip install "gru_c[plot]"``.

        Parameters
        ----------
        names : sequence of str, optional
            Quantities to draw, without ``"val_"``; by default all.

        Returns
        -------
        matplotlib.figure.Figure
            Save it with ``figure.savefig("run.png")``.

        Raises
        ------
        ValueError
            When nothing has been recorded, or not this name.
        ImportError
            When matplotlib is not installed.

        Examples
        --------
        >>> from gru_c import History
        >>> history = History()
        >>> history.append(0, {"loss": 2.0, "val_loss": 3.0})
        >>> history.append(1, {"loss": 1.0, "val_loss": 2.5})
        >>> figure = history.plot()
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['training', 'validation']
        """
        known = list(dict.fromkeys(name.removeprefix("val_") for name in self.history))
        wanted = known if names is None else [names] if isinstance(names, str) else list(names)
        if not wanted:
            raise ValueError("there is nothing to plot: no epoch has been recorded")
        for name in wanted:
            if name not in known:
                raise ValueError(f"no {name!r} has been recorded; there are {', '.join(known)}")
        pyplot = require("matplotlib.pyplot", "plot")
        figure, axes = pyplot.subplots(
            1, len(wanted), figsize=(5 * len(wanted), 3.5), squeeze=False, layout="constrained"
        )
        for name, panel in zip(wanted, axes[0], strict=True):
            self._draw(name, panel)
        return figure

    def _draw(self, name: str, panel: Any) -> None:
        for key, label, style in ((name, "training", "-"), (f"val_{name}", "validation", "--")):
            values = self.history.get(key, [])
            if values:
                # A quantity may have fewer values than epochs, such as one of the validation.
                recorded = self._epochs.get(key, [])
                if len(recorded) != len(values):  # the user has set `history`
                    recorded = self.epoch[-len(values) :]
                epochs = [number + 1 for number in recorded]
                panel.plot(epochs, values, style, marker=".", color="C0", label=label)
        panel.set(xlabel="epoch", ylabel=name)
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.legend()

    def __repr__(self) -> str:
        ended = ", interrupted" if self.interrupted else ""
        return f"<History of {len(self.epoch)} epochs: {', '.join(self.history)}{ended}>"
