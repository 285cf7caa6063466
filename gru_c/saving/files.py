"""Safetensors files, written completely or not at all, and checked when they are read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from gru_c import initializers
from gru_c.common.arrays import Array
from gru_c.common.registry import serialize

# Suffixes of other formats, with the module that reads and writes the format.
_FOREIGN_SUFFIXES = {
    ".keras": "gru_c.interop.keras",
    ".h5": "gru_c.interop.keras",
    ".hdf5": "gru_c.interop.keras",
    ".pt": "gru_c.interop.torch",
    ".pth": "gru_c.interop.torch",
    ".onnx": "gru_c.interop.onnx",
    ".npz": "",
}


def check_target(target: Path) -> None:
    """Raise ValueError for a path with the suffix of another format."""
    if target.suffix.lower() in _FOREIGN_SUFFIXES:
        raise ValueError(
            f"save writes a safetensors file, which should not be named {target.name!r}: "
            f"take {target.with_suffix('.safetensors').name!r}{module_hint(target, ', or')}"
        )


def write_tensors(target: Path, tensors: Mapping[str, Array], metadata: dict[str, str]) -> None:
    """Write a safetensors file, completely or not at all."""
    from safetensors.numpy import save

    write_whole(target, save({k: np.asarray(v, order="C") for k, v in tensors.items()}, metadata))


def plain_config(obj: object, noun: str, arrays: bool = False) -> dict[str, Any]:
    """Return the object's class name and configuration; ValueError when JSON cannot hold it.

    Initial values that are arrays are left out unless `arrays` is true, because the file has the
    weights. `noun` names the object in the message.
    """
    try:
        config = serialize(obj)
        spec: dict[str, Any] = config if arrays else _without_arrays(config)
        json.dumps(spec, default=lambda value: _refuse(value, spec["config"]))
    except TypeError as error:
        hint = getattr(obj, "instead_of_saving", "")
        raise ValueError(f"{noun} cannot be described in a file: {error}{hint}") from None
    return spec


def _refuse(value: object, config: Mapping[str, Any]) -> NoReturn:
    """Raise TypeError for a value that JSON cannot hold, with the name of its argument."""
    names = [name for name, argument in config.items() if argument is value] or ["an argument"]
    kind = "function" if callable(value) else "object of another library or the user's"
    raise TypeError(f"{names[0]} is {value!r}, a {kind}, and a file cannot hold its code")


def _without_arrays(config: Any) -> Any:
    """Return nested configurations without the `Constant` initializers that hold arrays."""
    if not isinstance(config, dict):
        return config
    return {key: _without_arrays(value) for key, value in config.items() if not _is_array(value)}


def _is_array(value: Any) -> bool:
    """Return True for the configuration of a `Constant` that holds an array."""
    return (
        isinstance(value, dict)
        and value.get("class_name") == initializers.Constant.__name__
        and isinstance(value.get("config", {}).get("value"), list)
    )


def module_hint(path: Path, words: str) -> str:
    """Return words that name the module for the format of a path's suffix, "" without one."""
    module = _FOREIGN_SUFFIXES.get(path.suffix.lower())
    return f"{words} {module} for that format" if module else ""


def write_whole(target: Path, content: bytes) -> None:
    """Write a file completely or not at all: write a temporary file, then rename it.

    A file that is replaced keeps its permissions and the links to it. A target that is not a
    regular file, such as a pipe, is written directly.
    """
    target = target.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {os.fspath(target.parent)!r} to save in")
    if target.is_dir():
        raise IsADirectoryError(f"{os.fspath(target)!r} is a folder: name a file in it")
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    temporary = target.with_name(f".{target.name}.{os.urandom(16).hex()}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            temporary.chmod(target.stat().st_mode)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the tensors and metadata of a safetensors file; ValueError if it is damaged."""
    from safetensors import SafetensorError, safe_open

    if not path.exists():
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}")
    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{os.fspath(path)} is not a readable safetensors file: it is truncated, damaged or of "
            f"another format ({error}){module_hint(path, ': take')}"
        ) from error


def map_tensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the same as `read_tensors`, with arrays that are parts of the file.

    Processes that map a file share its memory. An array may be written to, which makes a copy of
    the part that is written and leaves the file as it is.
    """
    tensors, metadata = read_tensors(path)  # checks the whole file
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    data = np.memmap(path, np.uint8, "c")[8 + size :] if tensors else np.empty(0, np.uint8)
    mapped = {}
    for name, array in tensors.items():
        begin, end = header[name]["data_offsets"]
        mapped[name] = data[begin:end].view(array.dtype).reshape(array.shape)
    return mapped, metadata
