"""The callback that writes scalars for TensorBoard."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from gru_c.callbacks.base import Callback, Logs
from gru_c.callbacks.model_checkpoint import EPOCH, check_frequency
from gru_c.common.optional import require


class TensorBoard(Callback):
    """Write the logs for TensorBoard: ``pip install "gru_c[tensorboard]"``.

    The names are Keras's: ``epoch_loss`` and the other logs, and ``epoch_learning_rate``, in
    ``train`` and ``validation``; with update_freq also ``batch_loss`` and so on.

    Parameters
    ----------
    log_dir : path
        Folder for the files, to be shown with ``tensorboard --logdir``.
    update_freq : "epoch", "batch" or int
        "epoch" writes the logs of each epoch; "batch" also those of each batch, and a number those
        after every so many batches.

    Raises
    ------
    TypeError, ValueError
        When update_freq has another value.
    ImportError
        When `fit` begins and tensorboard is not installed.
    """

    state_names = ("_batches",)
    first_only = True

    _derived: ClassVar = {"update_freq": ("_every",)}

    def __init__(
        self, log_dir: str | os.PathLike[str] = "logs", *, update_freq: str | int = EPOCH
    ) -> None:
        self.log_dir = os.fspath(log_dir)
        self.update_freq = update_freq
        batches = 1 if update_freq == "batch" else update_freq
        self._every = check_frequency(self, "update_freq", batches)
        self._batches = 0
        self._writers: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Return the attributes without open files; copies and pickles open their own."""
        return {**vars(self), "_writers": {}}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Import the package; the files are created with the first values."""
        self._close()  # after a run that ended in an exception
        self._make_writer = require("tensorboard.summary", "tensorboard").Writer
        self._batches = 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the logs of the epoch so far, if `update_freq` asks for it."""
        self._batches += 1
        if self._every and self._batches % self._every == 0:
            self._write("train", "batch", logs or {}, self._batches)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the logs of the epoch."""
        logs = logs or {}
        prefix = "val_"
        train = {name: value for name, value in logs.items() if not name.startswith(prefix)}
        optimizer = self.model.optimizer
        train["learning_rate"] = float(optimizer.learning_rate)
        validation = {name[len(prefix) :]: logs[name] for name in logs if name.startswith(prefix)}
        self._write("train", EPOCH, train, epoch)
        self._write("validation", EPOCH, validation, epoch)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Close the files."""
        self._close()

    def _write(self, part: str, kind: str, logs: Logs, step: int) -> None:
        if logs and part not in self._writers:
            self._writers[part] = self._make_writer(os.path.join(self.log_dir, part))
        for name, value in logs.items():
            self._writers[part].add_scalar(f"{kind}_{name}", value, step)

    def _close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
