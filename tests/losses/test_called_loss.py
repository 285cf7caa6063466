"""Users' losses that define call, as for Keras."""

import copy
import pickle

import numpy as np
import pytest

from gru_c import Dense, Input, Sequential, losses, ops

RNG = np.random.default_rng(47)
Y, P = RNG.standard_normal((4, 3)), RNG.standard_normal((4, 3))


class Scaled(losses.Loss):
    def __init__(self, factor=2.0, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * ops.mean(ops.square(y_true - y_pred), axis=-1)


def test_value_gradient_and_name():
    loss = Scaled(3.0, name="mine")
    value, gradient = loss.value_and_gradient(Y, P)
    assert value == loss(Y, P) == pytest.approx(3 * np.mean((Y - P) ** 2))
    np.testing.assert_allclose(gradient, 3 * 2 * (P - Y) / Y.size)
    assert loss.name == "mine"
    assert Scaled().name == "scaled"
    assert loss.get_config()["factor"] == 3.0
    weights = np.array([0.0, 1.0, 2.0, 1.0])
    expected = np.mean(weights * 3 * np.mean((Y - P) ** 2, axis=-1))
    assert loss(Y, P, weights) == pytest.approx(expected)


def test_a_model_trains_as_with_the_loss_of_the_library():
    x, histories = RNG.standard_normal((12, 5)), []
    y = RNG.standard_normal((12, 3))
    for loss in (Scaled(1.0), "mse"):
        model = Sequential([Input((5,)), Dense(3)], seed=1)
        model.compile("sgd", loss)
        histories.append(model.fit(x, y, epochs=3, verbose=0, seed=2).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-6)


def test_copies_and_pickles():
    loss = Scaled(4.0)
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss))):
        assert isinstance(other, Scaled)
        assert other(Y, P) == loss(Y, P)


def test_a_subclass_of_it_and_another_reduction():
    class Doubled(Scaled):
        def call(self, y_true, y_pred):
            return 2 * super().call(y_true, y_pred)

    assert Doubled()(Y, P) == pytest.approx(2 * Scaled()(Y, P))
    with pytest.raises(ValueError, match="takes the mean of the values, got reduction='sum'"):
        Scaled(reduction="sum")


def test_per_sample_goes_before_call():
    class Both(losses.Loss):
        def call(self, y_true, y_pred):
            raise AssertionError

        def per_sample(self, y_true, y_pred):
            return np.mean(np.abs(y_true - y_pred), axis=-1)

    assert Both()(Y, P) == pytest.approx(np.mean(np.abs(Y - P)))
