"""The functions of the GRU; see `gru_c.functional`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag
from gru_c.functional.calls import Call, gradients_of, step_after
from gru_c.recurrence.cell import ActivationLike, Cell
from gru_c.recurrence.options import AUTO
from gru_c.recurrence.results import GRUForward, GRUGradients, GRUGradientsWithHidden
from gru_c.recurrence.tape import Tape
from gru_c.runtime.threads import team_threads


def gru_forward(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    initial_state: npt.ArrayLike | None = None,
    *,
    reset_after: bool = True,
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
) -> GRUForward:
    """Run a GRU over a batch of sequences.

    Parameters
    ----------
    x : array_like of shape (B, T, I)
        Input sequences. Arrays with any strides over B and T are read in place, so a transposed
        time-major array costs no copy.
    kernel : array_like of shape (I, 3H)
        Input weights, gates z, r, n side by side.
    recurrent_kernel : array_like of shape (H, 3H)
        Recurrent weights, in the same order.
    bias : array_like, optional
        Shape (2, 3H) for ``reset_after=True`` (input row, recurrent row), else (3H,).
    initial_state : array_like of shape (B, H), optional
        State before the first step; zeros by default.
    reset_after : bool
        Variant of the candidate state: see above. Keras, PyTorch and cuDNN have True.
    activation, recurrent_activation : str or tuple
        Functions of the candidate and of the two gates: a name, or a name and parameters; see
        above.
    clip : float, optional
        Limit the sums before the activations to +-clip.
    go_backwards : bool
        Take the time steps from the last to the first. The output stays in the order in which the
        steps are taken, as in Keras: ``output[:, 0]`` belongs to ``x[:, -1]``.
    time_major : bool
        x is (T, B, I) and ``.output`` (T, B, H), without a copy; the backward pass takes and
        returns gradients of these shapes, too.
    training : bool
        Return a tape for `gru_backward`: until then x and the weights must not be changed.
    checkpoint_every : int or "auto", optional
        Gradient checkpointing. While training, keep only the state every so many time steps, and
        compute the gates again in the backward pass. The number is rounded up to the steps that the
        core sums at a time; "auto" is about the square root of T. The gradients are the same, to
        the bit with the packed engine.
    engine : {"auto", "packed", "blas"}
        The engine that computes; "auto" takes the fastest.
    num_threads : int, optional
        Threads of this call; by default the number that `set_num_threads` set. The results have
        the same bits for any number.
    inference_weights : {"float32", "bfloat16", "int8"}
        Format that kernel and recurrent_kernel are rounded to, for float32 arrays and without
        training. Formats of fewer bits are faster where reading the weights takes most of the time;
        see `GRU`.
    lengths : array_like of int, shape (B,), optional
        Number of time steps of each sequence that count, in [0, T]: the first ones. See Notes.
    mask : array_like of bool, shape (B, T), optional
        True for the time steps that count: any pattern, instead of lengths.
    zero_output_for_mask : bool
        Return zeros as the output of a time step that does not count.

    Returns
    -------
    GRUForward
        With ``.output`` (B, T, H), ``.state`` (B, H) and ``.tape``. The arrays are float64 if x or
        a weight is, else float32; integers and float16 are converted to that type.

    Raises
    ------
    ValueError
        When shapes do not fit each other, an activation, the engine or inference_weights is
        unknown, an activation does not take the given parameters or cannot be trained with them,
        clip is not positive, a length is not in [0, T], lengths and mask are both given, or weights
        of fewer bits are asked for in training, in float64 or with ``engine="blas"``.
    TypeError
        When an array does not hold real numbers, lengths are not integers, or a mask not bools.

    Notes
    -----
    A time step that does not count is not computed: x may hold anything there, and the step takes
    no time. It does not change the state, and its output repeats that of the step before; before
    the first step that counts the output is zero, whatever the initial state. (These are Keras's
    semantics; PyTorch pads the output of packed sequences with zeros.) The gradient of a repeated
    output goes to the step that it repeats, and the gradient of x is zero where a step does not
    count. With ``go_backwards`` each row begins at its own last step that counts, and
    ``output[:, 0]`` still belongs to ``x[:, -1]``.

    In the packed engine a row's results have the same bits as those of the row alone, without the
    steps that do not count.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import gru_forward
    >>> x = np.ones((2, 5, 3), dtype=np.float32)
    >>> kernel = np.full((3, 12), 0.1, dtype=np.float32)
    >>> recurrent_kernel = np.full((4, 12), 0.1, dtype=np.float32)
    >>> result = gru_forward(x, kernel, recurrent_kernel)
    >>> result.output.shape, result.state.shape
    ((2, 5, 4), (2, 4))
    >>> bool((result.output[:, -1] == result.state).all())
    True
    >>> short = gru_forward(x, kernel, recurrent_kernel, lengths=[5, 2])
    >>> bool((short.state[1] == result.output[1, 1]).all())
    True
    """
    usual_cell = activation == "tanh" and recurrent_activation == "sigmoid" and clip is None
    usual_engine = engine in ("auto", "packed") and inference_weights == "float32"
    usual_flags = go_backwards is time_major is training is zero_output_for_mask is False
    all_steps = lengths is None and mask is None and checkpoint_every is None
    if usual_cell and usual_engine and usual_flags and all_steps and type(reset_after) is bool:
        code, threads = _core.ENGINES[engine], team_threads(num_threads)
        plain = _core.forward_plain(
            x, kernel, recurrent_kernel, bias, initial_state, reset_after, code, threads
        )
        if type(plain) is tuple:  # else x is a single step, or the arguments need conversion
            output, state = plain
            return GRUForward(output, state, None)
    call = Call(
        cell=Cell(reset_after)
        if usual_cell and type(reset_after) is bool
        else Cell.checked(reset_after, activation, recurrent_activation, clip),
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
    return GRUForward(*call.run())


def gru_backward(
    tape: Tape,
    d_output: npt.ArrayLike | None = None,
    d_state: npt.ArrayLike | None = None,
    *,
    keep_tape: bool = True,
    d_hidden: bool = False,
) -> GRUGradients | GRUGradientsWithHidden:
    """Return the gradients of a loss with respect to the arrays that `gru_forward` was given.

    Parameters
    ----------
    tape : GRUTape, CheckpointTape or RaggedTape
        From ``gru_forward(..., training=True)``.
    d_output : array_like of shape (B, T, H), optional
        Gradient of the loss with respect to ``.output``; zeros by default.
    d_state : array_like of shape (B, H), optional
        Gradient with respect to ``.state``; zeros by default. It is added to the gradient of the
        last step's output.
    keep_tape : bool
        False saves memory and time; the tape cannot be used again then.
    d_hidden : bool
        Also return the gradient with respect to the state after every time step: how much of the
        loss still reaches that step. It is zero for a step that does not count.

    Returns
    -------
    GRUGradients or GRUGradientsWithHidden
        With ``.x``, ``.kernel``, ``.recurrent_kernel``, ``.bias``, ``.initial_state`` and, with
        ``d_hidden=True``, ``.hidden``.

    Raises
    ------
    TypeError
        When tape is not a tape, or a gradient does not hold real numbers.
    ValueError
        When a gradient's shape does not fit, or the tape has been used up.
    RuntimeError
        When the tape would be used up while another Python thread's backward pass reads it.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import gru_backward, gru_forward
    >>> x, kernel, recurrent_kernel = np.ones((2, 5, 3)), np.ones((3, 12)), np.ones((4, 12))
    >>> result = gru_forward(x, kernel, recurrent_kernel, training=True)
    >>> gradients = gru_backward(result.tape, d_state=np.ones((2, 4)))
    >>> gradients.x.shape, gradients.kernel.shape
    ((2, 5, 3), (3, 12))
    """
    result, hidden = gradients_of("GRU", tape, d_output, d_state, keep_tape, d_hidden)
    return GRUGradients(*result) if hidden is None else GRUGradientsWithHidden(*result, hidden)


def gru_step(
    x_t: npt.ArrayLike,
    state: npt.ArrayLike,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    reset_after: bool = True,
) -> Array:
    """Return the state after one time step.

    Parameters
    ----------
    x_t : array_like of shape (B, I)
        Input of the time step.
    state : array_like of shape (B, H)
        State before the step; not changed.
    kernel, recurrent_kernel, bias, reset_after
        As in `gru_forward`.

    Returns
    -------
    ndarray of shape (B, H)
        The state after the step, which is also its output.

    Raises
    ------
    ValueError, TypeError
        As `gru_forward`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import gru_step
    >>> state = np.zeros((1, 4))
    >>> gru_step(np.ones((1, 3)), state, np.ones((3, 12)), np.ones((4, 12))).shape
    (1, 4)
    """
    if reset_after is not True:
        reset_after = check_flag("reset_after", reset_after)
    after = _core.forward_plain(
        x_t, kernel, recurrent_kernel, bias, state, reset_after, AUTO, team_threads()
    )
    if type(after) is np.ndarray:
        return after
    return step_after(Cell(reset_after), x_t, state, (kernel, recurrent_kernel, bias))
