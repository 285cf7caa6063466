"""The model of a forecaster, and its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gru_c import optimizers
from gru_c.callbacks import Callback, EarlyStopping, LambdaCallback
from gru_c.forecast.features import Windows
from gru_c.layers import GRU, Dense, Dropout, Input, Layer
from gru_c.losses import QuantileLoss
from gru_c.models.sequential import Sequential
from gru_c.utils.arrays import Array
from gru_c.utils.progress import BAR, SILENT, Progress, bars_are_shown

_LARGEST_GRADIENT = 1.0  # its norm
PREDICTED_AT_ONCE = 256  # windows


class _KnownTargets(QuantileLoss):
    """The pinball loss of the targets that are known; NaN costs nothing."""

    def _errors(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        e, q = super()._errors(y_true, y_pred)
        return np.where(np.isnan(y_true)[..., None], 0.0, e), q


@dataclass(frozen=True)
class Training:
    """How to train; see `Forecaster`."""

    learning_rate: float
    batch_size: int
    epochs: int
    patience: int
    verbose: int


def build(
    features: int, units: Sequence[int], dropout: float, outputs: int, seed: int | None
) -> Sequential:
    """Return stacked GRUs and a `Dense` whose weights are zero: at first it changes nothing."""
    layers: list[Layer] = [Input((None, features))]
    for number, count in enumerate(units, start=1):
        layers.append(GRU(count, return_sequences=number < len(units)))
        layers += [Dropout(dropout)] if dropout else []
    layers.append(Dense(outputs, kernel_initializer="zeros"))
    return Sequential(layers, name="forecaster", seed=seed)


def train(
    model: Sequential,
    samples: Windows,
    held_out: Windows | None,
    levels: tuple[float, ...],
    how: Training,
) -> dict[str, list[float]]:
    """Train until what is held out gets no better, and keep the best weights; the losses."""
    adam = optimizers.Adam(how.learning_rate, global_clipnorm=_LARGEST_GRADIENT)
    model.compile(adam, _KnownTargets(levels))
    callbacks: list[Callback] = []
    if held_out is not None:
        callbacks.append(EarlyStopping(patience=how.patience, restore_best_weights=True))
    one_bar = how.verbose == BAR and bars_are_shown()  # of all epochs; else a line for each
    with Progress(BAR if one_bar else SILENT, "Training", how.epochs, "epoch") as bar:

        def show(epoch: int, logs: dict[str, float]) -> None:
            title = f"Epoch {epoch + 1}/{how.epochs}"
            Progress(SILENT if one_bar else how.verbose, title, 0).finish(logs)
            bar.update(len(samples.x), lambda: logs)

        history = model.fit(
            samples.x,
            samples.y,
            batch_size=how.batch_size,
            validation_data=None if held_out is None else (held_out.x, held_out.y),
            epochs=how.epochs,
            callbacks=[LambdaCallback(on_epoch_end=show), *callbacks],
            verbose=0,
        )
    if history.interrupted:
        raise KeyboardInterrupt
    model.compile(adam, QuantileLoss(levels))  # what a file can say
    return history.history
