"""The pass in which every time step counts; test_tape.py has what all tapes have in common."""

import numpy as np
import pytest
import specification
from tools import assert_close, assert_same_bits, random_arguments, random_gradients

from gru_c import _core
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import pack_weights, run_plain
from gru_c.recurrence.weights import Weights

B, T, I, H = 3, 6, 2, 5
X, *ARRAYS, STATE = random_arguments(B, T, I, H).values()
WEIGHTS = Weights(*ARRAYS)


@pytest.mark.parametrize("go_backwards", [False, True])
def test_outputs_are_in_the_order_in_which_steps_are_taken(go_backwards):
    output = np.empty((B, T, H))
    options = PassOptions(Cell(), go_backwards=go_backwards)
    last, tape = run_plain(X, WEIGHTS, STATE, output, options)
    expected, _ = specification.gru(X, *ARRAYS, STATE, go_backwards=go_backwards)
    assert_close(output, expected, 1e-13)
    assert_same_bits(last, output[:, -1])
    assert tape is None


def test_packed_weights_give_the_same_bits():
    options = {"engine": _core.ENGINES["packed"]}
    expected, _ = run_plain(X, WEIGHTS, STATE, None, PassOptions(Cell(), **options))
    packed = pack_weights(WEIGHTS, Cell(), **options)
    copied = packed.copy()
    last, _ = run_plain(X, WEIGHTS, STATE, None, PassOptions(Cell(), packed=packed, **options))
    assert_same_bits(last, expected)
    assert_same_bits(packed, copied)
    assert pack_weights(WEIGHTS, Cell(), _core.ENGINES["blas"]) is None


def test_the_gradient_of_x_is_in_the_order_of_x():
    pair = random_gradients(B, T, H)
    turned = np.ascontiguousarray(X[:, ::-1])
    gradients = []
    for x, go_backwards in ((X, True), (turned, False)):
        options = PassOptions(Cell(), training=True, go_backwards=go_backwards)
        _, tape = run_plain(x, WEIGHTS, STATE, None, options)
        written = WEIGHTS.empty_gradients()
        written.x = np.empty_like(x)
        tape.backward(*pair, written)
        gradients.append(written.x)
    assert_same_bits(np.ascontiguousarray(gradients[1][:, ::-1]), gradients[0])


def test_a_tape_says_what_it_is():
    _, tape = run_plain(X, WEIGHTS, STATE, None, PassOptions(Cell(), training=True))
    assert repr(tape).startswith("<GRUTape of 3 sequences x 6 steps x 5 units, ")
