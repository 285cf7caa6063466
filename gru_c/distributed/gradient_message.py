"""The message in which the processes add up their gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gru_c.training.processes import Pass

if TYPE_CHECKING:
    from gru_c.parameters import HasParameters, Parameters

# The notes before the gradients: the sum of the loss over the values, the numbers of values and of
# samples; how many processes failed, want to stop, want to write a checkpoint. In float32 counts
# are exact up to 2^24.
_LOSS, _VALUES, _SAMPLES, _FAILED, _STOP, _WRITE = range(6)

_LEAST_PIECE = 1 << 16  # bytes; smaller layers are sent together with the next one
# Largest number of bytes in one Allreduce. MPI allocates as much memory for each one, and a large
# block is new and cold: 38.6 MB at once take 16 ms between two processes of MPICH, in pieces 4 ms.
LARGEST_PIECE = 1 << 22


class GradientMessage:
    """Notes on a batch and the gradients of all trained layers, summed over all processes.

    Everything is sent when the pass has ended, from the first layer to the last. With `overlap`
    each layer is sent as soon as its gradients are complete, from the last layer to the first; the
    notes are sent with the first layer.

    Parameters
    ----------
    comm : mpi4py.MPI.Comm
    parameters : Parameters
    trained : list of slice
        Parts of the flat vectors that hold trainable weights.
    in_place : object
        ``mpi4py.MPI.IN_PLACE``.
    overlap : bool
        True if layers are sent while the gradients of lower layers are computed.
    """

    def __init__(
        self,
        comm: Any,
        parameters: Parameters,
        trained: list[slice],
        in_place: Any,
        overlap: bool,
    ) -> None:
        self._parameters = parameters
        self._in_place = in_place
        self._add_up = comm.Iallreduce if overlap else comm.Allreduce
        self._whole = parameters.message
        self._notes = self._whole[: _WRITE + 1]
        self._notes[:] = 0
        self._begin = len(self._whole) - len(parameters.gradients)  # where the gradients begin
        self._end = len(self._whole)  # everything from here on has been sent
        runs = [slice(run.start + self._begin, run.stop + self._begin) for run in trained]
        if runs and runs[0].start == self._begin:
            self._runs = [slice(0, runs[0].stop), *runs[1:]]
        else:
            self._runs = [slice(0, self._begin), *runs]
        self._overlap = overlap
        self._requests: list[Any] = []

    # ---- before the message is complete: the notes of this process ----

    def record_pass(self, result: Pass) -> None:
        """Note the loss and the counts of this process's pass."""
        self._notes[:_FAILED] = result.loss * result.values, result.values, result.samples

    def record_failure(self) -> None:
        """Note that this process raised an exception."""
        self._notes[_FAILED] = 1

    def record_requests(self, stop: bool, write: bool) -> None:
        """Note two flags: this process wants to stop; it wants to write a checkpoint."""
        self._notes[_STOP], self._notes[_WRITE] = stop, write

    # ---- sending ----

    def send(self, layer: HasParameters) -> None:
        """Send all complete gradients down to this layer's if they are enough for a piece."""
        begin = self._begin + self._parameters.span(layer)[0]
        if begin > self._begin and self._whole[begin : self._end].nbytes >= _LEAST_PIECE:
            self._send_from(begin)

    def _send_from(self, begin: int) -> None:
        most = LARGEST_PIECE // self._whole.itemsize
        for run in self._runs:
            end = min(run.stop, self._end)
            for first in range(max(run.start, begin), end, most):
                piece = self._whole[first : min(first + most, end)]
                self._requests.append(self._add_up(self._in_place, piece))
        self._end = begin

    def clear(self) -> None:
        """Set all gradients that have not been sent to zero, so that this process adds nothing."""
        self._whole[self._begin : self._end] = 0

    def finish(self) -> None:
        """Send everything that has not been sent, and wait until all sums are complete."""
        if self._overlap:
            # A process that failed has not sent what the others have: it sends the same pieces now.
            for layer in reversed(self._parameters.layers):
                if self._begin + self._parameters.span(layer)[0] < self._end:
                    self.send(layer)
        self._send_from(0)
        if self._overlap:
            for request in self._requests:
                request.Wait()

    # ---- after `finish`: the notes of all processes ----

    @property
    def failed(self) -> bool:
        """True if any process raised an exception."""
        return bool(self._notes[_FAILED])

    @property
    def requests(self) -> tuple[bool, bool]:
        """True if any process wants to stop; True if any wants to write a checkpoint."""
        return bool(self._notes[_STOP]), bool(self._notes[_WRITE])

    @property
    def totals(self) -> tuple[float, float, float]:
        """The sums of the loss over the values, of the values, and of the samples."""
        loss, values, samples = map(float, self._notes[:_FAILED])
        return loss, values, samples
