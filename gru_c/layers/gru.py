"""The GRU layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import constraints, initializers, regularizers
from gru_c._core import WEIGHT_FORMATS
from gru_c.layers.base import FIXED
from gru_c.layers.stateful import StatefulLayer
from gru_c.recurrence import passes
from gru_c.recurrence.cell import ActivationLike, Cell
from gru_c.recurrence.checkpointing import check_every
from gru_c.recurrence.checkpointing import run_forward as run_with_checkpoints
from gru_c.recurrence.ragged import RaggedTape
from gru_c.recurrence.ragged import run_forward as run_ragged
from gru_c.recurrence.step_order import StepOrder, Steps
from gru_c.utils.arrays import Array, Shape, as_sequences, as_state, check_features
from gru_c.utils.attributes import assign
from gru_c.utils.registry import lookup
from gru_c.utils.validation import check_flag, check_flags, check_integer, check_real
from gru_c.utils.weight_memory import versions_of

if TYPE_CHECKING:
    from gru_c.parameters import Source


class GRU(StatefulLayer):
    """Gated recurrent unit layer, with the names, defaults and weights of Keras's.

    Weights: ``kernel (I, 3H)``, ``recurrent_kernel (H, 3H)`` and ``bias``, (2, 3H) with
    ``reset_after``, else (3H,); gates z, r, n side by side. The equations are in
    `gru_c.functional`.

    Parameters
    ----------
    units : int
        Hidden units H.
    activation, recurrent_activation : str or tuple
        Of the candidate and of the gates: a name, ``(name, alpha)`` or ``(name, alpha, beta)``.
        "tanh", "sigmoid", "relu", "linear", "softsign", "softplus"; with parameters "hard_sigmoid",
        "affine", "leaky_relu", "thresholded_relu", "scaled_tanh", "elu": `gru_c.functional` says
        what they are.
    use_bias : bool
        Whether there is a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Where the weights start.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the size of the weights; see `gru_c.regularizers`.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        What the weights satisfy after every step; see `gru_c.constraints`.
    return_sequences : bool
        Return every step's output (B, T, H) rather than the last one's (B, H).
    return_state : bool
        Return the last state (B, H) besides the output. Not for a layer of a `Sequential`.
    go_backwards : bool
        Take the steps from the last to the first; the output stays in the order taken.
    zero_output_for_mask : bool
        The output of a step that does not count is zero; else it repeats the one before. As in
        Keras this goes for the last step's, too, when ``return_sequences=False``.
    stateful : bool
        Begin every batch with the states that the last one ended with, row by row; `reset_states`
        ends that, nothing else does: not the end of an epoch, of `fit` or of a validation, which
        move the states as well. No gradient passes from batch to batch. All batches must be of one
        size, and `fit` shuffles the rows unless it is told ``shuffle=False``. As in Keras.
    time_major : bool
        Input and output are (T, B, features) rather than (B, T, features), without a copy. Not for
        a layer of a `Sequential`.
    reset_after : bool
        Apply the reset gate after the recurrent product (Keras's, PyTorch's and cuDNN's variant)
        or before it (Cho et al. 2014).
    dropout : float
        Share of the inputs set to 0 while training, in [0, 1); one mask per sequence, for all of
        its steps and gates. What is left is scaled by ``1 / (1 - dropout)``.
    recurrent_dropout : float
        The same for the state in its products with the recurrent kernel. The way through
        ``z * h`` stays whole.
    zoneout : float
        Probability, in [0, 1), with which a unit keeps its state over a step while training, drawn
        for each step [2]_. Otherwise the expectation of that is taken.
    clip : float, optional
        Hold the sums before the activations within +-clip, as ONNX does.
    checkpoint_every : int or "auto", optional
        While training, keep the state every so many steps instead of the gates of all steps, and
        compute those again in the backward pass: for long sequences, whose tape would need much
        memory. See `gru_c.gru_forward`.
    seed : int, optional
        Of what dropout, recurrent_dropout and zoneout draw; in a model with a seed, that is taken.
    inference_weights : {"float32", "bfloat16", "int8"}
        What kernel and recurrent_kernel are rounded to in passes with ``training=False``, such as
        those of `Sequential.predict`, for speed; the weights themselves, and training, stay in
        full precision. For float32 layers only. See Notes.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        When an argument is out of range or of the wrong type, or a float64 layer is given
        ``inference_weights`` of fewer bits.

    Notes
    -----
    Weights of fewer bits pay where reading them takes the time: with many units and few rows.
    Sums, gates and states are float32 all the same.

    - "bfloat16" keeps 8 significant bits (nearest, ties to even), half the bytes. CPUs with
      AVX512_BF16 multiply two at once, with input and state rounded so, too, as operands.
    - "int8" keeps whole numbers from -127 to 127 times a scale for each column, a quarter of the
      bytes. In every step each row of the input, and of the state, is rounded likewise, with its
      own scale. A row with a NaN or an infinity gives NaN.

    With the default initializers, inputs of variance 1 and up to 100 steps, outputs are off by at
    most 0.01 with "bfloat16" and 0.04 with "int8", in the mean (root mean square) by 0.002 and
    0.006. Results do not depend on the other rows of a batch, nor on the number of threads.

    References
    ----------
    .. [1] K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for
       Statistical Machine Translation", EMNLP 2014, doi:10.3115/v1/D14-1179.
    .. [2] D. Krueger et al., "Zoneout: Regularizing RNNs by Randomly Preserving Hidden
       Activations", ICLR 2017, arXiv:1606.01305.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import GRU
    >>> layer = GRU(4, return_sequences=True)
    >>> layer(np.zeros((2, 10, 8))).shape
    (2, 10, 4)

    By hand, for a model that is no chain:

    >>> output = layer.forward(np.ones((2, 10, 8)), training=True)
    >>> d_x = layer.backward(np.ones_like(output))
    >>> d_x.shape, layer.gradient("kernel").shape
    ((2, 10, 8), (8, 12))
    """

    takes_mask = True

    _advice: ClassVar = {
        **StatefulLayer._advice,
        **dict.fromkeys(("activation", "recurrent_activation", "cell"), FIXED),
    }
    _until_built = (
        "units",
        "use_bias",
        "reset_after",
        "kernel_initializer",
        "kernel_regularizer",
        "kernel_constraint",
        "recurrent_initializer",
        "recurrent_regularizer",
        "recurrent_constraint",
        "bias_initializer",
        "bias_regularizer",
        "bias_constraint",
        "return_state",
        "time_major",
    )

    _derived: ClassVar = {
        "reset_after": ("cell",),
        "zoneout": ("cell", "_packed"),
        "clip": ("cell", "_packed"),
        "inference_weights": ("_packed",),
        "stateful": ("state",),
    }

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        recurrent_initializer: object = "orthogonal",
        bias_initializer: object = "zeros",
        *,
        kernel_regularizer: object = None,
        recurrent_regularizer: object = None,
        bias_regularizer: object = None,
        kernel_constraint: object = None,
        recurrent_constraint: object = None,
        bias_constraint: object = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        zero_output_for_mask: bool = False,
        stateful: bool = False,
        time_major: bool = False,
        reset_after: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        zoneout: float = 0.0,
        clip: float | None = None,
        checkpoint_every: int | str | None = None,
        seed: int | None = None,
        inference_weights: str = "float32",
        name: str | None = None,
        dtype: npt.DTypeLike | None = None,
        input_shape: Sequence[int | None] | None = None,
        trainable: bool = True,
    ) -> None:
        super().__init__(name=name, dtype=dtype, input_shape=input_shape, trainable=trainable)
        self.units = check_integer("units", units, 1)
        self.cell = Cell.checked(reset_after, activation, recurrent_activation, clip, zoneout)
        self.activation = _name_or_tuple(activation)
        self.recurrent_activation = _name_or_tuple(recurrent_activation)
        self.use_bias = check_flag("use_bias", use_bias)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.return_sequences = check_flag("return_sequences", return_sequences)
        self.return_state = check_flag("return_state", return_state)
        self.go_backwards = check_flag("go_backwards", go_backwards)
        self.zero_output_for_mask = check_flag("zero_output_for_mask", zero_output_for_mask)
        self.stateful = check_flag("stateful", stateful)
        self.time_major = check_flag("time_major", time_major)
        self.reset_after = check_flag("reset_after", reset_after)
        self.dropout = check_real("dropout", dropout, "[0, 1)")
        self.recurrent_dropout = check_real("recurrent_dropout", recurrent_dropout, "[0, 1)")
        self.zoneout = zoneout
        self.clip = clip
        self.checkpoint_every = check_every(checkpoint_every)
        self.set_seed(seed)
        self.inference_weights = lookup(
            "inference_weights of a GRU", inference_weights, {n: n for n in WEIGHT_FORMATS}
        )
        passes.weights_format_of(self.inference_weights, self.dtype or np.float32)
        self._memory: Array | None = None  # of a tape that was used up, for the next one
        self._packed: tuple[Array, list[int]] | None = None  # weights, and their versions

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_memory": None, "_packed": None}

    def hold_weights(self, hold: bool) -> None:
        """Keep a packed copy of the weights for the forward passes to come, or let it go.

        It is not used once the weights may have changed after all, by a callback, say.
        """
        self._packed = None
        versions = versions_of(self.parameters) if hold else None
        if versions is not None:
            bias = self._weight("bias") if self.use_bias else None
            packed = passes.pack_weights(
                self._weight("kernel"),
                self._weight("recurrent_kernel"),
                bias,
                cell=self.cell,
                weights_format=WEIGHT_FORMATS[self.inference_weights],
            )
            self._packed = None if packed is None else (packed, versions)

    def _packed_weights(self) -> Array | None:
        """Return the packed copy of the weights, where there is one of these."""
        if self._packed is None:
            return None
        packed, versions = self._packed
        return packed if versions_of(self.parameters) == versions else None

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights; see `Layer.build`. ValueError for fewer bits than float64's."""
        passes.weights_format_of(self.inference_weights, self.dtype or np.float32)
        super().build(input_shape, rng)

    @property
    def stepwise(self) -> bool:
        """True, with the state kept from step to step, unless the last step comes first.

        Not for ``time_major``, which no model takes.
        """
        return not self.go_backwards and not self.time_major

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(B, T, H) or (B, H); ValueError unless the input is (B, T, features)."""
        self._require_sequences(input_shape)
        first, second, _ = input_shape
        if self.return_sequences:
            return (first, second, self.units)
        return (second if self.time_major else first, self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Shapes of kernel, recurrent_kernel and, with ``use_bias``, bias."""
        gates = 3 * self.units
        shapes: dict[str, tuple[int, ...]] = {
            "kernel": (input_shape[2] or 0, gates),
            "recurrent_kernel": (self.units, gates),
        }
        if self.use_bias:
            shapes["bias"] = (2, gates) if self.reset_after else (gates,)
        return shapes

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask with ``return_sequences``; without it there are no steps left.

        With ``go_backwards`` it is not turned round, though the output is: Keras's are the same.
        """
        return mask if self.return_sequences else None

    def _option(self, weight: str, kind: str) -> Any:
        return super()._option("recurrent" if weight == "recurrent_kernel" else weight, kind)

    def forward(
        self,
        x: npt.ArrayLike,
        *,
        initial_state: npt.ArrayLike | None = None,
        training: bool = False,
        mask: npt.ArrayLike | None = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Any:
        """Run the layer over a batch of sequences.

        Parameters
        ----------
        x : array_like of shape (B, T, I)
            Input; with ``training=True`` it must not be changed before the backward pass.
        initial_state : array_like of shape (B, H), optional
            State before the first step; zeros by default.
        training : bool
            Keep ``self.tape`` for `backward`.
        mask : array_like of bool, shape (B, T), optional
            Which steps count; `gru_forward` says what that means.
        lengths : array_like of int, shape (B,), optional
            How many steps of each sequence count, the first ones, instead of a mask.

        Returns
        -------
        ndarray, or tuple of ndarray
            The output, (B, T, H) with ``return_sequences``, else (B, H); with ``return_state``
            also the last state (B, H).
        """
        check_flag("training", training)
        self._require_built("forward")
        if training:
            self.cell.require_way_back()
        sequences = as_sequences("x", x, np.dtype(self.dtype))
        kernel = self._weight("kernel")
        check_features(sequences.shape[2], kernel, "x")
        output = None
        if self.return_sequences:
            output = np.empty((*sequences.shape[:2], self.units), self.dtype)
        result = output
        if self.time_major:
            sequences, output = _swapped(sequences), _swapped(output)
        steps = None
        if mask is not None or lengths is not None:
            steps = self._steps(sequences.shape[:2], mask, lengths)
        B, given_state = len(sequences), initial_state is not None
        if self.stateful and not given_state:
            self.require_state_for(B)
            initial_state = self.state
        state = as_state("initial_state", initial_state, (B, self.units), self.dtype)
        x_mask, draws = self._draw(B, sequences.shape[2]) if training else (None, {})
        if x_mask is not None:
            sequences = sequences * x_mask
        last, tape = self._run(sequences, state, output, training, steps, draws)
        if training:
            self.tape = (tape, given_state, x_mask)
        if self.stateful:
            assign(self, state=last.copy())
        if result is None and steps is not None:
            result = _rows_of(steps, last)
        if not self.return_state:
            return last if result is None else result
        # Two arrays, so that changing one leaves the other.
        return (last.copy() if result is None else result), last

    @property
    def directions(self) -> tuple[GRU, ...]:
        """The layer itself; of a `Bidirectional` there are two."""
        return (self,)

    @property
    def mixes_time(self) -> bool:
        """Whether the steps are taken from the last to the first."""
        return self.go_backwards

    def _run(
        self,
        x: Array,
        state: Array | None,
        output: Array | None,
        training: bool,
        steps: Steps | None,
        options: dict[str, Any],
    ) -> tuple[Array, Any]:
        """Run a pass over checked arrays: the last state, and the tape when training."""
        kernel, recurrent_kernel = self._weight("kernel"), self._weight("recurrent_kernel")
        bias = self._weight("bias") if self.use_bias else None
        arguments = (x, kernel, recurrent_kernel, bias, state, output)
        options |= {"cell": self.cell, "go_backwards": self.go_backwards}
        if not training:
            options["packed"] = self._packed_weights()
            options["weights_format"] = WEIGHT_FORMATS[self.inference_weights]
        elif self.checkpoint_every is not None:
            options["every"] = self.checkpoint_every
        else:
            options["memory"], self._memory = self._memory, None
        if steps is not None:
            return run_ragged(*arguments, steps=steps, training=training, **options)
        if "every" in options:
            return run_with_checkpoints(*arguments, **options)
        return passes.run_forward(*arguments, training=training, **options)

    def _steps(self, shape: Any, mask: Any, lengths: Any) -> Steps | None:
        back, zero = self.go_backwards, self.zero_output_for_mask
        return Steps.checked(shape, mask, lengths, go_backwards=back, zero_output=zero)

    def _draw(self, B: int, features: int) -> tuple[Array | None, dict[str, Any]]:
        """Draw for a training pass: the input's mask (B, 1, features), and its arguments."""
        x_mask = self.draw_mask((B, 1, features), self.dropout) if self.dropout else None
        arguments: dict[str, Any] = {}
        if self.recurrent_dropout:
            mask = self.draw_mask((B, self.units), self.recurrent_dropout)
            arguments["state_mask"] = mask
        if self.zoneout:
            arguments["draws"] = (int(self.rng.integers(2**63)), 0)
        return x_mask, arguments

    def backward(
        self,
        d_output: npt.ArrayLike | None = None,
        *,
        d_state: npt.ArrayLike | None = None,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return that of the input.

        Parameters
        ----------
        d_output : array_like, optional
            Gradient with respect to the output, of its shape; zeros by default.
        d_state : array_like of shape (B, H), optional
            Gradient with respect to the last state, in addition; zeros by default.
        tape, accumulate, input_gradient, keep_tape
            See `Layer.backward`.

        Returns
        -------
        ndarray of shape (B, T, I), or tuple of ndarray
            The gradient of x (None without ``input_gradient``). When the forward pass was given
            an initial state, a pair with its gradient (B, H).
        """
        check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        tape, given_state, x_mask = self._take_tape(tape)
        B, T, H = tape.output_shape
        d_last = as_state("d_state", d_state, (B, H), self.dtype)
        d_sequence = None
        if d_output is not None and self.return_sequences:
            d_sequence = as_sequences("d_output", d_output, np.dtype(self.dtype))
            self._as_gradient(d_sequence, (T, B, H) if self.time_major else (B, T, H))
            d_sequence = _swapped(d_sequence) if self.time_major else d_sequence
        elif d_output is not None:
            d_last_output = self._as_gradient(d_output, (B, H))
            if isinstance(tape, RaggedTape):
                d_last_output = _rows_of(tape.steps, d_last_output)
            d_last = np.ascontiguousarray(
                d_last_output if d_last is None else d_last + d_last_output
            )
        result = d_x = None
        if input_gradient:
            features = tape.x.shape[2]
            shape = (T, B, features) if self.time_major else (B, T, features)
            result = d_x = np.empty(shape, self.dtype)
            d_x = _swapped(d_x) if self.time_major else d_x
        d_initial_state = np.empty((B, H), self.dtype) if given_state else None
        memory = tape.backward(
            d_sequence,
            d_last,
            d_x,
            self.gradient("kernel"),
            self.gradient("recurrent_kernel"),
            self.gradient("bias") if self.use_bias else None,
            d_initial_state,
            accumulate=accumulate,
            keep_tape=keep_tape,
        )
        if d_x is not None and x_mask is not None:
            d_x *= x_mask
        if memory is not None:
            self._memory, self.tape = memory, None
        return (result, d_initial_state) if given_state else result


def _rows_of(steps: StepOrder, last: Array) -> Array:
    """Return the rows (B, H) whose last output is the last state; zeros for the others."""
    rows: Array = np.where(steps.state_is_output[:, None], last, last.dtype.type(0))
    return rows


def _name_or_tuple(activation: ActivationLike) -> ActivationLike:
    """Return it so that nobody changes it: lists come from files."""
    return activation if isinstance(activation, str) else tuple(activation)


def _swapped(array: Any) -> Any:
    """Return (B, T, n) for (T, B, n) and the other way round, without a copy; None for None."""
    return None if array is None else array.swapaxes(0, 1)
