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
    assert "1 row without a target at the end left out" in table.notes


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
    later = rows | {"time": "2026-01-03"} | {column: value}
    lines = [list(rows), [*rows.values()], [*later.values()]]
    path = written("\n".join(separator.join(line) for line in lines))
    with pytest.raises(
        ValueError, match=rf"data\.csv: .* in row 3, column '{column}', is "
    ) as info:
        read_table(path, "load", "time", ["offer"])
    assert len(str(info.value)) < 250 + len(str(path))


def test_columns_that_do_not_go_together_are_refused(written):
    path = written("load,shop\n1,a\n")
    with pytest.raises(ValueError, match="must be different"):
        read_table(path, "load", "load")


# ---- files as programs and people write them ----------------------------------------------------

DAYS = [f"2024-01-{day:02}" for day in range(1, 31)]


def table(header, row):
    return f"{header}\n" + "".join(row(i, day) + "\n" for i, day in enumerate(DAYS))


def german(number):
    return f"{number:,}".replace(",", ".")


FILES = {
    "pandas with its index": (table(",load", lambda i, d: f"{d},{i}.0"), "Unnamed: 0"),
    "R write.table": (table('"date" "load"', lambda i, d: f'"{i + 1}" "{d}" {i}'), "date"),
    "R write.table with commas": (
        table('"date","load"', lambda i, d: f'"{i + 1}","{d}",{i}'),
        "date",
    ),
    "R write.csv2": (table('"";"date";"load"', lambda i, d: f'"{i + 1}";"{d}";{i},0'), "date"),
    "R with midnight left out": (
        table("date,load", lambda i, d: f"{d}{' 12:00:00' * (i % 2)},{i}"),
        None,
    ),
    "Excel in German": (table("\ufeffsep=;\ndate;load", lambda i, d: f"{d};{i},0"), "date"),
    "a separator at the end": (table("date,load,x", lambda i, d: f"{d},{i},-5,"), "date"),
    "two separators at the end": (table("date;load;;", lambda i, d: f"{d};{i};;"), "date"),
    "yfinance": (
        table("Price,load,x\nTicker,A,A\ndate,,", lambda i, d: f"{d},{i}.0,1"),
        "date",
    ),
    "a row of units": (table("date,load\n,MW", lambda i, d: f"{d},{i}"), "date"),
    "a row of types": (
        table("# a\n# b\nsite\tdate\tload\n5s\t20d\t14n", lambda i, d: f"U\t{d}\t{i}"),
        "date",
    ),
    "a title and remarks": (
        table("Load of Berlin\n\ndate,load", lambda i, d: f"{d},{i}") + "Source: grid\n",
        "date",
    ),
    "a sum at the end": (table("date,load", lambda i, d: f"{d},{i}") + "Total,435\n", "date"),
    "blank rows at the end": (table("date,load", lambda i, d: f"{d},{i}") + ",\n,\n\n", "date"),
    "numpy.savetxt": (table("# date,load", lambda i, d: f"{d.replace('-', '')},{i}.0"), "date"),
    "aligned columns": (table("date         load", lambda i, d: f"{d} {i:8}"), "date"),
    "apostrophes": (table("'date','load'", lambda i, d: f"'{d}','{i}'"), "date"),
    "spaces behind commas": (table("date, load", lambda i, d: f"{d},  {i}"), "date"),
    "lines of metadata": (table("Station,5\nHeight,7\ndate,load", lambda i, d: f"{d},{i}"), "date"),
    "a wide file": (table("date,a,load,c", lambda i, d: f"{d},9,{i},8"), "date"),
    "percent": (table("date,load", lambda i, d: f"{d},{i}%"), "date"),
    "in descending order": (
        "date,load\n" + "".join(f"{d},{29 - i}\n" for i, d in enumerate(DAYS[::-1])),
        "date",
    ),
    "a sum, without times": (table("date,load", lambda i, d: f"{d},{i}") + "Total,435\n", None),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_of_many_kinds_are_read_right(kind, written):
    text, time = FILES[kind]
    series = read_table(written(text), "load", time).series
    assert series.tolist() == list(range(30))
    if time is not None:
        assert [str(day)[:10] for day in series.index] == DAYS


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("date\tload", lambda i, d: f"{d}\t{801 + 24 * i:,}", 1497),
        ("date;load", lambda i, d: f"{d};{801 + 24 * i:,}", 1497),
        ("date;load", lambda i, d: f"{d};{german(801 + 24 * i)}", 1497),
        ("date;load;x", lambda i, d: f"{d};{german(1801 + 24 * i)};{i},5", 2497),
        ("date,load", lambda i, d: f'{d},"{801 + 24 * i:,}"', 1497),
        ("date,load", lambda i, d: f'{d},"${1801 + 24 * i:,}.00"', 2497),
    ],
)
def test_thousands_are_thousands(written, header, row, expected):
    assert read_table(written(table(header, row)), "load", "date").series.max() == expected


