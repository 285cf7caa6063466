"""The arguments of `fit` are checked together, before anything is changed."""

import numpy as np
import pytest
from fit_models import X, Y, assert_same_weights, compiled

from gru_c import GRU, Dense, Dropout, Sequential


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": Y[:39]}, r"x has 40 samples, y has shape \(39,\)"),
        ({"y": np.zeros((40, 2))}, r"loss 'mse' expects y of shape \(40, 1\) or \(40,\)"),
        ({"y": Y.astype(complex)}, "y must hold real numbers .* complex128"),
        ({"y": ["a"] * 40}, "y must hold real numbers .* got dtype <U1"),
        ({"y": 3.0}, r"x has 40 samples, y has shape \(\)"),
        ({"x": X[:0], "y": Y[:0]}, "x has no samples"),
        ({"x": X[:, :5]}, r"x must have shape \(samples, 6, 4\), got \(40, 5, 4\)"),
        ({"x": X.astype(object)}, "x must hold real numbers"),
        ({"batch_size": 0}, "batch_size must be an integer of at least 1, got 0"),
        ({"epochs": -1}, "epochs must be an integer of at least 0, got -1"),
        ({"epochs": 1.5}, "epochs must be an integer of at least 0, got 1.5"),
        ({"verbose": 3}, "verbose must be 'auto', 0, 1 or 2, got 3"),
        ({"validation_split": 1.0}, r"validation_split must be a number in \[0, 1\), got 1.0"),
        (
            {"validation_split": "half"},
            r"validation_split must be a number in \[0, 1\), got 'half'",
        ),
        ({"seed": 1.5}, "seed must be a non-negative integer or None, got 1.5"),
        ({"validation_split": 0.99}, "of 40 samples leaves 0 to train on and 40 to validate on"),
        ({"validation_data": X}, "validation_data must be"),
        ({"validation_data": (X, Y[:3])}, r"x has 40 samples, y has shape \(3,\)"),
        ({"sample_weight": np.ones(39)}, "sample_weight"),
        ({"sample_weight": np.full(40, np.nan)}, "sample_weight"),
    ],
)
def test_fit_checks_before_it_changes_anything(arguments, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(**{"x": X, "y": Y, "epochs": 1, "verbose": 0, **arguments})
    assert_same_weights(model.get_weights(), before)
    assert model.optimizer.iterations == 0


def test_fit_that_is_refused_does_not_build():
    model = Sequential([GRU(5), Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="expects y of shape"):
        model.fit(X, np.zeros((40, 2)), verbose=0)
    assert not model.built


def test_validation_split_of_a_numpy_number():
    history = compiled().fit(X, Y, validation_split=np.float32(0.5), verbose=0).history
    assert len(history["val_loss"]) == 1


def test_arguments_that_keras_has_in_another_place_go_by_name():
    with pytest.raises(TypeError, match="positional"):
        Dropout(0.5, (40, 1, 4))  # noise_shape
