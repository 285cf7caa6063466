"""Export to ONNX: onnxruntime's results, and the models that `to_sequential` returns."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_tools import assert_all_close, by_onnxruntime  # noqa: E402

from gru_c import (  # noqa: E402
    GRU,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    Masking,
    RepeatVector,
    Sequential,
)
from gru_c.activations import Activation as Function  # noqa: E402
from gru_c.interop.onnx import export, load  # noqa: E402
from gru_c.losses import MeanSquaredError  # noqa: E402


def make(*layers, shape=(None, 4)):
    """Return a built model with weights that are not zero."""
    model = Sequential([Input(shape), *layers], seed=0)
    rng = np.random.default_rng(1)
    model.set_weights([w + rng.normal(size=w.shape) * 0.2 for w in model.get_weights()])
    return model


def steps(units, **options):
    return GRU(units, return_sequences=True, **options)


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


def inputs(model, batch, time, seed=0):
    rng = np.random.default_rng(seed)
    if isinstance(model.layers[0], Embedding):
        return rng.integers(0, 9, (batch, time)[: len(model.input_shape)])
    shape = (batch, 4) if len(model.input_shape) == 2 else (batch, model.fixed_time or time, 4)
    return rng.normal(size=shape).astype(np.float32)


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


def test_what_comes_back_trains_and_streams(tmp_path):
    model = make(steps(5), GRU(3), Dense(1))
    export(model, tmp_path / "m.onnx")
    again = load(tmp_path / "m.onnx").to_sequential()
    again.compile("adam", "mse")
    x, y = inputs(again, 8, 6), np.ones((8, 1))
    before = MeanSquaredError()(y, again.predict(x, verbose=0))
    again.fit(x, y, epochs=3, verbose=0)
    assert MeanSquaredError()(y, again.predict(x, verbose=0)) < before
    again.stream(8).step(x[:, 0])


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


def test_streaming(tmp_path):
    model, path = make(steps(5, name="low"), GRU(3, name="high"), Dense(2)), tmp_path / "m.onnx"
    export(model, path, streaming=True)
    onnx.checker.check_model(path, full_check=True)
    read, x = load(path), inputs(model, 2, 7)
    assert read.input_names == ["x", "low_initial_h", "high_initial_h"]
    assert read.output_names == ["output", "low_Y_h", "high_Y_h"]
    for run in (lambda feeds: by_onnxruntime(path, feeds), lambda feeds: read.run(None, feeds)):
        states = [np.zeros((1, 2, 5), np.float32), np.zeros((1, 2, 3), np.float32)]
        for begin, end in ((0, 1), (1, 4), (4, 7)):
            feeds = dict(zip(read.input_names, [x[:, begin:end], *states], strict=True))
            output, *states = run(feeds)
            assert_all_close([output], [model.predict(x[:, :end], verbose=0)])
    np.testing.assert_array_equal(read.predict(x), read.to_sequential().predict(x, verbose=0))


def test_streaming_of_a_stateful_layer(tmp_path):
    model = make(steps(5, stateful=True))
    with pytest.raises(ValueError, match=r"layer 'gru' .* stateful: streaming=True"):
        export(model, tmp_path / "m.onnx")
    export(model, tmp_path / "m.onnx", streaming=True)
    x = inputs(model, 2, 6)
    first, state = load(tmp_path / "m.onnx").run(None, {"x": x[:, :2]})
    second, _ = load(tmp_path / "m.onnx").run(None, {"x": x[:, 2:], "gru_initial_h": state})
    together = np.concatenate([model(x[:, :2]), model(x[:, 2:])], axis=1)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), together, atol=1e-6)


def own_function():
    return make(GRU(3), Dense(2, Function("mine", np.sin, lambda y, dy: dy)))


class Own(Dense):
    """A class that no file can name."""


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (lambda: make(Masking(), GRU(3)), {}, r"layer 'masking' \(Masking\) cannot be exported"),
        (lambda: make(Embedding(5, 4, mask_zero=True), GRU(3), shape=(None,)), {}, "mask_zero"),
        (lambda: make(GRU(3, zoneout=0.1)), {}, "layer 'gru' .*expectation of its zoneout"),
        (lambda: make(Bidirectional(GRU(3, zoneout=0.1))), {}, "'bidirectional' .*zoneout"),
        (
            lambda: make(Bidirectional(GRU(3, stateful=True))),
            {},
            "'bidirectional' .*keeps no state",
        ),
        (lambda: make(GRU(3), Own(2)), {}, r"layer 'own' \(Own\) cannot be exported"),
        (own_function, {}, "its activation 'mine' is none of gru_c's"),
        (lambda: make(Bidirectional(GRU(3))), {"streaming": True}, "'bidirectional' .*streamed"),
        (lambda: make(GRU(3, go_backwards=True)), {"streaming": True}, "'gru' .*streamed"),
        (lambda: make(Dense(3)), {"streaming": True}, "the model has no GRU layer"),
        (lambda: Sequential([GRU(3)]), {}, "no weights yet, so export is not possible"),
        (lambda: Sequential([GRU(3, input_shape=(2, 2))], dtype="float64"), {}, "is float64"),
    ],
)
def test_what_cannot_be_said_is_named(model, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export(model(), tmp_path / "m.onnx", **options)
    assert not list(tmp_path.iterdir())


def test_bad_targets(tmp_path, monkeypatch):
    model = make(GRU(3))
    with pytest.raises(ValueError, match=r"named \*\.onnx, got 'm.safetensors'"):
        export(model, tmp_path / "m.safetensors")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        export(model, tmp_path / "no" / "m.onnx")
    with pytest.raises(TypeError, match="export wants a Sequential, got GRU"):
        export(model.layers[0], tmp_path / "m.onnx")
    monkeypatch.setattr("gru_c.interop.onnx.export_model._MOST_BYTES", 100)
    with pytest.raises(ValueError, match="an ONNX file holds at most 2 GB"):
        export(model, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "m.onnx"
    export(make(GRU(3)), path)
    before = path.read_bytes()

    def fail(fd):
        raise OSError("no space left")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="no space left"):
        export(make(GRU(4)), path)
    assert [item.name for item in tmp_path.iterdir()] == ["m.onnx"]
    assert path.read_bytes() == before
