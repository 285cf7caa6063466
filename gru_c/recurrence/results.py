"""The results of `gru_c.gru_forward` and `gru_c.gru_backward`."""

from __future__ import annotations

from typing import NamedTuple

from gru_c.common.arrays import Array
from gru_c.recurrence.tape import Tape


class GRUForward(NamedTuple):
    """Result of `gru_forward`.

    Attributes
    ----------
    output : ndarray of shape (B, T, H)
        The state after every time step.
    state : ndarray of shape (B, H)
        The state after the last time step.
    tape : GRUTape, CheckpointTape, RaggedTape or None
        For `gru_backward`; None unless ``training=True``.
    """

    output: Array
    state: Array
    tape: Tape | None


class GRUGradients(NamedTuple):
    """Result of `gru_backward`: the gradients of the arguments of the forward pass.

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
    """Result of ``gru_backward(..., d_hidden=True)``: `GRUGradients` and the states' gradient.

    Attributes
    ----------
    hidden : ndarray of shape (B, T, H)
        With respect to the state after each time step, including its use in later steps.
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: Array
    hidden: Array
