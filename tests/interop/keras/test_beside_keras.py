"""Files from Keras to gru_c and from gru_c to Keras; skipped without Keras and PyTorch."""

import json

import numpy as np
import pytest
from keras_chains import INPUTS, X, Y, assert_same, chain, predictions
from keras_peer import keras

pytest.importorskip("h5py")
import gru_c
from gru_c.interop import keras as files

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's, PyTorch's and absl's own

K = keras.layers


# ---- Keras's files ------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", INPUTS)
def test_a_model_of_keras(tmp_path, name, suffix):
    theirs = chain(keras, name)
    theirs.save(tmp_path / f"model{suffix}")
    ours = files.load(tmp_path / f"model{suffix}")
    assert ours.name == "net"
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert ours.input_shape == theirs.input_shape
    assert ours.optimizer is None
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert_same(ours, theirs, INPUTS[name])


@pytest.mark.parametrize("name", INPUTS)
def test_weights_of_keras(tmp_path, name):
    path = tmp_path / "model.weights.h5"
    theirs, ours = chain(keras, name), chain(gru_c, name)
    ours.set_weights([np.zeros_like(w) for w in ours.get_weights()])
    theirs.save_weights(path)
    assert files.load(path, ours) is ours
    assert_same(ours, theirs, INPUTS[name])


def test_the_batch_and_the_time_may_be_open_or_not(tmp_path):
    model = chain(keras, "square", shape=(None, 4))
    model.save(tmp_path / "open.keras")
    assert files.load(tmp_path / "open.keras").input_shape == (None, None, 4)
    batches = [keras.layers.Input(batch_shape=(2, 5, 4)), keras.layers.GRU(3, stateful=True)]
    model = keras.Sequential(batches)
    model.save(tmp_path / "fixed.keras")
    ours = files.load(tmp_path / "fixed.keras")
    assert ours.input_shape == (None, 5, 4)
    for _ in range(2):
        np.testing.assert_allclose(
            ours.predict(X[:2, :5], verbose=0), model.predict(X[:2, :5], verbose=0), atol=1e-6
        )


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_float64(tmp_path, suffix):
    layers = keras.layers
    model = keras.Sequential([layers.Input((6, 4)), layers.GRU(3, dtype="float64")])
    model.save(tmp_path / f"model{suffix}")
    ours = files.load(tmp_path / f"model{suffix}")
    assert ours.dtype == "float64"
    np.testing.assert_allclose(predictions(ours, X), predictions(model, X), rtol=1e-12, atol=1e-12)


def test_options_that_change_nothing(tmp_path):
    layers = [K.GRU(3, None, unroll=True, seed=-5, name="a"), K.Dense(2, None, name="b")]
    layers[1].kernel_initializer = keras.initializers.VarianceScaling(2.0)
    model = keras.Sequential([K.Input((6, 4), optional=True), *layers])
    model.save(tmp_path / "model.keras")
    ours = files.load(tmp_path / "model.keras")
    assert ours.layers[0].activation == "linear"
    assert ours.layers[1].kernel_initializer.scale == 2.0
    assert_same(ours, model, X)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_activations_penalties_and_constraints(tmp_path, suffix):
    layers = [
        K.Dense(3, "silu", kernel_regularizer="orthogonal_regularizer"),
        K.Dense(2, "gelu", kernel_constraint="min_max_norm"),
    ]
    model = keras.Sequential([K.Input((6, 4)), *layers])
    model.save(tmp_path / f"model{suffix}")
    ours = files.load(tmp_path / f"model{suffix}")
    assert repr(ours.layers[0].kernel_regularizer).startswith("OrthogonalRegularizer(factor=0.0")
    assert type(ours.layers[1].kernel_constraint) is gru_c.constraints.MinMaxNorm
    assert_same(ours, model, X)


