"""Stages: the numbers that the core gets for a layer, and packed weights that stages share."""

import numpy as np
import pytest

from gru_c import GRU, Bidirectional, Dense, Dropout, TimeDistributed, _core
from gru_c.network.core_stage import dense_stage, has_time, is_plain, recurrent_stage, weights_of


def built(layer, shape):
    layer.build(shape, rng=0)
    return layer


def test_a_stage_has_the_sizes_and_the_cell_of_a_gru():
    layer = built(GRU(5, reset_after=False, inference_weights="int8"), (None, 4, 3))
    stage = recurrent_stage(layer)
    assert (stage.dense, stage.features, stage.units) == (False, 3, 5)
    assert stage.typenum == np.dtype(np.float32).num
    assert stage.cell is layer.cell
    assert stage.weights_format == _core.WEIGHT_FORMATS["int8"]


@pytest.mark.parametrize("name", ["linear", "relu", "sigmoid", "tanh"])
def test_an_activation_of_the_core_is_part_of_the_stage(name):
    stage, function = dense_stage(built(Dense(5, name, dtype="float64"), (None, 3)))
    assert (stage.dense, stage.features, stage.units) == (True, 3, 5)
    assert stage.cell == _core.ACTIVATIONS[name]
    assert function is None


def test_another_activation_is_a_function_behind_a_linear_stage():
    stage, function = dense_stage(built(Dense(5, "softmax"), (None, 3)))
    assert stage.cell == _core.ACTIVATIONS["linear"]
    np.testing.assert_allclose(function(np.zeros((2, 5), np.float32)), 0.2)


def test_stages_with_equal_weights_share_the_packed_ones():
    layer = built(GRU(5), (None, 4, 3))
    other = built(GRU(5), (None, 4, 3))
    packed = recurrent_stage(layer).packed
    assert recurrent_stage(other).packed is packed
    other.set_weights([weight + 1 for weight in other.get_weights()])
    assert recurrent_stage(other).packed is not packed
    assert recurrent_stage(layer).packed is packed
    assert not packed.flags.writeable


def test_has_time():
    assert has_time([Dense(1)], (None, 5, 3))
    assert not has_time([Dense(1)], (None, 3))
    assert has_time([GRU(2)], (None, 3))


def test_a_class_with_a_forward_of_its_own_is_not_plain():
    class Twice(Dense):
        def forward(self, x, *, training=False):
            return 2 * super().forward(x, training=training)

    class Named(Dense):
        """Only another name."""

    assert is_plain(Dense(1), Dense)
    assert is_plain(Named(1), Dense)
    assert not is_plain(Twice(1), Dense)
    assert not is_plain(Dropout(0.5), Dense)
    assert not is_plain(TimeDistributed(Dense(1)), Dense)


def test_weights_have_no_prefix():
    layer = built(Bidirectional(GRU(2)), (None, 4, 3))
    assert list(weights_of(layer.forward_layer)) == ["kernel", "recurrent_kernel", "bias"]
