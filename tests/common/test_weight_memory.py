"""The memory of weights shows if they may have changed."""

from types import SimpleNamespace

import numpy as np
import pytest

from gru_c.common.weight_memory import Memory, derived, versions_of


def weight_of(array):
    memory = Memory(array)
    held = memory.hold(array, writeable=True)
    return SimpleNamespace(memory=memory, array=memory.hold(array), held=held)


def made(values):
    """Return a weight whose memory nothing else refers to."""
    return weight_of(np.array(values, float))


def test_an_array_that_is_held_for_reading_cannot_be_made_writeable():
    weight = made([1, 2])
    with pytest.raises(ValueError, match="read-only"):
        weight.array[0] = 3
    with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
        weight.array.flags.writeable = True


def test_versions_change_when_an_array_is_lent_and_are_unknown_while_it_is():
    weight = made([1, 2])
    first = versions_of([weight])
    assert versions_of([weight]) == first
    lent = weight.memory.lend(weight.held)
    lent[0] = 5
    assert weight.memory.lent
    assert versions_of([weight]) is None
    del lent
    assert versions_of([weight]) not in (None, first)
    assert weight.array.tolist() == [5, 2]


def test_a_view_of_a_lent_array_keeps_it_lent():
    weight = made([[1, 2], [3, 4]])
    view = weight.memory.lend(weight.held)[0]
    assert weight.memory.lent
    del view
    assert not weight.memory.lent


def test_a_derived_result_is_kept_until_a_weight_may_have_changed():
    weight, calls = made([1, 2]), []

    def total():
        calls.append(1)
        return weight.array.sum()

    assert derived([weight], "total", total) == derived([weight], "total", total) == 3
    assert len(calls) == 1
    assert derived([weight], "other", lambda: 7) == 7
    weight.memory.lend(weight.held)[0] = 10
    assert derived([weight], "total", total) == 12
    lent = weight.memory.lend(weight.held)
    derived([weight], "total", total)
    lent[0] = 20
    assert derived([weight], "total", total) == 22
    assert len(calls) == 4
