"""Numbers: the marks of a column, and values in all common forms."""

import numpy as np
import pytest

from gru_c.forecast.reading.number_shapes import gather
from gru_c.forecast.reading.numbers import Marks, decide, read_number, read_numbers, units_of
from gru_c.forecast.reading.options import ReadingOptions
from gru_c.forecast.reading.shapes import Shaped


def marks_of(texts, separator=";", others=(), **options):
    rest = [(name, gather(Shaped.of(column))) for name, column in others]
    evidence = gather(Shaped.of(texts))
    return decide("column 'load'", evidence, rest, separator, ReadingOptions(**options))


def read(texts, separator=";", others=(), **options):
    values, bad = read_numbers(Shaped.of(texts), marks_of(texts, separator, others, **options))
    assert not len(bad)
    return values.tolist()


@pytest.mark.parametrize(
    ("texts", "separator", "expected"),
    [
        (["1,395", "985", "1,498"], "\t", [1395, 985, 1498]),
        (["1.395", "985", "801"], ";", [1395, 985, 801]),
        (["1,395", "985"], ",", [1395, 985]),
        (["1,395", "1,5"], ";", [1.395, 1.5]),
        (["1.395", "0.985"], ";", [1.395, 0.985]),
        (["1,395", "1,395,000"], ";", [1395, 1395000]),
        (["1.395,50", "985"], ";", [1395.5, 985]),
        (["1,395.50", "1,395"], "\t", [1395.5, 1395]),
        (["12.5", "1,395"], ";", [12.5, 1395]),
        (["1.395", "2.417"], ",", [1.395, 2.417]),  # commas divide columns: the point is decimal
        (["1395.123", "12.345"], ";", [1395.123, 12.345]),
        (["1 395", "985"], ";", [1395, 985]),
        (["1\u202f395,5", "985"], ";", [1395.5, 985]),
        (["1'395.5", "985"], ";", [1395.5, 985]),
        (["1 395,500", "985,125"], ";", [1395.5, 985.125]),
        (["12,34,567", "985"], "\t", [1234567, 985]),
        (["1.395e3", "1E-2"], ";", [1395, 0.01]),
        (["-5", "\u22125,5", "(5,5)", "5,5-", "+5"], ";", [-5, -5.5, -5.5, -5.5, 5]),
        (["5 %", "5,5%", "0"], ";", [5, 5.5, 0]),
        (["$1,200.50", "-$3.00"], "\t", [1200.5, -3]),
        (["1.5M", "850.2K", "2B"], ",", [1.5e6, 850200, 2e9]),
        (["True", "false", "TRUE"], ",", [1, 0, 1]),
        ([".5", "5.", "007"], ",", [0.5, 5, 7]),
    ],
)
def test_numbers_are_read_right(texts, separator, expected):
    assert read(texts, separator) == expected


@pytest.mark.parametrize(
    ("texts", "separator", "words"),
    [
        (
            ["1,395", "2,985"],
            ";",
            "'1,395', which is 1.395 with a decimal comma and 1395 with a thousands comma, and no "
            "value decides: name --decimal ',' or --thousands ','",
        ),
        (["1.395", "2.417"], "\t", "name --decimal '.' or --thousands '.'"),
        (["1,395"], ",", "name --decimal ',' or --thousands ','"),
        (["1.395", "985"], ",", "it also holds '985'"),
        (["1,395", "0"], ";", "no value decides"),
        (["1,395", "1395"], ";", "no value decides"),
        (["1,5", "1.5"], ";", "'1.5', with different decimal marks"),
        (["1,395,000", "1,5"], ";", "a decimal mark, in the second a thousands mark"),
        (["1,395", "1.395"], ";", "name --decimal or --thousands"),
    ],
)
def test_two_readings_are_refused_with_both(texts, separator, words):
    with pytest.raises(ValueError, match="column 'load' holds") as caught:
        marks_of(texts, separator)
    assert words in str(caught.value)


def test_other_columns_decide():
    texts = ["1.801", "1.818"]
    assert read(texts, others=[("x", ["0,5", "1,5"])]) == [1801, 1818]
    assert read(texts, others=[("x", ["1.000,5"])]) == [1801, 1818]
    assert read(texts, others=[("x", ["0.5"])]) == [1.801, 1.818]
    assert read(texts, ",", others=[("x", ["0.5"])]) == [1.801, 1.818]
    with pytest.raises(ValueError, match=r"because of '0,5' in column 'x'"):
        marks_of(texts, others=[("x", ["0,5"]), ("y", ["0.5"])])
    with pytest.raises(ValueError, match=r"because of '0,5' in column 'x'"):
        marks_of(texts, ",", others=[("x", ["0,5"])])


def test_options_decide():
    assert read(["1,395", "2,985"], decimal=",") == [1.395, 2.985]
    assert read(["1,395", "2,985"], thousands=",") == [1395, 2985]
    assert read(["1.395", "985"], ",", decimal=".") == [1.395, 985]
    assert read_number("1.395,5", marks_of(["1"], decimal=",")) == 1395.5
    assert read_number("1.395", marks_of(["1"], decimal=",", thousands="")) is None


@pytest.mark.parametrize(
    "text", ["1,39", "0,395", "13,95,0", "1,3955", "1.2.3", "x", "5 MW", "--5"]
)
def test_groups_of_digits_have_three(text):
    assert read_number(text, Marks(".", ",")) is None


def test_values_of_random_forms_are_right_or_refused():
    rng = np.random.default_rng(0)
    outcomes = {"right": 0, "refused": 0}
    for _ in range(1500):
        decimal, thousands = ((".", ","), (",", "."), (".", ""), (",", ""), (",", " "))[
            rng.integers(5)
        ]
        separator = ",;\t"[rng.integers(3)]
        if thousands == "." and separator == ",":
            continue  # a point beside commas between columns is decimal
        digits, scale = int(rng.integers(4)), 10.0 ** rng.integers(0, 6)
        values = rng.uniform(-scale, scale, rng.integers(1, 30)).round(digits)
        texts = [f"{value:,.{digits}f}" for value in values.tolist()]
        table = str.maketrans({",": thousands, ".": decimal})
        texts = [text.translate(table) for text in texts]
        try:
            numbers, bad = read_numbers(Shaped.of(texts), marks_of(texts, separator))
        except ValueError:
            outcomes["refused"] += 1
            continue
        assert not len(bad)
        np.testing.assert_array_equal(numbers, values, str(texts))
        outcomes["right"] += 1
    assert outcomes["right"] > 5 * outcomes["refused"]


def test_units_stand_beside_numbers_that_are_not_zero():
    assert units_of(Shaped.of(["5%", "0"])) == {"%"}
    assert units_of(Shaped.of(["$5", "7", "1K"])) == {"$", "", "K"}
