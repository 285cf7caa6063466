"""The callback that evaluates with the averages of the weights."""

from __future__ import annotations

from typing import Any

from gru_c.callbacks.base import Callback, Logs
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag


class SwapEMAWeights(Callback):
    """Replace the weights by the optimizer's averages while the model is evaluated.

    The optimizer must have been made with ``use_ema=True``. Before its first step there are no
    averages, and nothing is replaced.

    Parameters
    ----------
    swap_on_epoch : bool
        True to leave the averages in the model from the end of an epoch to the beginning of the
        next, for callbacks that follow in the list, such as `ModelCheckpoint`.

    Raises
    ------
    TypeError
        When swap_on_epoch is not a bool.
    ValueError
        When a loop begins and the optimizer has no averages.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, Sequential, callbacks, optimizers
    >>> model = Sequential([Dense(1, input_shape=(2,))], seed=0)
    >>> model.compile(optimizers.SGD(use_ema=True), "mse")
    >>> X, y = np.ones((8, 2)), np.ones(8)
    >>> swap = callbacks.SwapEMAWeights()
    >>> history = model.fit(X, y, epochs=2, validation_data=(X, y), verbose=0, callbacks=[swap])
    """

    state_names = ("_weights",)

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = check_flag("swap_on_epoch", swap_on_epoch)
        self._weights: list[Array] | None = None  # the weights, while the averages replace them

    def _insert(self) -> bool:
        """Replace the weights by the averages; return False if they are already replaced."""
        model = self.model
        optimizer = model.optimizer
        if optimizer is None or not optimizer.use_ema:
            raise ValueError(
                "SwapEMAWeights needs averages of the weights: compile with an optimizer that has "
                f"use_ema=True, got {optimizer!r}"
            )
        if self._weights is not None or not optimizer.iterations:
            return False
        self._weights = model.get_weights()
        optimizer.finalize(model.parameters)
        return True

    def _restore(self) -> None:
        """Restore the weights, if the averages have replaced them."""
        if self._weights is not None:
            self.model.set_weights(self._weights)
            self._weights = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin without weights of an earlier run."""
        self._weights = None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Restore the weights that the end of the last epoch replaced."""
        self._restore()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Replace the weights, if `swap_on_epoch` asks for it."""
        if self.swap_on_epoch:
            self._insert()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Leave the averages in the model, as `fit` does without this callback."""
        self._weights = None

    def on_test_begin(self, logs: Logs | None = None) -> None:
        """Replace the weights."""
        self._insert()

    def on_test_end(self, logs: Logs | None = None) -> None:
        """Put the weights back."""
        self._restore()

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        """Replace the weights."""
        self._insert()

    def on_predict_end(self, logs: Logs | None = None) -> None:
        """Put the weights back."""
        self._restore()

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state; ValueError if its weights do not have the shapes of this model's."""
        weights = state.get("_weights")
        shapes = [weight.shape for weight in self.model.get_weights()]
        if weights is not None and [weight.shape for weight in weights] != shapes:
            raise ValueError("_weights are not of this model")
        super().set_state(state)
