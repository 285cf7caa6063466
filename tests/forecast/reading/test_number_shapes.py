"""Numbers by their shape."""

import pytest

from gru_c.forecast.reading.number_shapes import gather, looks_like_number
from gru_c.forecast.reading.shapes import Shaped


@pytest.mark.parametrize("text", ["5", "-5,5", "1.234.567,8", "(5)", "5%", "$5", "1e-5", "true"])
def test_texts_that_look_like_numbers(text):
    assert looks_like_number(text)


@pytest.mark.parametrize(
    "text", ["", "-", "01.02.2024", "1.2.3", "2024-01-01", "5 MW", "(5", "x", "-5-"]
)
def test_texts_that_do_not(text):
    assert not looks_like_number(text)


def test_evidence_of_marks():
    evidence = gather(Shaped.of(["1,395", "0.5", "1.234.567", "12", "4711", "x"]))
    assert evidence.unclear == {",": "1,395"}
    assert evidence.decimal == {".": "0.5"}
    assert evidence.thousands == {".": "1.234.567"}
    assert (evidence.short, evidence.long, evidence.odd) == ("12", "4711", "x")
    assert evidence.numbers == 5
    assert gather(Shaped.of(["1,395", "0,395"])).decimal == {",": "0,395"}
    assert gather(Shaped.of(["0", "00"])).short is None
