"""The model of a forecaster, and its training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gru_c import optimizers
from gru_c.callbacks import Callback, EarlyStopping, LambdaCallback
from gru_c.common.arrays import Array
from gru_c.common.progress import BAR, SILENT, Progress, bars_are_shown
from gru_c.forecast.samples import Samples
from gru_c.layers import GRU, Dense, Dropout, Input, Layer
from gru_c.losses import QuantileLoss
from gru_c.models.sequential import Sequential

_LARGEST_GRADIENT = 1.0  # the largest norm of all gradients together


class _KnownTargets(QuantileLoss):
    """The pinball loss of the known targets; a target that is NaN has no loss."""

    def _errors(self, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
        e, q = super()._errors(y_true, y_pred)
        return np.where(np.isnan(y_true)[..., None], 0.0, e), q


@dataclass(frozen=True)
class Training:
    """The arguments of `Forecaster` for training."""

    learning_rate: float
    batch_size: int
    epochs: int
    patience: int
    verbose: int


def build(
    features: int, units: Sequence[int], dropout: float, outputs: int, seed: int | None
) -> Sequential:
    """Return stacked GRUs with a `Dense` layer, whose weights are zero: it corrects nothing yet."""
    layers: list[Layer] = [Input((None, features))]
    for number, count in enumerate(units, start=1):
        layers.append(GRU(count, return_sequences=number < len(units)))
        layers += [Dropout(dropout)] if dropout else []
    layers.append(Dense(outputs, kernel_initializer="zeros"))
    return Sequential(layers, name="forecaster", seed=seed)


def train(
    model: Sequential,
    samples: Samples,
    held_out: Samples | None,
    levels: tuple[float, ...],
    settings: Training,
) -> dict[str, list[float]]:
    """Train until the loss of the held-out windows stops falling; return the losses by epoch.

    The model then has the weights of the best epoch.
    """
    adam = optimizers.Adam(settings.learning_rate, global_clipnorm=_LARGEST_GRADIENT)
    model.compile(adam, _KnownTargets(levels))
    callbacks: list[Callback] = []
    if held_out is not None:
        callbacks.append(EarlyStopping(patience=settings.patience, restore_best_weights=True))
    one_bar = settings.verbose == BAR and bars_are_shown()  # of all epochs; else a line for each
    with Progress(BAR if one_bar else SILENT, "Training", settings.epochs, "epoch") as bar:

        def show(epoch: int, logs: dict[str, float]) -> None:
            title = f"Epoch {epoch + 1}/{settings.epochs}"
            Progress(SILENT if one_bar else settings.verbose, title, 0).finish(logs)
            bar.update(len(samples), lambda: logs)

        history = model.fit(
            *samples.arrays(),
            batch_size=settings.batch_size,
            validation_data=None if held_out is None else held_out.arrays(),
            epochs=settings.epochs,
            callbacks=[LambdaCallback(on_epoch_end=show), *callbacks],
            verbose=0,
        )
    if history.interrupted:
        raise KeyboardInterrupt
    # A file can only name public losses, and without NaN in the targets this one is the same.
    model.compile(adam, QuantileLoss(levels))
    return history.history
