"""Lists of sequences that a model or its loss cannot take are refused."""

import numpy as np
import pytest
from ragged_models import LENGTHS, LIST, STEPS, WEIGHTS, I, N, T, X, Y, model_of, padded
from tools import assert_same_bits

from gru_c import GRU, Dense, Flatten, Sequential


def test_a_model_of_a_fixed_time():
    model = Sequential([GRU(4, return_sequences=True, input_shape=(T, I)), Flatten(), Dense(1)])
    model.compile("adam", "mse")
    model.fit(LIST[:3], Y[:3], verbose=0)
    assert model.predict(LIST, verbose=0).shape == (N, 1)
    with pytest.raises(ValueError, match=r"x\[1\] has 13 time steps, the model takes 12"):
        model.predict([LIST[0], np.zeros((13, I))])


def other(i, value):
    return [*LIST[:i], value, *LIST[i + 1 :]]


@pytest.mark.parametrize(
    ("x", "y", "options", "message"),
    [
        (other(2, np.zeros((4, 5))), Y, {}, r"x\[0\] has shape \(7, 3\), x\[2\] \(4, 5\)"),
        (LIST, Y, {"lengths": LENGTHS}, "sequences in a list have their own"),
        (LIST, Y[:-1], {}, r"x has 12 samples, y has shape \(11, 1\)"),
        ([np.zeros((4, 5)), np.zeros((2, 5))], Y[:2], {}, r"x must have shape"),
        ([np.zeros(4), np.zeros(2)], Y[:2], {}, "a list of arrays"),
        (X, Y, {"lengths": LENGTHS[:-1]}, r"lengths must have shape \(B,\) = \(12,\)"),
        (X, Y, {"lengths": LENGTHS + 1}, r"lengths\[3\] is 13; .* T = 12"),
        (padded(LIST), Y, {"bucket": True}, "give lengths, or x as a list"),
        (LIST, Y, {"bptt_steps": 3}, "all of whose steps count"),
    ],
    ids=str,
)
def test_bad_input_of_a_value_for_each_sequence(x, y, options, message):
    model = model_of(False)
    model.build((None, None, I))
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        model.fit(x, y, verbose=0, **options)
    for actual, expected in zip(model.get_weights(), before, strict=True):
        assert_same_bits(actual, expected)


@pytest.mark.parametrize(
    ("y", "weight", "message"),
    [
        (padded(STEPS), None, r"y must be a list of 12 arrays, .* shape \(12, 12, 2\)"),
        (STEPS[:-1], None, "got 11 of them"),
        ([STEPS[1], *STEPS[1:]], None, r"x\[0\] has 7 time steps, y\[0\] 1"),
        ([y[:, :1] for y in STEPS], None, r"expects y of shape .* of all sequences in a row"),
        (STEPS, WEIGHTS[:-1], "sample_weight must be a list"),
        (STEPS, np.ones((N, T)), r"sample_weight must have shape \(12,\)"),
        (STEPS, [np.full(n, np.inf) for n in LENGTHS], "sample_weight inf"),
    ],
    ids=["array", "fewer", "short", "outputs", "weights", "weight-array", "infinite"],
)
def test_bad_input_of_a_value_for_each_step(y, weight, message):
    with pytest.raises(ValueError, match=message):
        model_of(True).fit(LIST, y, sample_weight=weight, verbose=0)
