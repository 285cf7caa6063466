"""Series from CSV files: separators, times, groups, covariates, and rows that are wrong."""

import numpy as np
import pytest

from gru_c.forecast.csv_table import columns_of, read_table

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
    assert columns_of(path) == ["time", "load"]
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


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["TRUE", "", "FALSE"], [1, np.nan, 0]),
        (["TRUE", "TRUE", "FALSE"], [1, 1, 0]),
        (["", "", "TRUE"], [np.nan, np.nan, 1]),
        (["7", "", "1e3"], [7, np.nan, 1000]),
        ([str(10**22), "", "7"], [1e22, np.nan, 7]),
    ],
)
def test_a_column_may_hold_bools_or_numbers_and_empty_cells(written, separator, cells, values):
    lines = [separator.join((f"{i}", "1", cell)) for i, cell in enumerate(cells)]
    path = written("\n".join([separator.join(("place", "load", "offer")), *lines]))
    np.testing.assert_array_equal(read_table(path, "load", None, ["offer"]).series["offer"], values)


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_column_does_not_hold_both_bools_and_numbers(written, separator):
    path = written(f"load{separator}offer\n1{separator}TRUE\n2{separator}7\n")
    with pytest.raises(ValueError, match=r"'TRUE' in row 2, column 'offer', is not a number"):
        read_table(path, "load", None, ["offer"])


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("value", ["9" * 400, "-inf", "9" * 400 + ".5", "9" * 5000, "1e999"])
@pytest.mark.parametrize("beside", ["", "2", "0.5"])
@pytest.mark.parametrize("column", ["load", "offer", "time"])
def test_numbers_that_no_float_holds_are_named(written, separator, value, beside, column):
    rows = {"time": "2026-01-02", "load": "1", "offer": beside}
    lines = [list(rows), [*rows.values()], [*(rows | {column: value}).values()]]
    path = written("\n".join(separator.join(line) for line in lines))
    with pytest.raises(
        ValueError, match=rf"data\.csv: .* in row 3, column '{column}', is "
    ) as info:
        read_table(path, "load", "time", ["offer"])
    assert len(str(info.value)) < 250 + len(str(path))


def test_columns_that_do_not_go_together_are_refused(written):
    path = written("load,shop\n1,a\n")
    with pytest.raises(ValueError, match="--covariates and --group do not go together"):
        read_table(path, "load", None, ["shop"], "shop")
    with pytest.raises(ValueError, match="must be different"):
        read_table(path, "load", "load")
