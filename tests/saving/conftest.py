"""The file that a test writes."""

import pytest


@pytest.fixture
def path(tmp_path):
    """Return the path of a model's file that does not exist yet."""
    return tmp_path / "model.safetensors"
