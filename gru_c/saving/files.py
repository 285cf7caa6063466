"""Safetensors files, written completely or not at all, and checked when they are read."""

from __future__ import annotations

import glob
import json
import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import numpy as np

from gru_c import initializers
from gru_c.common.arrays import Array
from gru_c.common.registry import serialize

try:
    import fcntl
except ImportError:  # Windows, which deletes and renames no file that a process has open
    fcntl = None  # type: ignore[assignment]

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
# The digest's key in the metadata. The other two have one value each, which readers ask for.
_DIGEST = "digest"
_CHECKED_KEYS = {_DIGEST, "format", "format_version"}


def check_target(target: Path) -> None:
    """Raise ValueError for a path with the suffix of another format."""
    if target.suffix.lower() in _FOREIGN_SUFFIXES:
        raise ValueError(
            f"save writes a safetensors file, which should not be named {target.name!r}: "
            f"take {target.with_suffix('.safetensors').name!r}{module_hint(target, ', or')}"
        )


def write_tensors(target: Path, tensors: Mapping[str, Array], metadata: dict[str, str]) -> None:
    """Write a safetensors file with a digest of its contents, completely or not at all."""
    from safetensors.numpy import save

    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    write_whole(target, save(arrays, {**metadata, _DIGEST: digest_of(arrays, metadata)}))


def digest_of(tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> str:
    """Return a digest of tensors and metadata, in which a changed bit shows."""
    from hashlib import blake2b  # here, because its import is slow

    digest = blake2b(digest_size=16)
    for key in sorted(set(metadata) - _CHECKED_KEYS):
        digest.update(metadata[key].encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


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

    A file that is replaced keeps its permissions and the links to it, and its owner if this process
    may give files away. A target that is not a regular file, such as a pipe, is written directly.
    Temporary files that killed processes left beside it are deleted.
    """
    target = target.resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {os.fspath(target.parent)!r} to save in")
    if target.is_dir():
        raise IsADirectoryError(f"{os.fspath(target)!r} is a folder: name a file in it")
    if target.exists() and not target.is_file():
        target.write_bytes(content)
        return
    remove_leftovers(target)
    before = target.stat() if target.exists() else None
    temporary, file = _locked_file_beside(target, 0o666 if before is None else 0o600)
    try:
        with file:
            file.write(content)
            file.flush()
            if before is not None and hasattr(os, "fchown"):
                with suppress(OSError):  # another user's file
                    os.fchown(file.fileno(), before.st_uid, before.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
            os.fsync(file.fileno())
            if fcntl is not None:  # while it is locked
                temporary.replace(target)
        if fcntl is None:
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _locked_file_beside(target: Path, mode: int) -> tuple[Path, BinaryIO]:
    """Make a temporary file, and lock it: so others see that its process lives."""
    while True:
        temporary = target.with_name(f".{target.name}.{os.urandom(16).hex()}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        descriptor = os.open(temporary, flags, mode)
        file = open(descriptor, "wb")  # noqa: SIM115 (the caller closes it)
        if fcntl is None:
            return temporary, file
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return temporary, file
        file.close()  # another process took it for a leftover before it was locked


def remove_leftovers(target: Path) -> None:
    """Delete the temporary files of a target whose processes were killed while they wrote."""
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.{'[0-9a-f]' * 32}.tmp"):
        if fcntl is None:
            with suppress(OSError):
                leftover.unlink()
            continue
        with suppress(OSError), leftover.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its process lives
            leftover.unlink()


def require_file(path: Path) -> None:
    """Raise FileNotFoundError for a path without a file, ValueError for a pipe, socket or device.

    Reading a pipe could wait forever, and a device may have no end. A folder is left to the reader.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(f"there is no file {os.fspath(path)!r}") from None
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
        kind = kinds.get(stat.S_IFMT(mode), "a device")
        raise ValueError(f"{os.fspath(path)} is {kind}, not a file: copy its content to a file")


def read_tensors(path: Path, verify: bool | None = None) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the tensors and metadata of a safetensors file; ValueError if it is damaged.

    The contents are compared with the digest in the file, if it has one; `verify` is that of
    `load_model`.
    """
    from safetensors import SafetensorError, safe_open

    require_file(path)
    try:
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{os.fspath(path)} is not a readable safetensors file: it is truncated, damaged or of "
            f"another format ({error}){module_hint(path, ': take')}"
        ) from error
    if verify is not False:
        _verify(path, tensors, metadata, required=verify is True)
    return tensors, metadata


def _verify(
    path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str], *, required: bool
) -> None:
    """Raise ValueError if the contents of a file do not match its digest."""
    digest = metadata.get(_DIGEST)
    # Without one: any other key with such a value was the digest's, before a bit of it changed.
    if digest is None and not any(map(re.compile("[0-9a-f]{32}").fullmatch, metadata.values())):
        if required:
            raise ValueError(
                f"{os.fspath(path)} has no checksum of its contents, which verify=True asks for: "
                "it is of an older gru_c or another program"
            )
    elif digest != digest_of(tensors, metadata):
        raise ValueError(
            f"{os.fspath(path)} is damaged: its contents do not match the checksum in it. If they "
            "were changed on purpose, remove 'digest' from its metadata, or read it with "
            "load_model(verify=False)"
        )


def map_tensors(path: Path, verify: bool | None = None) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the same as `read_tensors`, with arrays that are parts of the file.

    Processes that map a file share its memory. An array may be written to, which makes a copy of
    the part that is written and leaves the file as it is.
    """
    tensors, metadata = read_tensors(path, verify)  # checks the whole file
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    data = np.memmap(path, np.uint8, "c")[8 + size :] if tensors else np.empty(0, np.uint8)
    mapped = {}
    for name, array in tensors.items():
        begin, end = header[name]["data_offsets"]
        mapped[name] = data[begin:end].view(array.dtype).reshape(array.shape)
    return mapped, metadata
