"""Pictures of models."""

import sys

import pytest

from gru_c import GRU, Bidirectional, Dense, Sequential
from gru_c.models.plot import _boxes, plot_model

pytest.importorskip("matplotlib")


def model():
    return Sequential([Bidirectional(GRU(3, input_shape=(None, 2))), Dense(1, activation="tanh")])


@pytest.mark.parametrize(
    ("name", "written", "signature"),
    [
        ("model.png", "model.png", b"\x89PNG"),
        ("model", "model.png", b"\x89PNG"),
        ("model.svg", "model.svg", b"<?xml"),
        ("model.pdf", "model.pdf", b"%PDF"),
    ],
)
@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_a_model_is_drawn_into_a_file(name, written, signature, rankdir, tmp_path):
    picture = plot_model(model(), tmp_path / name, show_shapes=True, rankdir=rankdir, dpi=50)
    assert (tmp_path / written).read_bytes().startswith(signature)
    assert picture is None or "IPython" in sys.modules


def test_each_box_has_the_lines_that_are_asked_for():
    assert _boxes(model(), set()) == [["Bidirectional"], ["Dense"]]
    everything = {"name", "activation", "shapes", "dtype", "trainable"}
    assert _boxes(model(), everything) == [
        [
            "Bidirectional",
            "bidirectional",
            "Input: (None, None, 2)",
            "Output: (None, 6)",
            "Dtype: float32",
            "Trainable: True",
        ],
        [
            "Dense",
            "dense",
            "Activation: tanh",
            "Input: (None, 6)",
            "Output: (None, 1)",
            "Dtype: float32",
            "Trainable: True",
        ],
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rankdir": "BT"}, "rankdir must be 'TB' or 'LR', got 'BT'"),
        ({"show_shapes": "yes"}, "show_shapes must be True or False"),
        ({"dpi": 0}, "dpi must be a finite number > 0"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message, tmp_path):
    with pytest.raises((ValueError, TypeError), match=message):
        plot_model(model(), tmp_path / "model.png", **options)
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_not_built_has_no_picture():
    with pytest.raises(ValueError, match="so plot_model is not possible"):
        plot_model(Sequential([GRU(3)]))


def test_without_matplotlib_the_error_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"gru_c\[plot\]"):
        plot_model(model(), tmp_path / "model.png")
