"""The message in which processes add up their gradients, with a stand-in for MPI."""

import numpy as np
import pytest

from gru_c import Dense, Parameters
from gru_c.distributed import gradient_message
from gru_c.distributed.gradient_message import GradientMessage
from gru_c.training.processes import Pass

IN_PLACE = object()


class Doubling:
    """A communicator of two processes that hold the same numbers: every sum is twice the number."""

    def __init__(self):
        self.lengths = []

    def Allreduce(self, in_place, piece):  # noqa: N802
        assert in_place is IN_PLACE
        self.lengths.append(len(piece))
        piece *= 2

    def Iallreduce(self, in_place, piece):  # noqa: N802
        self.Allreduce(in_place, piece)
        return self

    def Wait(self):  # noqa: N802
        pass


def made(overlap=False):
    layers = [Dense(40), Dense(30)]
    layers[0].build((None, 20), rng=0)
    layers[1].build((None, 40), rng=1)
    parameters, comm = Parameters(layers), Doubling()
    parameters.gradients[:] = np.arange(len(parameters.gradients))
    whole = [slice(0, len(parameters.gradients))]
    return parameters, comm, GradientMessage(comm, parameters, whole, IN_PLACE, overlap)


@pytest.mark.parametrize("overlap", [False, True])
def test_every_gradient_is_added_up_once(overlap, monkeypatch):
    monkeypatch.setattr(gradient_message, "_LEAST_PIECE", 64)
    monkeypatch.setattr(gradient_message, "LARGEST_PIECE", 1024)
    parameters, comm, message = made(overlap)
    expected = 2 * np.arange(len(parameters.gradients))
    if overlap:
        for layer in reversed(parameters.layers):
            message.send(layer)
    message.finish()
    np.testing.assert_array_equal(parameters.gradients, expected)
    assert sum(comm.lengths) == len(parameters.message)
    assert max(comm.lengths) <= 1024 // parameters.message.itemsize
    assert len(comm.lengths) > 2


def test_notes_are_summed_over_the_processes():
    _, _, message = made()
    message.record_pass(Pass(0.5, 8, 4, outputs=None, mask=None))
    message.record_requests(stop=False, write=True)
    message.finish()
    assert message.totals == (8.0, 16.0, 8.0)
    assert message.requests == (False, True)
    assert not message.failed


def test_a_process_that_failed_adds_nothing():
    parameters, _, message = made()
    message.record_failure()
    message.clear()
    message.finish()
    assert message.failed
    assert not parameters.gradients.any()
