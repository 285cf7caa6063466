"""Fixtures for several files."""

import numpy as np
import pytest
from onnx_stored import DATA


@pytest.fixture(scope="module")
def expected():
    """Return inputs and the outputs that PyTorch and Keras computed, by name of the model."""
    with np.load(DATA / "expected.npz") as arrays:
        data = {}
        for key in arrays.files:
            name, place = key.split("/")
            data.setdefault(name, {"in": [], "out": []})[place[:-1]].append(arrays[key])
        return data


@pytest.fixture
def stored(tmp_path):
    """Return a function that writes a model, or bytes, and returns the path."""

    def write(model):
        path = tmp_path / "model.onnx"
        path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
        return path

    return write
