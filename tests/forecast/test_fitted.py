"""A trained model continues series: its own forecasts, and series that it has not seen."""

import numpy as np
from forecasters import NOISY, WAVE, small


def test_beyond_the_horizon_goes_on_from_its_own_forecast():
    forecaster = small().fit(NOISY)
    first = forecaster.predict(4)
    again = forecaster.predict(4, np.concatenate([NOISY, first]))
    np.testing.assert_array_equal(forecaster.predict(7), np.concatenate([first, again])[:7])


def test_another_series_of_another_level():
    forecaster = small(season=12).fit({"a": NOISY, "b": WAVE})
    forecast = forecaster.predict(4, {"a": NOISY[:100], "new": 1000 * WAVE[:100]})
    np.testing.assert_allclose(forecast["new"], 1000 * WAVE[100:104], rtol=0.05)
