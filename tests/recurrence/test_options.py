"""The options of a pass: engines and formats of weights by name, and where they cannot be used."""

import re

import numpy as np
import pytest
from tools import random_arguments

from gru_c import GRU, Input, Sequential, _core, gru_forward
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions, engine_of

REDUCED = ["bfloat16", "int8"]
FORMATS = pytest.mark.parametrize("weights", REDUCED)


def float32_arguments(B, T, I, H, **changes):
    return random_arguments(B, T, I, H, dtype=np.float32, **changes)


@pytest.mark.parametrize(
    "make",
    [
        lambda name: GRU(4, inference_weights=name),
        lambda name: gru_forward(**float32_arguments(1, 1, 1, 1), inference_weights=name),
    ],
)
def test_unknown_names(make):
    with pytest.raises(ValueError, match=r"'float16'.* Known: bfloat16, float32, int8"):
        make("float16")
    with pytest.raises(TypeError, match="must be a string, got int"):
        make(8)


@FORMATS
def test_float64_is_refused(weights):
    message = re.escape(f"inference_weights='{weights}' is for float32; in float64")
    with pytest.raises(ValueError, match=message):
        GRU(4, inference_weights=weights, dtype="float64")
    with pytest.raises(ValueError, match=message):
        Sequential([Input((5, 3)), GRU(4, inference_weights=weights)], dtype="float64")
    with pytest.raises(ValueError, match=message):
        gru_forward(**random_arguments(1, 2, 3, 4), inference_weights=weights)


@FORMATS
def test_what_they_do_not_go_with(weights):
    arguments = float32_arguments(1, 2, 3, 4)
    with pytest.raises(ValueError, match=f"'{weights}' does not go with training=True"):
        gru_forward(**arguments, inference_weights=weights, training=True)
    with pytest.raises(ValueError, match=f"'{weights}' does not go with engine='blas'"):
        gru_forward(**arguments, inference_weights=weights, engine="blas")


def test_engines_have_the_numbers_of_the_core():
    assert {name: engine_of(name) for name in _core.ENGINES} == _core.ENGINES
    for name in ("fast", None, 0):
        with pytest.raises(ValueError, match=r"unknown engine .*; known: auto"):
            engine_of(name)


def test_a_part_of_a_pass_continues_the_draws_of_the_whole():
    assert PassOptions(Cell(), draws=(7, 3)).draws_from(5) == (7, 8)
    assert PassOptions(Cell()).draws_from(5) is None
