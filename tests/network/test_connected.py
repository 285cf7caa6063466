"""A row of layers as part of a graph."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Input, Model, Sequential


def test_a_sequential_has_symbolic_tensors_that_share_its_weights():
    row = Sequential([Input((5, 3)), GRU(4), Dense(2)])
    data = np.ones((2, 5, 3), np.float32)
    np.testing.assert_array_equal(
        Model(row.inputs, row.outputs).predict(data, verbose=0), row.predict(data, verbose=0)
    )
    hidden = Model(row.input, row.layers[0].output)
    assert hidden.predict(data, verbose=0).shape == (2, 4)
    row.set_weights([weight * 0 for weight in row.get_weights()])
    assert not hidden.predict(data, verbose=0).any()


def test_a_sequential_without_shape_has_none_and_gets_it_from_a_tensor():
    row = Sequential([Dense(2)])
    with pytest.raises(ValueError, match="has no weights yet"):
        row.input  # noqa: B018
    x = Input((3,))
    assert Model(x, row(x)).output_shape == (None, 2)
    assert row.input_shape == (None, 3)
