"""`evaluate`: the loss of the predictions, and models that cannot be evaluated yet."""

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


def test_evaluate_before_build():
    model = Sequential([GRU(5), Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(ValueError, match="no weights yet, so evaluate is not possible"):
        model.evaluate(X, Y)
