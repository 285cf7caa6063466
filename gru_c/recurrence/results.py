"""The results of the functions of `gru_c.functional`."""

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


class LSTMForward(NamedTuple):
    """Result of `lstm_forward`.

    Attributes
    ----------
    output : ndarray of shape (B, T, H)
        The state h after every time step.
    state : tuple of ndarray
        The states h and c (B, H) after the last time step.
    tape : GRUTape, CheckpointTape, RaggedTape or None
        For `lstm_backward`; None unless ``training=True``.
    """

    output: Array
    state: tuple[Array, Array]
    tape: Tape | None


class LSTMGradients(NamedTuple):
    """Result of `lstm_backward`: the gradients of the arguments of the forward pass.

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
    kernel : ndarray of shape (I, 4H)
    recurrent_kernel : ndarray of shape (H, 4H)
    bias : ndarray of shape (4H,), or None
        None when the forward pass had no bias.
    initial_state : tuple of ndarray
        Those of h and c (B, H).
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: tuple[Array, Array]


class LSTMGradientsWithHidden(NamedTuple):
    """Result of ``lstm_backward(..., d_hidden=True)``: `LSTMGradients` and the gradient of all h.

    Attributes
    ----------
    hidden : ndarray of shape (B, T, H)
        With respect to h after each time step, including its use in later steps.
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: tuple[Array, Array]
    hidden: Array


class RNNForward(NamedTuple):
    """Result of `rnn_forward`; see `GRUForward`."""

    output: Array
    state: Array
    tape: Tape | None


class RNNGradients(NamedTuple):
    """Result of `rnn_backward`: the gradients of the arguments of the forward pass.

    Attributes
    ----------
    x : ndarray of shape (B, T, I)
    kernel : ndarray of shape (I, H)
    recurrent_kernel : ndarray of shape (H, H)
    bias : ndarray of shape (H,), or None
        None when the forward pass had no bias.
    initial_state : ndarray of shape (B, H)
    """

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: Array


class RNNGradientsWithHidden(NamedTuple):
    """Result of ``rnn_backward(..., d_hidden=True)``; see `GRUGradientsWithHidden`."""

    x: Array
    kernel: Array
    recurrent_kernel: Array
    bias: Array | None
    initial_state: Array
    hidden: Array
