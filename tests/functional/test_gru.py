"""gru_forward, gru_backward and gru_step: their numbers, against the specification and peers."""

import numpy as np
import pytest
import specification
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import (
    assert_all_same_bits,
    assert_close,
    assert_same_bits,
    copies,
    random_arguments,
    random_gradients,
)

from gru_c import GRUTape, gru_backward, gru_forward, gru_step
from gru_c._core import ENGINES
from gru_c.recurrence.weights import Gradients

# One more and one less than vectors and tiles have, and primes.
SIDES = st.sampled_from([1, 2, 3, 7, 15, 16, 17, 33, 50, 64, 129])
SIDES_OR_0 = st.sampled_from([0, 1, 2, 3, 7, 15, 16, 17, 33, 50, 64, 129])
DTYPES = [np.float32, np.float64]
# Times the largest number: rounding in up to 129 steps of up to 258 terms.
TOLERANCES = {np.float32: 2e-5, np.float64: 1e-12}
# float64 gradients against derivatives that are exact to rounding.
GRADIENT_TOLERANCE = 1e-11

pytestmark = pytest.mark.usefixtures("engine", "isa")
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
both_variants = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])
both_directions = pytest.mark.parametrize("go_backwards", [False, True], ids=["along", "back"])
with_and_without_bias = pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])


def gradient_names(arguments):
    """The arguments that were given."""
    return [name for name, array in arguments.items() if array is not None]


def assert_directional_derivatives(arguments, gradients, d_output, d_state, seed, **variant):
    """Each gradient, times a random direction, is the specification's derivative along it."""
    rng = np.random.default_rng(seed)
    for name in gradient_names(arguments):
        gradient = getattr(gradients, name)
        direction = rng.normal(size=gradient.shape)
        expected = specification.derivative(
            arguments, {name: direction}, d_output, d_state, **variant
        )
        terms = gradient * direction
        # The sum's terms may cancel: the error is held against their size.
        assert abs(terms.sum() - expected) <= GRADIENT_TOLERANCE * max(np.abs(terms).sum(), 1), name


def test_the_tape_is_of_the_engine_that_made_it(engine):
    """The fixture of this file selects the engine that it names."""
    assert gru_forward(**random_arguments(1, 1, 1, 1), training=True).tape.engine == ENGINES[engine]


# ---- the specification --------------------------------------------------------------------------


@settings(max_examples=80)
@given(
    sizes=st.tuples(SIDES_OR_0, SIDES_OR_0, SIDES, SIDES),
    dtype=st.sampled_from(DTYPES),
    reset_after=st.booleans(),
    go_backwards=st.booleans(),
    bias=st.booleans(),
    initial_state=st.booleans(),
    training=st.booleans(),
)
def test_forward_is_the_specification(sizes, dtype, bias, initial_state, training, **variant):
    arguments = random_arguments(
        *sizes,
        dtype=dtype,
        reset_after=variant["reset_after"],
        bias=bias,
        initial_state=initial_state,
    )
    before = copies(arguments)
    result = gru_forward(**arguments, **variant, training=training)
    output, state = specification.gru(*arguments.values(), **variant)
    assert result.output.dtype == result.state.dtype == dtype
    assert_close(result.output, output, TOLERANCES[dtype])
    assert_close(result.state, state, TOLERANCES[dtype])
    assert isinstance(result.tape, GRUTape) == training
    for name, array in before.items():
        assert_same_bits(arguments[name], array)


@settings(max_examples=30)
@given(
    sizes=st.tuples(
        st.sampled_from([1, 3, 16, 17, 33, 64]),
        st.sampled_from([1, 2, 7, 16]),
        st.sampled_from([1, 2, 15, 50]),
        st.sampled_from([1, 2, 7, 16, 17, 33, 64]),
    ),
    reset_after=st.booleans(),
    go_backwards=st.booleans(),
    bias=st.booleans(),
    initial_state=st.booleans(),
)
def test_gradients_along_random_directions(sizes, bias, initial_state, **variant):
    arguments = random_arguments(
        *sizes, reset_after=variant["reset_after"], bias=bias, initial_state=initial_state
    )
    B, T, _, H = sizes
    d_output, d_state = random_gradients(B, T, H)
    tape = gru_forward(**arguments, **variant, training=True).tape
    gradients = gru_backward(tape, d_output, d_state)
    assert_directional_derivatives(arguments, gradients, d_output, d_state, 2, **variant)
    assert (gradients.bias is None) == (not bias)


