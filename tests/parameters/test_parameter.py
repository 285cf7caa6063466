"""A weight of a layer: reading, setting, copying, and its penalty."""

import copy
import pickle

import numpy as np
import pytest
from copied import trained_model
from tools import small_model

from gru_c import regularizers
from gru_c.parameters.parameter import Parameter, penalty_of


@pytest.mark.parametrize("part", ["model", "layer", "parameters"])
def test_shallow_copies_are_refused(part):
    model = trained_model()
    parts = {"model": model, "layer": model.layers[0], "parameters": model.parameters}
    with pytest.raises(TypeError, match=r"would share its weights .* use copy.deepcopy"):
        copy.copy(parts[part])


def test_a_weight_is_assigned():
    model = small_model()
    bias = model.layers[1].weights[1]
    bias.assign([2.5])
    copy = bias.numpy()
    copy[...] = 0
    assert model.get_weights()[-1] == [2.5]
    with pytest.raises(ValueError, match=r"bias has shape \(1,\), got \(2,\)"):
        bias.assign([1, 2])


def test_a_weight_is_set_in_place_and_only_by_numbers_of_its_shape():
    item = Parameter("kernel", np.zeros((2, 3)))
    array = item.array
    item.value = np.arange(6.0).reshape(2, 3)
    assert item.array is array
    assert array.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match=r"kernel has shape \(2, 3\), got \(3, 2\)"):
        item.value = np.zeros((3, 2))
    with pytest.raises(ValueError, match="read-only"):
        item.array[0, 0] = 1
    assert array[0, 1] == 1


def test_the_penalty_is_the_sum_over_the_weights_that_have_a_regularizer():
    items = [
        Parameter("a", np.array([1.0, -2.0]), regularizers.L1(0.5)),
        Parameter("b", np.array([3.0])),
        Parameter("c", np.array([3.0, 4.0]), regularizers.L2(0.1)),
    ]
    assert penalty_of(items) == pytest.approx(0.5 * 3 + 0.1 * 25)
    assert penalty_of(items[1:2]) == 0


def test_numpy_returns_a_copy_and_pickles_keep_everything():
    item = Parameter("bias", np.ones(2, np.float32), trainable=False)
    item.gradient[:] = 5
    item.numpy()[:] = 7
    assert item.array.tolist() == [1, 1]
    again = pickle.loads(pickle.dumps(item))
    assert (again.name, again.trainable, again.dtype) == ("bias", False, np.dtype(np.float32))
    assert again.gradient.tolist() == [5, 5]
    again.value[:] = 3  # its memory can be written to
    assert again.numpy().tolist() == [3, 3]
