"""GRU sequences on NumPy arrays: forward, backward and a single step, without a model.

The cell [1]_, for every time step (``sigmoid`` and ``tanh`` elementwise, ``*`` elementwise)::

    z  = sigmoid(x Wz + h Uz + bz)
    r  = sigmoid(x Wr + h Ur + br)
    n  = tanh(x Wn + bn + r * (h Un + bhn))    reset_after=True
    n  = tanh(x Wn + (r * h) Un + bn)          reset_after=False
    h' = (1 - z) * n + z * h

``recurrent_activation`` takes sigmoid's place and ``activation`` that of tanh. They are a name or,
where the function has parameters alpha and beta, also ``(name, alpha)`` or ``(name, alpha, beta)``
as in ``("leaky_relu", 0.01)``. The functions are those of ONNX:

================== ================================ =============
name               function                         alpha, beta
================== ================================ =============
"tanh"             tanh(x)
"sigmoid"          1 / (1 + exp(-x))
"relu"             max(x, 0)
"linear"           x
"softsign"         x / (1 + abs(x))
"softplus"         log(1 + exp(x))
"hard_sigmoid"     clip(alpha x + beta, 0, 1)       1/6, 1/2 [2]_
"affine"           alpha x + beta                   1, 0
"leaky_relu"       x if x >= 0, else alpha x        0.2 [2]_
"thresholded_relu" x if x > alpha, else 0           1
"scaled_tanh"      alpha tanh(beta x)               1, 1
"elu"              x if x >= 0, else alpha expm1(x) 1
================== ================================ =============

The last column is what they are by default. "leaky_relu", "thresholded_relu" and "elu" with
``alpha < 0`` are for prediction only. With ``clip`` the arguments of the functions are held within
+-clip, as in ONNX.

Sizes: B batch rows, T time steps, I input features, H hidden units. The gate order of all weights
is z, r, n: Keras's arrays fit as they are.

References
----------
.. [1] K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
   Machine Translation", EMNLP 2014, doi:10.3115/v1/D14-1179.
.. [2] As in Keras 3. ONNX's own defaults are 0.2 and 0.5 for hard_sigmoid, 0.01 for leaky_relu.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c import _core
from gru_c.recurrence.cell import ActivationLike, Cell
from gru_c.recurrence.checkpointing import CheckpointTape, check_every
from gru_c.recurrence.checkpointing import run_forward as run_with_checkpoints
from gru_c.recurrence.passes import AUTO, run_forward, weights_format_of
from gru_c.recurrence.ragged import RaggedTape
from gru_c.recurrence.ragged import run_forward as run_ragged
from gru_c.recurrence.step_order import Steps
from gru_c.recurrence.tape import GRUTape, keep_spare
from gru_c.runtime.threads import team_threads
from gru_c.utils.arrays import Array, as_real, as_sequences, as_state, check_features, compute_dtype
from gru_c.utils.validation import check_flag, check_flags

Tape = GRUTape | CheckpointTape | RaggedTape


class GRUForward(NamedTuple):
    """Result of `gru_forward`.

    Attributes
    ----------
    output : ndarray of shape (B, T, H)
        The state after every step.
    state : ndarray of shape (B, H)
        The state after the last step.
    tape : GRUTape, CheckpointTape, RaggedTape or None
        For `gru_backward`; None unless ``training=True``.
    """

    output: Array
    state: Array
    tape: Tape | None


class GRUGradients(NamedTuple):
    """Result of `gru_backward`: a gradient for each argument of the forward pass, of its shape.

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
    kernel : ndarray of shape (I, 3H)
    recurrent_kernel : ndarray of shape (H, 3H)
    bias : ndarray of shape (2, 3H) or (3H,), or None
        None when the forward pass had no bias.
    initial_state : ndarray of shape (B, H)
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: Array


