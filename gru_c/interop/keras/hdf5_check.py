"""Structures of an HDF5 file that the library walks over, walked over before.

HDF5 2.0 goes in circles, or takes gigabytes, where these contradict themselves, as one damaged byte
can make them. They are found by their signatures, which are too long to stand among weights by
chance. What is looked at is what Keras writes; a file made on purpose may have other circles.

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

DAMAGED = "no readable .keras or HDF5 file: it is truncated, damaged or of another format"
_FILE = b"\x89HDF\r\n\x1a\n"
_LOCAL, _GLOBAL, _TREE = b"HEAP\0\0\0\0", b"GCOL\x01\0\0\0", b"TREE"
_VARIABLE_LENGTH = 9  # class of types
_NOWHERE = 2**64 - 1  # an address
_LAST = 1  # of a local heap's free blocks

Content = bytes | mmap


class _DamageError(Exception):
    """What contradicts itself, and where."""


def check(source: Path | bytes, names: Iterable[str]) -> None:
    """Raise ValueError where a file would have the library walk for ever.

    `names` are those of the attributes that will be read.
    """
    with _content(source) as content:
        try:
            if content[:8] == _FILE and content[8] < 2 and _number(content, 48) != _NOWHERE:
                raise _DamageError("a file in several parts")
            # What is walked over has 16 bytes at the least; more of it stands in one place.
            steps = iter(range(len(content) // 16))
            strings = {at: _collection(content, at, steps) for at in _found(content, _GLOBAL)}
            for name in names:
                _check_attributes(content, name.encode() + b"\0", strings, steps)
            for start in _found(content, _LOCAL):
                _check_local_heap(content, start, steps)
            _check_trees(content)
        except StopIteration:
            raise ValueError(f"{DAMAGED} (it overlaps)") from None
        except (_DamageError, struct.error, IndexError) as error:
            raise ValueError(f"{DAMAGED} ({error})") from None


@contextmanager
def _content(source: Path | bytes) -> Iterator[Content]:
    """Give the bytes of a file without reading all of it."""
    if isinstance(source, bytes) or not source.stat().st_size:  # of no bytes there is no map
        yield source if isinstance(source, bytes) else b""
        return
    with source.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        yield content


def _found(content: Content, signature: bytes) -> Iterator[int]:
    """Yield where a signature stands."""
    at = content.find(signature)
    while at >= 0:
        yield at
        at = content.find(signature, at + len(signature))


def _number(content: Content, at: int) -> int:
    number: int = struct.unpack_from("<Q", content, at)[0]
    return number


def _collection(content: Content, start: int, steps: Iterator[int]) -> dict[int, int]:
    """Return the lengths of a collection's strings by their indices.

    It is a header of 16 bytes and objects, each a header of 16 bytes and its content; the library
    takes a free one (of index 0) of no length as the next one again and again.
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
    """Compare the strings that attributes of a name refer to with those that there are.

    A reference is a length, a collection's address and an index; the library makes an array of the
    length before it looks for the string.
    """
    for at in _found(content, name):
        data, count = _attribute_data(content, at, len(name))
        for reference in range(data, data + 16 * count, 16):
            next(steps)
            length, start, index = struct.unpack_from("<IQI", content, reference)
            if length > strings.get(start, {}).get(index, 0):
                raise _DamageError(f"a string at byte {reference}")


def _attribute_data(content: Content, name: int, name_size: int) -> tuple[int, int]:
    """Return where the references to strings of an attribute are, and how many; none: (0, 0).

    `name` is where its name stands, which may also be part of a text. A head with three sizes
    comes before it, the type and the shape after it, in version 1 each of a multiple of 8 bytes.
    """
    for version, head, multiple in ((1, 8, 8), (3, 9, 1)):
        if name < head or content[name - head] != version:
            continue
        sizes = struct.unpack_from("<HHH", content, name - head + 2)
        size, of_type, of_shape = (-(-one // multiple) * multiple for one in sizes)
        kind, shape = name + size, name + size + of_type
        if sizes[0] == name_size and content[kind] & 15 == _VARIABLE_LENGTH:
            if struct.unpack_from("<4xI4xI", content, kind) != (16, 1):  # a reference, a character
                raise _DamageError(f"a type at byte {kind}")
            dimensions = shape + (8 if content[shape] == 1 else 4)
            lengths = struct.unpack_from(f"<{content[shape + 1]}Q", content, dimensions)
            return shape + of_shape, min(math.prod(lengths), len(content) // 16)
    return 0, 0


def _check_local_heap(content: Content, start: int, steps: Iterator[int]) -> None:
    """Walk over the free blocks of names, each of which says where the next one is."""
    size, free, data = struct.unpack_from("<QQQ", content, start + 8)
    seen = set()
    while free not in (_LAST, _NOWHERE):
        next(steps)
        if free in seen or free + 16 > size:
            raise _DamageError(f"names at byte {start}")
        seen.add(free)
        free = _number(content, data + free)


def _check_trees(content: Content) -> None:
    """Follow the nodes of the same level from left to right."""
    right = {}
    for at in _found(content, _TREE):
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
