"""The functions of the LSTM; see `gru_c.functional`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c.common.arrays import Array, split_states
from gru_c.functional.calls import Call, gradients_of, joined, step_after
from gru_c.recurrence.cell import ActivationLike, Cell
from gru_c.recurrence.options import AUTO
from gru_c.recurrence.results import LSTMForward, LSTMGradients, LSTMGradientsWithHidden
from gru_c.recurrence.tape import Tape
from gru_c.runtime.threads import team_threads

Pair = tuple[npt.ArrayLike, npt.ArrayLike]

_CELL = Cell(number=_core.CELLS["LSTM"])
_PLAIN = 2 * _CELL.number + 1  # as forward_plain takes it


def lstm_forward(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    initial_state: Pair | None = None,
    *,
    activation: ActivationLike = "tanh",
    recurrent_activation: ActivationLike = "sigmoid",
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
) -> LSTMForward:
    """Run an LSTM over a batch of sequences.

    Parameters
    ----------
    x : array_like of shape (B, T, I)
        Input sequences.
    kernel : array_like of shape (I, 4H)
        Input weights, gates i, f, c, o side by side.
    recurrent_kernel : array_like of shape (H, 4H)
        Recurrent weights, in the same order.
    bias : array_like of shape (4H,), optional
        In the same order.
    initial_state : pair of array_like of shape (B, H), optional
        The states h and c before the first step; zeros by default.
    activation, recurrent_activation : str or tuple
        Functions in place of tanh and of sigmoid; see `gru_c.functional`.
    clip, go_backwards, time_major, training, checkpoint_every, engine, num_threads
        As in `gru_c.gru_forward`; so are the other arguments.

    Returns
    -------
    LSTMForward
        With ``.output`` (B, T, H), ``.state``, the pair of h and c (B, H), and ``.tape``.

    Raises
    ------
    ValueError, TypeError
        As `gru_c.gru_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import lstm_forward
    >>> x, kernel, recurrent_kernel = np.ones((2, 5, 3)), np.ones((3, 16)), np.ones((4, 16))
    >>> result = lstm_forward(x, kernel, recurrent_kernel)
    >>> h, c = result.state
    >>> result.output.shape, bool((result.output[:, -1] == h).all())
    ((2, 5, 4), True)
    """
    usual_cell = activation == "tanh" and recurrent_activation == "sigmoid" and clip is None
    usual_engine = engine in ("auto", "packed") and inference_weights == "float32"
    usual_flags = go_backwards is time_major is training is zero_output_for_mask is False
    if usual_cell and usual_engine and usual_flags and lengths is mask is checkpoint_every is None:
        code, threads = _core.ENGINES[engine], team_threads(num_threads)
        plain = _core.forward_plain(
            x, kernel, recurrent_kernel, bias, joined(initial_state), _PLAIN, code, threads
        )
        if type(plain) is tuple:  # else x is a single step, or the arguments need conversion
            output, state = plain
            return LSTMForward(output, split_states(state, 2), None)
    call = Call(
        cell=Cell.checked(True, activation, recurrent_activation, clip, kind="LSTM"),
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
    output, (h, c), tape = call.run()
    return LSTMForward(output, (h, c), tape)


def lstm_backward(
    tape: Tape,
    d_output: npt.ArrayLike | None = None,
    d_state: tuple[npt.ArrayLike | None, npt.ArrayLike | None] | None = None,
    *,
    keep_tape: bool = True,
    d_hidden: bool = False,
) -> LSTMGradients | LSTMGradientsWithHidden:
    """Return the gradients of a loss with respect to the arrays that `lstm_forward` was given.

    Parameters
    ----------
    tape : GRUTape, CheckpointTape or RaggedTape
        From ``lstm_forward(..., training=True)``.
    d_output : array_like of shape (B, T, H), optional
        Gradient of the loss with respect to ``.output``; zeros by default.
    d_state : pair of array_like of shape (B, H), optional
        Gradients with respect to ``.state``; each may be None, for zeros.
    keep_tape, d_hidden
        As in `gru_c.gru_backward`.

    Returns
    -------
    LSTMGradients or LSTMGradientsWithHidden
        With ``.x``, ``.kernel``, ``.recurrent_kernel``, ``.bias``, ``.initial_state`` (a pair) and,
        with ``d_hidden=True``, ``.hidden``.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        As `gru_c.gru_backward`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import lstm_backward, lstm_forward
    >>> x, kernel, recurrent_kernel = np.ones((2, 5, 3)), np.ones((3, 16)), np.ones((4, 16))
    >>> result = lstm_forward(x, kernel, recurrent_kernel, training=True)
    >>> gradients = lstm_backward(result.tape, d_state=(np.ones((2, 4)), None))
    >>> gradients.kernel.shape, len(gradients.initial_state)
    ((3, 16), 2)
    """
    result, hidden = gradients_of("LSTM", tape, d_output, d_state, keep_tape, d_hidden)
    gradients = LSTMGradients(*result)
    return gradients if hidden is None else LSTMGradientsWithHidden(*gradients, hidden)


def lstm_step(
    x_t: npt.ArrayLike,
    state: Pair,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Return the states h and c after one time step.

    Parameters
    ----------
    x_t : array_like of shape (B, I)
        Input of the time step.
    state : pair of array_like of shape (B, H)
        The states h and c before the step; not changed.
    kernel, recurrent_kernel, bias
        As in `lstm_forward`.

    Returns
    -------
    h : ndarray of shape (B, H)
        The first state after the step, which is also its output.
    c : ndarray of shape (B, H)
        The second one.

    Raises
    ------
    ValueError, TypeError
        As `lstm_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import lstm_step
    >>> state = np.zeros((1, 4)), np.zeros((1, 4))
    >>> h, c = lstm_step(np.ones((1, 3)), state, np.ones((3, 16)), np.ones((4, 16)))
    >>> h.shape, c.shape
    ((1, 4), (1, 4))
    """
    after = _core.forward_plain(
        x_t, kernel, recurrent_kernel, bias, joined(state), _PLAIN, AUTO, team_threads()
    )
    if type(after) is not np.ndarray:
        after = step_after(_CELL, x_t, state, (kernel, recurrent_kernel, bias))
    h, c = split_states(after, 2)
    return h, c