class GRUGradientsWithHidden(NamedTuple):
    """Result of ``gru_backward(..., d_hidden=True)``: `GRUGradients`, and one more.

    Attributes
    ----------
    hidden : ndarray of shape (B, T, H)
        With respect to the state after each step, later steps' use of it included.
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: Array
    hidden: Array


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
        Input sequences. Any strides over B and T are read in place (so a transposed time-major
        array costs no copy).
    kernel : array_like of shape (I, 3H)
        Input weights, gates z, r, n side by side.
    recurrent_kernel : array_like of shape (H, 3H)
        Recurrent weights, likewise.
    bias : array_like, optional
        Shape (2, 3H) for ``reset_after=True`` (input row, recurrent row), else (3H,).
    initial_state : array_like of shape (B, H), optional
        State before the first step; zeros by default.
    reset_after : bool
        Which candidate: see the module's text. True is that of Keras, PyTorch and cuDNN.
    activation, recurrent_activation : str or tuple
        Of the candidate, and of the two gates: a name, or a name and parameters, see the module's
        text.
    clip : float, optional
        Hold the sums before the activations within +-clip.
    go_backwards : bool
        Take the steps from the last to the first. The output stays in the order of the steps
        taken, as in Keras: ``output[:, 0]`` belongs to ``x[:, -1]``.
    time_major : bool
        x is (T, B, I) and ``.output`` (T, B, H), without a copy; the backward pass takes and gives
        gradients of these shapes, too.
    training : bool
        Keep a tape for `gru_backward`.
    checkpoint_every : int or "auto", optional
        While training, keep the state every so many steps (rounded up to what the core sums at a
        time; "auto": about the square root of T) instead of the gates of all steps, and compute
        those again in the backward pass. The gradients are the same, to the bit with the packed
        engine.
    engine : {"auto", "packed", "blas"}
        What computes; "auto" takes the fastest.
    num_threads : int, optional
        Threads of this call; by default those of `set_num_threads`. The results are the same
        bits for any number.
    inference_weights : {"float32", "bfloat16", "int8"}
        What kernel and recurrent_kernel are rounded to; less than "float32" is faster where
        reading them takes the time, for float32 arrays and without training. See `GRU`.
    lengths : array_like of int, shape (B,), optional
        How many steps of each sequence count, in [0, T]: the first ones. See Notes.
    mask : array_like of bool, shape (B, T), optional
        Which steps count, instead of lengths: any pattern.
    zero_output_for_mask : bool
        The output of a step that does not count is zero.

    Returns
    -------
    GRUForward
        With ``.output`` (B, T, H), ``.state`` (B, H) and ``.tape``. They are float64 when x or a
        weight is, else float32; integers and float16 are computed in that type.

    Raises
    ------
    ValueError
        When shapes do not fit each other, an activation, the engine or inference_weights is
        unknown, an activation does not take the parameters given, or cannot be trained with them,
        clip is not positive, a length is not in [0, T], lengths and mask are both given, or weights
        of fewer bits are wanted for training, for float64 or of ``engine="blas"``.
    TypeError
        When an array does not hold real numbers, lengths are no integers, or a mask no bools.

    Notes
    -----
    A step that does not count is not computed: what x holds there does not matter, and the time is
    that of the steps that count. It leaves the state as it is, and its output repeats the one
    before; before the first step that counts the output is zero, whatever the initial state. (These
    are Keras's semantics; PyTorch pads the output of packed sequences with zeros.) Gradients
    follow: that of a repeated output is the repeated step's, and that of x is zero. With
    ``go_backwards`` each row begins at its own last step that counts, and ``output[:, 0]`` still
    belongs to ``x[:, -1]``.

    In the packed engine a row's results are the same bits as those of the row alone, without the
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
    check_flags(
        reset_after=reset_after,
        go_backwards=go_backwards,
        time_major=time_major,
        training=training,
        zero_output_for_mask=zero_output_for_mask,
    )
    every_step = lengths is None and mask is None
    simple = engine in ("auto", "packed") and inference_weights == "float32"
    usual = activation == "tanh" and recurrent_activation == "sigmoid" and clip is None
    every = None if checkpoint_every is None else check_every(checkpoint_every)
    if simple and usual and every_step and not (training or go_backwards or time_major):
        plain = _core.forward_plain(
            x,
            kernel,
            recurrent_kernel,
            bias,
            initial_state,
            reset_after,
            _core.ENGINES[engine],
            team_threads(num_threads),
        )
        if type(plain) is tuple:  # else x was one step, or needs a closer look
            output, last = plain
            return GRUForward(output, last, None)
    dtype = compute_dtype(
        x=x,
        kernel=kernel,
        recurrent_kernel=recurrent_kernel,
        bias=bias,
        initial_state=initial_state,
    )
    weights_format = weights_format_of(inference_weights, dtype)
    if weights_format and (training or engine == "blas"):
        raise ValueError(
            f"inference_weights={inference_weights!r} does not go with "
            + ("training=True" if training else "engine='blas'")
        )
    cell = Cell.checked(reset_after, activation, recurrent_activation, clip)
    if training:
        cell.require_way_back()
    sequences = as_sequences("x", x, dtype)
    if time_major:
        sequences = sequences.swapaxes(0, 1)
    weights = _check_weights(kernel, recurrent_kernel, bias, reset_after, dtype)
    check_features(sequences.shape[2], weights[0], "x")
    shape = (*sequences.shape[:2], len(weights[1]))
    state = as_state("initial_state", initial_state, (shape[0], shape[2]), dtype)
    output = result = np.empty(shape, dtype)
    if time_major:
        result = np.empty((shape[1], shape[0], shape[2]), dtype)
        output = result.swapaxes(0, 1)
    arguments = (sequences, *weights, state, output)
    options: dict[str, Any] = {
        "cell": cell,
        "go_backwards": bool(go_backwards),
        "engine": _engine_code(engine),
        "num_threads": num_threads,
    }
    if not training:
        options["weights_format"] = weights_format
    tape: Tape | None
    steps = None
    if not every_step:
        backwards, zero = bool(go_backwards), bool(zero_output_for_mask)
        steps = Steps.checked(shape[:2], mask, lengths, go_backwards=backwards, zero_output=zero)
    if steps is not None:
        options["training"] = bool(training)
        last, tape = run_ragged(*arguments, steps=steps, every=every, **options)
    elif training and every is not None:
        last, tape = run_with_checkpoints(*arguments, every=every, **options)
    else:
        last, tape = run_forward(*arguments, training=bool(training), **options)
    if tape is not None and time_major:
        tape = replace(tape, time_major=True)
    return GRUForward(result, last, tape)


def gru_backward(
    tape: Tape,
    d_output: npt.ArrayLike | None = None,
    d_state: npt.ArrayLike | None = None,
    *,
    keep_tape: bool = True,
    d_hidden: bool = False,
) -> GRUGradients | GRUGradientsWithHidden:
    """Gradients of a loss with respect to everything that `gru_forward` was given.

    Parameters
    ----------
    tape : GRUTape, CheckpointTape or RaggedTape
        From ``gru_forward(..., training=True)``.
    d_output : array_like of shape (B, T, H), optional
        Gradient of the loss with respect to ``.output``; zeros by default.
    d_state : array_like of shape (B, H), optional
        Gradient with respect to ``.state``; zeros by default. It counts in addition to what
        d_output says of the last step.
    keep_tape : bool
        False saves memory and time, and the tape cannot be used again.
    d_hidden : bool
        Return the gradient with respect to the state after every step, too: how much of the loss
        still reaches that step. Zero for a step that does not count.

    Returns
    -------
    GRUGradients or GRUGradientsWithHidden
        With ``.x``, ``.kernel``, ``.recurrent_kernel``, ``.bias``, ``.initial_state`` and, with
        ``d_hidden=True``, ``.hidden``.

    Raises
    ------
    TypeError
        When tape is no tape, or a gradient does not hold real numbers.
    ValueError
        When a gradient's shape does not fit, or the tape has been used up.

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
    if not isinstance(tape, Tape):
        raise TypeError(
            "gru_backward wants the tape of gru_forward(..., training=True), got "
            + ("None: was training=True given?" if tape is None else type(tape).__name__)
        )
    check_flags(keep_tape=keep_tape, d_hidden=d_hidden)
    B, T, H = tape.output_shape
    dtype = tape.kernel.dtype
    steps = (T, B) if tape.time_major else (B, T)
    if d_output is not None:
        d_output = as_sequences("d_output", d_output, dtype)
        if d_output.shape != (*steps, H):
            raise ValueError(f"d_output must have shape {(*steps, H)}, got {d_output.shape}")
    gradients = GRUGradients(
        x=np.empty((*steps, tape.x.shape[2]), dtype),
        kernel=np.empty(tape.kernel.shape, dtype),
        recurrent_kernel=np.empty(tape.recurrent_kernel.shape, dtype),
        bias=None if tape.bias_shape is None else np.empty(tape.bias_shape, dtype),
        initial_state=np.empty((B, H), dtype),
    )
    hidden = np.empty((*steps, H), dtype) if d_hidden else None
    d_last = as_state("d_state", d_state, (B, H), dtype)
    d_y, d_x, d_states = (
        array.swapaxes(0, 1) if tape.time_major and array is not None else array
        for array in (d_output, gradients.x, hidden)
    )
    memory = tape.backward(
        d_y, d_last, d_x, *gradients[1:], keep_tape=bool(keep_tape), d_hidden=d_states
    )
    keep_spare(memory)
    return gradients if hidden is None else GRUGradientsWithHidden(*gradients, hidden)