@both_variants
@both_directions
# 19, 338 and 42 steps at a time (src_c/blas/plan.c), and a shorter rest.
@pytest.mark.parametrize("sizes", [(33, 45, 5, 129), (1, 340, 3, 129), (129, 50, 3, 40)], ids=str)
def test_long_sequences_go_in_chunks(reset_after, go_backwards, sizes):
    variant = {"reset_after": reset_after, "go_backwards": go_backwards}
    arguments = random_arguments(*sizes, reset_after=reset_after)
    B, T, _, H = sizes
    result = gru_forward(**arguments, **variant, training=True)
    output, _ = specification.gru(*arguments.values(), **variant)
    assert_close(result.output, output, 1e-12)
    assert_same_bits(gru_forward(**arguments, **variant).output, result.output)
    d_output, d_state = random_gradients(B, T, H)
    gradients = gru_backward(result.tape, d_output, d_state)
    assert_directional_derivatives(arguments, gradients, d_output, d_state, 5, **variant)


@both_variants
@both_directions
@with_and_without_bias
@pytest.mark.parametrize("source", ["d_output", "d_state", "both"])
def test_every_element_of_every_gradient(reset_after, go_backwards, bias, source):
    variant = {"reset_after": reset_after, "go_backwards": go_backwards}
    arguments = random_arguments(2, 3, 2, 4, reset_after=reset_after, bias=bias)
    d_output, d_state = random_gradients(2, 3, 4)
    given_ = {"d_output": d_output, "d_state": d_state}
    if source != "both":
        given_ = {source: given_[source]}
    tape = gru_forward(**arguments, **variant, training=True).tape
    gradients = gru_backward(tape, **given_)
    d_output, d_state = given_.get("d_output", 0.0), given_.get("d_state", 0.0)
    for name in gradient_names(arguments):
        expected = specification.gradient(name, arguments, d_output, d_state, **variant)
        assert_close(getattr(gradients, name), expected, 1e-13)


@both_variants
@pytest.mark.parametrize("source", ["d_output", "d_state"])
def test_gradients_against_central_differences(reset_after, source):
    """The same derivatives in another way, without complex numbers."""
    arguments = random_arguments(3, 5, 4, 7, reset_after=reset_after)
    pair = dict(zip(("d_output", "d_state"), random_gradients(3, 5, 7), strict=True))
    tape = gru_forward(**arguments, reset_after=reset_after, training=True).tape
    gradients = gru_backward(tape, **{source: pair[source]})
    rng = np.random.default_rng(3)

    def loss(name, change):
        moved = {**arguments, name: arguments[name] + change}
        output, state = specification.gru(*moved.values(), reset_after=reset_after)
        return ({"d_output": output, "d_state": state}[source] * pair[source]).sum()

    for name in arguments:
        direction = rng.normal(size=arguments[name].shape)
        step = 1e-5
        expected = (loss(name, step * direction) - loss(name, -step * direction)) / (2 * step)
        actual = (getattr(gradients, name) * direction).sum()
        assert actual == pytest.approx(expected, rel=1e-6), name


@both_variants
@both_directions
def test_float32_gradients_are_close_to_those_of_float64(reset_after, go_backwards):
    sizes = (35, 40, 9, 33)
    variant = {"reset_after": reset_after, "go_backwards": go_backwards, "training": True}
    results = []
    for dtype in DTYPES:
        arguments = random_arguments(*sizes, reset_after=reset_after)
        arguments = {name: array.astype(dtype) for name, array in arguments.items()}
        d_output, d_state = random_gradients(35, 40, 33, dtype=dtype)
        tape = gru_forward(**arguments, **variant).tape
        results.append(gru_backward(tape, d_output, d_state))
    for single, double in zip(*results, strict=True):
        assert single.dtype == np.float32
        assert_close(single, double, 1e-5)


