"""The formats of Keras's files, for the table of `gru_c.saving.formats`.

The modules that read and write them, and h5py, are imported when they are used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gru_c.saving.files import require_file
from gru_c.saving.formats import Descriptions, FileFormat


def _load_model(
    path: Path, compiled: bool, custom_objects: Mapping[str, Any], verify: bool | None = None
) -> Any:
    from gru_c.interop.keras import files

    if verify is not None:
        _check_verify(path, verify)
    return files.load(path, compile=compiled, custom_objects=custom_objects)


def _check_verify(path: Path, verify: bool) -> None:
    """Raise ValueError where `verify` asks for something that the format does not have."""
    require_file(path)
    if not verify:
        raise ValueError(
            f"verify=False is for a .safetensors, {os.fspath(path)!r} is a file of Keras: the "
            "checksums of a .keras are compared whenever it is read"
        )
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    if not is_zip:
        raise ValueError(
            f"{os.fspath(path)} has no checksum of its contents, which verify=True asks for: save "
            "the model as .safetensors or .keras"
        )


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
