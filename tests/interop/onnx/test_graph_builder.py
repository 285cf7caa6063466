"""The header of an exported file, and its nodes."""

import pytest

onnx = pytest.importorskip("onnx")

from onnx_exports import make, steps  # noqa: E402

from gru_c import GRU, Bidirectional  # noqa: E402
from gru_c.interop.onnx import export  # noqa: E402


def test_nodes_and_header(tmp_path):
    model = make(Bidirectional(steps(5, reset_after=False)), GRU(3))
    export(model, tmp_path / "m.onnx")
    written = onnx.load(tmp_path / "m.onnx")
    assert (written.ir_version, written.opset_import[0].version) == (8, 17)
    grus = [node for node in written.graph.node if node.op_type == "GRU"]
    attributes = [
        {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute} for node in grus
    ]
    assert [item["linear_before_reset"] for item in attributes] == [0, 1]
    assert [item["direction"] for item in attributes] == [b"bidirectional", b"forward"]
    dims = written.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_param or dim.dim_value for dim in dims] == ["batch", "time", 4]