def test_dense_for_every_step(tmp_path):
    layers = keras.layers
    theirs = keras.Sequential(
        [
            layers.Input((6, 4)),
            layers.TimeDistributed(layers.Dense(3, "tanh"), name="steps"),
            layers.GRU(2, return_sequences=True),
            layers.Dense(2),
            layers.TimeDistributed(layers.Dense(1)),
        ]
    )
    for suffix in (".keras", ".h5"):
        theirs.save(tmp_path / f"model{suffix}")
        ours = files.load(tmp_path / f"model{suffix}")
        assert isinstance(ours.layers[0], gru_c.TimeDistributed)
        assert isinstance(ours.layers[0].layer, gru_c.Dense)
        assert ours.layers[0].name == "steps"
        assert_same(ours, theirs, X)
        files.save(ours, tmp_path / "again.keras")
        assert_same(ours, keras.models.load_model(tmp_path / "again.keras"), X)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_another_shape_for_every_step(tmp_path, suffix):
    steps = K.TimeDistributed(K.Reshape((4, 1)), name="a")
    theirs = keras.Sequential([K.Input((6, 4)), steps])
    theirs.save(tmp_path / f"model{suffix}")
    ours = files.load(tmp_path / f"model{suffix}")
    assert ours.output_shape == theirs.output_shape
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_penalties_of_outputs(tmp_path, suffix):
    layers = [
        K.GRU(3, return_sequences=True, activity_regularizer="l2"),
        K.Dense(2, activity_regularizer=keras.regularizers.L1L2(0.1, 0.2)),
        K.GRU(1),
    ]
    theirs = keras.Sequential([K.Input((6, 4)), *layers])
    theirs.compile("sgd", "mse")
    theirs.save(tmp_path / f"model{suffix}")
    ours = files.load(tmp_path / f"model{suffix}")
    assert_same(ours, theirs, X)
    loss = ours.evaluate(X, Y, verbose=0)
    assert loss == pytest.approx(theirs.evaluate(X, Y, verbose=0), rel=1e-5)
    without = np.mean((predictions(ours, X) - Y) ** 2)
    assert loss > without + 0.01


def test_a_functional_chain(tmp_path):
    layers = keras.layers
    x = layers.Input((6, 4))
    h = layers.GRU(3, return_sequences=True)(x)
    model = keras.Model(x, layers.Dense(1)(layers.GRU(2)(h)))
    for suffix in (".keras", ".h5"):
        model.save(tmp_path / f"model{suffix}")
        assert_same(files.load(tmp_path / f"model{suffix}"), model, X)


