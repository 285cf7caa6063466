"""The nodes of each layer: onnxruntime computes the same, and they come back as layers."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_exports import inputs, make, steps  # noqa: E402
from onnx_tools import assert_all_close, by_onnxruntime  # noqa: E402

from gru_c import (  # noqa: E402
    GRU,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    LayerNormalization,
    RepeatVector,
)
from gru_c.interop.onnx import export, load  # noqa: E402

MODELS = {
    "tutorial": lambda: make(steps(5), GRU(3), Dense(1)),
    "reset before": lambda: make(steps(5, reset_after=False), Dense(2)),
    "no bias": lambda: make(GRU(5, use_bias=False), Dense(2, use_bias=False)),
    "backwards": lambda: make(steps(5, go_backwards=True), Dropout(0.5), Dense(2, "relu")),
    "backwards, last": lambda: make(GRU(5, go_backwards=True)),
    "clip": lambda: make(GRU(5, activation="relu", recurrent_activation="hard_sigmoid", clip=0.3)),
    "parameters": lambda: make(
        steps(5, activation=("elu", 0.3), recurrent_activation=("scaled_tanh", 0.5, 0.7)),
        GRU(3, activation="linear", recurrent_activation=("hard_sigmoid", 0.2, 0.5)),
    ),
    "normalized": lambda: make(
        LayerNormalization(), GRU(5), LayerNormalization(epsilon=0.1, center=False), Dense(1)
    ),
    "repeated": lambda: make(
        GRU(5), RepeatVector(3, name="again"), steps(4), Flatten(), Dense(2, "hard_sigmoid")
    ),
    "flat": lambda: make(steps(5), Flatten()),
    "fixed time": lambda: make(steps(5), Flatten(), Dense(2), shape=(6, 4)),
    "text": lambda: make(
        Embedding(9, 4), GRU(5, name="state"), Dense(3), Activation("tanh"), shape=(None,)
    ),
    "single indices": lambda: make(Embedding(9, 4), Dense(3), shape=()),
    "dense": lambda: make(
        Dense(3, "leaky_relu"), Activation("softplus"), Dense(2, "exponential"), shape=(4,)
    ),
    "functions": lambda: make(*(Dense(3, f) for f in ("elu", "softsign", "sigmoid", "softmax"))),
    "unlike": lambda: make(
        Bidirectional(
            steps(5),
            backward_layer=steps(3, go_backwards=True, reset_after=False, activation="relu"),
        )
    ),
    "alike but for activations": lambda: make(
        Bidirectional(
            GRU(5, activation="relu"),
            backward_layer=GRU(5, go_backwards=True, activation=("affine", 0.5, 0.1)),
        )
    ),
}
for mode in ("concat", "sum", "mul", "ave"):
    for whole in (True, False):
        for turned in (True, False):
            MODELS[f"{mode}, {whole=}, {turned=}"] = lambda m=mode, w=whole, t=turned: make(
                Bidirectional(GRU(5, return_sequences=w, go_backwards=t), m), Dense(2)
            )


def settings(model):
    """Return the settings of a model's layers, without those that do nothing in prediction."""
    return [layer.get_config() for layer in model.layers if not isinstance(layer, Dropout)]


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(name, tmp_path):
    model, path = MODELS[name](), tmp_path / "model.onnx"
    export(model, path)
    onnx.checker.check_model(path, full_check=True)
    read = load(path)
    again = read.to_sequential()
    for batch, time in ((3, 6), (1, 9)):
        x = inputs(model, batch, time)
        expected = model.predict(x, verbose=0)
        assert_all_close(by_onnxruntime(path, {"x": x}), [expected])
        assert_all_close(read.run(None, {"x": x}), [expected])
        np.testing.assert_array_equal(again.predict(x, verbose=0), expected)
    assert settings(again) == settings(model)
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("H", [1, 2, 7, 8, 9, 15, 16, 17])
def test_round_trip_of_any_size(H, tmp_path):
    path = tmp_path / "model.onnx"
    for features in (1, H):
        for layer in (
            steps(H),
            GRU(H, go_backwards=True, reset_after=False),
            Bidirectional(steps(H), "ave"),
        ):
            model = make(layer, Dense(1), shape=(None, features))
            export(model, path)
            read = load(path)
            for batch, time in ((1, 1), (3, 4)):
                x = np.random.default_rng(2).normal(size=(batch, time, features)).astype("f")
                expected = model.predict(x, verbose=0)
                assert_all_close(by_onnxruntime(path, {"x": x}), [expected])
                assert_all_close(read.run(None, {"x": x}), [expected])
                again = read.to_sequential().predict(x, verbose=0)
                np.testing.assert_array_equal(again, expected)
