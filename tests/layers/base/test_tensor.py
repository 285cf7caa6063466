"""Symbolic tensors: what they refuse, and the nodes that operations add."""

import numpy as np
import pytest

from gru_c import Dense, Input, Model
from gru_c.layers.base.tensor import flattened, holds_tensors


class Double:
    """An operation as `gru_c.ops` has them."""

    name = "double"

    def forward(self, inputs, training=False):
        return np.asarray(inputs[0]) * 2 + np.asarray(inputs[1]), None

    def backward(self, saved, grad_output, wanted=None):
        return [grad_output * 2, None]

    def output_shape(self, shapes):
        return shapes[0]


@pytest.mark.parametrize(
    ("use", "words"),
    [(bool, "Python cannot decide"), (list, "loop"), (np.sum, "no numbers yet")],
)
def test_a_tensor_without_numbers_refuses_what_needs_them(use, words):
    with pytest.raises(TypeError, match=words):
        use(Dense(2)(Input((3,))))


def test_an_operation_becomes_a_node_with_its_gradient_and_its_constants():
    x = Input((3,))
    hidden = Dense(2, use_bias=False)(x)
    model = Model(x, hidden._record(Double(), [hidden, np.ones(2)]))
    kernel = model.get_weights()[0]
    data = np.arange(6, dtype=np.float32).reshape(2, 3)
    y = model.predict(data, verbose=0)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, data @ kernel * 2 + 1, rtol=1e-6)
    model.compile("sgd", "mse")
    model.train_on_batch(data, np.zeros((2, 2)))
    gradient = data.T @ (2 * y / y.size * 2)
    np.testing.assert_allclose(model.get_weights()[0], kernel - 0.01 * gradient, rtol=1e-4)


def test_tensors_are_found_in_nested_lists():
    x = Input((3,))
    assert holds_tensors({"a": [1, (x,)]})
    assert not holds_tensors([np.ones(2)])
    assert list(flattened([1, (2, {"b": 3})])) == [1, 2, 3]
