"""The callback that writes a row of numbers per epoch to a CSV file."""

from __future__ import annotations

import os
from pathlib import Path

from gru_c.callbacks.base import Callback, Logs
from gru_c.common.validation import check_flag


class CSVLogger(Callback):
    """Write a line for each epoch to a CSV file.

    The columns are "epoch", from 0, and the logs of the first epoch, sorted by name. Without a
    validation its columns hold NA.

    Parameters
    ----------
    filename : path
    separator : str
        One character, between the columns.
    append : bool
        True to write behind the contents of an existing file.

    Raises
    ------
    ValueError
        When separator is not one character.
    FileNotFoundError
        When `fit` begins and the folder does not exist.
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
        """Reset the state; the file is written with the first line, so that a run can resume."""
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
            # Lines behind this size were written after the checkpoint from which the run resumed.
            file.truncate(min(self.size, self.filename.stat().st_size))
            file.seek(0, os.SEEK_END)
            writer = csv.writer(file, delimiter=self.separator)
            if header:
                writer.writerow(["epoch", *self.keys])
            writer.writerow([epoch, *(logs.get(name, "NA") for name in self.keys)])
        self.size = self.filename.stat().st_size
