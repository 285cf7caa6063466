"""Recurrent cells on NumPy arrays, without a model: forward, backward and a single step.

The cells, for every time step (``sigmoid`` and ``tanh`` elementwise, ``*`` elementwise). The
GRU [1]_, gates in Keras's order z, r, n::

    z  = sigmoid(x Wz + h Uz + bz)
    r  = sigmoid(x Wr + h Ur + br)
    n  = tanh(x Wn + bn + r * (h Un + bhn))    reset_after=True
    n  = tanh(x Wn + (r * h) Un + bn)          reset_after=False
    h' = (1 - z) * n + z * h

The LSTM [3]_ [4]_, gates in Keras's order i, f, c, o, with n the gate that Keras calls c::

    i  = sigmoid(x Wi + h Ui + bi)
    f  = sigmoid(x Wf + h Uf + bf)
    n  = tanh(x Wn + h Un + bn)
    o  = sigmoid(x Wo + h Uo + bo)
    c' = f * c + i * n
    h' = o * tanh(c')

The plain recurrent cell [5]_::

    h' = tanh(x W + h U + b)

``recurrent_activation`` takes sigmoid's place and ``activation`` that of tanh. They are a name or,
where the function has parameters alpha and beta, also ``(name, alpha)`` or ``(name, alpha, beta)``
as in ``("leaky_relu", 0.01)``. These are the functions of ONNX:

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

The last column has the defaults. "leaky_relu", "thresholded_relu" and "elu" with ``alpha < 0`` are
for prediction only. With ``clip`` the arguments of the functions are limited to +-clip, as in ONNX.

With ``zoneout`` a unit keeps all of its states over a step.

Sizes: B batch rows, T time steps, I input features, H hidden units.

References
----------
.. [1] K. Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
   Machine Translation", EMNLP 2014, doi:10.3115/v1/D14-1179.
.. [2] As in Keras 3. ONNX's own defaults are 0.2 and 0.5 for hard_sigmoid, 0.01 for leaky_relu.
.. [3] S. Hochreiter and J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997,
   doi:10.1162/neco.1997.9.8.1735.
.. [4] F. Gers et al., "Learning to Forget: Continual Prediction with LSTM", Neural Computation
   12(10), 2000, doi:10.1162/089976600300015015: the forget gate.
.. [5] J. Elman, "Finding Structure in Time", Cognitive Science 14(2), 1990,
   doi:10.1207/s15516709cog1402_1.
"""

from gru_c.functional.gru import gru_backward, gru_forward, gru_step
from gru_c.functional.lstm import lstm_backward, lstm_forward, lstm_step
from gru_c.functional.rnn import rnn_backward, rnn_forward, rnn_step
from gru_c.recurrence.checkpointing import CheckpointTape
from gru_c.recurrence.plain import GRUTape
from gru_c.recurrence.ragged import RaggedTape
from gru_c.recurrence.results import (
    GRUForward,
    GRUGradients,
    GRUGradientsWithHidden,
    LSTMForward,
    LSTMGradients,
    LSTMGradientsWithHidden,
    RNNForward,
    RNNGradients,
    RNNGradientsWithHidden,
)

__all__ = [
    "CheckpointTape",
    "GRUForward",
    "GRUGradients",
    "GRUGradientsWithHidden",
    "GRUTape",
    "LSTMForward",
    "LSTMGradients",
    "LSTMGradientsWithHidden",
    "RNNForward",
    "RNNGradients",
    "RNNGradientsWithHidden",
    "RaggedTape",
    "gru_backward",
    "gru_forward",
    "gru_step",
    "lstm_backward",
    "lstm_forward",
    "lstm_step",
    "rnn_backward",
    "rnn_forward",
    "rnn_step",
]
