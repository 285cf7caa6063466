"""The linear path: which models it is the mean of, and its errors."""

import numpy as np

from gru_c.forecast.linear import fit_path

T = np.arange(200)
RNG = np.random.default_rng(1)


def test_a_season_is_forecast_exactly():
    values = np.sin(T * np.pi / 6)
    path = fit_path([values[:190]], 10, (12,))
    np.testing.assert_allclose(path.map(values[None, :190])[0], values[190:], atol=1e-3)
    assert abs(sum(path.models.values()) - 1) < 1e-12


def test_noise_is_forecast_by_its_mean():
    path = fit_path([RNG.normal(size=200)], 5, ())
    forecast = path.map(RNG.normal(size=(1, 200)))[0]
    assert np.abs(forecast).max() < 0.5
    assert 0.8 < path.size < 1.2


def test_errors_are_of_values_that_the_models_had_not_seen():
    values = RNG.normal(size=120)
    path = fit_path([values], 3, ())
    own = path.map(np.stack([values[t + 1 - 58 : t + 1] for _, t in path.origins]))
    measured = np.stack([values[t + 1 : t + 4] for _, t in path.origins])
    assert np.mean((measured - own) ** 2) < np.mean(path.errors**2)
    assert path.ages.tolist() == [119 - t for _, t in path.origins]


def test_many_series_have_one_path_that_a_part_of_them_gives():
    values = [np.sin((T + shift) * np.pi / 6) for shift in range(60)]
    path = fit_path(values, 4, (12,))
    assert {i for i, _ in path.origins} > {0, 59}
    assert max(t for _, t in path.origins) == 195
    np.testing.assert_allclose(path.map(values[7][None, :196])[0], values[7][196:], atol=1e-3)


def test_short_series_have_no_path():
    assert fit_path([np.arange(5.0)], 4, ()) is None
