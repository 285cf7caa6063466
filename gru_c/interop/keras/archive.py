"""The zip of a ``.keras`` file, read with limits, and the JSON in it."""

from __future__ import annotations

import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LARGEST_CONFIG = 2**24  # bytes; the configuration of a layer takes 2,000
# The largest ratio of a member's size to its compressed size: weights are hardly compressible, zip
# bombs a thousandfold.
_LARGEST_RATIO = 32
_SMALL = 2**20  # bytes that a member may have whatever the ratio is


@contextmanager
def opened(file: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip; turn all exceptions of its reader into a ValueError: the file is damaged."""
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError) as error:
        raise ValueError(f"not a readable .keras file: truncated or damaged ({error})") from error


def member(archive: zipfile.ZipFile, name: str, largest: int | None = None) -> bytes:
    """Return the content of a member; raise ValueError if it claims to be too large."""
    if name not in archive.namelist():
        raise ValueError(f"no .keras file: the zip has no {name!r}")
    info = archive.getinfo(name)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name!r} is compressed by method {info.compress_type}")
    largest = largest or _SMALL + _LARGEST_RATIO * info.compress_size
    if info.file_size > largest:
        raise ValueError(
            f"{name!r} claims {info.file_size} bytes, of which the zip has {info.compress_size}: "
            f"no more than {largest} are unpacked"
        )
    return archive.read(info)  # at most what it claims


def parse_json(text: str | bytes) -> Any:
    """Return the content of a configuration; raise ValueError if it is too large or damaged."""
    if len(text) > LARGEST_CONFIG:
        raise ValueError(f"a configuration of {len(text)} bytes, more than {LARGEST_CONFIG}")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError also for too long numbers
        raise ValueError(f"the configuration is damaged: {error}") from None
