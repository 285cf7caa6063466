"""A group of one process, the mean of losses, and objects that are no distribution."""

import math

import pytest

from gru_c import metrics
from gru_c.training.processes import Distribution, SingleProcess, average_loss, results, start_group


def test_batches_weigh_by_their_samples():
    assert average_loss([(1.0, 8, 4), (4.0, 2, 1)]) == pytest.approx((4 + 4) / 5)
    assert math.isnan(average_loss([]))
    assert math.isnan(average_loss([(1.0, 0, 0)]))


def test_a_metric_of_several_numbers_is_refused():
    error = metrics.MeanAbsoluteError(name="error")
    error.update([[1.0]], [[3.0]])
    assert results([error]) == {"error": 2.0}
    counts = metrics.TruePositives([0.25, 0.5])
    counts.update([1], [[0.75]])
    with pytest.raises(ValueError, match="has 2 results, and a model reports one number"):
        results([counts])


def test_a_single_process_agrees_with_itself():
    group = start_group(None)
    assert type(group) is SingleProcess
    assert (group.rank, group.size, group.is_first) == (0, 1, True)
    assert group.gather("value") == ["value"]
    assert group.broadcast(lambda: 3) == 3
    assert group.any_process(True)
    assert not group.any_process(False)
    assert group.take_requests() == (False, False)
    group.register_requests(lambda: (True, False))
    assert group.take_requests() == (True, False)


def test_an_exception_passes_through_the_contexts_of_a_single_process():
    group = start_group(None)
    for context in (group.session, group.raise_together, group.defer_errors):
        with pytest.raises(ZeroDivisionError), context():
            raise ZeroDivisionError


def test_a_distribution_starts_its_own_group():
    class Fixed(Distribution):
        def start(self):
            return "the group"

    assert start_group(Fixed()) == "the group"
    with pytest.raises(NotImplementedError, match=r"Distribution must define start\(\)"):
        start_group(Distribution())
    with pytest.raises(TypeError, match="distribution must be an object such as"):
        start_group(2)
