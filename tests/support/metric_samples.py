"""Targets and predictions for metrics, which `stream` adds in batches of different size."""

import numpy as np

RNG = np.random.default_rng(0)
Y, P = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 3))
ONE_HOT = np.eye(3)[RNG.integers(0, 3, 20)]
LABELS = ONE_HOT.argmax(axis=1)
BITS = (Y > 0).astype(int)


def stream(metric, y, p, cuts=(1, 8, 8)):
    for rows in zip(np.split(y, cuts), np.split(p, cuts), strict=True):
        metric.update(*rows)
    return metric.result()
