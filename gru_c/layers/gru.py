"""The GRU layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from gru_c import activations, constraints, initializers, regularizers
from gru_c._core import WEIGHT_FORMATS
from gru_c.common.arrays import Array, Shape
from gru_c.common.registry import lookup
from gru_c.common.validation import check_flag, check_integer, check_real
from gru_c.constraints import Constraint
from gru_c.initializers import Initializer
from gru_c.initializers.user_function import InitializerFunction
from gru_c.layers.base import FIXED, LayerOptions
from gru_c.layers.base.gru_passes import GRUPasses
from gru_c.recurrence.cell import ActivationLike, Cell
from gru_c.recurrence.checkpointing import check_every
from gru_c.recurrence.memory import TapeMemory
from gru_c.recurrence.options import weights_format_of
from gru_c.regularizers import Regularizer

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from gru_c.parameters import Source

_WEIGHTS = ("kernel", "recurrent", "bias")  # as the constructor's arguments name them

# The arguments of the constructor that are checked one by one. Each function takes the argument's
# name and value, and returns the value of the attribute of that name.
_ARGUMENTS: Mapping[str, Callable[[str, Any], object]] = {
    "units": lambda name, value: check_integer(name, value, 1),
    "use_bias": check_flag,
    **{f"{weight}_initializer": lambda _, value: initializers.get(value) for weight in _WEIGHTS},
    **{f"{weight}_regularizer": lambda _, value: regularizers.get(value) for weight in _WEIGHTS},
    **{f"{weight}_constraint": lambda _, value: constraints.get(value) for weight in _WEIGHTS},
    "return_sequences": check_flag,
    "return_state": check_flag,
    "go_backwards": check_flag,
    "zero_output_for_mask": check_flag,
    "stateful": check_flag,
    "time_major": check_flag,
    "reset_after": check_flag,
    "dropout": lambda name, value: check_real(name, value, "[0, 1)"),
    "recurrent_dropout": lambda name, value: check_real(name, value, "[0, 1)"),
    "checkpoint_every": lambda _, value: check_every(value),
    "inference_weights": lambda name, value: lookup(
        f"{name} of a GRU", value, {known: known for known in WEIGHT_FORMATS}
    ),
}


class GRU(GRUPasses):
    """Gated recurrent unit layer, with the names, defaults and weights of Keras's.

    Weights: ``kernel (I, 3H)``, ``recurrent_kernel (H, 3H)`` and ``bias``, (2, 3H) with
    ``reset_after``, else (3H,); gates z, r, n side by side. The equations are in
    `gru_c.functional`.

    Parameters
    ----------
    units : int
        Hidden units H.
    activation, recurrent_activation : str or tuple
        Functions of the candidate and of the gates: a name, ``(name, alpha)`` or
        ``(name, alpha, beta)``. Without parameters "tanh", "sigmoid", "relu", "linear", "softsign"
        and "softplus"; with parameters "hard_sigmoid", "affine", "leaky_relu",
        "thresholded_relu", "scaled_tanh" and "elu". `gru_c.functional` defines them.
    use_bias : bool
        Add a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Initial values of the weights; see `gru_c.initializers`.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the size of the weights; see `gru_c.regularizers`.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Conditions that every optimizer step restores; see `gru_c.constraints`.
    return_sequences : bool
        Return the outputs of all time steps (B, T, H) rather than the last one (B, H).
    return_state : bool
        Return the last state (B, H) besides the output. Not for a layer of a `Sequential`.
    go_backwards : bool
        Take the time steps from the last to the first; the output stays in that order.
    zero_output_for_mask : bool
        Return zeros as the output of a time step that does not count; else it repeats the one
        before. As in Keras this includes the last step, also with ``return_sequences=False``.
    stateful : bool
        Begin every batch with the last states of the batch before, row by row, as Keras does. Only
        `reset_states` sets them back to zeros: the end of an epoch, of `fit` or of a validation
        does not, and a validation moves the states, too. No gradient passes from batch to batch.
        All batches must be of one size, and `fit` shuffles the rows unless ``shuffle=False``.
    time_major : bool
        Input and output are (T, B, features) rather than (B, T, features), without a copy. Not for
        a layer of a `Sequential`.
    reset_after : bool
        Apply the reset gate after the recurrent product (Keras's, PyTorch's and cuDNN's variant)
        or before it (Cho et al. 2014).
    dropout : float
        Fraction of the inputs set to 0 while training, in [0, 1); one mask per sequence, for all
        of its time steps and gates. The other inputs are scaled by ``1 / (1 - dropout)``.
    recurrent_dropout : float
        The same for the state in its products with the recurrent kernel, but not in ``z * h``.
    zoneout : float
        Probability, in [0, 1), with which a unit keeps its state in a time step while training
        [2]_. Without training the expectation is taken.
    clip : float, optional
        Limit the sums before the activations to +-clip, as ONNX does.
    checkpoint_every : int or "auto", optional
        Gradient checkpointing, for long sequences, whose tape would need much memory: while
        training, keep only the state every so many time steps, and compute the gates again in the
        backward pass. See `gru_c.gru_forward`.
    seed : int, optional
        Seed of dropout, recurrent_dropout and zoneout; by default the model draws for the layer.
    inference_weights : {"float32", "bfloat16", "int8"}
        Format that kernel and recurrent_kernel are rounded to in passes with ``training=False``,
        such as those of `Sequential.predict`, for speed. The weights themselves, and training,
        stay in full precision. For float32 layers only. See Notes.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        When an argument is out of range or of the wrong type, or a float64 layer is given
        ``inference_weights`` of fewer bits.

    Notes
    -----
    Weights of fewer bits pay where reading the weights takes most of the time: with many units and
    few rows. Sums, gates and states stay float32.

    - "bfloat16" keeps 8 significant bits (nearest, ties to even), in half the bytes. CPUs with
      AVX512_BF16 multiply two numbers at once; there input and state are rounded in the same way
      before they are multiplied.
    - "int8" keeps whole numbers from -127 to 127 times a scale for each column, in a quarter of the
      bytes. In every time step each row of the input, and of the state, is rounded in the same way,
      with its own scale. A row with a NaN or an infinity gives NaN.

    With the default initializers, inputs of variance 1 and up to 100 time steps, outputs differ
    from those of float32 by at most 0.01 with "bfloat16" and 0.04 with "int8"; the root mean square
    is 0.002 and 0.006. Results depend neither on the other rows of a batch nor on the number of
    threads.

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

    By hand, for a model that is not a `Sequential`:

    >>> output = layer.forward(np.ones((2, 10, 8)), training=True)
    >>> d_x = layer.backward(np.ones_like(output))
    >>> d_x.shape, layer.gradient("kernel").shape
    ((2, 10, 8), (8, 12))
    """

    takes_mask = takes_sequences = True
    reset_after: bool
    kernel_initializer: Initializer | InitializerFunction
    recurrent_initializer: Initializer | InitializerFunction
    bias_initializer: Initializer | InitializerFunction
    kernel_regularizer: Regularizer | None
    recurrent_regularizer: Regularizer | None
    bias_regularizer: Regularizer | None
    kernel_constraint: Constraint | None
    recurrent_constraint: Constraint | None
    bias_constraint: Constraint | None

    _advice: ClassVar = {
        **GRUPasses._advice,
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
        **options: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**options)
        arguments = locals()
        for argument, check in _ARGUMENTS.items():
            setattr(self, argument, check(argument, arguments[argument]))
        kind = _without_function(activation)
        recurrent_kind = _without_function(recurrent_activation)
        self.cell = Cell.checked(reset_after, kind, recurrent_kind, clip, zoneout)
        self.activation = _as_tuple(kind)
        self.recurrent_activation = _as_tuple(recurrent_kind)
        self.zoneout = zoneout
        self.clip = clip
        self.set_seed(seed)
        weights_format_of(self.inference_weights, self.dtype or np.float32)
        self._memory = TapeMemory()
        self._packed: tuple[Array, list[int]] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_packed": None}

    def build(self, input_shape: Shape, rng: Source = None) -> None:
        """Make the weights; see `Layer.build`. ValueError for float64 weights of fewer bits."""
        weights_format_of(self.inference_weights, self.dtype or np.float32)
        super().build(input_shape, rng)

    @property
    def stepwise(self) -> bool:
        """True unless the last time step comes first, or the layer is ``time_major``."""
        return not self.go_backwards and not self.time_major

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return (B, T, H) or (B, H); ValueError unless the input is (B, T, features)."""
        self._require_sequences(input_shape)
        first, second, _ = input_shape
        if self.return_sequences:
            return (first, second, self.units)
        return (second if self.time_major else first, self.units)

    def weight_shapes(self, input_shape: Shape) -> dict[str, tuple[int, ...]]:
        """Return the shapes of kernel, recurrent_kernel and, with ``use_bias``, bias."""
        gates = 3 * self.units
        shapes: dict[str, tuple[int, ...]] = {
            "kernel": (input_shape[2] or 0, gates),
            "recurrent_kernel": (self.units, gates),
        }
        if self.use_bias:
            shapes["bias"] = (2, gates) if self.reset_after else (gates,)
        return shapes

    def compute_mask(self, x: npt.ArrayLike, mask: Array | None = None) -> Array | None:
        """Return the mask with ``return_sequences``; without it the output has no time steps.

        As in Keras, ``go_backwards`` does not reverse the mask, though it reverses the output.
        """
        return mask if self.return_sequences else None

    def _option(self, weight: str, kind: str) -> Any:
        return super()._option("recurrent" if weight == "recurrent_kernel" else weight, kind)

    @property
    def directions(self) -> tuple[GRU, ...]:
        """The layer itself; a `Bidirectional` has two directions."""
        return (self,)

    @property
    def mixes_time(self) -> bool:
        """True if the time steps are taken from the last to the first."""
        return self.go_backwards


def _without_function(activation: Any) -> ActivationLike:
    """Return the name of an activation function; names and their parameters stay as given."""
    if callable(activation) or isinstance(activation, activations.Activation):
        return activations.get(activation).name
    return activation  # type: ignore[no-any-return]  # checked by `Cell.checked`


def _as_tuple(activation: ActivationLike) -> ActivationLike:
    """Return a name and parameters as a tuple: files give lists."""
    return activation if isinstance(activation, str) else tuple(activation)
