"""Graphs in Keras's files: written for Keras, read from Keras, and what is refused."""

import json
import zipfile

import numpy as np
import pytest
from keras_peer import keras

import gru_c
import gru_c.interop.keras as interop
from gru_c import ops

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's and PyTorch's own

RNG = np.random.default_rng(43)
SERIES = RNG.standard_normal((6, 7, 3)).astype(np.float32)
FACTS = RNG.standard_normal((6, 4)).astype(np.float32)
WORDS = RNG.integers(1, 9, (6, 7))


def branches(library):
    layers = library.layers
    series, facts = library.Input((7, 3), name="series"), library.Input((4,), name="facts")
    x = layers.Concatenate()([layers.GRU(5)(series), layers.Dense(4, "relu")(facts)])
    x = layers.BatchNormalization()(x)
    outputs = [layers.Dense(1, name="number")(x), layers.Dense(3, "softmax", name="class")(x)]
    return library.Model([series, facts], outputs)


def skipping(library):
    layers = library.layers
    x = library.Input((None, 3))
    y = layers.Dense(4)(x)
    y = layers.Add()([y, layers.GRU(4, return_sequences=True)(y)])
    y = layers.Multiply()([y, layers.Bidirectional(layers.LSTM(2, return_sequences=True))(y)])
    return library.Model(x, layers.GlobalAveragePooling1D()(layers.LayerNormalization()(y)))


def translator(library):
    layers = library.layers
    source, target = library.Input((None,), dtype="int32"), library.Input((None,), dtype="int32")
    embedding = layers.Embedding(9, 4, mask_zero=True)  # shared
    _, h, c = layers.LSTM(5, return_state=True)(embedding(source))
    y = layers.LSTM(5, return_sequences=True)(embedding(target), initial_state=[h, c])
    return library.Model([source, target], layers.Dense(9, "softmax")(y))


def states(library):
    layers = library.layers
    x = library.Input((7, 3))
    y, state = layers.GRU(4, return_sequences=True, return_state=True)(x)
    z = layers.GRU(4)(y, initial_state=state)
    return library.Model({"x": x}, {"last": z, "state": state})


def twins(library):
    layers = library.layers
    a, b = library.Input((7, 3)), library.Input((7, 3))
    gru, dense = layers.GRU(4), layers.Dense(3)
    return library.Model([a, b], layers.Dot(-1, normalize=True)([dense(gru(a)), dense(gru(b))]))


def attending(library):
    layers = library.layers
    x = library.Input((7, 4))
    attention = layers.MultiHeadAttention(2, 3, value_dim=5)
    y = attention(x, layers.Dense(4)(x), use_causal_mask=True)
    y = layers.Attention(use_scale=True)([y, x])
    return library.Model(x, layers.AdditiveAttention()([y, x]))


MODELS = {
    attending: RNG.standard_normal((6, 7, 4)).astype(np.float32),
    branches: [SERIES, FACTS],
    skipping: SERIES,
    translator: [WORDS, WORDS[:, ::-1].copy()],
    states: {"x": SERIES},
    twins: [SERIES, SERIES[::-1].copy()],
}
EACH = pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)


def arrays(outputs):
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return [np.asarray(y) for y in (values if isinstance(outputs, (dict, list)) else [outputs])]


def assert_same(ours, theirs, x):
    results = [arrays(model.predict(x, verbose=0)) for model in (ours, theirs)]
    assert len(results[0]) == len(results[1])
    for y, expected in zip(*results, strict=True):
        np.testing.assert_allclose(y, expected, atol=1e-5)


@EACH
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_keras_reads_what_is_written(build, suffix, tmp_path):
    model = build(gru_c)
    model.save(tmp_path / f"m{suffix}")
    theirs = keras.models.load_model(tmp_path / f"m{suffix}")
    assert [type(layer).__name__ for layer in theirs.layers] == [
        "InputLayer" if isinstance(layer, gru_c.Input) else type(layer).__name__
        for layer in model.layers
    ]
    assert_same(model, theirs, MODELS[build])


@EACH
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_files_of_keras_are_read(build, suffix, tmp_path):
    theirs = build(keras)
    theirs.save(tmp_path / f"m{suffix}")
    model = gru_c.models.load_model(tmp_path / f"m{suffix}")
    assert len(model.inputs) == len(theirs.inputs)
    assert_same(model, theirs, MODELS[build])


@EACH
def test_weights_alone_go_both_ways(build, tmp_path):
    ours, theirs = build(gru_c), build(keras)
    ours.save_weights(tmp_path / "w.weights.h5")
    theirs.load_weights(tmp_path / "w.weights.h5")
    assert_same(ours, theirs, MODELS[build])
    other = build(keras)
    other.save_weights(tmp_path / "v.weights.h5")
    ours.load_weights(tmp_path / "v.weights.h5")
    assert_same(ours, other, MODELS[build])


def test_training_goes_on_in_keras(tmp_path):
    model = skipping(gru_c)
    model.compile(gru_c.optimizers.Adam(0.01), "mse")
    y = RNG.standard_normal((6, 4))
    model.fit(SERIES, y, epochs=2, shuffle=False, verbose=0)
    model.save(tmp_path / "m.keras")
    theirs = keras.models.load_model(tmp_path / "m.keras")
    ours = gru_c.models.load_model(tmp_path / "m.keras")
    losses = [
        each.fit(SERIES, y, epochs=2, shuffle=False, verbose=0).history["loss"]
        for each in (model, ours, theirs)
    ]
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    np.testing.assert_allclose(losses[2], losses[0], rtol=1e-4)


