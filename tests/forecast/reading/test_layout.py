"""Headers, and rows with more fields than the header."""

import pytest

from gru_c.forecast.reading.layout import read_columns
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.source import Source

DAYS = [f"2024-01-{day:02}" for day in range(1, 31)]


def columns_of(text, wanted=(), timed=True, **options):
    source = Source("data.csv", text, None, None, "UTF-8")
    return read_columns(source, ReadingOptions(**options), wanted, timed)


def table(header, row):
    return f"{header}\n" + "".join(row(i, day) + "\n" for i, day in enumerate(DAYS))


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (table("date,load", lambda i, day: f"{day},{i},"), ["date", "load"]),
        (table("date;load;;", lambda i, day: f"{day};{i};;"), ["date", "load"]),
        (table("date,load,", lambda i, day: f"{day},{i}"), ["date", "load"]),
        (table("# date,load", lambda i, day: f"{day},{i}"), ["date", "load"]),
        (table("# one\n# two\ndate,load", lambda i, day: f"{day},{i}"), ["date", "load"]),
        (table("A title\n\ndate,load", lambda i, day: f"{day},{i}"), ["date", "load"]),
        (table("sep=;\ndate;load", lambda i, day: f"{day};{i}"), ["date", "load"]),
        (table(",load", lambda i, day: f"{day},{i}"), ["Unnamed: 0", "load"]),
        (table('"load" "x"', lambda i, day: f'"{i + 1}" {i} 5'), ["Unnamed: 0", "load", "x"]),
        (table('"load","x"', lambda i, day: f'"{i + 1}",{i},5'), ["Unnamed: 0", "load", "x"]),
        (table("load\tx", lambda i, day: f"{day}\t{i}\t5"), ["Unnamed: 0", "load", "x"]),
        (table(",10381,10382", lambda i, day: f"{day},{i},{i}"), ["Unnamed: 0", "10381", "10382"]),
        (table("0,1", lambda i, day: f"{i},{i}"), ["0", "1"]),
        (table("date,1990,1991", lambda i, day: f"{day},{i},{i}"), ["date", "1990", "1991"]),
    ],
)
def test_headers(text, header):
    columns = columns_of(text)
    assert columns.header == header
    assert len(columns) == 30
    assert columns.texts[header.index("load") if "load" in header else 1][:2] == ["0", "1"]


def test_the_header_is_the_row_with_the_wanted_names():
    text = "Station,Berlin\nHeight,34\n" + table("date,load", lambda i, day: f"{day},{i}")
    columns = columns_of(text, ["load", "date"])
    assert columns.header == ["date", "load"]
    assert "2 rows before the header left out, the first is 'Station Berlin'" in columns.notes


def test_a_lone_column_may_have_a_decimal_comma():
    assert columns_of("load\n1,5\n2,5\n").texts == [["1,5", "2,5"]]
    text = "load\n" + "".join(f"{i % 7},{i % 3}\n" for i in range(30))
    assert columns_of(text).texts[0][:3] == ["0,0", "1,1", "2,2"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (table("date,load", lambda i, day: f"{day},{i},5"), "is the decimal mark of a number"),
        (table("load", lambda i, day: f"{i + 1},5"), "or rows have names in a first column"),
        (table("a,b", lambda i, day: "1,x,2"), "row 2 has 3 fields, the header has 2"),
        (table("a,b,c,d", lambda i, day: "1,x"), "row 2 has 2 fields, the header has 4"),
        (table("date load", lambda i, day: f"{day} 10:00 {i}"), "row 2 has 3 fields"),
        (table("2024-01-01,5", lambda i, day: f"{day},{i}"), "--no-header reads that row"),
        (table("Ost,2024-01-01,5", lambda i, day: f"Ost,{day},{i}"), "row 1 looks like values"),
        ("5\n6\n7\n", "row 1 looks like values"),
        ("date,load\n", "has no rows"),
        ("# a\n# b\n", "all rows are comments"),
    ],
)
def test_rows_that_do_not_fit_the_header(text, words):
    with pytest.raises(ValueError, match=rf"^data\.csv.*{words}"):
        columns_of(text)


def test_columns_without_a_header_have_numbers():
    columns = columns_of(table("junk", lambda i, day: f"{day},{i}"), header=False, skip_rows=1)
    assert columns.header == ["1", "2"]
    assert columns.lines.tolist()[:2] == [2, 3]


def test_ids_keep_their_zeros():
    columns = columns_of(table("id,load", lambda i, day: f"0314{i},1"))
    assert columns.texts[0][0] == "03140"
