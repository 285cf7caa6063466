"""Models in models."""

import numpy as np
import pytest
from graph_models import X, Y, two_outputs

from gru_c import Dense, Input, Model, Sequential, layers


def test_a_model_in_a_model_is_its_layer_and_shares_its_weights():
    model = two_outputs()
    row = model.get_layer("row")
    assert isinstance(row, Sequential)
    assert [layer.name for layer in model.get_layer("fork").layers][1:] == ["left", "right"]
    before = row.get_weights()
    model.fit(X, Y, verbose=0)
    assert any((a != b).any() for a, b in zip(before, row.get_weights(), strict=True))
    assert model.count_params() == sum(weight.size for weight in model.get_weights())


def test_a_frozen_model_in_a_model_keeps_its_weights():
    model = two_outputs()
    row = model.get_layer("row")
    row.trainable = False
    before = row.get_weights()
    model.fit(X, Y, verbose=0)
    assert all((a == b).all() for a, b in zip(before, row.get_weights(), strict=True))


def test_a_model_that_is_called_twice_adds_its_gradients():
    inner = Sequential([Input((3,)), Dense(1, use_bias=False)])
    a, b = Input((3,)), Input((3,))
    model = Model([a, b], layers.add([inner(a), inner(b)]))
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(2, 4, 3))
    kernel = model.get_weights()[0]
    error = (x[0] + x[1]) @ kernel
    model.train_on_batch(list(x), np.zeros((4, 1)))
    expected = kernel - 0.01 * 2 * (x[0] + x[1]).T @ error / 4
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-4, atol=1e-6)


def test_shapes_that_do_not_fit_name_the_model():
    inner = Sequential([Input((3,)), Dense(1)], name="inner")
    with pytest.raises(ValueError, match=r"'inner' wants inputs of .*\(None, 3\), got \(None, 4\)"):
        inner(Input((4,)))