def test_what_a_file_cannot_hold_is_named(tmp_path):
    x = gru_c.Input((7, 3))
    cases = {
        "the operation 'add'": gru_c.Model(x, gru_c.GRU(3, return_sequences=True)(x) + x),
        "the model 'inner' inside": gru_c.Model(
            x, gru_c.Model(x, gru_c.Dense(2)(x), name="inner")(gru_c.Dense(3)(x))
        ),
    }
    for words, model in cases.items():
        with pytest.raises(ValueError, match=words):
            model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


def edited(tmp_path, change):
    """Return the path of a file whose configuration is changed."""
    branches(gru_c).save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        members = {name: file.read(name) for name in file.namelist()}
    spec = json.loads(members["config.json"])
    change(spec["config"])
    members["config.json"] = json.dumps(spec)
    with zipfile.ZipFile(tmp_path / "n.keras", "w") as file:
        for name, content in members.items():
            file.writestr(name, content)
    return tmp_path / "n.keras"


def layer_of(config, name):
    return next(spec for spec in config["layers"] if spec["name"] == name)


def history(config, name, value):
    call = layer_of(config, name)["inbound_nodes"][0]
    call["args"][0]["config"]["keras_history"] = value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: history(c, "number", ["nobody", 0, 0]), "takes tensors that no layer"),
        (lambda c: history(c, "number", ["gru", 0, 5]), "no output 5|takes tensors"),
        (lambda c: history(c, "number", ["number", 0, 0]), "takes tensors that no layer"),
        (lambda c: layer_of(c, "number").pop("inbound_nodes"), "has no 'inbound_nodes'"),
        (lambda c: c.update(output_layers=[["nobody", 0, 0], ["class", 0, 0]]), "no layer gives"),
        (lambda c: c.update(output_layers=7), "names no inputs or outputs"),
        (lambda c: layer_of(c, "series")["config"].pop("batch_shape"), "has no shape"),
        (
            lambda c: layer_of(c, "number")["inbound_nodes"][0]["kwargs"].update(scale=2),
            "called with scale=",
        ),
    ],
)
def test_a_damaged_graph_is_refused(change, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        interop.load(edited(tmp_path, change))


def test_a_graph_of_operations_is_for_safetensors(tmp_path):
    x = gru_c.Input((7, 3))
    model = gru_c.Model(x, ops.mean(gru_c.GRU(3, return_sequences=True)(x), axis=1))
    model.save(tmp_path / "m.safetensors")
    again = gru_c.models.load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again(SERIES), model(SERIES))


def test_losses_of_several_outputs_go_both_ways(tmp_path):
    y = [RNG.standard_normal((6, 1)), RNG.integers(0, 3, 6)]
    losses = {"number": "mse", "class": "sparse_categorical_crossentropy"}
    for library, other in ((gru_c, keras), (keras, gru_c)):
        model = branches(library)
        model.compile("sgd", losses, loss_weights={"number": 0.5, "class": 2.0})
        model.fit([SERIES, FACTS], y, verbose=0)
        model.save(tmp_path / "m.keras")
        read = other.models.load_model(tmp_path / "m.keras")
        options = {"batch_size": 6, "verbose": 0}
        expected = model.evaluate([SERIES, FACTS], y, **options)
        actual = read.evaluate([SERIES, FACTS], y, **options)
        np.testing.assert_allclose(actual[0], expected[0], rtol=1e-5)


def test_metrics_of_several_outputs_are_left_out_with_a_warning(tmp_path):
    model = branches(gru_c)
    model.compile("sgd", ["mse", "sparse_categorical_crossentropy"], metrics={"number": ["mae"]})
    with pytest.warns(UserWarning, match="cannot hold the metrics of several outputs"):
        model.save(tmp_path / "m.keras")


def scaled(library, operations):
    """Return a class of a layer as users write it."""

    class Scaled(library.layers.Layer):
        def __init__(self, factor=2.0, **options):
            super().__init__(**options)
            self.factor = factor

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

        def call(self, x):
            return self.factor * operations.tanh(x * self.scale)

        def get_config(self):
            return {**super().get_config(), "factor": self.factor}

    return Scaled


def test_layers_of_users_go_both_ways_with_custom_objects(tmp_path):
    classes = {lib: scaled(lib, o) for lib, o in ((gru_c, ops), (keras, keras.ops))}
    for library, other in ((gru_c, keras), (keras, gru_c)):
        x = library.Input((7, 3))
        y = classes[library](3.0)(x)
        model = library.Model(x, library.layers.Add()([y, library.layers.Dense(3)(x)]))
        weights = [RNG.standard_normal(w.shape) for w in model.get_weights()]
        model.set_weights(weights)
        model.save(tmp_path / "m.keras")
        for reader in (library, other):
            custom = {"Scaled": classes[reader]}
            read = reader.models.load_model(tmp_path / "m.keras", custom_objects=custom)
            assert_same(read, model, SERIES)
    with pytest.raises(ValueError, match="'Scaled' is a class of somebody's own"):
        gru_c.models.load_model(tmp_path / "m.keras")
