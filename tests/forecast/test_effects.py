"""The effects of covariates: found, taken out of the naive forecasts, and kept in files."""

import numpy as np
import pytest

from gru_c.forecast import Forecaster
from gru_c.forecast.effects import covariate_effects, ridge

RNG = np.random.default_rng(5)
T = np.arange(214)
PROMO = (RNG.random(214) < 0.15) * 1.0
SALES = 50 + 10 * np.sin(2 * np.pi * T / 7) + 20 * PROMO + RNG.normal(size=214)


def promoted(**changes):
    settings = {"hidden_units": 4, "epochs": 3, "seed": 0, "season": 7, "dropout": 0.0, **changes}
    return Forecaster(21, 14, **settings)


def test_leave_one_out_residuals_are_those_of_fits_without_the_row():
    x, y = RNG.normal(size=(30, 4)), RNG.normal(size=(30, 1))
    coefficients, residuals = ridge(x, y)
    penalty = (x.T @ (y - x @ coefficients) / coefficients).mean()
    for row in (0, 7):
        a, b = np.delete(x, row, 0), np.delete(y, row, 0)
        left = np.linalg.solve(a.T @ a + penalty * np.eye(4), a.T @ b)
        assert residuals[row] == pytest.approx(y[row] - x[row] @ left)


def test_the_effect_of_a_promotion_is_found_beside_a_season_and_gaps():
    values = SALES.copy()
    values[40:45] = np.nan
    assert covariate_effects(values, PROMO[:, None], 7) == pytest.approx([20], abs=1)


def test_a_covariate_without_effect_and_a_short_series_have_none():
    noise = np.random.default_rng(0).normal(size=(214, 1))
    assert covariate_effects(SALES, noise, 7) == ()
    assert covariate_effects(SALES[:12], PROMO[:, None], 7) == ()
    assert covariate_effects(SALES, np.zeros((214, 0)), 7) == ()


def test_a_promotion_does_not_come_back_with_the_season():
    forecaster = promoted().fit(SALES[:200], PROMO[:200, None])
    error = forecaster.predict(covariates=PROMO[200:, None]) - SALES[200:]
    assert np.abs(error).mean() < 2
    with_promotion = forecaster.predict(covariates=np.ones((14, 1)))
    without = forecaster.predict(covariates=np.zeros((14, 1)))
    assert (with_promotion - without).mean() == pytest.approx(20, abs=3)


def test_a_promotion_multiplies_a_series_on_a_logarithmic_scale():
    grown = np.exp(SALES / 40)
    forecaster = promoted(scale="log").fit(grown[:200], PROMO[:200, None])
    pair = [forecaster.predict(covariates=np.full((14, 1), on)) for on in (1.0, 0.0)]
    assert np.log(pair[0] / pair[1]).mean() == pytest.approx(0.5, abs=0.1)


def test_effects_are_those_of_each_series_and_of_a_new_one():
    series = {"a": SALES[:200], "b": SALES[:200] + 10 * PROMO[:200]}
    forecaster = promoted().fit(series, PROMO[:200, None])
    assert forecaster.scales["b"].effects[0] == pytest.approx(
        1.5 * forecaster.scales["a"].effects[0], rel=0.1
    )
    new = {"c": SALES[:200] - 20 * PROMO[:200]}
    pair = [
        forecaster.predict(series=new, covariates=np.r_[PROMO[:200], np.full(14, on)][:, None])
        for on in (1.0, 0.0)
    ]
    assert np.abs(pair[0]["c"] - pair[1]["c"]).mean() < 3


def test_effects_stay_in_a_file(tmp_path):
    forecaster = promoted().fit(SALES[:200], PROMO[:200, None])
    forecaster.save(tmp_path / "f.safetensors")
    again = Forecaster.load(tmp_path / "f.safetensors")
    ahead = np.resize(PROMO, (28, 1))
    np.testing.assert_array_equal(
        forecaster.predict(28, covariates=ahead), again.predict(28, covariates=ahead)
    )
