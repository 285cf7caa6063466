"""The walk along the nodes of a graph ends where no layer gives the output."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import make_model, read_model  # noqa: E402


@pytest.mark.parametrize(
    "first",
    [
        onnx.helper.make_node("LayerNormalization", ["x", "w"], ["z", "of_no_layer"]),
        onnx.helper.make_node("Dropout", ["x"], ["z", "of_no_layer"]),
    ],
    ids=["mean", "mask"],
)
def test_an_output_that_no_layer_gives_is_no_part_of_a_chain(first, tmp_path):
    more = onnx.helper.make_node("Cast", ["of_no_layer"], ["y"], to=1, name="more")
    weights = {"w": np.ones(3, np.float32)}
    model = make_model([first, more], weights, outputs=["y"])
    with pytest.raises(ValueError, match=r"node 'more' .* takes what no layer of gru_c gives"):
        read_model(model, tmp_path).to_sequential()
