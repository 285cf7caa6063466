"""Files that cannot be read: damaged, of other formats, or with contents that do not match."""

import os
import socket

import numpy as np
import pytest
from saved_models import trained

import gru_c
from gru_c.forecast import Forecaster
from gru_c.forecast.csv_table import read_table


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


def test_any_damaged_byte_is_an_error(path):
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
    assert refused == 150


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


READERS = {
    "model.safetensors": gru_c.load_model,
    "weights.safetensors": lambda path: trained().load_weights(path),
    "run.safetensors": lambda path: trained().fit(
        np.ones((2, 6, 4)), np.ones(2), checkpoint=path, resume=True, verbose=0
    ),
    "forecaster.safetensors": Forecaster.load,
    "predictor.safetensors": lambda path: gru_c.load_predictor(path, mmap=True),
    "model.keras": gru_c.load_model,
    "model.h5": gru_c.load_model,
    "model.weights.h5": lambda path: trained().load_weights(path),
    "model": gru_c.load_model,
    "data.csv": lambda path: read_table(path, "y", None),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("kind", ["pipe", "device", "socket"])
def test_pipes_devices_and_sockets_are_refused_before_they_are_opened(tmp_path, name, kind):
    """Opening a pipe would wait for its writer, and nothing could interrupt that."""
    if name.endswith((".h5", ".keras", ".csv")):
        pytest.importorskip("pandas" if name.endswith(".csv") else "h5py")
    path = tmp_path / name
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.path.relpath(path))
    with pytest.raises(ValueError, match=f"{name} is a {kind}, not a file"):
        READERS[name](path)
