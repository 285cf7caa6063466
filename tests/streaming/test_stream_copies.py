"""Copies and pickles of streams."""

import copy
import pickle

import pytest
from copy_cases import assert_alike, remaining_steps, stepped_stream, streaming, three_ways

import gru_c
from gru_c import _core


@three_ways
def test_a_copied_stream_is_a_branch_with_a_state_of_its_own(duplicate):
    stream = stepped_stream()
    branch = duplicate(stream)
    branch.reset()
    wanted, again = remaining_steps(stepped_stream()), duplicate(stream)
    assert_alike(remaining_steps(stream), wanted)
    assert_alike(remaining_steps(again), wanted)
    fresh = streaming().stream(2)
    assert_alike(remaining_steps(branch), remaining_steps(fresh))


def test_copied_streams_share_the_packed_weights():
    stream = stepped_stream()
    for other in (copy.copy(stream), copy.deepcopy(stream)):
        for a, b in zip(stream._stacks, other._stacks, strict=True):
            assert all(x is y for x, y in zip(a.packed, b.packed, strict=True))


def test_a_pickled_stream_of_another_instruction_set_is_refused_by_name():
    if len(_core.isa_names()) < 2:
        pytest.skip("this CPU has one instruction set")
    before = _core.active_isa()
    other = next(name for name in _core.isa_names() if name != before)
    content = pickle.dumps(stepped_stream())
    _core.select_isa(other)
    try:
        with pytest.raises(ValueError, match=f"packed for {before} .* read with {other} .*state"):
            pickle.loads(content)
    finally:
        _core.select_isa(before)


def test_a_pickled_stream_of_another_version_is_refused_by_name(monkeypatch):
    content = pickle.dumps(stepped_stream())
    monkeypatch.setattr("gru_c.streaming.stream.__version__", "99.0")
    with pytest.raises(ValueError, match=f"by gru_c {gru_c.__version__}, .* by gru_c 99.0"):
        pickle.loads(content)
