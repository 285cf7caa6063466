"""Pools of memory for tapes: what is given back is taken again."""

import copy
import pickle

import numpy as np
import pytest
from tools import random_arguments

from gru_c import gru_backward, gru_forward
from gru_c.recurrence.memory import SHARED_MEMORY, BorrowedMemory, TapeMemory

B, T, I, H = 6, 9, 3, 5


def passed(**options):
    return gru_forward(**random_arguments(B, T, I, H), training=True, **options).tape


def test_memory_that_is_given_back_is_taken_again():
    pool = TapeMemory()
    first = pool.take(100)
    second = pool.take(100)
    pool.give(first)
    assert pool.take(80) is first
    assert pool.take(80) is not first
    pool.give(second)
    assert pool.take(101).size == 101


def test_a_pool_keeps_so_many_blocks_up_to_a_size():
    pool = TapeMemory(2, most_bytes=50)
    blocks = [np.empty(size, np.uint8) for size in (10, 20, 30, 51)]
    for block in blocks:
        pool.give(block)
    taken = [pool.take(1) for _ in range(3)]
    assert taken[0] is blocks[2]
    assert taken[1] is blocks[1]
    assert taken[2].size == 1


@pytest.mark.parametrize(
    "duplicate", [copy.copy, copy.deepcopy, lambda pool: pickle.loads(pickle.dumps(pool))]
)
def test_a_copy_of_a_pool_shares_no_memory(duplicate):
    pool = TapeMemory()
    pool.give(np.empty(9, np.uint8))
    assert duplicate(pool).take(4).size == 4
    assert pool.take(4).size == 9


@pytest.mark.parametrize("keep", [True, False])
def test_memory_goes_to_the_pool_once_it_is_used_up(keep):
    pool, memory = TapeMemory(), np.empty(9, np.uint8)
    borrowed = BorrowedMemory(memory, pool)
    borrowed.end(borrowed.begin(keep), keep)
    assert (pool.take(9) is memory) == (not keep)
    assert (borrowed.memory is None) == (not keep)


def test_the_next_pass_takes_the_memory_of_a_tape_that_was_used_up():
    tape = passed()
    memory = tape.memory
    gru_backward(tape, keep_tape=False)
    assert tape.memory is None
    assert passed().memory is memory
    SHARED_MEMORY.take(0)
