"""The formats of Keras's files, for the table of `gru_c.saving.formats`.

The modules that read and write them, and h5py, are imported when they are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gru_c.saving.formats import FileFormat


def _load_model(path: Path, compiled: bool) -> Any:
    from gru_c.interop.keras import files

    return files.load(path, compile=compiled)


def _save(model: Any, path: Path, include_optimizer: bool | None) -> None:
    from gru_c.interop.keras import files

    files.save(model, path, include_optimizer=include_optimizer is not False)


def _save_weights(model: Any, path: Path) -> None:
    from gru_c.interop.keras import files

    files.save_weights(model, path)


def _load_weights(model: Any, path: Path) -> None:
    from gru_c.interop.keras import files

    files.load_weights(model, path)


KERAS = (
    FileFormat((".weights.h5",), save_weights=_save_weights, load_weights=_load_weights),
    FileFormat((".keras",), _load_model, _save, load_weights=_load_weights),
    FileFormat((".h5", ".hdf5"), _load_model, _save, _save_weights, _load_weights),
)
