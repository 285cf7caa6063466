"""Small estimators of scikit-learn, and samples for them."""

import numpy as np

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
