"""A report on a forecast: its verdict, its tables and its pictures."""

import numpy as np
import pytest
from forecasters import NOISY, small

from gru_c.forecast import Backtest, Fold
from gru_c.forecast.report import make_report, verdict


def backtest(error, naive_error):
    fold = Fold(
        origins=[9],
        measured=np.array([[1.0, 2.0]]),
        forecasts={
            "GRU": np.array([[1.0 + error, 2.0]]),
            "naive": np.array([[1.0 + naive_error, 2.0]]),
        },
        bounds=None,
        scales=np.array([1.0]),
        times=[np.array([10, 11])],
    )
    return Backtest(["y"], [fold], 0, None)


@pytest.mark.parametrize(
    ("error", "naive_error", "words"),
    [
        (0.5, 2.0, "is 75 % smaller than that of the naive forecast, the best of the simpler ones"),
        (1.5, 1.0, "is 50 % larger: take the naive forecast"),
        (1.0, 0.0, "makes no error: there is nothing to be gained"),
    ],
)
def test_the_verdict_compares_with_the_best_naive_forecast(error, naive_error, words):
    assert words in verdict(backtest(error, naive_error))


def test_the_page_is_one_file_with_its_pictures_and_escaped_words():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    rows = [{"step": 1, "y": 3.25}, {"step": 2, "y": 4.5}]
    charts = small().fit({"a<b": NOISY}).chart(6, past=20, unit="MW")
    page = make_report("Load <b>", ["a & b"], ["c"], backtest(0.5, 2.0), rows, charts, Figure())
    assert "<title>Load &lt;b&gt;" in page
    assert "<li>a &amp; b</li>" in page
    assert page.count("<img") == 1
    assert "<figcaption>a&lt;b</figcaption>" in page
    assert 'src="data:image/' in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert "75 % smaller" in page
    for value in ("3.25", "4.5"):
        assert value in page


def test_the_page_says_what_intervals_cover_and_writes_large_numbers_out():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    forecaster = small(linear=True, quantiles=(0.1, 0.9))
    result = forecaster.backtest(NOISY, 2, refit=False)
    rows = [{"step": 1, "y": 15637.0}]
    page = make_report("Load", [], [], result, rows, "", Figure())
    assert "<td>0.1 to 0.9</td><td>80 %</td>" in page
    assert f"<td>{100 * result.coverage:.0f} %</td><td>8, which neither fit nor" in page
    assert "<td>15637</td>" in page
