"""A description of each column."""

from gru_c.forecast.reading.inspection import describe_columns
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.source import Source


def test_each_kind_of_column_is_described():
    rows = "".join(
        f"{day:02}.01.2024;{800 + 20 * day};{day},5;Ort {day % 2};{day:02}/01/2024;;\n"
        for day in range(1, 21)
    )
    text = "date;load;temp;place;month;empty;\n" + rows
    source = Source("data.csv", text, None, None, "UTF-8")
    lines = describe_columns(source, ReadingOptions(), ())
    words = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line.startswith("  ")}
    assert lines[0] == "data.csv: 20 rows, 6 columns"
    assert words["date"] == "times: %d.%m.%Y; 2024-01-01 to 2024-01-20; equal steps"
    assert words["load"].startswith("numbers: ")
    assert words["temp"] == "numbers: decimal comma; 1.5 to 20.5; none missing"
    assert words["place"] == "text: 2 different, such as 'Ort 0', 'Ort 1'"
    assert words["empty"] == "empty"
    assert words["month"].startswith("times: %d/%m/%Y")


def test_what_has_two_readings_is_shown_with_both():
    text = "date,x\n" + "".join(f"01/{i:02}/2024,{i}\n" for i in range(1, 13))
    lines = describe_columns(Source("f", text, None, None, "UTF-8"), ReadingOptions(), ())
    assert "refused: column 'date' can be read as 2024-01-01 to 2024-12-01 (%d/%m/%Y)" in lines[2]
    text = "year,x,x\n" + "".join(f"{2000 + i},{i},1\n" for i in range(9))
    lines = describe_columns(Source("f", text, None, None, "UTF-8"), ReadingOptions(), ())
    assert "times: %Y; 2000-01-01 to 2008-01-01; equal steps; or numbers: whole" in lines[2]
    assert "several columns have this name" in lines[3]


def test_numbers_that_are_hardly_times_are_numbers_first():
    text = "date,demand\n" + "".join(f"2024-01-0{i},{1000 + i}\n" for i in range(1, 5))
    *_, line = describe_columns(Source("f", text, None, None, "UTF-8"), ReadingOptions(), ())
    assert line.startswith("  demand  numbers: whole numbers; 1001 to 1004")
