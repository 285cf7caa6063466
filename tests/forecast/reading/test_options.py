"""What a user says about a file."""

import pytest

from gru_c.forecast.reading.options import ReadingOptions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"decimal": ";"}, "decimal must be one of '.', ','"),
        ({"thousands": "x"}, "thousands must be one of"),
        ({"decimal": ",", "thousands": ","}, "decimal and thousands must differ"),
        ({"separator": "::"}, "separator must be one character"),
        ({"separator": '"'}, "separator must be one character"),
        ({"duplicates": "first"}, "duplicates must be one of 'error', 'mean', 'last'"),
        ({"timezone": ""}, "timezone must not be empty"),
        ({"encoding": ""}, "encoding must not be empty"),
        ({"skip_rows": -1}, "skip_rows must be an integer of at least 0"),
    ],
)
def test_options_that_are_refused(options, words):
    with pytest.raises(ValueError, match=words.replace(".", r"\.")):
        ReadingOptions(**options)


def test_separators_have_names():
    assert ReadingOptions(separator="tab").separator == "\t"
    assert ReadingOptions(separator="space").separator == " "
