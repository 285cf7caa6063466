"""The fraction of a batch that a process takes: parts of nearly equal size that make the whole."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, gru_forward
from gru_c.data.batch_order import WHOLE, BatchPlan, fraction_slice, take_fraction


@pytest.mark.parametrize("count", [0, 1, 7, 12])
@pytest.mark.parametrize("parts", [1, 3, 5])
def test_the_parts_follow_each_other_and_differ_by_at_most_one(count, parts):
    samples = list(range(count))
    taken = [samples[fraction_slice(count, (number, parts))] for number in range(parts)]
    assert [sample for part in taken for sample in part] == samples
    assert max(map(len, taken)) - min(map(len, taken)) <= 1


def test_a_fraction_of_a_slice_is_a_part_of_that_slice():
    assert take_fraction(slice(4, 10), 20, (0, 3)) == slice(4, 6)
    assert take_fraction(slice(4, 10), 20, (2, 3)) == slice(8, 10)
    assert take_fraction(slice(8, 16), 11, (1, 3)) == slice(9, 10)  # the batch ends at 11


def test_a_fraction_of_chosen_samples_is_a_part_of_the_choice():
    chosen = np.array([9, 2, 7, 4, 5])
    assert take_fraction(chosen, 10, (0, 2)).tolist() == [9, 2]
    assert take_fraction(chosen, 10, (1, 2)).tolist() == [7, 4, 5]


def test_the_whole_fraction_changes_nothing():
    chosen = np.array([3, 1])
    assert take_fraction(chosen, 5, WHOLE) is chosen


@pytest.mark.parametrize("count", [0, 1, 7, 12])
@pytest.mark.parametrize("size", [1, 3, 5, 20])
def test_a_plan_has_each_sample_once(count, size):
    samples = np.arange(count)
    plan = BatchPlan.of(count, size)
    assert [samples[where].tolist() for where in plan] == [
        samples[i : i + size].tolist() for i in range(0, count, size)
    ]
    assert [samples[where].tolist() for where in plan[1:]] == [
        samples[i : i + size].tolist() for i in range(size, count, size)
    ]
    order = np.random.default_rng(0).permutation(count)
    assert [sample for where in BatchPlan.of(count, size, order) for sample in where] == [*order]


def test_a_plan_of_any_number_of_batches_takes_no_memory():
    plan = BatchPlan.of(2**62, 32)
    assert len(plan) == 2**57
    assert plan[-1] == slice(2**62 - 32, 2**62)
    assert len(plan[5:]) == 2**57 - 5


def test_sizes_that_no_memory_holds_are_refused_at_once_and_named():
    """The outputs are allocated before anything else; the message says what was asked for."""
    model = Sequential([GRU(3, input_shape=(5, 3)), Dense(1)])
    model.compile("sgd", "mse")
    x = np.broadcast_to(np.float32(0), (2**50, 5, 3))
    y = np.broadcast_to(np.float32(0), (2**50, 1))
    calls = [
        lambda: model.predict(x, verbose=0),
        lambda: model.predict(x, verbose=0, callbacks=[]),
        lambda: model.predict(x, lengths=np.broadcast_to(5, 2**50), verbose=0),
        lambda: model.predict_on_batch(x),
        lambda: model(x),
        lambda: model.freeze()(x),
        lambda: model.fit(x, y, verbose=0),
        lambda: model.evaluate(x, y, verbose=0, batch_size=2**50),
        lambda: gru_forward(x, np.ones((3, 6), "f"), np.ones((2, 6), "f")),
    ]
    for call in calls:
        with pytest.raises(MemoryError, match=r"Unable to allocate .*iB for an array with shape"):
            call()
