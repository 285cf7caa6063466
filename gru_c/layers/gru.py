"""The GRU layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from gru_c.common.validation import check_flag
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.recurrent import Recurrent
from gru_c.recurrence.cell import ActivationLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class GRU(Recurrent):
    """Gated recurrent unit layer, with the names, defaults and weights of Keras's.

    Weights: ``kernel (I, 3H)``, ``recurrent_kernel (H, 3H)`` and ``bias``, (2, 3H) with
    ``reset_after``, else (3H,); gates z, r, n side by side. The equations are in
    `gru_c.functional`.

    Parameters
    ----------
    units : int
        Hidden units H.
    activation, recurrent_activation : str, tuple or None
        Functions of the candidate and of the gates: a name, ``(name, alpha)`` or
        ``(name, alpha, beta)``. Without parameters "tanh", "sigmoid", "relu", "linear", "softsign"
        and "softplus"; with parameters "hard_sigmoid", "affine", "leaky_relu",
        "thresholded_relu", "scaled_tanh" and "elu". `gru_c.functional` defines them. None is
        "linear", as in Keras.
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

    cell_kind = "GRU"
    reset_after: bool

    _until_built = (*Recurrent._until_built, "reset_after")
    _derived: ClassVar = {**Recurrent._derived, "reset_after": ("cell",)}

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = "tanh",
        recurrent_activation: ActivationLike | None = "sigmoid",
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
        self.reset_after = check_flag("reset_after", reset_after)
        self._set(locals())
