"""The settings of a fit: epochs, and validations after some of them."""

import pytest
from weighted_models import X, Y, compiled

from gru_c import callbacks


@pytest.mark.parametrize(
    ("frequency", "epochs"), [(1, [0, 1, 2, 3, 4]), (2, [1, 3]), ([1, 5, 9], [0, 4]), ((6,), [])]
)
def test_validations_follow_some_epochs(frequency, epochs):
    model, seen = compiled(), []
    note = callbacks.LambdaCallback(
        on_test_begin=lambda logs: seen.append(len(model.history.epoch))
    )
    history = model.fit(
        X, Y, epochs=5, verbose=0, validation_data=(X, Y), validation_freq=frequency, callbacks=note
    )
    assert seen == epochs
    assert len(history.history.get("val_loss", [])) == len(epochs)
    assert len(history.history["loss"]) == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"validation_freq": 0}, "validation_freq must be an integer of at least 1 or a list"),
        ({"validation_freq": "2"}, "validation_freq must be an integer"),
        ({"validation_freq": [0]}, "an epoch in validation_freq must be an integer of at least 1"),
        ({"validation_batch_size": 0}, "validation_batch_size must be an integer of at least 1"),
        ({"validation_batch_size": 3, "validation_split": 0}, "needs validation_data or valid"),
        (
            {"validation_batch_size": 3, "validation_data": [(X, Y)], "validation_split": 0},
            "validation_batch_size goes with arrays",
        ),
    ],
)
def test_arguments_of_the_validation_that_do_not_fit(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        compiled().fit(X, Y, **{"verbose": 0, "validation_split": 0.5, **options})
