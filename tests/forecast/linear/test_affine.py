"""Models that are linear in the values they see, beside the same models computed step by step."""

import numpy as np
import pytest

from gru_c.forecast.linear.affine import Affine, Autoregression, smoothing, weighted_mean

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=60).cumsum()


@pytest.mark.parametrize("differences", [(), (1,), (4,), (1, 4)])
@pytest.mark.parametrize("lags", [(), (1, 2), (1, 3, 4, 5)])
def test_an_iterated_autoregression_is_one_matrix(lags, differences):
    model = Autoregression(lags, differences)
    coefficients = 0.3 * RNG.normal(size=len(lags))
    given = model._iterate(coefficients, 0.25, 6)(VALUES[None])[0]
    values = VALUES
    for _ in range(6):
        changes = [values]
        for step in differences:
            changes.append(changes[-1][step:] - changes[-1][:-step])
        following = 0.25 + sum(
            c * changes[-1][-lag] for c, lag in zip(coefficients, lags, strict=True)
        )
        for step, series in zip(differences[::-1], changes[-2::-1], strict=True):
            following += series[-step]
        values = np.append(values, following)
    np.testing.assert_allclose(given, values[-6:], rtol=1e-9)


def test_an_autoregression_finds_the_recursion_behind_a_series():
    values = [1.0, 2.0]
    for _ in range(60):
        values.append(1.6 * values[-1] - 0.9 * values[-2] + 0.1)
    model = Autoregression((1, 2), ())
    inputs, targets, steps = model.rows([np.array(values)])
    assert steps[0].tolist() == list(range(2, 62))
    path = model.fit(inputs[:-4], targets[:-4], 4)
    np.testing.assert_allclose(path(np.array(values[:-4])[None])[0], values[-4:], atol=1e-3)


def test_missing_values_are_in_no_row():
    values = VALUES.copy()
    values[[20, 21, 40]] = np.nan
    inputs, targets, steps = Autoregression((1, 2), (1,)).rows([values])
    assert np.isfinite(inputs).all()
    assert np.isfinite(targets).all()
    assert not {20, 21, 22, 23, 24, 40, 41, 42, 43} & set(steps[0].tolist())


@pytest.mark.parametrize(("season", "trend"), [(1, 0.0), (1, 0.1), (4, 0.0), (4, 0.1)])
def test_smoothing_is_that_of_holt_and_winters(season, trend):
    given = smoothing(0.4, trend, season, 0.3, 20, 5)(VALUES[None, -20:])[0]
    y = VALUES[-20:]
    level = y[:season].mean()
    slope = (y[season : 2 * season].mean() - level) / season if trend else 0.0
    profile = list(y[:season] - level) if season > 1 else [0.0]
    for t in range(max(season, 1), 20):
        old, place = level, t % season
        level = 0.4 * (y[t] - profile[place]) + 0.6 * (old + 0.95 * slope)
        if trend:
            slope = trend * (level - old) + (1 - trend) * 0.95 * slope
        if season > 1:
            profile[place] += 0.3 * (y[t] - level - profile[place])
    ahead = np.arange(1, 6)
    wanted = level + np.cumsum(0.95**ahead) * slope + np.array(profile)[(19 + ahead) % season]
    np.testing.assert_allclose(given, wanted, rtol=1e-9)


def test_the_mean_of_maps_is_the_mean_of_forecasts():
    maps = [Affine(RNG.normal(size=(lags, 3)), RNG.normal(size=3)) for lags in (2, 5, 1)]
    weights = [0.5, 0.3, 0.2]
    wanted = sum(w * m(VALUES[None]) for w, m in zip(weights, maps, strict=True))
    np.testing.assert_allclose(weighted_mean(maps, weights)(VALUES[None]), wanted, rtol=1e-12)