def gru_step(
    x_t: npt.ArrayLike,
    state: npt.ArrayLike,
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    reset_after: bool = True,
) -> Array:
    """Take one time step.

    Parameters
    ----------
    x_t : array_like of shape (B, I)
        Input of the step.
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
        check_flag("reset_after", reset_after)
    after = _core.forward_plain(
        x_t, kernel, recurrent_kernel, bias, state, reset_after, AUTO, team_threads()
    )
    if type(after) is np.ndarray:
        return after
    dtype = compute_dtype(
        x_t=x_t, state=state, kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias
    )
    step = as_real("x_t", x_t, dtype)
    if step.ndim != 2:
        raise ValueError(f"x_t must have shape (B, I), got {step.shape}")
    weights = _check_weights(kernel, recurrent_kernel, bias, reset_after, dtype)
    check_features(step.shape[1], weights[0], "x_t")
    before = as_state("state", as_real("state", state), (len(step), len(weights[1])), dtype)
    after, _ = run_forward(
        np.ascontiguousarray(step)[:, None, :], *weights, before, cell=Cell(bool(reset_after))
    )
    return after


# ---- checks -------------------------------------------------------------------------------------


def _check_weights(
    kernel: npt.ArrayLike,
    recurrent_kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None,
    reset_after: bool,
    dtype: npt.DTypeLike,
) -> tuple[Array, Array, Array | None]:
    """Return the weights, contiguous and of one dtype, after a check of their shapes."""
    W = np.ascontiguousarray(as_real("kernel", kernel, dtype))
    U = np.ascontiguousarray(as_real("recurrent_kernel", recurrent_kernel, dtype))
    if U.ndim != 2 or U.shape[0] < 1 or U.shape[1] != 3 * U.shape[0]:
        raise ValueError(
            f"recurrent_kernel must have shape (H, 3H) with at least one unit, got {U.shape}"
        )
    H = len(U)
    if W.ndim != 2 or W.shape[1] != 3 * H:
        raise ValueError(
            f"kernel must have shape (I, 3H) = (I, {3 * H}) beside a recurrent_kernel of shape "
            f"{U.shape}, got {W.shape}"
        )
    if bias is None:
        return W, U, None
    b = np.ascontiguousarray(as_real("bias", bias, dtype))
    wanted = (2, 3 * H) if reset_after else (3 * H,)
    if b.shape != wanted:
        raise ValueError(
            f"bias must have shape {wanted} for reset_after={bool(reset_after)}, got {b.shape}"
        )
    return W, U, b


def _engine_code(engine: str) -> int:
    if not isinstance(engine, str) or engine not in _core.ENGINES:
        raise ValueError(f"unknown engine {engine!r}; known: {', '.join(_core.ENGINES)}")
    return _core.ENGINES[engine]
