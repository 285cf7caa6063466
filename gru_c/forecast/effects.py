"""The effects of covariates on a series, which no naive forecast may carry to another step."""

from __future__ import annotations

import numpy as np

from gru_c.common.arrays import Array

_PENALTIES = np.logspace(-6, 2, 17)  # relative to the mean square of a column
_LEAST_GAIN = 0.02  # share of the squared error that effects must explain
_FEWEST = 8  # differences for each effect


def covariate_effects(values: Array, rows: Array, season: int) -> tuple[float, ...]:
    """Return the change of a series for a change of each covariate by 1; () if none is seen.

    They are the coefficients of a ridge regression of the differences from the season before, whose
    penalty has the smallest leave-one-out error. So neither level nor season is taken for one.

    Parameters
    ----------
    values : ndarray, shape (n,)
        NaN where missing.
    rows : ndarray, shape (n or more, c)
    season : int
        The number of steps between two values whose difference is explained.
    """
    count = len(values)
    if not rows.shape[1] or count <= season:
        return ()
    change = values[season:] - values[:-season]
    cause = rows[season:count] - rows[: count - season]
    known = ~np.isnan(change)
    change, cause = change[known], cause[known]
    if len(change) < _FEWEST * (1 + rows.shape[1]):
        return ()
    change, cause = change - change.mean(), cause - cause.mean(axis=0)
    effects, residuals = ridge(cause, change[:, None])
    if not float((residuals**2).sum()) < (1 - _LEAST_GAIN) * float((change**2).sum()):
        return ()
    return tuple(effects[:, 0].tolist())


def ridge(x: Array, y: Array) -> tuple[Array, Array]:
    """Return the coefficients of a ridge regression without intercept, and its residuals.

    The penalty is the one with the smallest leave-one-out error; the residuals are those of the
    fits that leave out their row (Golub, Heath and Wahba, Generalized cross-validation as a method
    for choosing a good ridge parameter, 1979).

    Parameters
    ----------
    x : ndarray, shape (n, p)
    y : ndarray, shape (n, k)

    Returns
    -------
    coefficients : ndarray, shape (p, k)
    residuals : ndarray, shape (n, k)
    """
    squares, vectors = np.linalg.eigh(x.T @ x)
    squares = np.maximum(squares, 0)
    turned = x @ vectors
    products = turned.T @ y
    unit = max(float(squares.mean()), np.finfo(float).tiny)
    best: tuple[float, Array, Array] | None = None
    for penalty in _PENALTIES * unit:
        inner = products / (squares + penalty)[:, None]
        leverage = (turned**2 / (squares + penalty)).sum(axis=1)
        residuals = (y - turned @ inner) / np.maximum(1 - leverage, 1e-3)[:, None]
        error = float((residuals**2).sum())
        if best is None or error < best[0]:
            best = error, vectors @ inner, residuals
    assert best is not None
    return best[1:]
