"""Shapes of texts."""

from gru_c.forecast.reading.shapes import Shaped, distinct, shape_of


def test_texts_of_one_shape_lie_together():
    shaped = Shaped.of(["1.5", "x", "7.2", "10"])
    assert shaped.places == {"0.0": [0, 2], "x": [1], "00": [3]}
    assert shaped.of_shape("0.0") == ["1.5", "7.2"]
    assert shape_of("2024-W05") == "0000-W00"


def test_different_texts_are_counted_once():
    texts, codes = distinct(["b", "a", "b"])
    assert (texts, codes.tolist()) == (["b", "a"], [0, 1, 0])