# ---- steps, empty problems, order ---------------------------------------------------------------


@both_dtypes
@both_variants
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
def test_steps_make_a_sequence(dtype, reset_after, bias):
    arguments = random_arguments(5, 9, 3, 17, dtype=dtype, reset_after=reset_after, bias=bias)
    before = copies(arguments)
    x, kernel, recurrent_kernel, b, state = arguments.values()
    whole = gru_forward(**arguments, reset_after=reset_after)
    for t in range(x.shape[1]):
        state = gru_step(x[:, t], state, kernel, recurrent_kernel, b, reset_after=reset_after)
        assert state.dtype == dtype
        assert_close(state, whole.output[:, t], TOLERANCES[dtype])
    for name, array in before.items():
        assert_same_bits(arguments[name], array)


@both_variants
def test_output_holds_the_state_after_every_step(reset_after):
    arguments = random_arguments(4, 6, 3, 5, reset_after=reset_after)
    whole = gru_forward(**arguments, reset_after=reset_after)
    assert_same_bits(whole.output[:, -1], whole.state)
    for t in range(6):
        part = gru_forward(
            **{**arguments, "x": arguments["x"][:, : t + 1]}, reset_after=reset_after
        )
        assert_close(part.state, whole.output[:, t], 1e-14)


@both_variants
@both_dtypes
def test_go_backwards_is_the_reversed_input(reset_after, dtype):
    arguments = random_arguments(33, 7, 3, 16, dtype=dtype, reset_after=reset_after)
    reversed_ = {**arguments, "x": arguments["x"][:, ::-1].copy()}
    pair = random_gradients(33, 7, 16, dtype=dtype)
    options = {"reset_after": reset_after, "training": True}
    back = gru_forward(**arguments, **options, go_backwards=True)
    along = gru_forward(**reversed_, **options)
    assert_all_same_bits(back, along)
    of_back, of_along = gru_backward(back.tape, *pair), gru_backward(along.tape, *pair)
    assert_all_same_bits(of_back, of_along._replace(x=of_along.x[:, ::-1]))


@both_dtypes
@both_variants
@with_and_without_bias
@pytest.mark.parametrize("sizes", [(0, 5, 3, 4), (2, 0, 3, 4), (0, 0, 3, 4), (2, 0, 0, 4)], ids=str)
def test_without_steps_the_state_passes_through(dtype, reset_after, bias, sizes):
    B, T, I, H = sizes
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after, bias=bias)
    result = gru_forward(**arguments, reset_after=reset_after, training=True)
    assert result.output.shape == (B, T, H)
    assert_same_bits(result.state, arguments["initial_state"])
    d_output, d_state = random_gradients(B, T, H, dtype=dtype)
    gradients = gru_backward(result.tape, d_output, d_state)
    assert_same_bits(gradients.initial_state, d_state)
    assert_same_bits(gradients.kernel, np.zeros((I, 3 * H), dtype))
    assert_same_bits(gradients.recurrent_kernel, np.zeros((H, 3 * H), dtype))
    if bias:
        assert_same_bits(gradients.bias, np.zeros_like(arguments["bias"]))
    assert_same_bits(gru_backward(result.tape).initial_state, np.zeros((B, H), dtype))


@both_variants
@with_and_without_bias
def test_no_input_features(reset_after, bias):
    variant = {"reset_after": reset_after}
    arguments = random_arguments(3, 6, 0, 5, bias=bias, **variant)
    result = gru_forward(**arguments, **variant, training=True)
    output, _ = specification.gru(*arguments.values(), **variant)
    assert_close(result.output, output, 1e-13)
    d_output, d_state = random_gradients(3, 6, 5)
    gradients = gru_backward(result.tape, d_output, d_state)
    assert gradients.x.shape == (3, 6, 0)
    assert gradients.kernel.shape == (0, 15)
    assert_directional_derivatives(arguments, gradients, d_output, d_state, 4, **variant)


