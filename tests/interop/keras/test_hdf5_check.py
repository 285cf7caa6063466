"""Structures of HDF5 files that the library would walk over for ever are refused."""

import struct

import pytest
from keras_rewriting import DATA

from gru_c.interop import keras


def stuck_string(content):
    """Write a free object of length 0 at the beginning of the collection's free space."""
    start = content.find(b"GCOL")
    at = start + 16
    while content[at : at + 2] != b"\0\0":
        at += 16 + -(-struct.unpack_from("<Q", content, at + 8)[0] // 8 * 8)
    struct.pack_into("<Q", content, at + 8, 0)


def long_string(content):
    """Let an attribute claim a string of 4 GB."""
    at = content.find(struct.pack("<QI", content.find(b"GCOL"), 1))
    struct.pack_into("<I", content, at - 4, 2**32 - 1)


def string_elsewhere(content):
    long_string(content)
    at = content.find(struct.pack("<QI", content.find(b"GCOL"), 1))
    struct.pack_into("<Q", content, at, 2**40)


def large_characters(content):
    """Change the size of a string's characters, in the type before its reference."""
    at = content.find(b"model_config\0")
    struct.pack_into("<I", content, content.find(struct.pack("<I", 1), at + 24), 2**30)


def circle_of_names(content):
    start = content.find(b"HEAP")
    _, free, data = struct.unpack_from("<QQQ", content, start + 8)
    struct.pack_into("<Q", content, data + free, free)


def circle_of_nodes(content):
    first = content.find(b"TREE")
    struct.pack_into("<Q", content, first + 16, first)


def driver(content):
    struct.pack_into("<Q", content, 48, 31)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (stuck_string, "strings at byte"),
        (long_string, "a string at byte"),
        (string_elsewhere, "a string at byte"),
        (large_characters, "a type at byte"),
        (circle_of_names, "names at byte"),
        (circle_of_nodes, "a tree at byte"),
        (driver, "a file in several parts"),
    ],
)
@pytest.mark.parametrize("number", [2, 3])
def test_structures_that_hdf5_would_walk_over_for_ever(path, number, change, message):
    content = bytearray((DATA / f"sequences_{number}.h5").read_bytes())
    change(content)
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"not a readable .*{message}"):
        keras.load(path)
