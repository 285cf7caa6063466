"""Calls whose training is fixed, and states that pass from layer to layer."""

import numpy as np
import pytest

from gru_c import LSTM, BatchNormalization, Dense, Dropout, Input, Model, layers


def test_dropout_with_a_fixed_flag_does_the_same_in_training_and_prediction():
    x = Input((50,))
    data = np.ones((4, 50), np.float32)
    for flag in (True, False):
        model = Model(x, layers.Add()([Dropout(0.5)(x, training=flag), x]), seed=0)
        values = [model.predict(data, verbose=0), model(data, training=True)]
        assert [bool((y != 2).any()) for y in values] == [flag, flag]


def test_a_layer_with_statistics_must_be_frozen_for_training_false():
    x = Input((3,))
    norm = BatchNormalization(name="norm")
    y = layers.Add()([norm(Dense(3)(x), training=False), x])
    model = Model(x, y)
    model.compile("sgd", "mse")
    data = np.ones((4, 3))
    with pytest.raises(ValueError, match=r"'norm' was called with training=False.*freeze"):
        model.train_on_batch(data, data)
    norm.trainable = False
    model.train_on_batch(data, data)


def test_states_pass_from_an_encoder_to_a_decoder():
    x, z = Input((None, 3)), Input((None, 2))
    _, h, c = LSTM(4, return_state=True)(x)
    decoder = LSTM(4, return_sequences=True)
    model = Model([x, z], decoder(z, initial_state=[h, c]))
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 6, 2))
    encoder = model.layers[2] if model.layers[2].name.startswith("lstm") else model.layers[1]
    _, *states = encoder(a)
    expected = decoder(b, initial_state=states)
    np.testing.assert_array_equal(model.predict([a, b], verbose=0), expected)
