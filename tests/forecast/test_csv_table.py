"""Series from CSV files: separators, times, groups, covariates, and rows that are wrong."""

import numpy as np
import pytest

from gru_c.forecast.csv_table import columns_of, read_table
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.source import read_source

pd = pytest.importorskip("pandas")


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a file and returns its path."""

    def write(text):
        path = tmp_path / "data.csv"
        path.write_text(text)
        return path

    return write


def test_rows_are_sorted_by_time_and_unknown_ends_are_left_out(written):
    path = written("time,load\n2026-01-02,2\n2026-01-01,1\n2026-01-03,\n")
    table = read_table(path, "load", "time")
    options = ReadingOptions()
    assert columns_of(read_source(path, options), options) == ["time", "load"]
    assert table.series.tolist() == [1, 2]
    assert table.series.index[0] == pd.Timestamp("2026-01-01")
    assert table.future is None
    assert "rows put in the order of time" in table.notes
    assert "1 rows without a target at the end left out" in table.notes


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_numbers_may_have_a_decimal_comma_beside_other_separators(written, separator):
    path = written(f"a{separator}load\n1{separator}1,5\n2{separator}2,25\n")
    np.testing.assert_array_equal(read_table(path, "load", None).series, [1.5, 2.25])


def test_covariates_of_the_rows_ahead_are_the_future(written):
    table = read_table(written("load,price\n1,10\n2,20\n,30\n"), "load", None, ["price"])
    assert table.series["price"].tolist() == [10, 20]
    assert table.future["price"].tolist() == [30]
    assert "load" not in table.future


def test_each_group_is_a_series(written):
    table = read_table(written("load,shop\n1,b\n2,a\n3,b\n"), "load", None, group="shop")
    assert {name: part.tolist() for name, part in table.series.items()} == {"a": [2], "b": [1, 3]}


@pytest.mark.parametrize(
    ("text", "time", "message"),
    [
        ("lode,time\n1,2026\n", "time", "has no column 'load'; did you mean 'lode'"),
        ("load\n1\nx\n", None, "is not a number"),
        ("load,time\n1,yesterday\n", "time", "is not a time such as 2026-01-31"),
        ("load\n", None, "has no rows"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(written, text, time, message):
    with pytest.raises(ValueError, match=rf"data\.csv.* {message}"):
        read_table(written(text), "load", time)


def test_columns_that_do_not_go_together_are_refused(written):
    path = written("load,shop\n1,a\n")
    with pytest.raises(ValueError, match="must be different"):
        read_table(path, "load", "load")