def test_training_goes_on(tmp_path):
    rate = keras.optimizers.schedules.CosineDecay(0.05, 40)
    theirs = chain(keras, "penalties")
    theirs.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.01, global_clipnorm=1.0),
        keras.losses.MeanSquaredError(),
        metrics=["mae", keras.metrics.RootMeanSquaredError(name="root")],
    )
    theirs.save(tmp_path / "model.keras")
    ours = files.load(tmp_path / "model.keras")
    settings = {"epochs": 3, "batch_size": 4, "shuffle": False, "verbose": 0}
    expected, history = (model.fit(X, Y, **settings).history for model in (theirs, ours))
    assert expected["loss"][2] < expected["loss"][0]
    assert set(history) == {"loss", "mae", "root"}
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=name)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("arguments", "kept_parts"),
    [
        ({"optimizer": "adam", "loss": "mse", "metrics": ["accuracy"]}, "olm"),
        ({"optimizer": "sgd", "loss": None}, "o"),
        ({"optimizer": "rmsprop", "loss": "binary_crossentropy", "metrics": ["mae"]}, "olm"),
        ({"optimizer": "nadam", "loss": "mse", "metrics": ["mae"]}, "olm"),
        ({"optimizer": "adam", "loss": "log_cosh", "metrics": ["mae"]}, "olm"),
        ({"optimizer": "adam", "loss": "mse", "metrics": ["auc"]}, "olm"),
        ({"optimizer": "adam", "loss": "mse", "loss_weights": [2.0]}, "ol"),
        ({"optimizer": keras.optimizers.Adam(amsgrad=True), "loss": "mse"}, "ol"),
        ({"optimizer": "adam", "loss": keras.losses.MeanSquaredError(reduction="sum")}, "ol"),
        ({"optimizer": "adam", "loss": keras.losses.BinaryCrossentropy(label_smoothing=0.1)}, "ol"),
        ({"optimizer": "adam", "loss": keras.losses.BinaryCrossentropy(from_logits=True)}, "ol"),
        ({"optimizer": "adam", "loss": "mse", "metrics": [keras.metrics.Accuracy()]}, "olm"),
    ],
)
def test_what_is_compiled(tmp_path, arguments, kept_parts, suffix):
    model = chain(keras, "penalties")
    model.compile(**arguments)
    model.save(tmp_path / f"model{suffix}")
    ours = files.load(tmp_path / f"model{suffix}")
    assert (ours.optimizer is not None) == ("o" in kept_parts)
    assert (ours.loss is not None) == ("l" in kept_parts)
    names = [getattr(metric, "name", metric) for metric in arguments.get("metrics", [])]
    assert [metric.name for metric in ours.metrics] == (names if "m" in kept_parts else [])
    if ours.loss is not None and ours.optimizer is not None and not ours.metrics:
        expected = model.evaluate(X, Y > 0, verbose=0)
        expected = expected[0] if isinstance(expected, list) else expected
        assert ours.evaluate(X, Y > 0, verbose=0) == pytest.approx(expected, rel=1e-5)


# ---- files for Keras ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", INPUTS)
def test_a_model_for_keras(tmp_path, name):
    ours = chain(gru_c, name)
    files.save(ours, tmp_path / "model.keras")
    theirs = keras.saving.load_model(tmp_path / "model.keras")
    assert theirs.name == "net"
    assert theirs.input_shape == ours.input_shape
    assert [layer.name for layer in theirs.layers] == [layer.name for layer in ours.layers]
    assert_same(ours, theirs, INPUTS[name])
    again = files.load(tmp_path / "model.keras")
    np.testing.assert_array_equal(predictions(again, INPUTS[name]), predictions(ours, INPUTS[name]))


def test_a_layer_of_the_name_that_the_input_would_have(tmp_path):
    ours = gru_c.Sequential([gru_c.GRU(3, input_shape=(6, 4), name="input_layer")], dtype="float64")
    files.save(ours, tmp_path / "model.keras")
    theirs = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(predictions(theirs, X), predictions(ours, X), rtol=1e-12, atol=1e-12)


def test_keras_trains_on(tmp_path):
    ours = chain(gru_c, "penalties")
    rate = gru_c.schedules.ExponentialDecay(0.05, 20, 0.9)
    ours.compile(
        gru_c.optimizers.SGD(rate, momentum=0.5, clipvalue=0.5), gru_c.losses.Huber(0.7), ["mae"]
    )
    files.save(ours, tmp_path / "model.keras")
    theirs = keras.saving.load_model(tmp_path / "model.keras")
    settings = {"epochs": 3, "batch_size": 4, "shuffle": False, "verbose": 0}
    history, expected = (model.fit(X, Y, **settings).history for model in (ours, theirs))
    assert set(history) == set(expected) == {"loss", "mae"}
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-4, err_msg=name)


def test_the_slope_of_an_older_leaky_relu():
    from gru_c.interop.keras.layers import Origin, model_of

    model = keras.Sequential([K.Input((6, 4)), K.LeakyReLU(0.2, name="a")])
    spec = json.loads(json.dumps(keras.saving.serialize_keras_object(model)))
    config = spec["config"]["layers"][1]["config"]
    config["alpha"] = config.pop("negative_slope")
    assert model_of(spec, Origin("2.15.0")).layers[0].negative_slope == 0.2
