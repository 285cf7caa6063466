"""Callbacks that set the optimizer's learning rate."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import ClassVar

from gru_c.callbacks.base import Callback, Logs
from gru_c.callbacks.monitor import MonitorCallback
from gru_c.common.progress import check_level, say
from gru_c.common.validation import check_integer, check_real


def _settable_rate(callback: Callback) -> float:
    """Return the optimizer's learning rate; TypeError if it is a schedule."""
    rate = callback.model.optimizer.rate_or_schedule
    if callable(rate):
        raise TypeError(
            f"{type(callback).__name__} sets the learning rate, but that of the optimizer is "
            f"{rate!r}: give the optimizer a number"
        )
    return float(rate)


class LearningRateScheduler(Callback):
    """Set the learning rate at the beginning of every epoch.

    It is recorded in the logs as "learning_rate".

    Parameters
    ----------
    schedule : callable
        A function of the epoch's number, from 0, and the current rate, or of the number alone, as
        the objects of `gru_c.schedules`. It returns the new rate.
    verbose : {0, 1}
        1 prints the rate.

    Raises
    ------
    TypeError
        When schedule is not a function; when `fit` begins and the optimizer has a schedule.
    ValueError
        When schedule does not return a finite number >= 0.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import Dense, Sequential, callbacks
    >>> model = Sequential([Dense(1, input_shape=(2,))], seed=0)
    >>> model.compile("sgd", "mse")
    >>> halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    >>> history = model.fit(np.ones((8, 2)), np.ones(8), epochs=3, verbose=0, callbacks=[halve])
    >>> history.history["learning_rate"]
    [0.005, 0.0025, 0.00125]
    """

    _derived: ClassVar = {"schedule": ("_wants_rate",)}

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise TypeError(f"LearningRateScheduler: schedule must be a function, got {schedule!r}")
        self.schedule = schedule
        self.verbose = check_level(verbose)
        self._wants_rate = _takes_two(schedule)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check that the rate can be set."""
        _settable_rate(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Set the rate."""
        arguments = (epoch, _settable_rate(self)) if self._wants_rate else (epoch,)
        rate = self.schedule(*arguments)
        label = f"LearningRateScheduler: what schedule returns for epoch {epoch}"
        self.model.optimizer.learning_rate = check_real(label, rate, ">= 0")
        if self.verbose:
            say(f"Epoch {epoch + 1}: learning rate {_settable_rate(self):.6g}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Add the rate to the logs."""
        if logs is not None:
            logs["learning_rate"] = _settable_rate(self)


def _takes_two(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True


class ReduceLROnPlateau(MonitorCallback):
    """Lower the learning rate when a quantity has stopped improving.

    It is recorded in the logs as "learning_rate".

    Parameters
    ----------
    monitor : str
        Name of the quantity in the logs.
    factor : float
        Factor of a reduction, in (0, 1).
    patience : int
        Number of epochs without an improvement before a reduction.
    verbose : {0, 1}
        1 prints a line at each reduction.
    mode : {"auto", "min", "max"}
        The better direction.
    min_delta : float
        Smallest change that counts as an improvement.
    cooldown : int
        Number of epochs after a reduction that do not count for `patience`.
    min_lr : float
        Lowest rate.

    Raises
    ------
    TypeError, ValueError
        When an argument is not valid; when `fit` begins and the optimizer has a schedule; and as
        `EarlyStopping`.
    """

    state_names = ("wait", "best", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.factor = check_real("ReduceLROnPlateau: factor", factor, "(0, 1)")
        self.patience = check_integer("ReduceLROnPlateau: patience", patience)
        self.verbose = check_level(verbose)
        self.cooldown = check_integer("ReduceLROnPlateau: cooldown", cooldown)
        self.min_lr = check_real("ReduceLROnPlateau: min_lr", min_lr, ">= 0")
        self.wait = self.cooldown_counter = 0

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Reset the state and check that the rate can be set."""
        super().on_train_begin(logs)
        _settable_rate(self)
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Compare with the best value so far, and lower the rate if it is time."""
        if logs is not None:
            logs["learning_rate"] = _settable_rate(self)
        if self.waits(logs):
            return
        value = self.value(logs)
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(value, self.best):
            self.best, self.wait = value, 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        rate = _settable_rate(self)
        if rate <= self.min_lr:
            return
        self.model.optimizer.learning_rate = max(rate * self.factor, self.min_lr)
        self.cooldown_counter, self.wait = self.cooldown, 0
        if self.verbose:
            say(f"Epoch {epoch + 1}: learning rate reduced to {_settable_rate(self):.6g}")
