"""A pass over whole sequences takes the kind of pass that its arguments ask for."""

import numpy as np
import pytest
import specification
from tools import assert_close, random_arguments

from gru_c.recurrence import passes
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.checkpointing import CheckpointTape
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.plain import GRUTape
from gru_c.recurrence.ragged import RaggedTape
from gru_c.recurrence.step_order import Steps
from gru_c.recurrence.weights import Weights

B, T, I, H = 3, 7, 2, 4
ARGUMENTS = random_arguments(B, T, I, H)
MASK = np.arange(T) < np.array([[7], [2], [5]])


@pytest.mark.parametrize(
    ("mask", "every", "kind"),
    [(None, None, GRUTape), (None, 2, CheckpointTape), (MASK, None, RaggedTape)],
    ids=["plain", "checkpointed", "ragged"],
)
@pytest.mark.parametrize("training", [False, True])
def test_each_kind_of_pass_is_the_specification(mask, every, kind, training):
    x, *weights, state = ARGUMENTS.values()
    steps = None if mask is None else Steps.checked((B, T), mask)
    output = np.empty((B, T, H))
    last, tape = passes.run(
        x,
        Weights(*weights),
        state,
        output,
        PassOptions(Cell(), training=training),
        steps=steps,
        every=every,
    )
    expected, expected_last = specification.gru(x, *weights, state, mask=mask)
    assert_close(last, expected_last, 1e-13)
    assert_close(output, expected, 1e-13)
    assert isinstance(tape, kind) if training else tape is None


def test_batch_first_turns_time_major_arrays_without_a_copy():
    x = np.arange(24).reshape(4, 3, 2)
    turned = passes.batch_first(x, True)
    assert turned.shape == (3, 4, 2)
    assert turned.base is x.base
    assert turned[2, 1].tolist() == x[1, 2].tolist()
    assert passes.batch_first(x, False) is x
    assert passes.batch_first(None, True) is None
