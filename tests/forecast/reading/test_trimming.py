"""Rows that are not values."""

import numpy as np
import pytest

from gru_c.forecast.reading.columns import Columns
from gru_c.forecast.reading.trimming import drop_blank_rows, drop_footers, read_more_headers

DAYS = [f"2024-01-{day:02}" for day in range(1, 29)]


def columns_of(header, *rows):
    """Return columns of rows, and then 28 days of numbers."""
    full = [*rows, *([day, *("5" * (len(header) - 1))] for day in DAYS)]
    texts = [list(column) for column in zip(*full, strict=True)]
    return Columns("f", header, texts, np.arange(len(full)) + 2, ",")


@pytest.mark.parametrize(
    ("header", "rows", "names"),
    [
        (["date", "load"], [["", "MW"]], ["date", "load"]),
        (["date", "load"], [["yyyy-mm-dd", "[MW]"]], ["date", "load"]),
        (["date", "load"], [["20d", "14n"], ["", "MW"]], ["date", "load"]),
        (
            ["Price", "Close", "High"],
            [["Ticker", "A", "A"], ["Date", "", ""]],
            ["Date", "Close", "High"],
        ),
        (
            ["Price", "Close", "Close"],
            [["Ticker", "A", "B"], ["Date", "", ""]],
            ["Date", "Close A", "Close B"],
        ),
    ],
)
def test_rows_below_the_header(header, rows, names):
    columns = columns_of(header, *rows)
    read_more_headers(columns, ())
    assert columns.header == names
    assert columns.texts[0] == DAYS
    assert len(columns.notes) == 1


def test_a_first_row_of_values_stays():
    columns = columns_of(["date", "load"], ["2023-12-31", "many"])
    read_more_headers(columns, ())
    assert len(columns) == 29


@pytest.mark.parametrize(
    "rows", [[["Total", "140"]], [["Source: grid", ""]], [["Sum", "1"], ["x", ""]]]
)
def test_sums_and_remarks_at_the_end(rows):
    columns = columns_of(["date", "load"])
    for column, cells in zip(columns.texts, zip(*rows, strict=True), strict=True):
        column.extend(cells)
    columns.lines = np.arange(28 + len(rows)) + 2
    drop_footers(columns)
    assert columns.texts[0] == DAYS
    word = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    assert columns.notes[0].startswith(f"{word} at the end left out, from row 30")


def test_a_last_row_of_values_stays():
    columns = columns_of(["date", "load"])
    columns.texts[0][-1] = "unknown"
    drop_footers(columns)
    assert len(columns) == 28


@pytest.mark.parametrize(("timed", "count"), [(True, 28), (False, 29)])
def test_rows_without_any_value(timed, count):
    columns = columns_of(["date", "load"])
    for column in columns.texts:
        column.insert(5, "")
        column += ["", ""]
    columns.lines = np.arange(31) + 2
    drop_blank_rows(columns, timed)
    assert len(columns) == count
