"""Estimators for scikit-learn; they need ``pip install "gru_c[sklearn]"``.

>>> import numpy as np
>>> from sklearn.model_selection import cross_val_score
>>> from gru_c.sklearn import GRUClassifier
>>> X = np.random.default_rng(0).standard_normal((90, 5, 2))  # (n, T, features)
>>> y = np.where(X[:, 0, 0] > 0, "up", "down")
>>> classifier = GRUClassifier(hidden_units=8, learning_rate=0.03, epochs=40, random_state=0)
>>> bool(cross_val_score(classifier, X, y, cv=3).mean() > 0.8)
True
"""

from __future__ import annotations

from gru_c.sklearn.classifier import GRUClassifier
from gru_c.sklearn.regressor import GRURegressor

__all__ = ["GRUClassifier", "GRURegressor"]
