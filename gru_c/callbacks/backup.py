"""The callback that lets a run continue after its program was interrupted."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from gru_c.callbacks.base import Callback, Logs
from gru_c.callbacks.model_checkpoint import EPOCH, check_frequency
from gru_c.common.validation import check_flag

_NAME = "run.safetensors"


class BackupAndRestore(Callback):
    """Write the run to a file, and resume it when the same `fit` is called again.

    The same as ``fit(checkpoint=..., resume=True)``, with Keras's arguments: the result has the
    same bits as that of a run without interruption. When the run ends, the file is deleted; it
    stays if an exception or Ctrl-C ended it.

    Parameters
    ----------
    backup_dir : path
        A folder for the file, one for each run. It is created if needed.
    save_freq : "epoch" or int
        "epoch" writes after each epoch, a number after that many batches.
    double_checkpoint : bool
        Accepted as in Keras. A file is replaced in one step here, so that a second one is not
        needed.
    delete_checkpoint : bool
        False leaves the file in its place when the run ends; the same `fit` then trains no more.

    Raises
    ------
    TypeError, ValueError
        When an argument is not valid; when `fit` begins and has `checkpoint`, too, a source of
        batches cannot be resumed, or the file is of another run.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from gru_c import Dense, Sequential, callbacks
    >>> model = Sequential([Dense(1, input_shape=(2,))], seed=0)
    >>> model.compile("sgd", "mse")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     backup = callbacks.BackupAndRestore(os.path.join(folder, "backup"))
    ...     history = model.fit(np.ones((8, 2)), np.ones(8), verbose=0, callbacks=[backup])
    """

    first_only = True
    _derived: ClassVar = {"save_freq": ("_every",)}

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = EPOCH,
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        is_path = isinstance(backup_dir, (str, os.PathLike))
        if not is_path or not os.fspath(backup_dir):
            raise (ValueError if is_path else TypeError)(
                f"BackupAndRestore: backup_dir must be the path of a folder, got {backup_dir!r}"
            )
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self._every = check_frequency(self, "save_freq", save_freq)
        self.double_checkpoint = check_flag("double_checkpoint", double_checkpoint)
        self.delete_checkpoint = check_flag("delete_checkpoint", delete_checkpoint)
        self._batches = 0

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.backup_dir) / _NAME

    def due(self, *, epoch_ended: bool) -> bool:
        """Return True when it is time to write; called after each batch and each epoch."""
        if self._every is None:
            return epoch_ended
        if epoch_ended:
            return False
        self._batches += 1
        return self._batches % self._every == 0

    def on_train_end(self, logs: Logs | None = None) -> None:
        """Delete the file, unless the run was interrupted."""
        if self.delete_checkpoint and not self.model.history.interrupted:
            self.path.unlink(missing_ok=True)
            with suppress(OSError):  # it holds other files
                self.path.parent.rmdir()


def backup_of(callbacks: list[Callback]) -> BackupAndRestore | None:
    """Return the only `BackupAndRestore`, if there is one; ValueError for several."""
    backups = [item for item in callbacks if isinstance(item, BackupAndRestore)]
    if len(backups) > 1:
        raise ValueError("a run has one BackupAndRestore, got several")
    return backups[0] if backups else None
