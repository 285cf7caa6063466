"""Columns as numbers, names and times, with notes."""

import numpy as np
import pytest

from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.values import group_column, number_column, time_column

PLAIN = ReadingOptions()


def columns(**texts):
    count = len(next(iter(texts.values())))
    return Columns("f", list(texts), [*map(list, texts.values())], np.arange(count) + 2, ";")


def test_numbers_and_what_is_missing():
    values, note = number_column(columns(x=["1,5", "-", "", "NA", "2"]), "x", (), PLAIN)
    np.testing.assert_array_equal(values, [1.5, np.nan, np.nan, np.nan, 2])
    assert note == "x: decimal comma; 1.5 to 2; missing: 1 times '-', 1 empty, 1 times 'NA'"


def test_other_columns_decide_but_not_those_of_times():
    table = columns(x=["1.801", "1.802"], t=["10.30", "11.30"], y=["0,5", "1,5"])
    values, note = number_column(table, "x", ["t"], PLAIN)
    assert values.tolist() == [1801, 1802]
    assert "thousands point, because of '0,5' in column 'y'" in note
    table = columns(x=["1,801", "1,802"], clock=["10.30", "11.30"])
    with pytest.raises(ValueError, match="no value decides"):
        number_column(table, "x", (), PLAIN)


def test_values_that_stand_for_missing():
    table = columns(x=["-999.0", "5", "-999.0", "6", "-999.0", "n/v"])
    values, _ = number_column(table, "x", (), ReadingOptions(missing=("-999", "n/v")))
    np.testing.assert_array_equal(values, [np.nan, 5, np.nan, 6, np.nan, np.nan])
    with pytest.raises(ValueError, match="'n/v' in row 7, column 'x', is not a number; --na names"):
        number_column(table, "x", (), PLAIN)
    table = columns(x=["-999", "5", "-999", "6", "-999", "7"])
    assert "-999 is there 3 times, far from the others" in number_column(table, "x", (), PLAIN)[1]


def test_numbers_of_different_units_are_refused():
    with pytest.raises(ValueError, match="different units: '%' and none"):
        number_column(columns(x=["5%", "0.05"]), "x", (), PLAIN)
    with pytest.raises(ValueError, match="different units"):
        number_column(columns(x=["$5", "€5"]), "x", (), PLAIN)


def test_a_group_has_a_name_in_each_row():
    assert group_column(columns(id=["03", "3", "NA"]), "id") == ["03", "3", "NA"]
    with pytest.raises(ValueError, match="no name of a series in row 3, column 'id'"):
        group_column(columns(id=["03", ""]), "id")


@pytest.mark.parametrize(
    ("parts", "second"),
    [
        ({"d": ["01.01.2024"] * 3, "t": ["00:30", "01:00", "01:30"]}, "2024-01-01T01:00"),
        ({"d": ["2024-01-01"] * 3, "t": ["0", "30", "100"]}, "2024-01-01T00:30"),
        ({"d": ["2024-01-01"] * 3, "t": ["1", "2", "3"]}, "2024-01-01T02:00"),
        ({"d": ["2024-01-01"] * 3, "t": ["22", "23", "24"]}, "2024-01-01T23:00"),
        ({"y": ["2024"] * 5, "m": ["1", "2", "3", "4", "5"]}, "2024-02-01"),
        ({"y": ["2024"] * 3, "m": ["1"] * 3, "d": ["9", "10", "11"]}, "2024-01-10"),
        (
            {"y": ["2024"] * 3, "m": ["1"] * 3, "d": ["1"] * 3, "h": ["9", "10", "11"]},
            "2024-01-01T10:00",
        ),
    ],
)
def test_columns_that_hold_a_time_together(parts, second):
    reading = time_column(columns(**parts), list(parts), None, PLAIN)
    assert reading.times.wall[1] == np.datetime64(second)


def test_an_empty_part_of_a_time_is_named():
    table = columns(d=["01.01.2024", "02.01.2024"], t=["10:00", ""])
    with pytest.raises(ValueError, match="row 3 is empty in column 't'"):
        time_column(table, ["d", "t"], None, PLAIN)


def test_weeks_beside_years_are_no_times_of_day():
    table = columns(year=["2024"] * 40, week=[str(week) for week in range(1, 41)])
    reading = time_column(table, ["year", "week"], None, ReadingOptions(time_format="%G %V"))
    assert str(reading.times.wall[-1])[:10] == "2024-09-30"
