"""Offsets and time zones."""

import numpy as np
import pytest

from gru_c.forecast.reading.times import Label, read_times
from gru_c.forecast.reading.zones import index_of

pd = pytest.importorskip("pandas")

HOURS = pd.date_range("2024-10-20", periods=400, freq="h", tz="Europe/Berlin")


def index(texts, zone=None):
    lines = np.arange(len(texts)) + 2
    return index_of(
        read_times(list(texts), Label("f", ("t",)), None, None, lines), zone, None, lines, "f"
    )


def test_hours_with_changing_offsets_are_regular_in_utc():
    times, note = index([time.isoformat() for time in HOURS])
    assert (times == HOURS).all()
    assert str(times.tz) == "UTC"
    assert pd.infer_freq(times) == "h"
    assert "offsets of +01:00 to +02:00 converted to UTC" in note


def test_days_with_changing_offsets_are_regular_on_the_clock():
    days = pd.date_range("2024-10-01", periods=60, tz="America/New_York")
    times, note = index([str(day) for day in days])
    assert (times == days.tz_localize(None)).all()
    assert "-05:00 to -04:00 left out: steps are equal on the clock" in note
    times, _ = index([str(day) for day in days], "America/New_York")
    assert (times == days).all()


def test_one_offset_is_kept():
    times, note = index([f"2024-01-{day:02}T00:00:00+05:30" for day in range(1, 9)])
    assert times[0] == pd.Timestamp("2024-01-01", tz="+05:30")
    assert "+05:30" in note


@pytest.mark.parametrize("freq", ["h", "15min"])
@pytest.mark.parametrize("step", [1, -1])
def test_local_hours_are_doubled_in_autumn(freq, step):
    for day in ("2024-03-30", "2024-10-26"):
        hours = pd.date_range(day, periods=400, freq=freq, tz="Europe/Berlin")[::step]
        times, _ = index(hours.strftime("%d.%m.%Y %H:%M"), "Europe/Berlin")
        assert (times == hours).all()


def test_local_times_that_are_not_in_the_zone_are_refused():
    hours = pd.date_range("2024-03-30", periods=60, freq="h")
    with pytest.raises(ValueError, match="2024-03-31 02:00:00 in row 28 does not exist in Europe/"):
        index(hours.strftime("%Y-%m-%d %H:%M"), "Europe/Berlin")
    hours = pd.date_range("2024-10-26", periods=60, freq="h")
    with pytest.raises(ValueError, match=r"02:00:00 in row 28 is there twice in .* has 1 row"):
        index(hours.strftime("%Y-%m-%d %H:%M"), "Europe/Berlin")
    with pytest.raises(ValueError, match="there is no time zone 'Berlin'"):
        index(hours.strftime("%Y-%m-%d %H:%M"), "Berlin")
