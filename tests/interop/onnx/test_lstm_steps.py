"""The LSTM in NumPy steps beside the specification, which has no peepholes."""

import numpy as np
import specification

from gru_c.interop.onnx.lstm_steps import LSTMSteps
from gru_c.recurrence.weights import Weights


def test_without_peepholes_the_steps_are_those_of_the_specification():
    rng = np.random.default_rng(0)
    x, W, U, b = (rng.normal(size=shape) for shape in ((4, 6, 3), (3, 20), (5, 20), 20))
    expected, last = specification.lstm(x, W, U, b)
    steps = LSTMSteps(Weights(W, U, b), ("sigmoid", "tanh", "tanh"), None, False, None)
    output, states = steps.run(x.swapaxes(0, 1), np.zeros((4, 10)), None, False)
    np.testing.assert_allclose(output.swapaxes(0, 1), expected, rtol=1e-12)
    np.testing.assert_allclose(states, last, rtol=1e-12)