def test_ids_keep_their_zeros_and_an_empty_one_is_named(written):
    rows = "".join(
        f"{shop},{day},{i}\n" for shop in ("03", "3", "NA") for i, day in enumerate(DAYS)
    )
    table = read_table(written("shop,date,load\n" + rows), "load", "date", group="shop")
    assert list(table.series) == ["3", "03", "NA"]
    assert all(len(part) == 30 for part in table.series.values())
    path = written("shop,date,load\n" + rows + ",2024-02-01,5\n")
    with pytest.raises(ValueError, match="no name of a series in row 92, column 'shop'"):
        read_table(path, "load", "date", group="shop")


def test_a_frequency_gives_missing_steps_a_row(written):
    path = written("date,load\n2024-01-01,1\n2024-01-05,5\n2024-01-09,9\n")
    series = read_table(path, "load", "date", options=ReadingOptions(frequency="2D")).series
    np.testing.assert_array_equal(series, [1, np.nan, 5, np.nan, 9])
    with pytest.raises(ValueError, match="2024-01-05 00:00:00 is not at a step of --frequency 3D"):
        read_table(path, "load", "date", options=ReadingOptions(frequency="3D"))
    with pytest.raises(ValueError, match="--frequency 'x' is not one of pandas"):
        read_table(path, "load", "date", options=ReadingOptions(frequency="x"))


@pytest.mark.parametrize("name", ["time_format", "timezone", "frequency"])
def test_options_of_times_need_times(name, written):
    with pytest.raises(ValueError, match="says nothing without --time"):
        read_table(written("load\n1\n"), "load", None, options=ReadingOptions(**{name: "D"}))


def test_steps_without_times_keep_empty_rows(written):
    series = read_table(written("load\n1\n2\n3\n"), "load", None).series
    assert series.tolist() == [1, 2, 3]
    series = read_table(written("load;x\n1;1\n;\n3;1\n;\n"), "load", None).series
    np.testing.assert_array_equal(series, [1, np.nan, 3])


def test_cells_of_other_formats_are_numbers_by_their_format(tmp_path, monkeypatch):
    days = pd.date_range("2024-10-26", periods=3, tz="Europe/Berlin", name="time")
    frame = pd.DataFrame({"load": [1.395, 985, 2.0]}, index=days)
    monkeypatch.setattr(pd, "read_parquet", lambda path: frame)
    (tmp_path / "data.parquet").write_bytes(b"PAR1")
    series = read_table(tmp_path / "data.parquet", "load", "time").series
    assert series.tolist() == [1.395, 985, 2]
    assert (series.index == days).all()


@pytest.mark.parametrize("frequency", ["0D", "-1D", "ms"])
def test_a_frequency_that_the_times_cannot_have_is_refused(frequency, written):
    path = written("time,load\n2026-01-01,1\n2026-01-02,2\n2026-01-03,3\n")
    with pytest.raises(ValueError, match=f"--frequency '?{frequency}"):
        read_table(path, "load", "time", options=ReadingOptions(frequency=frequency))


def test_a_file_with_commas_says_that_three_decimals_decide_nothing(written):
    table = read_table(written("time,load\n2026-01-01,1.395\n2026-01-02,2.417\n"), "load", "time")
    assert table.series.tolist() == [1.395, 2.417]
    assert any("CHECK that '1.395' is not 1395 (--thousands ." in note for note in table.notes)
