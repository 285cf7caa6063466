"""`evaluate`: the loss of the predictions, and models that are built for the samples."""

import numpy as np
import pytest
from fit_models import X, Y, compiled

from gru_c import GRU, Dense, Sequential


def test_evaluate_is_the_loss_of_the_predictions():
    model = compiled(metrics=["mae"])
    predicted = model.predict(X, verbose=0)[:, 0]
    for batch_size in (7, 32, 64):
        loss, mae = model.evaluate(X, Y, batch_size=batch_size, verbose=0)
        assert loss == pytest.approx(((predicted - Y) ** 2).mean(), rel=1e-5)
        assert mae == pytest.approx(np.abs(predicted - Y).mean(), rel=1e-5)


@pytest.mark.parametrize("call", ["evaluate", "test_on_batch"])
def test_evaluate_builds_the_model(call):
    model, built = (Sequential([GRU(5), Dense(1)], seed=3) for _ in range(2))
    for each in (model, built):
        each.compile("adam", "mse")
    built.build(X.shape)
    assert getattr(model, call)(X, Y) == getattr(built, call)(X, Y)
    assert model.built