def test_no_initial_state_means_zeros():
    arguments = random_arguments(3, 4, 2, 5, initial_state=False)
    zeros = {**arguments, "initial_state": np.zeros((3, 5))}
    assert_all_same_bits(gru_forward(**arguments), gru_forward(**zeros))


# ---- the same bits ------------------------------------------------------------------------------


@both_dtypes
@both_variants
@both_directions
# Two, three and five slices; the last of another length; several chunks of time.
@pytest.mark.parametrize("sizes", [(20, 40, 16, 40), (70, 20, 16, 40), (129, 60, 3, 33)], ids=str)
def test_threads_do_not_change_a_bit(dtype, reset_after, go_backwards, sizes):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after)
    pair = random_gradients(B, T, H, dtype=dtype)

    def both_passes(threads, training=True):
        result = gru_forward(
            **arguments,
            reset_after=reset_after,
            go_backwards=go_backwards,
            training=training,
            num_threads=threads,
        )
        return result, gru_backward(result.tape, *pair) if training else None

    forward, backward = both_passes(1)
    assert_all_same_bits(both_passes(3, training=False)[0], forward)
    for threads in (2, 3, 2, 3):
        again_forward, again_backward = both_passes(threads)
        assert_all_same_bits(again_forward, forward)
        assert_all_same_bits(again_backward, backward)


@both_variants
def test_a_tape_is_not_used_up(reset_after):
    arguments = random_arguments(35, 6, 3, 17, reset_after=reset_after)
    tape = gru_forward(**arguments, reset_after=reset_after, training=True).tape
    memory, pair = tape.memory.copy(), random_gradients(35, 6, 17)
    first = gru_backward(tape, *pair)
    assert_all_same_bits(gru_backward(tape, *pair), first)
    assert_same_bits(tape.memory, memory)


@both_variants
@both_directions
def test_gradients_left_out_are_zeros(reset_after, go_backwards):
    arguments = random_arguments(5, 6, 3, 7, reset_after=reset_after)
    tape = gru_forward(
        **arguments, reset_after=reset_after, go_backwards=go_backwards, training=True
    ).tape
    d_output, d_state = random_gradients(5, 6, 7)
    no_output, no_state = np.zeros_like(d_output), np.zeros_like(d_state)
    assert_all_same_bits(gru_backward(tape, d_output), gru_backward(tape, d_output, no_state))
    only_state = gru_backward(tape, d_state=d_state)
    assert_all_same_bits(only_state, gru_backward(tape, no_output, d_state))
    for gradient in gru_backward(tape):
        assert_same_bits(gradient, np.zeros_like(gradient))
    # d_state counts in addition to the last step of d_output.
    no_output[:, -1] = d_state
    assert_all_same_bits(gru_backward(tape, no_output), only_state)


@both_variants
@with_and_without_bias
@pytest.mark.parametrize("steps", [0, 6])
def test_weight_gradients_can_be_added_up(reset_after, bias, steps):
    """A backward pass adds to the arrays it is given, and leaves out gradients that are None."""
    arguments = random_arguments(40, steps, 3, 17, reset_after=reset_after, bias=bias)
    tape = gru_forward(**arguments, reset_after=reset_after, training=True).tape
    d_output, d_state = random_gradients(40, steps, 17)
    once = gru_backward(tape, d_output, d_state)
    into = [None if g is None else np.full_like(g, 100) for g in once]
    tape.backward(d_output, d_state, Gradients(*into[1:4], accumulate=True))
    for total, gradient in zip(into[1:4], once[1:4], strict=True):
        if gradient is not None:
            np.testing.assert_allclose(total - 100, gradient, rtol=0, atol=1e-12)
    for untouched in (into[0], into[4]):
        assert (untouched == 100).all()
