"""Files that are not of ONNX, or are truncated, and paths."""

import os
from pathlib import Path

import pytest

onnx = pytest.importorskip("onnx")


from gru_c.interop.onnx import load  # noqa: E402

DATA = Path(__file__).parents[3] / "tests" / "support" / "data" / "onnx"


@pytest.mark.parametrize(
    "content",
    [b"", b"a text, and no model\n" * 9, b"PK\x03\x04" + bytes(100), b"\xff" * 1000],
    ids=["empty", "text", "zip", "noise"],
)
def test_no_onnx_file(content, stored):
    with pytest.raises(ValueError, match=r"model\.onnx: it is not an ONNX file"):
        load(stored(content))


def test_paths(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(tmp_path / "no.onnx")
    with pytest.raises(ValueError, match="it is not a file but a folder or a device"):
        load(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="it is not a file but a folder or a device"):
            load(tmp_path / "pipe")
    large = tmp_path / "large.onnx"
    with large.open("wb") as file:
        file.truncate(2**31)
    with pytest.raises(ValueError, match="it is larger than 2 GB"):
        load(large)


def test_every_truncation_is_refused_or_is_a_model(stored):
    whole = (DATA / "last_step.onnx").read_bytes()
    for length in range(0, len(whole), 13):
        with pytest.raises(ValueError, match=r"model\.onnx: "):
            load(stored(whole[:length]))
