"""Models of Keras that gru_c cannot represent: the message names the layer and the option."""

import numpy as np
import pytest
from keras_peer import keras

pytest.importorskip("h5py")
from gru_c.interop import keras as files

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's, PyTorch's and absl's own

K = keras.layers


class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x


@keras.saving.register_keras_serializable("mine", "GRU")
class Mine(keras.layers.GRU):
    pass


class MyCell(keras.layers.GRUCell):
    pass


keras.saving.register_keras_serializable("mine")(Doubled)
REFUSED = {
    "for every step": (
        lambda: [K.TimeDistributed(K.AlphaDropout(0.1, name="a"), name="b")],
        r"layer 'b' \(TimeDistributed\): layer 'a' \(AlphaDropout\): gru_c has no such layer",
    ),
    "alpha": (
        lambda: [K.AlphaDropout(0.1, name="a")],
        r"layer 'a' \(AlphaDropout\): gru_c",
    ),
    "lambda": (
        lambda: [K.Lambda(lambda x: x, name="a")],
        r"layer 'a' \(Lambda\): it is code, and nothin",
    ),
    "own": (lambda: [Doubled()], "'Doubled' is a class of somebody's own"),
    "own of a known name": (lambda: [Mine(3)], "is a class of somebody's own"),
    "nested": (
        lambda: [keras.Sequential([K.GRU(3)], name="a")],
        r"layer 'a' \(Sequential\): gru_c has no",
    ),
    "gelu": (lambda: [K.GRU(3, "gelu", name="a")], r"layer 'a' \(GRU\): .*'gelu'"),
    "activation": (
        lambda: [K.Dense(3, "sparsemax", name="a")],
        r"layer 'a' \(Dense\): unknown activation 'sparsemax'",
    ),
    "axis": (lambda: [K.LayerNormalization(axis=1, name="a")], r"layer 'a' .*axis must be -1"),
    "rms": (
        lambda: [K.LayerNormalization(rms_scaling=True, name="a")],
        r"'a' .*nothing for rms_scaling",
    ),
    "noise": (
        lambda: [K.Dropout(0.1, noise_shape=(None, 1, 4), name="a")],
        r"'a' .*for noise_shape=\[",
    ),
    "half": (
        lambda: [K.GRU(3, dtype="mixed_float16", name="a")],
        r"'a' \(GRU\): dtype 'mixed_float16'",
    ),
    "state": (
        lambda: [K.GRU(3, return_state=True, name="a")],
        r"'a' \(GRU\): return_state=True gives the states",
    ),
    "cell": (
        lambda: [K.RNN([K.GRUCell(3), MyCell(3, name="a")], name="b")],
        r"layer 'b' \(RNN\): .*'MyCell' is a class of somebody's own",
    ),
    "rank": (lambda: [K.Dense(3, lora_rank=2, name="a")], r"'a' .*for lora_rank=2"),
    "order": (
        lambda: [K.Flatten(data_format="channels_first", name="a")],
        r"'a' .*for data_format='cha",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_what_cannot_be_represented_is_named(tmp_path, case, suffix):
    make, message = REFUSED[case]
    path = tmp_path / f"model{suffix}"
    if suffix == ".h5" and case.startswith("own"):
        message = "gru_c has no such layer"
    keras.Sequential([K.Input((6, 4)), *make()]).save(path)
    with pytest.raises(ValueError, match=message) as caught:
        files.load(path)
    assert str(path) in str(caught.value)


def branching(x):
    return K.Add()([K.GRU(3)(x), K.GRU(3)(x)])


def twice(x):
    layer = K.GRU(4, return_sequences=True)
    return layer(layer(x))


@pytest.mark.parametrize("build", [branching, twice, lambda x: [h := K.GRU(3)(x), K.Dense(1)(h)]])
def test_functional_models_that_are_no_chain(tmp_path, build):
    x = K.Input((6, 4))
    theirs = keras.Model(x, build(x))
    theirs.save(tmp_path / "model.keras")
    data = np.random.default_rng(3).standard_normal((2, 6, 4)).astype(np.float32)
    results = [m.predict(data, verbose=0) for m in (files.load(tmp_path / "model.keras"), theirs)]
    for y, expected in zip(*results, strict=True):
        np.testing.assert_allclose(y, expected, atol=1e-5)
