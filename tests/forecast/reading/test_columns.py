"""Columns as texts."""

import numpy as np
import pytest

from gru_c.forecast.reading.columns import Columns, collect, is_comment
from gru_c.forecast.reading.dialect import Row


def test_rows_become_columns():
    notes = []
    rows = [Row(2, ["a", "1"]), Row(3, ["b"]), Row(4, ["# x"]), Row(5, ["c", "3", ""])]
    columns = collect(rows, 2, 2, notes)
    assert columns.texts == [["a", "b", "c"], ["1", "", "3"]]
    assert columns.lines.tolist() == [2, 3, 5]
    assert notes == [
        "1 row of comments left out",
        "1 row with fewer fields, the first is row 3: the rest is missing",
    ]
    columns.keep(np.array([True, False, True]))
    assert (columns.texts[0], columns.lines.tolist()) == (["a", "c"], [2, 5])


def test_a_row_with_too_many_fields_is_named():
    with pytest.raises(ValueError, match="row 7 has 3 fields, the header has 2"):
        collect([Row(7, ["a", "b", "c"])], 2, 2, [])


def test_columns_have_one_name():
    columns = Columns("f.csv", ["a", "load", "load"], [[], [], []], np.zeros(0, int), ",")
    assert columns.at("a") == 0
    with pytest.raises(ValueError, match="several columns 'load', the columns 2, 3"):
        columns.at("load")
    with pytest.raises(ValueError, match=r"f\.csv has no column 'lode'; did you mean 'load'\?"):
        columns.at("lode")


def test_comments_are_not_missing_values_of_excel():
    assert is_comment(Row(1, ["# load"]))
    assert not is_comment(Row(1, ["#N/A", "1"]))
