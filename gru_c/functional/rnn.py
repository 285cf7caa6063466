"""The functions of the plain recurrent cell; see `gru_c.functional`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.functional.calls import Call, gradients_of, step_after
from gru_c.recurrence.cell import ActivationLike, Cell
from gru_c.recurrence.options import AUTO
from gru_c.recurrence.results import RNNForward, RNNGradients, RNNGradientsWithHidden
from gru_c.recurrence.tape import Tape
from gru_c.runtime.threads import team_threads

_CELL = Cell(number=_core.CELLS["SimpleRNN"])
_PLAIN = 2 * _CELL.number + 1  # as forward_plain takes it


def rnn_forward(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    initial_state: npt.ArrayLike | None = None,
    *,
    activation: ActivationLike = "tanh",
    clip: float | None = None,
    go_backwards: bool = False,
    time_major: bool = False,
    training: bool = False,
    checkpoint_every: int | str | None = None,
    engine: str = "auto",
    num_threads: int | None = None,
    inference_weights: str = "float32",
    lengths: npt.ArrayLike | None = None,
    mask: npt.ArrayLike | None = None,
    zero_output_for_mask: bool = False,
) -> RNNForward:
    """Run a plain recurrent cell over a batch of sequences.

    Parameters
    ----------
    x : array_like of shape (B, T, I)
        Input sequences.
    kernel : array_like of shape (I, H)
        Input weights.
    recurrent_kernel : array_like of shape (H, H)
        Recurrent weights.
    bias : array_like of shape (H,), optional
    initial_state : array_like of shape (B, H), optional
        State before the first step; zeros by default.
    activation : str or tuple
        Function in place of tanh; see `gru_c.functional`.
    clip, go_backwards, time_major, training, checkpoint_every, engine, num_threads
        As in `gru_c.gru_forward`; so are the other arguments.

    Returns
    -------
    RNNForward
        With ``.output`` (B, T, H), ``.state`` (B, H) and ``.tape``.

    Raises
    ------
    ValueError, TypeError
        As `gru_c.gru_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import rnn_forward
    >>> result = rnn_forward(np.ones((2, 5, 3)), np.ones((3, 4)), np.ones((4, 4)))
    >>> result.output.shape, result.state.shape
    ((2, 5, 4), (2, 4))
    """
    usual_cell = activation == "tanh" and clip is None
    usual_engine = engine in ("auto", "packed") and inference_weights == "float32"
    usual_flags = go_backwards is time_major is training is zero_output_for_mask is False
    if usual_cell and usual_engine and usual_flags and lengths is mask is checkpoint_every is None:
        code, threads = _core.ENGINES[engine], team_threads(num_threads)
        plain = _core.forward_plain(
            x, kernel, recurrent_kernel, bias, initial_state, _PLAIN, code, threads
        )
        if type(plain) is tuple:  # else x is a single step, or the arguments need conversion
            output, state = plain
            return RNNForward(output, state, None)
    call = Call(
        cell=Cell.checked(True, activation, "sigmoid", clip, kind="SimpleRNN"),
        x=x,
        weights=(kernel, recurrent_kernel, bias),
        initial_state=initial_state,
        go_backwards=go_backwards,
        time_major=time_major,
        training=training,
        checkpoint_every=checkpoint_every,
        engine=engine,
        num_threads=num_threads,
        inference_weights=inference_weights,
        lengths=lengths,
        mask=mask,
        zero_output_for_mask=zero_output_for_mask,
    )
    output, state, tape = call.run()
    return RNNForward(output, state, tape)


def rnn_backward(
    tape: Tape,
    d_output: npt.ArrayLike | None = None,
    d_state: npt.ArrayLike | None = None,
    *,
    keep_tape: bool = True,
    d_hidden: bool = False,
) -> RNNGradients | RNNGradientsWithHidden:
    """Return the gradients of a loss with respect to the arrays that `rnn_forward` was given.

    Parameters
    ----------
    tape : GRUTape, CheckpointTape or RaggedTape
        From ``rnn_forward(..., training=True)``.
    d_output, d_state, keep_tape, d_hidden
        As in `gru_c.gru_backward`.

    Returns
    -------
    RNNGradients or RNNGradientsWithHidden
        With ``.x``, ``.kernel``, ``.recurrent_kernel``, ``.bias``, ``.initial_state`` and, with
        ``d_hidden=True``, ``.hidden``.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        As `gru_c.gru_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import rnn_backward, rnn_forward
    >>> result = rnn_forward(np.ones((2, 5, 3)), np.ones((3, 4)), np.ones((4, 4)), training=True)
    >>> rnn_backward(result.tape, d_state=np.ones((2, 4))).kernel.shape
    (3, 4)
    """
    result, hidden = gradients_of("SimpleRNN", tape, d_output, d_state, keep_tape, d_hidden)
    gradients = RNNGradients(*result)
    return gradients if hidden is None else RNNGradientsWithHidden(*gradients, hidden)


def rnn_step(
    x_t: npt.ArrayLike,
    state: npt.ArrayLike,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
) -> Array:
    """Return the state after one time step.

    Parameters
    ----------
    x_t : array_like of shape (B, I)
        Input of the time step.
    state : array_like of shape (B, H)
        State before the step; not changed.
    kernel, recurrent_kernel, bias
        As in `rnn_forward`.

    Returns
    -------
    ndarray of shape (B, H)
        The state after the step, which is also its output.

    Raises
    ------
    ValueError, TypeError
        As `rnn_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import rnn_step
    >>> rnn_step(np.ones((1, 3)), np.zeros((1, 4)), np.ones((3, 4)), np.ones((4, 4))).shape
    (1, 4)
    """
    after = _core.forward_plain(
        x_t, kernel, recurrent_kernel, bias, state, _PLAIN, AUTO, team_threads()
    )
    if type(after) is np.ndarray:
        return after
    return step_after(_CELL, x_t, state, (kernel, recurrent_kernel, bias))
