"""The callback that saves the model while it trains."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from gru_c.callbacks.base import Callback, Logs
from gru_c.callbacks.monitor import MonitorCallback
from gru_c.common.progress import check_level, say
from gru_c.common.validation import check_flag, check_integer, check_real
from gru_c.saving.formats import format_for

EPOCH = "epoch"


def check_frequency(owner: Callback, name: str, value: object) -> int | None:
    """Return a number of batches; None for "epoch"."""
    if isinstance(value, str) and value == EPOCH:
        return None
    return check_integer(f"{type(owner).__name__}: {name}", value, 1, also=" or 'epoch'")


class ModelCheckpoint(MonitorCallback):
    """Save the model every epoch, or only when it is the best one so far.

    To resume a run that was interrupted, use the argument `checkpoint` of `Sequential.fit` instead.

    Parameters
    ----------
    filepath : path
        A file with one of the suffixes of `Sequential.save`, or of `Sequential.save_weights`.
        ``{epoch:02d}``, from 1, and the names of the logs are replaced by their values, as in
        ``"{epoch:02d}-{val_loss:.2f}.safetensors"``; so is ``{batch}``, from 1, if save_freq is a
        number. Missing folders are created.
    monitor : str
        Name of the quantity in the logs, for save_best_only.
    verbose : {0, 1}
        1 prints a line when the model is saved.
    save_best_only : bool
        True to save only when the monitored quantity is the best so far.
    save_weights_only : bool
        True to save as `Sequential.save_weights` does, without the optimizer's state.
    mode : {"auto", "min", "max"}
        The better direction.
    save_freq : "epoch" or int
        "epoch" saves after each epoch, a number after that many batches; then the logs are those
        of the epoch so far.
    initial_value_threshold : float, optional
        With save_best_only, the value that the first saved model must improve on.

    Attributes
    ----------
    best : float or None
        The best value so far; the next `fit` keeps it.

    Raises
    ------
    TypeError, ValueError
        When an argument is not valid; when `fit` begins and after an epoch, as `EarlyStopping`.
    KeyError
        When the path contains a name that is not in the logs.
    """

    _advice: ClassVar = {
        **MonitorCallback._advice,
        "initial_value_threshold": "was the first best value: set best instead",
    }
    _derived: ClassVar = {"save_freq": ("_every",)}

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = EPOCH,
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        self.verbose = check_level(verbose)
        self.save_best_only = check_flag("save_best_only", save_best_only)
        self.save_weights_only = check_flag("save_weights_only", save_weights_only)
        format_for(self.filepath, "save_weights" if save_weights_only else "save")
        self.save_freq = save_freq
        self._every = check_frequency(self, "save_freq", save_freq)
        self.initial_value_threshold = initial_value_threshold
        if initial_value_threshold is not None:
            self.best = check_real(
                "ModelCheckpoint: initial_value_threshold", initial_value_threshold
            )
        self._batches = self._epoch = 0

    state_names = ("best", "_batches", "_epoch")
    first_only = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check the monitored quantity, if it is needed."""
        if not self.save_best_only:
            return
        super().on_train_begin(logs)
        if self._every and self.monitor.startswith("val_"):
            raise ValueError(
                f"ModelCheckpoint monitors {self.monitor!r}, which no batch has: give "
                "save_freq='epoch', or monitor one of the training"
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Store the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save if `save_freq` batches have passed."""
        self._batches += 1
        if self._every and self._batches % self._every == 0:
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save, unless `save_freq` is a number of batches."""
        if not self._every:
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: Logs) -> None:
        title = f"Epoch {epoch + 1}: "
        if self.save_best_only:
            if self.waits(logs):
                return
            value, before = self.value(logs), self.best
            title += f"{self.monitor} "
            if not self.improves(value, before):
                if self.verbose:
                    say(f"{title}did not improve from {before:.5f}")
                return
            title += "is " if before is None else f"improved from {before:.5f} to "
            title += f"{value:.5f}, "
            self.best = value
        path = self._path(epoch, logs)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path)
        else:
            self.model.save(path, include_optimizer=True)
        if self.verbose:
            say(f"{title}saved {os.fspath(path)}")

    def _path(self, epoch: int, logs: Logs) -> Path:
        names = {"epoch": epoch + 1, **logs}
        try:
            return Path(self.filepath.format(**names))
        except (KeyError, IndexError) as error:
            raise KeyError(
                f"the path {self.filepath!r} of ModelCheckpoint has {error}, which is not among "
                f"the logs: there are {', '.join(names)}"
            ) from None
