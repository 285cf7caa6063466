"""Forecasters in ONNX files, run by onnxruntime beside their own forecasts."""

from dataclasses import replace

import numpy as np
import pytest

from gru_c.forecast import Forecaster

pandas = pytest.importorskip("pandas")
pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

T = np.arange(900)
NOISY = 50 + 9 * np.sin(T * np.pi / 6) + np.random.default_rng(0).normal(size=900)


def run(forecaster, path, values, times=None):
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {"values": values[None, -session.get_inputs()[0].shape[1] :]}
    window = forecaster.window
    if times is not None:
        seconds = times.as_unit("s").asi8[-window:]
        feed["times"] = seconds[None].astype(np.int64)
    return session.run(None, feed)[0][0]


def small(**changes):
    settings = {"hidden_units": 5, "epochs": 2, "seed": 0, "quantiles": (0.1, 0.5, 0.9), **changes}
    return Forecaster(30, 7, **settings)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"linear": False},
        {"linear": False, "season": 12},
        {"season": 12},
        {"season": 12, "scale": "log"},
        {"lower": 36.0},
        {"quantiles": None},
        {"counts": True},
    ],
)
def test_onnxruntime_forecasts_the_same(changes, tmp_path):
    forecaster = small(**changes).fit(NOISY.round() if "counts" in changes else NOISY)
    if forecaster.base is not None:
        forecaster.base = replace(forecaster.base, share=0.5, widening=1.3)
    forecaster.to_onnx(tmp_path / "f.onnx")
    expected = forecaster.predict().reshape(7, -1)
    outputs = run(forecaster, tmp_path / "f.onnx", forecaster.past.series[0].values)
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)


@pytest.mark.parametrize("start", ["2023-01-05", "2098-06-01", "1968-01-01"])
@pytest.mark.parametrize("freq", ["D", "h"])
def test_the_calendar_is_in_the_graph(start, freq, tmp_path):
    times = pandas.date_range(start, periods=900, freq=freq)
    forecaster = small().fit(pandas.Series(NOISY, times))
    assert forecaster.layout.calendar == (("week", "year") if freq == "D" else ("day", "week"))
    forecaster.to_onnx(tmp_path / "f.onnx")
    for end in (900, 790, 560):
        expected = forecaster.predict(series=pandas.Series(NOISY, times, name="y")[:end])
        outputs = run(forecaster, tmp_path / "f.onnx", NOISY[:end], times[:end])
        np.testing.assert_allclose(outputs, expected, rtol=1e-5)


def test_what_a_file_cannot_express_is_refused(tmp_path):
    path = tmp_path / "f.onnx"
    with pytest.raises(ValueError, match="has covariates, which its ONNX file cannot express"):
        small().fit(NOISY, NOISY[:, None]).to_onnx(path)
    with pytest.raises(ValueError, match="call fit"):
        small().to_onnx(path)
    with pytest.raises(ValueError, match="name the one whose scale is used"):
        small().fit({"a": NOISY, "b": NOISY}).to_onnx(path)
    assert not list(tmp_path.iterdir())
