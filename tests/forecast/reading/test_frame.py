"""Rows in the order of time, and rows of one time."""

import numpy as np
import pytest

from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.frame import Roles, read_frame
from gru_c.forecast.reading.options import ReadingOptions

pytest.importorskip("pandas")

DAYS = ["2024-01-03", "2024-01-01", "2024-01-02", "2024-01-04", "2024-01-02"]


def columns(days=DAYS):
    loads = [str(i) for i in range(len(days))]
    groups = ["b", "a", "a", "b", "b"][: len(days)]
    lines = np.arange(len(days)) + 2
    return Columns("f", ["date", "load", "id"], [list(days), loads, groups], lines, ",")


def test_rows_are_put_in_order_and_may_repeat_a_time_of_another_series():
    frame, notes, _ = read_frame(
        columns(), Roles("load", ("date",), (), "id"), ReadingOptions(), None
    )
    assert frame["load"].tolist() == [1, 2, 4, 0, 3]
    assert "rows put in the order of time" in notes
    frame, notes, _ = read_frame(
        columns(DAYS[1:4]), Roles("load", ("date",)), ReadingOptions(), None
    )
    assert frame["load"].tolist() == [0, 1, 2]
    assert "rows put in the order of time" not in notes


@pytest.mark.parametrize(("duplicates", "loads"), [("last", [1, 4, 0, 3]), ("mean", [1, 3, 0, 3])])
def test_rows_of_one_time(duplicates, loads):
    roles = Roles("load", ("date",))
    frame, _, _ = read_frame(columns(), roles, ReadingOptions(duplicates=duplicates), None)
    assert frame["load"].tolist() == loads
    with pytest.raises(ValueError, match=r"more than once, in rows 4 and 6 .*--duplicates mean"):
        read_frame(columns(), roles, ReadingOptions(), None)


def test_a_series_with_a_repeated_time_is_named():
    roles = Roles("load", ("date",), (), "id")
    with pytest.raises(ValueError, match="more than once of 'b', in rows 2 and 6"):
        read_frame(columns([*DAYS[:4], DAYS[0]]), roles, ReadingOptions(), None)


def test_a_column_has_one_role():
    with pytest.raises(ValueError, match="must be different"):
        _ = Roles("load", ("load",)).names
