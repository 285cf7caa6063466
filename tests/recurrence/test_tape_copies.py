"""Copies and pickles of tapes."""

import numpy as np
import pytest
from copied import both_ways
from copy_cases import assert_alike, passed, three_ways


@three_ways
def test_a_copied_tape_may_lie_anywhere_in_memory(duplicate):
    case, blocks = passed(), []
    wanted = case.show(case.make())
    for size in range(8, 400, 16):
        blocks.append(np.empty(size, np.uint8))
        blocks.append(duplicate(case.make()))
        assert_alike(case.show(blocks[-1]), wanted)


@both_ways
def test_a_copy_of_a_tape_that_is_used_up_says_so(duplicate):
    case = passed()
    tape = case.make()
    case.disturb(tape)
    with pytest.raises(ValueError, match="used up"):
        case.show(duplicate(tape))
    assert "0 bytes" in repr(duplicate(tape))
