"""The samples of a model: the same whether read one by one or together, and not in memory."""

import tracemalloc

import numpy as np
import pytest
from forecasters import NAN, NOISY, WAVE, small

from gru_c.forecast import samples, training
from gru_c.forecast.panel import Given, read_panel
from gru_c.forecast.preparation import PlanSettings, make_plan

SETTINGS = PlanSettings(12, 4, 12, calendar=True, validation_fraction=0.15)


@pytest.fixture
def never_at_once(monkeypatch):
    monkeypatch.setattr(samples, "_SMALL", 0)


def holes(values, share=0.3):
    result = values.copy()
    result[1:][np.random.default_rng(0).random(len(values) - 1) < share] = NAN
    return result


def plan(data, settings=SETTINGS, **given):
    return make_plan(read_panel(data, Given(**given)), settings)


def test_samples_in_any_order_are_those_of_all():
    train = plan({"a": NOISY, "b": holes(WAVE)[:90], "c": NOISY[:40]}).train
    x, y = train.x[:], train.y[:]
    assert x.shape == (len(train), 12, 3)
    order = np.random.default_rng(0).permutation(len(train))
    for where in (order, slice(3, 90, 2), slice(0, 0), np.arange(0)):
        np.testing.assert_array_equal(train.x[where], x[where])
        np.testing.assert_array_equal(train.y[where], y[where])


@pytest.mark.parametrize("horizon", [1, 4])
def test_origins_without_a_known_value_after_them_are_left_out(horizon):
    values = holes(NOISY, 0.8)
    settings = PlanSettings(1, horizon, 0, calendar=False, validation_fraction=0.0)
    train = plan(values, settings).train
    _, origins = train.locate(np.arange(len(train)))
    known = ~np.isnan(values)
    expected = [o for o in range(150 - horizon) if known[o + 1 : o + 1 + horizon].any()]
    assert origins.tolist() == expected


@pytest.mark.parametrize("form", ["array", "frame"])
def test_training_has_the_same_bits_if_samples_are_computed_one_batch_at_a_time(
    form, never_at_once, monkeypatch
):
    data, changes = [NOISY, holes(WAVE)], {"season": 12, "quantiles": (0.1, 0.9)}
    if form == "frame":
        pd = pytest.importorskip("pandas")
        times = pd.date_range("2026-01-01", periods=150, freq="h")
        data = pd.DataFrame({"a": NOISY, "b": holes(WAVE)}, times)
    lazy = small(**changes).fit(data)
    monkeypatch.setattr(samples, "_SMALL", 2**40)
    at_once = small(**changes).fit(data)
    assert lazy.history_ == at_once.history_
    for forecasts in zip(np.array(lazy.predict(7)), np.array(at_once.predict(7)), strict=True):
        np.testing.assert_array_equal(*forecasts)


@pytest.mark.parametrize("missing", [0.0, 0.1])
def test_many_series_take_three_times_their_memory_and_a_batch(missing, monkeypatch):
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20_000, 8))
    values[1:][rng.random((19_999, 8)) < missing] = NAN
    frame = pd.DataFrame(values, pd.date_range("2020-01-01", periods=20_000, freq="h"))
    peaks = []

    def train(model, train, held_out, *_):
        """Read some batches in place of a training, which would take long."""
        for part in (train, held_out):
            order = rng.permutation(len(part))
            for batch in (order[:32], order[-32:]):
                x, y = (array[batch] for array in part.arrays())
                assert x.shape == (32, 168, 8 + bool(missing))
                assert y.shape == (32, 24)
        peaks.append(tracemalloc.get_traced_memory()[1])
        return {"loss": [0.0]}

    monkeypatch.setattr(training, "train", train)
    tracemalloc.start()
    try:
        small(168, 24, season=None).fit(frame)
    finally:
        tracemalloc.stop()
    batch = 32 * 168 * 9 * 4
    assert peaks[0] <= 3 * values.nbytes + 10 * batch  # windows alone would be 30 times as much
