"""One optimizer step: it is taken as a whole, or nothing is changed."""

import numpy as np
import pytest
from fit_models import X, Y, assert_same_weights, compiled

from gru_c import (
    GRU,
    BatchNormalization,
    Dense,
    Input,
    Sequential,
    constraints,
    metrics,
    optimizers,
)


def test_train_on_batch_changes_nothing_when_the_loss_is_not_finite():
    model = compiled()
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="the loss is nan: 1 values of y in this batch"):
        model.train_on_batch(X, np.r_[np.nan, Y[1:]])
    assert_same_weights(model.get_weights(), before)


def state_of(model):
    optimizer = model.optimizer
    slots = {name: slot.copy() for name, slot in optimizer.slots.items()}
    states = [layer.state for layer in model.stateful_layers]
    return model.get_weights(), slots, optimizer.iterations, states


class Blown(constraints.Constraint):
    """A constraint that makes a weight infinite."""

    def __call__(self, weight):
        return weight * np.inf


@pytest.mark.parametrize(
    ("optimizer", "value"),
    [
        ("adam", np.inf),
        (optimizers.SGD(0.1, 0.9), -np.inf),
        (optimizers.Adam(clipvalue=1.0), np.inf),
        (optimizers.RMSprop(centered=True, global_clipnorm=1.0), np.inf),
        ("adamw", 1e300),  # infinite in float32
        (optimizers.SGD(1e39), 1.0),
        (optimizers.SGD(lambda step: 1e39), 1.0),
        (optimizers.Adam(epsilon=0.0), 0.0),  # 0 / 0, where a gradient is 0
    ],
)
def test_a_batch_that_makes_a_weight_infinite_changes_nothing(optimizer, value):
    model = Sequential([GRU(5, input_shape=(6, 4), stateful=True), Dense(1)], seed=0)
    model.compile(optimizer, "mse")
    model.forward(X)  # states
    x = X.astype(np.float64)
    x[9, 5, 0] = value
    if value == 0:
        x[:, :, 0] = 0
    model.optimizer.build(model.parameters)
    before = state_of(model)
    with pytest.raises(FloatingPointError, match=r"a weight became infinite.*nothing was changed"):
        model.train_on_batch(x, Y)
    after = state_of(model)
    assert after[2] == before[2]
    assert_same_weights(after[0], before[0])
    assert_same_weights(after[1].values(), before[1].values())
    assert_same_weights(after[3], before[3])


def test_a_constraint_that_makes_a_weight_infinite_changes_nothing():
    model = Sequential([GRU(5, input_shape=(6, 4)), Dense(1, kernel_constraint=Blown())])
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="a weight became infinite"):
        model.train_on_batch(X, Y)
    assert_same_weights(model.get_weights(), before)


def test_infinite_gradients_that_are_clipped_are_taken():
    model = compiled(optimizers.SGD(1e-3, clipvalue=1.0), lambda y, p: (1.0, np.full_like(p, 1e38)))
    model.train_on_batch(X, Y)
    assert np.isfinite(model.get_weights()[-1]).all()


def raises(y_true, y_pred):
    raise ZeroDivisionError("of the user")


class RaisesInItsResult(metrics.Metric):
    def values(self, y_true, y_pred):
        return np.ones(len(y_pred))

    def result(self):
        raise ZeroDivisionError("of the user")


@pytest.mark.parametrize("call", ["train_on_batch", "fit"])
@pytest.mark.parametrize(
    "make_metric",
    [
        lambda: raises,
        lambda: lambda y_true, y_pred: np.ones((3, 3)),
        lambda: metrics.SparseCategoricalAccuracy(),  # does not fit the targets
        RaisesInItsResult,
    ],
)
@pytest.mark.parametrize("stateful", [False, True])
def test_a_metric_that_raises_changes_nothing(call, make_metric, stateful):
    """Metrics are computed before the weights change."""
    x, y = np.ones((4, 3, 2)), np.ones((4, 2))
    layers = [Input((3, 2), batch_size=4 if stateful else None), GRU(3, stateful=stateful)]
    model = Sequential([*layers, BatchNormalization(), Dense(2)], seed=0)
    model.compile("adam", "mse")
    model.fit(x, y, batch_size=4, verbose=0)
    model.compile(model.optimizer, "mse", metrics=[make_metric()])
    before = state_of(model)
    with pytest.raises((ZeroDivisionError, ValueError, ArithmeticError)):
        getattr(model, call)(x, y, **({"verbose": 0, "batch_size": 4} if call == "fit" else {}))
    after = state_of(model)
    assert_same_weights(after[0], before[0])
    for name, slot in before[1].items():
        np.testing.assert_array_equal(after[1][name], slot)
    assert after[2] == before[2]
    for a, b in zip(after[3], before[3], strict=True):
        np.testing.assert_array_equal(a, b)
