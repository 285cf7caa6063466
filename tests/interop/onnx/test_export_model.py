"""Export to ONNX: streams, files, and models that cannot be written."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx_exports import inputs, make, steps  # noqa: E402
from onnx_tools import assert_all_close, by_onnxruntime  # noqa: E402

from gru_c import GRU, Bidirectional, Dense, Embedding, Masking, Sequential  # noqa: E402
from gru_c.activations import Activation as Function  # noqa: E402
from gru_c.interop.onnx import export, load  # noqa: E402
from gru_c.losses import MeanSquaredError  # noqa: E402


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
        (lambda: make(Dense(3)), {"streaming": True}, "the model has no recurrent layer"),
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
