"""Optimizer steps on pieces of the flat vectors: the numbers of a step on the whole."""

import numpy as np
import pytest

from gru_c import Dense, Parameters, optimizers
from gru_c.optimizers import pieces

NAMES = ["adagrad", "adadelta", "adamax", "nadam", "lion"]


def values_after(name, steps=3):
    layers = [Dense(7, dtype="float64"), Dense(3, dtype="float64")]
    layers[0].build((None, 11), rng=0)
    layers[1].build((None, 7), rng=1)
    parameters, rng = Parameters(layers), np.random.default_rng(2)
    optimizer = optimizers.get(
        {"class_name": name, "config": {"weight_decay": 0.01, "clipvalue": 0.5}}
    )
    for _ in range(steps):
        for item in parameters.items:
            item.gradient[...] = rng.standard_normal(item.gradient.shape)
        optimizer.step(parameters)
    return parameters.values.copy()


@pytest.mark.parametrize("name", NAMES)
def test_the_length_of_the_pieces_does_not_change_a_bit(name, monkeypatch):
    whole = values_after(name)
    for length in (1, 10, 64):
        monkeypatch.setattr(pieces, "_LENGTH", length)
        np.testing.assert_array_equal(values_after(name), whole)


def test_blend_moves_a_mean_by_a_share_of_the_distance():
    mean, new = np.array([1.0, 4.0]), np.array([3.0, 0.0])
    pieces.blend(mean, new, 0.25)
    assert mean.tolist() == [1.5, 3.0]


def test_a_subclass_defines_the_step_of_a_piece():
    with pytest.raises(NotImplementedError):
        pieces.PiecewiseOptimizer(0.1).update_piece(None, 0.1)
