"""Files that cannot be read: damaged, of other formats, or with contents that do not match."""

import numpy as np
import pytest
from saved_models import trained

import gru_c


def test_no_such_file(path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        gru_c.load_model(path)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_a_truncated_file(path, keep):
    trained().save(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(
        ValueError, match="not a readable safetensors file: it is truncated, damaged"
    ):
        gru_c.load_model(path)


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(200), b"\x89HDF\r\n\x1a\n", b"a,b\n1,2"])
def test_another_format(path, content):
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        gru_c.load_model(path)


def test_a_folder(tmp_path):
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        gru_c.load_model(tmp_path)


def test_any_damaged_byte_is_an_error_or_another_model(path):
    """For any contents of the file, load_model returns a model or raises ValueError."""
    trained().save(path)
    content = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    refused = 0
    for position in rng.integers(0, 2500, 150):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            gru_c.load_model(path)
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused > 50


@pytest.mark.parametrize(
    ("suffix", "module"),
    [(".pt", "torch"), (".pth", "torch"), (".onnx", "onnx")],
)
def test_other_formats_have_their_modules(path, suffix, module):
    other = path.with_suffix(suffix)
    with pytest.raises(ValueError, match=f"or gru_c.interop.{module} for that format"):
        trained().save(other)
    other.write_bytes(b"something else")
    with pytest.raises(ValueError, match=f": take gru_c.interop.{module} for that format"):
        gru_c.load_model(other)
