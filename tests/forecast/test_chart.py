"""Charts of forecasts for a page."""

import json
import re
from html import unescape

from forecasters import NAN, NOISY, small


def test_a_chart_joins_the_forecast_to_the_last_known_value():
    values = NOISY.copy()
    values[[70, -1]] = NAN
    forecaster = small(quantiles=(0.1, 0.9)).fit(values)
    html = forecaster.chart(4, past=20, unit="MW")
    measured = re.findall('class="measured" points="([^"]*)"', html)[-1].split()
    forecast = re.findall('class="forecast" points="([^"]*)"', html)[0].split()
    assert len(measured) == 19
    assert len(forecast) == 5
    assert forecast[0] == measured[-1]
    points = json.loads(unescape(re.findall('data-points="([^"]*)"', html)[0]))
    assert [len(points), points[19][1]] == [24, "149: missing"]
    assert re.fullmatch(r"153: forecast \S+ MW \(\S+ to \S+\)", points[-1][1])
