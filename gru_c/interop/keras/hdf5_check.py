"""Checks of the structures in an HDF5 file that could keep the library busy forever.

If these structures are inconsistent, as one damaged byte can make them, HDF5 2.0 loops forever or
allocates gigabytes. They are found by their signatures, which are too long to occur among weights
by chance. Only the structures that Keras writes are checked; a malicious file may have others.

References
----------
HDF5 File Format Specification 3.0: II.A (superblock), III.A.1 (B-trees), III.D (local heaps),
III.E (global heaps), IV.A.2.b (dataspaces), IV.A.2.m (attributes).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

DAMAGED = "not a readable .keras or HDF5 file: it is truncated, damaged or of another format"
_FILE = b"\x89HDF\r\n\x1a\n"
_LOCAL, _GLOBAL, _TREE = b"HEAP\0\0\0\0", b"GCOL\x01\0\0\0", b"TREE"
_VARIABLE_LENGTH = 9  # HDF5's number of this class of types
_NOWHERE = 2**64 - 1  # HDF5's undefined address
_LAST = 1  # the address after a local heap's last free block

Content = bytes | mmap


class _DamageError(Exception):
    """An inconsistent structure; the message says which and where."""


def check(source: Path | bytes, names: Iterable[str]) -> None:
    """Raise ValueError if a structure of a file is inconsistent.

    Parameters
    ----------
    source : path or bytes
        The file, or its content.
    names : iterable of str
        Names of the attributes that will be read.
    """
    with _content(source) as content:
        try:
            if content[:8] == _FILE and content[8] < 2 and _number(content, 48) != _NOWHERE:
                raise _DamageError("a file in several parts")
            # Each item visited has at least 16 bytes. If there are more, some of them overlap.
            steps = iter(range(len(content) // 16))
            strings = {at: _collection(content, at, steps) for at in _positions(content, _GLOBAL)}
            for name in names:
                _check_attributes(content, name.encode() + b"\0", strings, steps)
            for start in _positions(content, _LOCAL):
                _check_local_heap(content, start, steps)
            _check_trees(content)
        except StopIteration:
            raise ValueError(f"{DAMAGED} (it overlaps)") from None
        except (_DamageError, struct.error, IndexError) as error:
            raise ValueError(f"{DAMAGED} ({error})") from None


@contextmanager
def _content(source: Path | bytes) -> Iterator[Content]:
    """Yield the bytes of a file without reading all of it."""
    if isinstance(source, bytes) or not source.stat().st_size:  # mmap refuses an empty file
        yield source if isinstance(source, bytes) else b""
        return
    with source.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


def _positions(content: Content, signature: bytes) -> Iterator[int]:
    """Yield the positions of a signature."""
    at = content.find(signature)
    while at >= 0:
        yield at
        at = content.find(signature, at + len(signature))


def _number(content: Content, at: int) -> int:
    """Return the 8-byte integer at a position."""
    number: int = struct.unpack_from("<Q", content, at)[0]
    return number


def _collection(content: Content, start: int, steps: Iterator[int]) -> dict[int, int]:
    """Return the lengths of a collection's strings by their indices.

    A collection is a header of 16 bytes and objects, each of which is a header of 16 bytes and its
    content. At a free object (index 0) of length 0 the library would loop forever.
    """
    lengths = {}
    end = start + _number(content, start + 8)
    at = start + 16
    while at + 16 <= end:
        next(steps)
        index, length = struct.unpack_from("<H6xQ", content, at)
        step = 16 + (length + 7) // 8 * 8 if index else length
        if not 16 <= step <= end - at or index in lengths:
            raise _DamageError(f"strings at byte {start}")
        lengths[index] = length
        at += step
    return lengths


def _check_attributes(
    content: Content, name: bytes, strings: dict[int, dict[int, int]], steps: Iterator[int]
) -> None:
    """Check the references to strings in all attributes of a name.

    A reference is a length, a collection's address and an index; the library allocates an array of
    the length before it looks for the string.
    """
    for at in _positions(content, name):
        data, count = _attribute_data(content, at, len(name))
        for reference in range(data, data + 16 * count, 16):
            next(steps)
            length, start, index = struct.unpack_from("<IQI", content, reference)
            if length > strings.get(start, {}).get(index, 0):
                raise _DamageError(f"a string at byte {reference}")


def _attribute_data(content: Content, name: int, name_size: int) -> tuple[int, int]:
    """Return the position and the number of an attribute's references to strings.

    `name` is the position of the attribute's name. A header with three sizes comes before it, the
    type and the shape after it; in version 1 the size of each is a multiple of 8 bytes. If the name
    is only part of some text, the result is (0, 0).
    """
    for version, head, multiple in ((1, 8, 8), (3, 9, 1)):
        if name < head or content[name - head] != version:
            continue
        sizes = struct.unpack_from("<HHH", content, name - head + 2)
        size, type_size, shape_size = (-(-n // multiple) * multiple for n in sizes)
        kind, shape = name + size, name + size + type_size
        if sizes[0] == name_size and content[kind] & 15 == _VARIABLE_LENGTH:
            # The sizes of a reference and of a character.
            if struct.unpack_from("<4xI4xI", content, kind) != (16, 1):
                raise _DamageError(f"a type at byte {kind}")
            dimensions = shape + (8 if content[shape] == 1 else 4)
            lengths = struct.unpack_from(f"<{content[shape + 1]}Q", content, dimensions)
            return shape + shape_size, min(math.prod(lengths), len(content) // 16)
    return 0, 0


def _check_local_heap(content: Content, start: int, steps: Iterator[int]) -> None:
    """Follow the list of free blocks in a heap of names; it must end."""
    size, free, data = struct.unpack_from("<QQQ", content, start + 8)
    seen = set()
    while free not in (_LAST, _NOWHERE):
        next(steps)
        if free in seen or free + 16 > size:
            raise _DamageError(f"names at byte {start}")
        seen.add(free)
        free = _number(content, data + free)


def _check_trees(content: Content) -> None:
    """Follow the nodes of each level of the trees from left to right; the list must end."""
    right = {}
    for at in _positions(content, _TREE):
        right[at] = _number(content, at + 16)
    seen: set[int] = set()
    for first in right:
        path: set[int] = set()
        at = first
        while at in right and at not in seen:
            if at in path:
                raise _DamageError(f"a tree at byte {first}")
            path.add(at)
            at = right[at]
        seen |= path
