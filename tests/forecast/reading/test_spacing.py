"""Equal steps of times."""

import numpy as np
import pytest

from gru_c.forecast.reading.spacing import spacing_of

pd = pytest.importorskip("pandas")


@pytest.mark.parametrize("freq", ["h", "D", "B", "W-WED", "MS", "ME", "BMS", "BME", "QS-FEB", "YE"])
def test_steps_of_a_calendar_are_equal(freq):
    times = pd.date_range("2020-03-01", periods=40, freq=freq).to_numpy()
    assert spacing_of(times, None).is_gapless
    assert spacing_of(times[::-1], None).is_gapless
    gaps = spacing_of(np.delete(times, [5, 20]), None)
    assert (gaps.is_gapless, gaps.on_grid) == (False, True)


def test_times_without_order_or_grid():
    times = pd.date_range("2020-03-01", periods=40).to_numpy()
    shuffled = np.random.default_rng(0).permutation(times)
    assert not spacing_of(shuffled, None).is_ordered
    odd = np.array(["2020-01-01", "2020-01-02", "2020-01-05T05:00"], "datetime64[us]")
    assert not spacing_of(odd, None).on_grid
    with pytest.raises(TypeError):
        assert spacing_of(times, None) > 1


def test_each_series_has_its_order():
    times = np.tile(pd.date_range("2020-03-01", periods=20).to_numpy(), 3)
    assert spacing_of(times, np.repeat([0, 1, 2], 20)).is_gapless
    assert spacing_of(times, None).is_gapless


def test_trading_hours_are_equal_steps_of_working_days():
    days = pd.bdate_range("2024-01-01", periods=20)
    times = np.concatenate([pd.date_range(f"{d:%F} 09:30", periods=78, freq="5min") for d in days])
    assert spacing_of(times, None).is_gapless
    assert spacing_of(np.delete(times, slice(156, 234)), None).on_grid
