"""Forecasts have the form of the series."""

import numpy as np
import pytest
from forecasters import NOISY, WAVE, small


@pytest.mark.parametrize("quantiles", [None, (0.1, 0.5, 0.9)])
def test_forms_without_pandas(quantiles):
    last = () if quantiles is None else (3,)
    both = np.column_stack([NOISY, WAVE])
    forecaster = small(quantiles=quantiles)
    assert forecaster.fit(NOISY).predict(5).shape == (5, *last)
    columns = forecaster.fit(both).predict(5)
    assert columns.shape == (5, 2, *last)
    listed = forecaster.fit([NOISY, WAVE]).predict(5)
    np.testing.assert_array_equal(np.stack(listed, axis=1), columns)
    named = forecaster.fit({"a": NOISY, "b": WAVE[:100]}).predict(5)
    assert list(named) == ["a", "b"]
    assert named["b"].shape == (5, *last)


def test_forms_of_pandas():
    pd = pytest.importorskip("pandas")
    times = pd.date_range("2026-01-01", periods=150, freq="h")
    frame = pd.DataFrame({"a": NOISY, "b": WAVE}, times)
    ahead = pd.date_range(times[-1], periods=6, freq="h")[1:]
    single = small(season=None).fit(frame.a)
    assert single.season_ == 24
    assert single.layout.calendar == ("day",)
    forecast = single.predict(5)
    assert forecast.index.equals(ahead)
    assert forecast.name == "a"
    several = small().fit(frame).predict(5)
    assert several.columns.tolist() == ["a", "b"]
    assert several.index.equals(ahead)
    with_quantiles = small(quantiles=(0.1, 0.9)).fit(frame).predict(5)
    assert with_quantiles.columns.tolist() == [("a", 0.1), ("a", 0.9), ("b", 0.1), ("b", 0.9)]
    assert (with_quantiles.a[0.1] <= with_quantiles.a[0.9]).all()
    steps = small().fit(pd.Series(NOISY)).predict(2)
    assert steps.index.tolist() == [1, 2]
