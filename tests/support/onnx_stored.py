"""The stored ONNX files that PyTorch and Keras wrote."""

from pathlib import Path

DATA = Path(__file__).parent / "data" / "onnx"
LAYERS = {
    "last_step": ["gru", "dense"],
    "no_bias": ["gru", "dense"],
    "both_ways": ["bidirectional", "bidirectional_1", "dense"],
    "last_state": ["gru", "gru_1", "dense"],
    "last_states": ["bidirectional", "dense"],
    "with_state": ["gru", "gru_1", "dense"],
    "text": ["embedding", "layer_normalization", "gru", "dense"],
}


def prepared(name, expected):
    """Return the model of a file, its feeds and outputs."""
    from gru_c.interop.onnx import load

    case = expected[name.removesuffix("_dynamo")]
    model = load(DATA / f"{name}.onnx")
    return model, dict(zip(model.input_names, case["in"], strict=True)), case["out"]
