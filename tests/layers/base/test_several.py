"""Users' layers with several inputs or outputs, and a Lambda of several tensors."""

import numpy as np
import pytest
from called_models import classes

import gru_c
from gru_c import Dense, Input, Model, layers, ops

RNG = np.random.default_rng(41)
SERIES, NUMBERS = RNG.standard_normal((12, 7, 3)), RNG.standard_normal(12)
USERS = classes(gru_c, ops)


def test_several_outputs_of_one_tensor():
    x = Input((7, 3))
    mean, most = USERS.Pooled()(x)
    model = Model(x, [mean, most])
    results = model.predict(SERIES, verbose=0)
    np.testing.assert_allclose(results[0], SERIES.mean(1), atol=1e-6)
    np.testing.assert_allclose(results[1], SERIES.max(1), atol=1e-6)


def test_a_list_of_tensors_trains_the_layers_inside():
    a, b = Input((7, 3)), Input((7, 3))
    joined = USERS.Joined()
    model = Model([a, b], Dense(1)(layers.Flatten()(joined([a, b]))))
    before = joined.dense.get_weights()
    model.compile("sgd", "mse")
    model.fit([SERIES, -SERIES], NUMBERS, verbose=0)
    after = joined.dense.get_weights()
    assert all(np.abs(x - y).max() > 0 for x, y in zip(before, after, strict=True))
    assert any(layer is joined.dense for layer in model.layers)


def test_several_arguments_inside_the_call_of_a_model():
    model = USERS.Translator()
    words = RNG.integers(0, 9, (4, 7))
    model.compile("adam", "sparse_categorical_crossentropy")
    losses = model.fit([words, words], words, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]


def test_own_weights_with_several_inputs_are_refused():
    class Scaled(layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(3,), name="scale")

        def call(self, inputs):
            return inputs[0] * self.scale + inputs[1]

    with pytest.raises(TypeError, match="makes weights with add_weight, and takes or returns"):
        Scaled()([Input((7, 3)), Input((7, 3))])


def test_a_lambda_of_several_tensors_joins_the_graph():
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], Dense(1)(layers.Lambda(lambda t: ops.abs(t[0] - t[1]))([a, b])))
    model.compile("adam", "mse")
    model.fit([SERIES[:, 0], SERIES[:, 1]], NUMBERS, verbose=0)
    assert model.predict([SERIES[:, 0], SERIES[:, 1]], verbose=0).shape == (12, 1)
    with pytest.raises(TypeError, match="must return a tensor"):
        layers.Lambda(lambda t: 1)([a, b])
