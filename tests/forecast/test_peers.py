"""The simpler methods beside the model: their forecasts, quantiles and refusals."""

import numpy as np
import pytest
from forecasters import NOISY, WAVE, T, small

from gru_c.forecast import Forecaster, naive, seasonal_naive
from gru_c.forecast.peers import PEERS, choose_peers


def test_naive_forecasts_have_the_quantiles_of_their_earlier_errors():
    backtest = small(season=12, quantiles=(0.1, 0.5, 0.9)).backtest(NOISY, folds=1)
    fold = backtest.folds[0]
    train = NOISY[:146]
    for method, middle, season in (
        ("naive", naive(train, 4), 1),
        ("seasonal naive", seasonal_naive(train, 4, 12), 12),
    ):
        np.testing.assert_array_equal(fold.forecasts[method][0], middle)
        np.testing.assert_array_equal(fold.quantiles[method][0, :, 1], middle)
        back = 1 if season == 1 else 12
        errors = train[back:] - train[:-back]  # one step (one season) ahead
        errors = errors[: len(errors) - 3]  # from origins whose whole horizon is known
        expected = middle[0] + np.quantile(errors, 0.9)
        assert fold.quantiles[method][0, 0, 2] == pytest.approx(expected)


def test_ridge_continues_a_wave_that_is_linear_in_its_past():
    fold = small(24).backtest(WAVE, folds=1).folds[0]
    assert fold.forecasts["ridge"][0] == pytest.approx(WAVE[-4:], abs=0.01)


def test_ridge_knows_the_covariates_ahead():
    on = (np.random.default_rng(1).random(150) < 0.2) * 1.0
    backtest = small(24, season=12).backtest(WAVE + 20 * on, 2, on[:, None], refit=False)
    errors = {row["method"]: row["mae"] for row in backtest.summary()}
    assert errors["ridge"] < 1 < errors["seasonal naive"]


def test_a_summary_has_loss_coverage_and_time_of_each_method():
    backtest = small(quantiles=(0.1, 0.9)).backtest(NOISY, folds=2, compare=["ridge"])
    assert backtest.methods == ["GRU", "ridge"]
    for row in backtest.summary():
        outputs = np.stack([f.quantiles[row["method"]] for f in backtest.folds])
        measured = np.stack([f.measured for f in backtest.folds])
        loss = [
            np.mean(np.where(e > 0, q * e, (q - 1) * e))
            for q, e in zip((0.1, 0.9), (measured[..., None] - outputs).T, strict=True)
        ]
        assert row["pinball"] == pytest.approx(np.mean(loss))
        inside = (outputs[..., 0] <= measured) & (measured <= outputs[..., 1])
        assert row["coverage"] == pytest.approx(inside.mean())
        assert row["seconds"] >= 0
    assert "pinball" in str(backtest)


def test_a_method_that_cannot_forecast_is_left_out_with_a_warning():
    with pytest.warns(UserWarning, match="left out of the comparison: ridge: series 'y' has 7 win"):
        backtest = small(4, 4, validation_fraction=0).backtest(NOISY[:16], folds=1)
    assert backtest.methods == ["GRU", "naive"]


@pytest.mark.parametrize(
    ("compare", "message"),
    [
        (["arima"], "compare must name some of"),
        (["seasonal naive"], "the series have no season"),
        ("ridge", "compare must be a list of names, got 'ridge'"),
    ],
)
def test_unknown_methods_are_refused(compare, message):
    with pytest.raises((ValueError, TypeError), match=message):
        small().backtest(NOISY, folds=1, compare=compare)


def test_the_best_method_forecasts_in_place_of_the_model(tmp_path):
    forecaster = small(24, quantiles=(0.1, 0.5, 0.9), method="best").fit(WAVE)
    assert forecaster.method_ == "ridge"
    ahead = np.arange(150, 160)
    truth = 20 + 5 * np.sin(ahead * np.pi / 6) + 2 * np.cos(ahead * np.pi / 3)
    forecast = forecaster.predict(10)
    assert forecast[:, 1] == pytest.approx(truth, abs=0.05)
    forecaster.save(tmp_path / "f.safetensors")
    again = Forecaster.load(tmp_path / "f.safetensors")
    assert again.method_ == "ridge"
    np.testing.assert_array_equal(again.predict(10), forecast)
    np.testing.assert_array_equal(again.predict(10, WAVE), forecast)


def test_without_best_the_model_forecasts():
    model = small().fit(NOISY).predict()
    assert small().fit(NOISY).method_ == "GRU"
    np.testing.assert_array_equal(small(method="model").fit(NOISY).predict(), model)


def test_the_methods_of_statsforecast_forecast_a_trend():
    pytest.importorskip("statsforecast")
    trend = 3.0 * T + np.random.default_rng(0).normal(size=150)
    backtest = small(quantiles=(0.1, 0.5, 0.9)).backtest(trend, folds=1, compare=PEERS[3:])
    for row in backtest.summary()[1:]:
        assert row["mae"] < 3
        assert row["coverage"] > 0
    assert set(choose_peers(None, 12)) == set(PEERS)
