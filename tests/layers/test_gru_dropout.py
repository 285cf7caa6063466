"""GRU layers that drop inputs, states and steps while training."""

import copy

import numpy as np
import pytest
import specification
from tools import assert_close, assert_same_bits

from gru_c import GRU, Dense, Sequential

pytestmark = pytest.mark.usefixtures("engine")
RATES = [
    {"dropout": 0.4},
    {"recurrent_dropout": 0.3},
    {"zoneout": 0.2},
    {"dropout": 0.2, "recurrent_dropout": 0.3, "zoneout": 0.1},
]
each_rate = pytest.mark.parametrize("rates", RATES, ids=str)


def layer_and_input(seed=3, shape=(6, 9, 5), **options):
    options = {"return_sequences": True, "dtype": "float64", "seed": seed, **options}
    layer = GRU(20, **options)
    layer.build((None, None, shape[2]), rng=0)
    return layer, np.random.default_rng(1).normal(size=shape)


@each_rate
def test_nothing_is_dropped_outside_training(rates):
    layer, x = layer_and_input(**rates)
    keep = np.full((9, 6, 20), rates.get("zoneout", 0))
    expected, _ = specification.gru(x, *layer.get_weights(), keeps=keep)
    assert_close(layer(x), expected, 1e-13)
    assert_same_bits(layer(x), layer(x))


@each_rate
def test_every_training_pass_draws_new_masks_and_a_seed_repeats_them(rates):
    layer, x = layer_and_input(**rates)
    first, second = (layer.forward(x, training=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    layer.set_seed(3)
    assert_same_bits(layer.forward(x, training=True), first)


def test_one_mask_of_the_input_for_all_steps():
    layer, _ = layer_and_input(dropout=0.5)
    layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    layer.value("kernel")[:, 40:] = np.eye(5, 20)  # the candidate is the input
    output = layer.forward(np.ones((6, 9, 5)), training=True)[:, :, :5]
    shown = output != 0
    assert_same_bits(shown, np.repeat(shown[:, :1], 9, axis=1))
    assert 0 < shown.mean() < 1
    # The input is scaled by 1 / (1 - 0.5), and z is 0.5 in the first step.
    np.testing.assert_allclose(output[:, 0][shown[:, 0]], np.tanh(2) / 2, rtol=1e-14)


@pytest.mark.parametrize("reset_after", [True, False])
def test_a_mask_of_the_state_for_all_steps_and_the_way_through_z_stays_whole(reset_after):
    layer, x = layer_and_input(recurrent_dropout=0.5, reset_after=reset_after)
    output = layer.forward(x, training=True)
    layer.set_seed(3)
    mask = layer.draw_mask((6, 20), 0.5)
    assert set(np.unique(mask)) == {0, 2}
    expected, _ = specification.gru(
        x, *layer.get_weights(), reset_after=reset_after, state_mask=mask
    )
    assert_close(output, expected, 1e-13)


def test_zoneout_keeps_units_as_they_were():
    layer, x = layer_and_input(zoneout=0.3, shape=(40, 30, 5))
    output = layer.forward(x, training=True)
    unchanged = output[:, 1:] == output[:, :-1]
    assert abs(unchanged.mean() - 0.3) < 0.01
    assert len(np.unique(unchanged, axis=1)[0]) > 1  # not the same units at every step


@each_rate
@pytest.mark.parametrize("reset_after", [True, False])
def test_gradients_against_central_differences(rates, reset_after):
    layer, x = layer_and_input(
        **rates, reset_after=reset_after, recurrent_initializer="glorot_uniform"
    )
    d_output = np.random.default_rng(2).normal(size=(6, 9, 20))

    def loss():
        layer.set_seed(7)
        return (layer.forward(x, training=True) * d_output).sum()

    loss()
    d_x = layer.backward(d_output).copy()
    rng = np.random.default_rng(4)
    for array, gradient in [(x, d_x), *((p.value, p.gradient.copy()) for p in layer.parameters)]:
        direction = rng.normal(size=array.shape) * 1e-6
        array += direction
        above = loss()
        array -= 2 * direction
        difference = (above - loss()) / 2e-6
        array += direction
        expected = (gradient * direction).sum() / 1e-6
        assert abs(difference - expected) <= 1e-7 * max(1, abs(expected))


@each_rate
def test_a_model_with_a_seed_repeats_its_training_and_its_copies_too(rates):
    x, y = np.random.default_rng(0).normal(size=(50, 7, 3)), np.zeros((50, 1))

    def model():
        result = Sequential([GRU(8, input_shape=(7, 3), **rates), Dense(1)], seed=5)
        result.compile("adam", "mse")
        return result

    first, second = model(), model()
    copied = copy.deepcopy(first)
    losses = [m.fit(x, y, epochs=3, verbose=0).history["loss"] for m in (first, second, copied)]
    assert losses[0] == losses[1] == losses[2]
    assert len(set(losses[0])) == 3


def test_settings_come_back_from_the_configuration():
    options = {
        "activation": ["leaky_relu", 0.01],
        "recurrent_activation": "hard_sigmoid",
        "clip": 3.0,
        "dropout": 0.1,
        "recurrent_dropout": 0.2,
        "zoneout": 0.3,
        "seed": 4,
    }
    config = GRU(5, **options).get_config()
    assert {name: config[name] for name in options} == options
    assert GRU(**config).cell == GRU(5, **options).cell
