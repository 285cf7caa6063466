"""The plain recurrent layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gru_c.layers.base import LayerOptions
from gru_c.layers.base.recurrent import Recurrent
from gru_c.recurrence.cell import ActivationLike

if TYPE_CHECKING:
    from typing_extensions import Unpack


class SimpleRNN(Recurrent):
    """Plain recurrent layer (Elman 1990), with the names, defaults and weights of Keras's.

    Weights: ``kernel (I, H)``, ``recurrent_kernel (H, H)`` and ``bias (H,)``. The equation is in
    `gru_c.functional`.

    Parameters
    ----------
    units : int
        Hidden units H.
    activation : str, tuple or None
        Function in place of tanh; see `GRU`.
    use_bias : bool
        Add a bias.
    kernel_initializer, recurrent_initializer, bias_initializer : str or Initializer
        Initial values of the weights; see `gru_c.initializers`.
    kernel_regularizer, recurrent_regularizer, bias_regularizer : str or Regularizer, optional
        Penalties on the size of the weights; see `gru_c.regularizers`.
    kernel_constraint, recurrent_constraint, bias_constraint : str or Constraint, optional
        Conditions that every optimizer step restores; see `gru_c.constraints`.
    return_sequences, return_state, go_backwards, zero_output_for_mask, stateful, time_major
        See `GRU`.
    dropout, recurrent_dropout, zoneout, clip, checkpoint_every, seed, inference_weights
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
    >>> from gru_c import SimpleRNN
    >>> SimpleRNN(4, return_sequences=True)(np.zeros((2, 10, 8))).shape
    (2, 10, 4)
    """

    cell_kind = "SimpleRNN"

    def __init__(
        self,
        units: int,
        activation: ActivationLike | None = "tanh",
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
        self._set(locals())
