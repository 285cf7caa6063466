"""Separators and rows."""

import pytest

from gru_c.forecast.reading.dialect import choose_separator, excel_separator, rows_of, usual_width


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
def test_the_separator_divides_header_and_rows_alike(separator):
    rows = [
        ["date", "load", "x"],
        *([f"2024-01-{day:02}", f"{day}.5", "1"] for day in range(1, 20)),
    ]
    text = "\n".join(separator.join(row) for row in rows)
    assert choose_separator(text, 0, ()) == separator
    assert choose_separator(text, 0, ("date", "load")) == separator
    assert [row.fields for row in rows_of(text, separator)] == rows


@pytest.mark.parametrize(
    ("text", "wanted", "separator"),
    [
        ('date;"load; MW"\n1;2,5\n2;3,5\n', (), ";"),
        ("date;load, MW\n1;2,5\n2;3,5\n", (), ";"),
        ("date;load, MW\n1;2,5\n2;3,5\n", ("date", "load, MW"), ";"),
        ("load\n1.5\n2.5\n", (), None),
        ("a title of words\nload\n1\n2\n", ("load",), None),
        ("date|load\n2024-01-01 10:00|5\n2024-01-01 11:00|6\n", (), "|"),
    ],
)
def test_separators_in_names_and_numbers_do_not_mislead(text, wanted, separator):
    assert choose_separator(text, 0, wanted) == separator


def test_two_separators_are_refused_with_both():
    text = "a|b;c\n1|2;3\n4|5;6\n"
    with pytest.raises(ValueError, match=r"at every semicolon .* or bar .*: name the --separator"):
        choose_separator(text, 0, ())


def test_rows_keep_their_line_and_lose_their_spaces():
    text = 'date, "load, MW" ,x\n\n"2024\n01", 5 ,\n'
    rows = list(rows_of(text, ","))
    assert [(row.line, row.fields) for row in rows] == [
        (1, ["date", "load, MW", "x"]),
        (4, ["2024\n01", "5", ""]),
    ]
    assert [row.line for row in rows_of(text, ",", 1)] == [4]
    assert [row.fields for row in rows_of("'a','b'\n'1','2'\n", ",")] == [["a", "b"], ["1", "2"]]
    assert [row.fields for row in rows_of('"a b"  c\n', " ")] == [["a b", "c"]]
    assert [row.fields for row in rows_of('"a ""b"""\n', None)] == [['a "b"']]


def test_a_quotation_mark_without_partner_is_refused():
    with pytest.raises(ValueError, match="row 3: unexpected end of data"):
        list(rows_of('a,b\n1,"2\n3,4\n', ","))


def test_the_line_of_excel_and_the_usual_width():
    assert excel_separator("sep=;\r\na;b\n") == ";"
    assert excel_separator("a;b\n") is None
    assert usual_width([["a"], ["b", "c"], ["d", "e"]]) == 2
