"""The results of passes: their fields, and the order in which they are unpacked."""

import numpy as np
from tools import assert_same_bits, random_arguments, random_gradients

from gru_c import gru_backward, gru_forward
from gru_c.recurrence.results import GRUForward, GRUGradients, GRUGradientsWithHidden

B, T, I, H = 2, 4, 3, 5


def test_a_forward_pass_gives_output_state_and_tape():
    result = gru_forward(**random_arguments(B, T, I, H))
    assert type(result) is GRUForward
    output, state, tape = result
    assert (output.shape, state.shape) == ((B, T, H), (B, H))
    assert_same_bits(output[:, -1], state)
    assert tape is None


def test_gradients_have_the_shapes_of_the_arguments_in_their_order():
    arguments = random_arguments(B, T, I, H)
    tape = gru_forward(**arguments, training=True).tape
    gradients = gru_backward(tape, *random_gradients(B, T, H))
    assert type(gradients) is GRUGradients
    assert gradients._fields == tuple(arguments)
    for gradient, argument in zip(gradients, arguments.values(), strict=True):
        assert gradient.shape == argument.shape


def test_the_gradient_of_the_states_comes_last_on_request():
    tape = gru_forward(**random_arguments(B, T, I, H), training=True).tape
    d_output, d_state = random_gradients(B, T, H)
    gradients = gru_backward(tape, d_output, d_state, d_hidden=True)
    assert type(gradients) is GRUGradientsWithHidden
    assert gradients._fields == (*GRUGradients._fields, "hidden")
    # No later step uses the last state: its gradient is the sum of those that come from outside.
    np.testing.assert_allclose(gradients.hidden[:, -1], d_output[:, -1] + d_state, rtol=1e-12)
