"""Callbacks that end a run before its last epoch."""

from __future__ import annotations

from typing import Any

from gru_c.callbacks.base import Callback, Logs
from gru_c.callbacks.monitor import MonitorCallback
from gru_c.common.arrays import Array
from gru_c.common.progress import check_level, say
from gru_c.common.validation import check_flag, check_integer, check_real


class EarlyStopping(MonitorCallback):
    """End the run when a quantity has stopped improving.

    Parameters
    ----------
    monitor : str
        Name of the quantity in the logs.
    min_delta : float
        Smallest change that counts as an improvement.
    patience : int
        Number of epochs without an improvement after which the run ends.
    verbose : {0, 1}
        1 prints a line when the run ends.
    mode : {"auto", "min", "max"}
        The better direction.
    baseline : float, optional
        Improvements to values that are not better than this do not count for `patience`.
    restore_best_weights : bool
        True to restore the weights of the best epoch at the end of the run, whatever ends it.
    start_from_epoch : int
        First epoch whose value is used, from 0.

    Attributes
    ----------
    stopped_epoch : int
        The epoch that ended the run, from 0; 0 if this callback did not end it.
    best, best_epoch, best_weights
        The best value, its epoch, and the weights if they will be restored.

    Raises
    ------
    TypeError, ValueError
        When an argument is not valid; when `fit` begins, if the better direction is not known or
        the validation that is monitored does not exist; after an epoch, if the quantity is not in
        the logs.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, Sequential, callbacks
    >>> model = Sequential([Dense(1, input_shape=(2,))], seed=0)
    >>> model.compile("sgd", "mse")
    >>> stop = callbacks.EarlyStopping("loss", min_delta=0.01, patience=3)
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=500, verbose=0, callbacks=stop)
    >>> stop.stopped_epoch == history.epoch[-1] < 499
    True
    """

    state_names = ("wait", "best", "best_epoch", "stopped_epoch", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = check_integer("EarlyStopping: patience", patience)
        self.verbose = check_level(verbose)
        self.baseline = check_real("EarlyStopping: baseline", baseline, optional=True)
        self.restore_best_weights = check_flag("restore_best_weights", restore_best_weights)
        self.start_from_epoch = check_integer("EarlyStopping: start_from_epoch", start_from_epoch)
        self._reset()

    def _reset(self) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: list[Array] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state."""
        super().on_train_begin(logs)
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare with the best epoch so far."""
        if self.waits(logs):
            return
        value = self.value(logs)
        if epoch < self.start_from_epoch:
            return
        better = self.improves(value, self.best)
        if self.restore_best_weights and (better or self.best_weights is None):
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if better:
            self.best, self.best_epoch = value, epoch
            if self.baseline is None or self.improves(value, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Restore the best weights, if `restore_best_weights` asks for it."""
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                say(f"Restoring the weights of epoch {self.best_epoch + 1}, the best one")
            self.model.set_weights(self.best_weights)

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore a state; ValueError if its weights do not have the shapes of this model's."""
        weights = state.get("best_weights")
        if weights is not None and [w.shape for w in weights] != [
            w.shape for w in self.model.get_weights()
        ]:
            raise ValueError("best_weights are not of this model")
        super().set_state(state)


class TerminateOnNaN(Callback):
    """End the run quietly when the loss is NaN or infinite.

    Without this callback `fit` raises FloatingPointError instead. In both cases the weights and the
    optimizer are restored to the beginning of the epoch, which is not recorded: the history ends
    with the epoch before.

    Parameters
    ----------
    raise_error : bool
        True to raise RuntimeError, as Keras does.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = check_flag("raise_error", raise_error)

    def terminate(self, problem: str) -> None:
        """End the run; called after the model was restored to the beginning of the epoch.

        Raises
        ------
        RuntimeError
            With ``raise_error=True``.
        """
        if self.raise_error:
            raise RuntimeError(problem)
        say(f"Terminating: {problem}")
        self.model.stop_training = True
