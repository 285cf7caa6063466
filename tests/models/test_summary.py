"""The summary of a model: its width, its layers, and what is trained."""

import pytest
from described_models import make
from three_layers import small_model

from gru_c import GRU, Dense, Sequential


def summary(**options):
    lines = []
    model = make()
    model.layers[3].trainable = False
    model.summary(print_fn=lines.append, **options)
    return lines


def test_the_summary_is_as_wide_as_asked_for():
    lines = summary(line_length=100)
    assert {len(line) for line in lines[1:4]} == {100}
    assert summary(line_length=3) == summary()


def test_the_summary_shows_what_is_trained():
    lines = summary(show_trainable=True)
    assert lines[2].endswith("FLOPs  Trainable")
    assert [line.split()[-1] for line in lines[4:10]] == ["-", "Y", "Y", "N", "-", "Y"]


def test_the_summary_of_some_layers():
    lines = summary(layer_range=("layer_norm.*", "dropout"), expand_nested=True)
    assert [line.split()[0] for line in lines[4:-5]] == ["layer_normalization", "last", "dropout"]
    assert lines[-4:] == summary()[-4:]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"line_length": "wide"}, "line_length must be an integer"),
        ({"positions": [0.5, 1]}, "positions must be None"),
        ({"layer_range": "last"}, "layer_range must be two names of layers"),
        ({"layer_range": ("last", "none")}, "no layer has a name that matches 'none'"),
        ({"show_trainable": "yes"}, "show_trainable must be"),
    ],
)
def test_a_summary_that_is_not_possible(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        summary(**options)


def test_summary_shows_shapes_and_counts():
    lines = []
    small_model().summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "gru_1 (GRU)" in text
    assert "(None, 6, 5)" in text
    assert "165" in text
    assert lines[-3:] == [
        "Total params: 259",
        "Trainable params: 259",
        "Non-trainable params: 0",
    ]
    lines.clear()
    Sequential([GRU(5), Dense(1)]).summary(print_fn=lines.append)
    assert "not built" in "\n".join(lines)
