"""The layer that adds a penalty of its input to the loss."""

import numpy as np
import pytest

from gru_c import ActivityRegularization, Dense, Sequential

X = np.array([[1.0, -2.0], [3.0, 0.5], [0.0, -1.0]])


@pytest.mark.parametrize(("l1", "l2"), [(0.5, 0.0), (0.0, 0.25), (0.5, 0.25)])
def test_the_penalty_is_added_per_sample_and_the_input_passes(l1, l2):
    model = Sequential([ActivityRegularization(l1, l2)], dtype="float64")
    model.compile("sgd", "mse")
    model.build((None, 2))
    np.testing.assert_array_equal(model(X), X)
    expected = (l1 * np.abs(X).sum() + l2 * (X**2).sum()) / len(X)
    assert model.evaluate(X, X, verbose=0) == pytest.approx(expected, rel=1e-12)


def test_the_gradient_goes_to_the_layers_before():
    dense = Dense(1, kernel_initializer="ones", use_bias=False, input_shape=(2,))
    model = Sequential([dense, ActivityRegularization(l2=0.5)], dtype="float64")
    model.compile("sgd", lambda y, p: (0.0, np.zeros_like(p)))
    model.optimizer.learning_rate = 0.1
    before = model.get_weights()[0].copy()
    model.train_on_batch(X, np.zeros((3, 1)))
    outputs = X @ before
    expected = before - 0.1 * X.T @ outputs / len(X)
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-12)


def test_factors_are_checked_and_no_other_penalty_is_taken():
    with pytest.raises(ValueError, match="ActivityRegularization: l1 must be a finite number >= 0"):
        ActivityRegularization(-1)
    with pytest.raises(TypeError, match="takes l1 and l2, no activity_regularizer"):
        ActivityRegularization(activity_regularizer="l2")
    layer = ActivityRegularization(0.25, 0.5)
    assert {name: layer.get_config()[name] for name in ("l1", "l2")} == {"l1": 0.25, "l2": 0.5}
    assert "activity_regularizer" not in layer.get_config()
