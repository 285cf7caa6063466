"""The formats of model files, chosen by the suffix of the file's name.

The table comes from ``gru_c/__init__.py``, because the modules of the formats lie above this room.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

Action = Literal["save", "load_model", "save_weights", "load_weights"]


class FileFormat(NamedTuple):
    """A format of model files: its functions, None for those that it does not have.

    Attributes
    ----------
    suffixes : tuple of str
        Endings of file names, in lower case.
    load_model : callable
        Returns the model in a file, given a path, the flag `compile`, the user's classes and
        the argument `verify`.
    save : callable
        Writes a model, given the model, a path and the flag `include_optimizer`. None instead of
        the flag stands for the default of the format.
    save_weights, load_weights : callable
        Write or read the weights alone, given the model and a path.
    """

    suffixes: tuple[str, ...]
    load_model: Callable[[Path, bool, Mapping[str, Any], bool | None], Any] | None = None
    save: Callable[[Any, Path, bool | None], None] | None = None
    save_weights: Callable[[Any, Path], None] | None = None
    load_weights: Callable[[Any, Path], None] | None = None


class Descriptions(NamedTuple):
    """The functions for descriptions of models without weights.

    Attributes
    ----------
    write : callable
        Returns the description of a model, given the model and a function that describes a layer
        which the description's format does not know.
    read : callable
        Returns the layers and the other settings in a description, given that and the user's
        classes of layers by their names; None if the description has another format.
    """

    write: Callable[[Any, Callable[[Any], dict[str, Any]]], dict[str, Any]]
    read: Callable[[Mapping[str, Any], Mapping[str, Any]], tuple[list[Any], dict[str, Any]] | None]


Source = Callable[[], tuple[tuple[FileFormat, ...], Descriptions]]

_SOURCES: list[Source] = []
# The first bytes of files of other formats than safetensors, with a name of such a file.
_NAMES = {b"PK\x03\x04": "model.keras", b"\x89HDF": "model.h5"}


def register(source: Source) -> None:
    """Set the function that imports and returns the known formats, and those of descriptions.

    It is called on first use. A file has the first format with a suffix that its name ends in.
    """
    _SOURCES[:] = [source]
    _known.cache_clear()


@cache
def _known() -> tuple[tuple[FileFormat, ...], Descriptions]:
    return _SOURCES[0]()


def descriptions() -> Descriptions:
    """Return the functions for descriptions of models."""
    return _known()[1]


def format_for(path: str | os.PathLike[str], action: Action) -> FileFormat:
    """Return the format of a path, which has a function for the action.

    Raises
    ------
    ValueError
        If the suffix is unknown or the format does not have the function; the message lists the
        suffixes that go with the action.
    """
    name = Path(path).name
    file_format = _of_suffix(name)
    if file_format is not None and getattr(file_format, action) is not None:
        return file_format
    problem = "has a suffix that is not known"
    if file_format is not None:
        problem = "holds a whole model" if "weights" in action else "holds weights alone"
    suffixes = [
        suffix
        for other in _known()[0]
        if getattr(other, action) is not None
        for suffix in other.suffixes
    ]
    from gru_c.saving.files import module_hint  # this module is imported with the package

    raise ValueError(
        f"{action}: a file named {name!r} {problem}; the format of a file is chosen by its "
        f"suffix, for {action} one of {', '.join(suffixes)}{module_hint(Path(name), ', or')}"
    )


def format_to_read(path: str | os.PathLike[str]) -> FileFormat:
    """Return the format of a file with a model, by its suffix, or by its content.

    The content is read if the suffix is not known.
    """
    file = Path(path)
    if _of_suffix(file.name) is not None:
        return format_for(file, "load_model")
    start = b""
    if file.is_file():
        with file.open("rb") as stream:
            start = stream.read(4)
    return format_for(_NAMES.get(start, "model.safetensors"), "load_model")


def _of_suffix(name: str) -> FileFormat | None:
    return next((item for item in _known()[0] if name.lower().endswith(item.suffixes)), None)
