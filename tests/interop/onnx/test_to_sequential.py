"""Graphs that are chains of layers become models, and others are refused."""

import pytest

onnx = pytest.importorskip("onnx")

from onnx_stored import DATA, LAYERS, prepared  # noqa: E402
from onnx_tools import assert_all_close  # noqa: E402

from gru_c.interop.onnx import load  # noqa: E402

NEW = [] if onnx.IR_VERSION < 10 else [f"{name}_dynamo" for name in [*LAYERS, "time_major"]]


@pytest.mark.parametrize("name", [*LAYERS, *NEW[:-1]])
def test_to_sequential(name, expected):
    model, feeds, outputs = prepared(name, expected)
    again = model.to_sequential()
    layers = [layer.name for layer in again.layers if layer.name != "activation"]
    assert layers == LAYERS[name.removesuffix("_dynamo")]
    x = next(iter(feeds.values()))
    wanted = outputs[:1] if len(feeds) == 1 else [model.predict(x)]
    assert_all_close([again.predict(x, verbose=0)], wanted)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("packed", "it has 2 inputs"),
        ("time_major", "node '/gru/GRU' .*not with the batch as its first axis"),
        ("keras_torch", r"node .*\(MatMul\): what comes here is nothing that a layer"),
    ],
)
def test_what_is_no_chain_is_named(name, message):
    with pytest.raises(ValueError, match=message):
        load(DATA / f"{name}.onnx").to_sequential()


def test_the_loop_of_keras_on_tensorflow_is_named():
    with pytest.raises(ValueError, match=r"\(Loop\): gru_c does not have this operator"):
        load(DATA / "keras_tensorflow.onnx")
