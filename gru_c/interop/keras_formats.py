"""The formats of Keras's files, for the table of `gru_c.saving.formats`.

The modules that read and write them, and h5py, are imported when they are used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gru_c.saving.formats import Descriptions, FileFormat


def _load_model(path: Path, compiled: bool, custom_objects: Mapping[str, Any]) -> Any:
    from gru_c.interop.keras import files

    return files.load(path, compile=compiled, custom_objects=custom_objects)


def _save(model: Any, path: Path, include_optimizer: bool | None) -> None:
    from gru_c.interop.keras import files

    files.save(model, path, include_optimizer=include_optimizer is not False)


def _save_weights(model: Any, path: Path) -> None:
    from gru_c.interop.keras import files

    files.save_weights(model, path)


def _load_weights(model: Any, path: Path) -> None:
    from gru_c.interop.keras import files

    files.load_weights(model, path)


def _describe(model: Any, own: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    from gru_c.interop.keras import layers_writing

    return layers_writing.description_of(model, own)


def _read_description(
    spec: Mapping[str, Any], custom_objects: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]] | None:
    from gru_c.interop.keras import descriptions

    return descriptions.read(spec, custom_objects) if descriptions.is_of_keras(spec) else None


DESCRIPTIONS = Descriptions(_describe, _read_description)
KERAS = (
    FileFormat((".weights.h5",), save_weights=_save_weights, load_weights=_load_weights),
    FileFormat((".keras",), _load_model, _save, load_weights=_load_weights),
    FileFormat((".h5", ".hdf5"), _load_model, _save, _save_weights, _load_weights),
)
