"""The formats that a shape may have."""

import pytest

from gru_c.forecast.reading.shapes import shape_of
from gru_c.forecast.reading.time_forms import forms_of


def formats(*texts):
    return [form.format or form.lacks for form in forms_of(map(shape_of, texts), texts)]


TEN_DIGITS = ["%Y%m%d%H", *("%d%m%Y%H", "%m%d%Y%H"), *("%y%m%d%H%M", "%d%m%y%H%M", "%m%d%y%H%M")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-31", ["%Y-%m-%d"]),
        ("31/01/2024", ["%d/%m/%Y", "%m/%d/%Y"]),
        ("01.02.03", ["%y.%m.%d", "%d.%m.%y", "%m.%d.%y"]),
        ("31-May-24", ["%d-%b-%y", "%y-%b-%d"]),
        ("Jan 1, 2024 2:05 pm", ["%b %d, %Y %I:%M %p"]),
        ("Mon, 01 Jan 2024 10:00:00 GMT", ["%a, %d %b %Y %H:%M:%S %z"]),
        ("2024-01-31T10:00:00.123Z", ["%Y-%m-%dT%H:%M:%S%z"]),
        ("Q1 2015", ["Q%q %Y"]),
        ("2015M01", ["%YM%m"]),
        ("1704067200", [*TEN_DIGITS, "%s"]),
        ("0104202400", TEN_DIGITS),  # no count of seconds begins with a zero
        ("Jan-01", ["%b-%y", "%b-%d"]),
        ("2015w02", []),  # weeks of Stata are not those of ISO
        ("2024-01-01-05:00", []),  # an offset is not a time of day
        ("12.5", []),
        ("1,395", []),
        ("Berlin", []),
    ],
)
def test_formats_by_shape(text, expected):
    assert formats(text) == expected


def test_rows_of_different_forms_have_no_format():
    assert formats("2024-01-31", "31.01.2024") == []
    assert formats("1/2/2024", "11/12/2024") == ["%d/%m/%Y", "%m/%d/%Y"]
    assert formats("2024-01-01", "2024-01-01 01:00:00") == ["%Y-%m-%d %H:%M:%S"]
