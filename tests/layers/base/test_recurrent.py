"""What the recurrent layers share: arguments are checked, and messages name the layer's class."""

import numpy as np
import pytest
from tools import assert_same_bits, random_numbers

from gru_c import GRU, LSTM, Bidirectional, SimpleRNN

each_class = pytest.mark.parametrize("cls", [GRU, LSTM, SimpleRNN])
X = random_numbers(3, 5, 4)


@each_class
@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"activation": "gelu"}, "activation of an? {}.*'gelu'"),
        ({"inference_weights": "int4"}, "inference_weights of an? {}"),
        ({"zoneout": 1}, "zoneout"),
        ({"dropout": 1}, "dropout"),
        ({"clip": 0}, "clip"),
    ],
)
def test_bad_arguments_are_refused(cls, options, match):
    with pytest.raises(ValueError, match=match.format(cls.__name__)):
        cls(3, **options)


def test_arguments_of_another_cell_are_refused():
    with pytest.raises(TypeError):
        SimpleRNN(3, recurrent_activation="sigmoid")
    with pytest.raises(TypeError):
        LSTM(3, reset_after=True)
    with pytest.raises(TypeError):
        GRU(3, unit_forget_bias=True)


@each_class
@pytest.mark.parametrize("noise", ["dropout", "recurrent_dropout", "zoneout"])
def test_noise_is_of_training_alone_and_repeatable(cls, noise):
    options = {noise: 0.4}
    layer = cls(20, seed=3, **options)
    plain = layer(X)
    noisy = layer.forward(X, training=True)
    assert (noisy != plain).any()
    again = cls(20, seed=3, **options)
    again(X)
    again.set_weights(layer.get_weights())
    assert_same_bits(again.forward(X, training=True), noisy)


@each_class
def test_the_directions_have_one_class(cls):
    other = GRU if cls is not GRU else LSTM
    with pytest.raises(ValueError, match="of one class"):
        Bidirectional(cls(3), backward_layer=other(3, go_backwards=True))


@each_class
def test_a_class_of_the_user_computes_as_its_base(cls):
    derived = type("Mine", (cls,), {})
    layer = derived(3)
    y = layer(X)
    assert layer.plain_class is cls
    base = cls(3)
    base(X)
    base.set_weights(layer.get_weights())
    assert_same_bits(base(X), y)


@each_class
def test_packed_weights_are_used_until_the_weights_change(cls):
    layer = cls(30)
    before = layer(X)
    layer.hold_weights(True)
    assert_same_bits(layer(X), before)
    layer.set_weights([2 * weight for weight in layer.get_weights()])
    assert np.abs(layer(X) - before).max() > 0
