"""The kind of the user's data is decided once, and arguments that do not go with it are refused."""

import numpy as np
import pytest
from batch_sources import BATCHES, X, Y, compiled

from gru_c import GRU, Sequential


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": Y}, "y goes with arrays"),
        ({"batch_size": 8}, "batch_size goes with arrays"),
        ({"sample_weight": Y}, "sample_weight goes with arrays"),
        ({"lengths": np.ones(40, int)}, "lengths goes with arrays"),
        ({"bucket": True}, "bucket goes with arrays"),
        ({"validation_split": 0.1}, "validation_split goes with arrays"),
        ({"steps_per_epoch": 0}, "steps_per_epoch must be an integer of at least 1 or None, got 0"),
        ({"validation_steps": 1}, "validation_steps is for a source of batches"),
        ({"epochs": 2}, "say with steps_per_epoch how many of them are one of the 2 epochs"),
        (
            {"epochs": 2, "steps_per_epoch": 1, "validation_data": iter(BATCHES)},
            "say with validation_steps how many",
        ),
        ({"validation_data": 3}, "validation_data must be .* or a source of such batches, got int"),
        ({"x": iter([])}, "the source of batches gave no batch"),
        ({"x": {}}, "x must hold real numbers"),
        (
            {"x": X, "y": Y, "steps_per_epoch": 3, "batch_size": 1},
            r"steps_per_epoch=3, but .* samples in batches of 1 are .* batches, all of which",
        ),
        ({"x": X, "y": None}, "y must be an array of real numbers, got None"),
    ],
)
def test_arguments_that_do_not_go_with_a_source(arguments, message):
    model = compiled()
    before = model.get_weights()
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(**{"x": iter(BATCHES), "verbose": 0, **arguments})
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert model.optimizer.iterations == 0


def test_steps_of_arrays_are_their_first_batches():
    model = compiled()
    assert model.predict(X, batch_size=2, steps=2, verbose=0).shape[0] == 4
    part = model.evaluate(X[:4], Y[:4], verbose=0)
    assert model.evaluate(X, Y, batch_size=2, steps=2, verbose=0) == pytest.approx(part)
    history = model.fit(X, Y, batch_size=2, validation_data=(X, Y), validation_steps=2, verbose=0)
    after = model.evaluate(X[:4], Y[:4], batch_size=2, verbose=0)
    assert history.history["val_loss"] == [pytest.approx(after)]
    with pytest.raises(ValueError, match="steps must be an integer of at least 1, got 0"):
        model.predict(X, steps=0)


def test_arguments_for_arrays_do_not_go_with_a_source_in_predict():
    model = compiled()
    for name, value in (("batch_size", 8), ("lengths", [1]), ("bucket", True)):
        with pytest.raises(ValueError, match=f"{name} goes with arrays"):
            model.predict(iter([X]), **{name: value})


def test_a_source_needs_a_loss():
    model = Sequential([GRU(5, input_shape=(6, 4))])
    with pytest.raises(ValueError, match="call compile"):
        model.fit(iter(BATCHES))
