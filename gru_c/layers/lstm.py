"""The LSTM layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gru_c.common.arrays import Array
from gru_c.common.validation import check_flag
from gru_c.initializers.user_function import InitializerFunction, initial_value
from gru_c.layers.base import LayerOptions
from gru_c.layers.base.recurrent import Recurrent
from gru_c.recurrence.cell import ActivationLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class LSTM(Recurrent):
    """Long short-term memory layer, with the names, defaults and weights of Keras's.

    Weights: ``kernel (I, 4H)``, ``recurrent_kernel (H, 4H)`` and ``bias (4H,)``; gates i, f, c, o
    side by side. The equations are in `gru_c.functional`. The layer has two states: h, which is the
    output, and c.

    Parameters
    ----------
    units : int
        Hidden units H.
    activation : str, tuple or None
        Function in place of tanh, of the candidate and of c; see `GRU`.
    recurrent_activation : str, tuple or None
        Function of the gates i, f and o; see `GRU`.
    use_bias : bool
        Add a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Initial values of the weights; see `gru_c.initializers`.
    unit_forget_bias : bool
        Begin with a bias of 1 for the gate f, so that c is kept at first (R. Jozefowicz et al., "An
        Empirical Exploration of Recurrent Network Architectures", ICML 2015). `bias_initializer`
        then makes the other biases.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the size of the weights; see `gru_c.regularizers`.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Conditions that every optimizer step restores; see `gru_c.constraints`.
    return_sequences : bool
        Return the outputs of all time steps (B, T, H) rather than the last one (B, H).
    return_state : bool
        Return the last h and c (B, H) besides the output. Not for a layer of a `Sequential`.
    go_backwards, zero_output_for_mask, stateful, time_major
        See `GRU`.
    dropout, recurrent_dropout, seed
        See `GRU`. The state h is masked in its products with the recurrent kernel, c is not.
    zoneout : float
        Probability, in [0, 1), with which a unit keeps both of its states in a time step while
        training. Without training the expectation is taken.
    clip, checkpoint_every, inference_weights
        See `GRU`.
    name, dtype, input_shape, trainable
        See `Layer`.

    Raises
    ------
    ValueError, TypeError
        As `GRU`.

    Examples
    --------
    >>> import numpy as np
    >>> from gru_c import LSTM
    >>> layer = LSTM(4, return_sequences=True, return_state=True)
    >>> output, h, c = layer(np.zeros((2, 10, 8)))
    >>> output.shape, h.shape, c.shape
    ((2, 10, 4), (2, 4), (2, 4))
    >>> layer.value("bias")
    array([0., 0., 0., 0., 1., 1., 1., 1., 0., 0., 0., 0., 0., 0., 0., 0.],
          dtype=float32)
    """

    cell_kind = "LSTM"
    state_count = 2
    unit_forget_bias: bool

    _until_built = (*Recurrent._until_built, "unit_forget_bias")

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = "tanh",
        recurrent_activation: ActivationLike | None = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: object = "glorot_uniform",
        recurrent_initializer: object = "orthogonal",
        bias_initializer: object = "zeros",
        unit_forget_bias: bool = True,
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
        self.unit_forget_bias = check_flag("unit_forget_bias", unit_forget_bias)
        self._set(locals())

    def _option(self, weight: str, kind: str) -> Any:
        option = super()._option(weight, kind)
        if weight == "bias" and kind == "initializer" and self.unit_forget_bias:
            return _forget_bias(option, f"the initializer of bias of layer {self.label!r}")
        return option


def _forget_bias(others: Any, owner: str) -> InitializerFunction:
    """Return the initializer of a bias that is 1 for f, and made by another one for the rest."""

    def bias(shape: tuple[int, ...], dtype: Any, rng: np.random.Generator) -> Array:
        units, dtype = shape[0] // 4, np.dtype(dtype)
        i = initial_value(others, (units,), dtype, rng, owner)
        rest = initial_value(others, (2 * units,), dtype, rng, owner)
        return np.concatenate([i, np.ones(units, dtype), rest])

    return bias
