"""Callbacks that write models and logs to files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from gru_c._extras import require
from gru_c._numbers import check_flag, finite_number
from gru_c.callbacks.base import Callback, Logs
from gru_c.callbacks.monitor import MonitorCallback, check_whole
from gru_c.progress import check_level, say
from gru_c.saving import check_target
from gru_c.schedules import rate_at

_EPOCH = "epoch"


def _frequency(owner: Callback, name: str, value: object) -> int | None:
    """Return a number of batches; None for each epoch."""
    return None if value == _EPOCH else check_whole(owner, name, value, 1)


class ModelCheckpoint(MonitorCallback):
    """Save the model every epoch, or whenever it is the best one so far.

    To go on with a run that was interrupted, see the `checkpoint` of `Sequential.fit` instead.

    Parameters
    ----------
    filepath : path
        A safetensors file. ``{epoch:02d}``, from 1, and the names of the logs, as in
        ``"{epoch:02d}-{val_loss:.2f}.safetensors"``, are filled in; so is ``{batch}``, from 1,
        where save_freq is a number. Folders that are missing are made.
    monitor : str
        Name of a log, for save_best_only.
    verbose : {0, 1}
        1 says when it is saved.
    save_best_only : bool
        Only save when the monitored quantity is better than ever.
    save_weights_only : bool
        Leave the optimizer's state out. Either file is read by `load_model`.
    mode : {"auto", "min", "max"}
        Whether less or more is better.
    save_freq : "epoch" or int
        A number: after every so many batches, by the logs of the epoch so far.
    initial_value_threshold : float, optional
        Only what is better than that is saved by save_best_only.

    Attributes
    ----------
    best : float or None
        The best value so far; it stays from `fit` to `fit`.

    Raises
    ------
    TypeError, ValueError
        When an argument does not fit; when `fit` begins and after an epoch, as `EarlyStopping`.
    KeyError
        When the path has a name that is not among the logs.
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
        save_freq: str | int = _EPOCH,
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath = os.fspath(filepath)
        check_target(Path(self.filepath))
        self.verbose = check_level(verbose)
        self.save_best_only = check_flag("save_best_only", save_best_only)
        self.save_weights_only = check_flag("save_weights_only", save_weights_only)
        self.save_freq = save_freq
        self._every = _frequency(self, "save_freq", save_freq)
        self.initial_value_threshold = initial_value_threshold
        if initial_value_threshold is not None:
            self.best = finite_number(
                "ModelCheckpoint", "initial_value_threshold", initial_value_threshold
            )
        self._batches = self._epoch = 0

    state_names = ("best", "_batches", "_epoch")
    first_only = True

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Check what is monitored."""
        if not self.save_best_only:
            return
        super().on_train_begin(logs)
        if self._every and self.monitor.startswith("val_"):
            raise ValueError(
                f"ModelCheckpoint monitors {self.monitor!r}, which no batch has: give "
                "save_freq='epoch', or monitor one of the training"
            )

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Take note of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Save after so many batches."""
        self._batches += 1
        if self._every and self._batches % self._every == 0:
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Save after an epoch."""
        if not self._every:
            self._save(epoch, logs or {})

    def _save(self, epoch: int, logs: Logs) -> None:
        title = f"Epoch {epoch + 1}: "
        if self.save_best_only:
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
        self.model.save(path, include_optimizer=not self.save_weights_only)
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


class CSVLogger(Callback):
    """Write a line for each epoch to a CSV file.

    The columns are "epoch", from 0, and the logs of the first epoch by name; without a validation
    also its columns, with NA.

    Parameters
    ----------
    filename : path
    separator : str
        Between the columns; one character.
    append : bool
        Go on behind what is in the file.

    Raises
    ------
    ValueError
        When separator is not one character.
    FileNotFoundError
        When `fit` begins, if there is no such folder.
    """

    state_names = ("keys", "size")
    first_only = True

    def __init__(
        self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False
    ) -> None:
        if not isinstance(separator, str) or len(separator) != 1:
            raise ValueError(f"CSVLogger: separator must be one character, got {separator!r}")
        self.filename = Path(filename)
        self.separator = separator
        self.append = check_flag("append", append)
        self.keys: list[str] | None = None
        self.size = 0  # bytes after the last line that belongs to the run

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Begin anew; the file is made with the first line, so that a resumed run finds its own."""
        if not self.filename.parent.is_dir():
            raise FileNotFoundError(
                f"CSVLogger: there is no folder {os.fspath(self.filename.parent)!r}"
            )
        self.keys = None
        self.size = 0
        if self.append and self.filename.exists():
            self.size = self.filename.stat().st_size

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write a line."""
        import csv

        logs, header = logs or {}, self.size == 0
        if self.keys is None:
            names = sorted(logs)
            validates = any(name.startswith("val_") for name in names)
            self.keys = names if validates else [*names, *(f"val_{name}" for name in names)]
        with self.filename.open("r+" if self.size else "w", newline="", encoding="utf-8") as file:
            # What is behind, a run wrote after it had written the file from which this one goes on.
            file.truncate(min(self.size, self.filename.stat().st_size))
            file.seek(0, os.SEEK_END)
            writer = csv.writer(file, delimiter=self.separator)
            if header:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(logs.get(name, "NA") for name in self.keys)])
        self.size = self.filename.stat().st_size


class TensorBoard(Callback):
    """Write the logs for TensorBoard: ``pip install "gru_c[tensorboard]"``.

    The names are Keras's: ``epoch_loss`` and the other logs, and ``epoch_learning_rate``, in
    ``train`` and ``validation``; ``batch_loss`` and so on where update_freq asks for them.

    Parameters
    ----------
    log_dir : path
        Folder, to be shown with ``tensorboard --logdir``.
    update_freq : "epoch", "batch" or int
        A number: also the logs of every so many batches.

    Raises
    ------
    TypeError, ValueError
        When update_freq is something else.
    ImportError
        When `fit` begins and tensorboard is not installed.
    """

    state_names = ("_batches",)
    first_only = True

    _derived: ClassVar = {"update_freq": ("_every",)}

    def __init__(
        self, log_dir: str | os.PathLike[str] = "logs", update_freq: str | int = _EPOCH
    ) -> None:
        self.log_dir = os.fspath(log_dir)
        self.update_freq = update_freq
        self._every = _frequency(self, "update_freq", 1 if update_freq == "batch" else update_freq)
        self._batches = 0
        self._writers: dict[str, Any] = {}

    def __getstate__(self) -> dict[str, Any]:
        """For copies and pickles, which open files of their own."""
        return {**vars(self), "_writers": {}}

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Find the package; the files are made with the first values."""
        self._close()  # after a run that ended in an exception
        self._make_writer = require("tensorboard.summary", "tensorboard").Writer
        self._batches = 0

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """Write the logs of the epoch so far."""
        self._batches += 1
        if self._every and self._batches % self._every == 0:
            self._write("train", "batch", logs or {}, self._batches)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """Write the logs of the epoch."""
        logs = logs or {}
        prefix = "val_"
        train = {name: value for name, value in logs.items() if not name.startswith(prefix)}
        optimizer = self.model.optimizer
        train["learning_rate"] = rate_at(optimizer.learning_rate, optimizer.iterations)
        tested = {name[len(prefix) :]: logs[name] for name in logs if name.startswith(prefix)}
        self._write("train", _EPOCH, train, epoch)
        self._write("validation", _EPOCH, tested, epoch)
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
