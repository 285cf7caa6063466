"""The plan of batches of checked samples: similar lengths together, and each sample once."""

from itertools import pairwise

import numpy as np
import pytest
from ragged_models import LENGTHS, LIST, N, X, Y, model_of

from gru_c import GRU, Dense, Sequential
from gru_c.data.samples import Samples
from gru_c.data.sequence_list import SequenceList


def plan(batch_size, seed, bucket=True):
    samples = Samples(SequenceList.checked("x", LIST), LENGTHS)
    rng = None if seed is None else np.random.default_rng(seed)
    return samples.plan(batch_size, rng, bucket=bucket)


@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize("batch_size", [1, 4, 5, 20])
def test_batches_are_of_similar_length_and_take_each_sample_once(seed, batch_size):
    batches = plan(batch_size, seed)
    assert sorted(np.concatenate(batches)) == list(range(N))
    ranges = sorted((LENGTHS[b].min(), LENGTHS[b].max()) for b in batches)
    assert all(a[1] <= b[0] for a, b in pairwise(ranges))
    assert [len(b) for b in batches].count(batch_size) == N // batch_size


def test_the_order_of_the_batches_is_drawn():
    orders = {tuple(np.concatenate(plan(3, seed))) for seed in range(8)}
    assert len(orders) > 4
    assert plan(3, 1)[0].tolist() == plan(3, 1)[0].tolist()


def test_a_batch_is_no_longer_than_its_longest_sequence():
    seen = []

    class Spy(GRU):
        def forward(self, x, **options):
            seen.append(np.shape(x)[1])
            return super().forward(x, **options)

    for x, lengths in ((LIST, None), (X, LENGTHS)):
        model = Sequential([Spy(3), Dense(1)], seed=0)
        model.compile("adam", "mse")
        seen.clear()
        model.fit(x, Y, batch_size=3, bucket=True, verbose=0, lengths=lengths)
        assert sorted(seen) == [3, 6, 9, 12]


def test_a_value_that_is_not_finite_is_named_where_it_counts():
    x, model = X.copy(), model_of(False)
    x[3, 2, 1] = np.inf
    with pytest.raises(FloatingPointError, match=r"1 values of x .* x\[3, 2, 1\]"):
        model.fit(x, Y, lengths=LENGTHS, verbose=0, batch_size=50, bucket=True)
