"""Small estimators of scikit-learn, and samples for them."""

import numpy as np
import pytest
import specification

pytest.importorskip("sklearn")
from gru_c.sklearn import GRUClassifier, GRURegressor

RNG = np.random.default_rng(1)
X = RNG.standard_normal((50, 6, 2)).astype(np.float32)
Y = 100 + 10 * X[:, -1, 0].astype(np.float64)
CLASSES = np.where(X[:, -1, 0] > 0, "up", "down")
RAGGED = [x[: 1 + i % 6] for i, x in enumerate(X)]


def regressor(**options):
    return GRURegressor(**{"hidden_units": 5, "epochs": 2, "random_state": 0, **options})


def classifier(**options):
    return GRUClassifier(**{"hidden_units": 5, "epochs": 2, "random_state": 0, **options})


def specified_output(model, sequence):
    """Return the output of a model of one GRU and a Dense for one sequence (T, features)."""
    kernel, recurrent_kernel, bias, dense, dense_bias = model.get_weights()
    _, state = specification.gru(sequence[None], kernel, recurrent_kernel, bias)
    return (state @ dense + dense_bias)[0]
