"""A small forecaster, and series for it."""

import numpy as np

from gru_c.forecast import Forecaster

NAN = float("nan")
T = np.arange(150)
WAVE = 20 + 5 * np.sin(T * np.pi / 6) + 2 * np.cos(T * np.pi / 3)
NOISY = WAVE + np.random.default_rng(0).normal(size=150)


def small(window=12, horizon=4, **changes):
    settings = {"hidden_units": 4, "epochs": 2, "seed": 0, "season": 0, "dropout": 0.0}
    return Forecaster(window, horizon, **{**settings, "linear": False, **changes})
