"""Cells with other activations, clipping, masked states and zoneout, against the specification."""

import numpy as np
import pytest
import specification
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import assert_close, assert_same_bits, random_arguments, random_gradients

from gru_c import _core, gru_backward, gru_forward
from gru_c.recurrence import passes
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.weights import Gradients, Weights

pytestmark = pytest.mark.usefixtures("engine", "isa")

ACTIVATIONS = [
    *_core.ACTIVATIONS,
    ("hard_sigmoid", 0.2),
    ("hard_sigmoid", -0.4, 0.25),
    ("affine", -0.5, 0.25),
    ("leaky_relu", 0.01),
    ("leaky_relu", 1.5),
    ("thresholded_relu", 0.1),
    ("scaled_tanh", -1.7, 0.6),
    ("scaled_tanh", 1.2),
    ("elu", 0.6),
]
# As gates, these functions let the state explode within a few steps.
UNBOUNDED = {"relu", "linear", "affine", "leaky_relu", "thresholded_relu", "elu", "softplus"}
SIDES = st.sampled_from([1, 2, 7, 8, 15, 16, 17, 33, 50])
KINDS = st.fixed_dictionaries(
    {
        "reset_after": st.booleans(),
        "activation": st.sampled_from(ACTIVATIONS),
        "recurrent_activation": st.sampled_from(ACTIVATIONS),
        "clip": st.sampled_from([None, 0.3, 1.0]),
        "zoneout": st.sampled_from([0.0, 0.25]),
    }
).filter(
    lambda kind: kind["clip"] or UNBOUNDED.isdisjoint(np.atleast_1d(kind["recurrent_activation"]))
)
PASSES = st.fixed_dictionaries(
    {
        "masked": st.booleans(),
        "drawn": st.booleans(),
        "go_backwards": st.booleans(),
        "bias": st.booleans(),
        "initial_state": st.booleans(),
    }
)
SEED, FIRST_STEP = 2**63 + 12345, 7


def draws(seed, first_step, B, T, H, rate):
    """Zoneout's draws (T, B, H): SplitMix64 of seed, step and row, MurmurHash3's end of a unit."""
    result = np.empty((T, B, H))
    for t, row in np.ndindex(T, B):
        x = seed
        for part in (first_step + t, row):
            x = (x + 0x9E3779B97F4A7C15 * (part + 1)) % 2**64
            x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
            x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
            x ^= x >> 31
        for unit in range(H):
            y = ((x >> 32) + unit * 0x9E3779B9) % 2**32
            y = (y ^ (y >> 16)) * 0x85EBCA6B % 2**32
            y = (y ^ (y >> 13)) * 0xC2B2AE35 % 2**32
            result[t, row, unit] = (y ^ (y >> 16)) < int(rate * 2**32)
    return result


class Pass:
    """A forward pass, with the arguments of the specification for it."""

    def __init__(self, sizes, kind, *, masked, drawn, go_backwards, dtype=np.float64, **wanted):
        B, T, _, H = sizes
        self.arguments = random_arguments(
            *sizes, dtype=dtype, reset_after=kind["reset_after"], **wanted
        )
        rng = np.random.default_rng(5)
        self.mask = (rng.random((B, H)) < 0.5).astype(dtype) * 2 if masked else None
        self.cell = Cell.checked(**kind)
        self.go_backwards = go_backwards
        self.draws = (SEED, FIRST_STEP) if drawn else None
        keeps = draws(SEED, FIRST_STEP, B, T, H, kind["zoneout"])
        self.variant = {
            **{name: value for name, value in kind.items() if name != "zoneout"},
            "clip": kind["clip"] or np.inf,
            "go_backwards": go_backwards,
            "state_mask": 1 if self.mask is None else self.mask,
            "keeps": keeps if drawn else np.full((T, B, H), kind["zoneout"]),
        }

    def run(self, training=False, **others):
        x, W, U, b, h = self.arguments.values()
        output = np.empty((*x.shape[:2], len(U)), x.dtype)
        options = PassOptions(
            self.cell,
            self.go_backwards,
            training,
            state_mask=self.mask,
            draws=self.draws,
            **others,
        )
        last, tape = passes.run(x, Weights(W, U, b), h, output, options)
        return output, last, tape

    def gradients(self, tape, d_output, d_state):
        x, W, U, b, _ = self.arguments.values()
        state = d_state.shape
        shapes = {"x": x.shape, "kernel": W.shape, "recurrent_kernel": U.shape}
        shapes |= {} if b is None else {"bias": b.shape}
        found = {name: np.full(shape, np.nan) for name, shape in shapes.items()}
        found["bias"] = found.get("bias")
        found["initial_state"] = np.full(state, np.nan)
        hidden = np.full(d_output.shape, np.nan)
        tape.backward(d_output, d_state, Gradients(**found, hidden=hidden))
        return found, hidden


@settings(max_examples=80)
@given(
    sizes=st.tuples(SIDES, st.integers(1, 6), st.integers(0, 5), SIDES),
    dtype=st.sampled_from([np.float32, np.float64]),
    kind=KINDS,
    how=PASSES,
    training=st.booleans(),
)
def test_forward_is_the_specification(sizes, dtype, kind, how, training):
    case = Pass(sizes, kind, dtype=dtype, **how)
    output, last, _ = case.run(training)
    expected, expected_last = specification.gru(*case.arguments.values(), **case.variant)
    tolerance = 2e-5 if dtype == np.float32 else 1e-12
    assert_close(output, expected, tolerance)
    assert_close(last, expected_last, tolerance)


@settings(max_examples=80)
@given(sizes=st.tuples(SIDES, st.integers(1, 6), st.integers(1, 5), SIDES), kind=KINDS, how=PASSES)
def test_gradients_along_random_directions(sizes, kind, how):
    # zoneout by its expectation, without draws, has no backward pass
    case = Pass(sizes, kind, **{**how, "drawn": True})
    B, T, _, H = sizes
    _, _, tape = case.run(training=True)
    d_output, d_state = random_gradients(B, T, H)
    found, _ = case.gradients(tape, d_output, d_state)
    rng = np.random.default_rng(3)
    arguments = dict(case.arguments)
    if arguments["initial_state"] is None:
        arguments["initial_state"] = np.zeros((B, H))
    for name, gradient in found.items():
        if gradient is not None:
            direction = rng.normal(size=gradient.shape)
            expected = specification.derivative(
                arguments, {name: direction}, d_output, d_state, **case.variant
            )
            scale = max(1, np.abs(gradient).sum())
            assert abs((gradient * direction).sum() - expected) <= 1e-11 * scale, name


@settings(max_examples=30)
@given(sizes=st.tuples(SIDES, st.integers(1, 5), st.integers(1, 3), SIDES), kind=KINDS, how=PASSES)
def test_hidden_gradient_is_what_later_steps_say_of_a_state(sizes, kind, how):
    case = Pass(sizes, kind, **{**how, "drawn": True})
    B, T, _, H = sizes
    _, _, tape = case.run(training=True)
    d_output, d_state = random_gradients(B, T, H)
    _, hidden = case.gradients(tape, d_output, d_state)
    # the state before the first step, from the one after it: that step alone
    for t in range(T - 1):
        rest = Pass(sizes, kind, **{**how, "drawn": True})
        window = slice(0, T - 1 - t) if case.go_backwards else slice(t + 1, T)
        rest.arguments["x"] = case.arguments["x"][:, window]
        rest.arguments["initial_state"] = case.run()[0][:, t].copy()
        rest.draws = (SEED, FIRST_STEP + t + 1)
        _, _, rest_tape = rest.run(training=True)
        later, _ = rest.gradients(rest_tape, d_output[:, t + 1 :], d_state)
        assert_close(hidden[:, t], d_output[:, t] + later["initial_state"], 1e-11)
    assert_close(hidden[:, -1], d_output[:, -1] + d_state, 1e-15)


@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_neither_threads_nor_company_nor_the_tape_change_a_bit(dtype, reset_after, engine):
    kind = {
        "reset_after": reset_after,
        "activation": "softsign",
        "recurrent_activation": "hard_sigmoid",
        "clip": 0.7,
        "zoneout": 0.2,
    }
    case = Pass((40, 30, 9, 50), kind, masked=True, drawn=True, go_backwards=False, dtype=dtype)
    one = case.run(training=True, num_threads=1)
    for threads in (2, 3):
        many = case.run(training=True, num_threads=threads)
        assert_same_bits(many[0], one[0])
    assert_same_bits(case.run()[0], one[0])
    alone = Pass((40, 30, 9, 50), kind, masked=True, drawn=True, go_backwards=False, dtype=dtype)
    for name in ("x", "initial_state"):
        alone.arguments[name] = alone.arguments[name][:1]
    alone.mask = alone.mask[:1]
    if engine == "packed":
        assert_same_bits(alone.run()[0], one[0][:1])


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_usual_kind_spelled_out_is_the_usual_cell(reset_after):
    arguments = random_arguments(5, 6, 3, 20, reset_after=reset_after)
    plain = gru_forward(**arguments, reset_after=reset_after, training=True)
    spelled = gru_forward(
        **arguments,
        reset_after=reset_after,
        activation="tanh",
        recurrent_activation="sigmoid",
        clip=np.inf,
        training=True,
    )
    assert_same_bits(spelled.output, plain.output)
    # a clip that no sum reaches takes the general path and changes nothing
    wide = gru_forward(**arguments, reset_after=reset_after, clip=1e6, training=True)
    assert_same_bits(wide.output, plain.output)
    d_output, d_state = random_gradients(5, 6, 20)
    a = gru_backward(wide.tape, d_output, d_state, d_hidden=True)
    b = gru_backward(plain.tape, d_output, d_state, d_hidden=True)
    for name in a._fields:
        assert_same_bits(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize(
    ("argument", "error", "message"),
    [
        ({"activation": "swish"}, ValueError, "activation of a GRU"),
        ({"recurrent_activation": 3}, TypeError, "recurrent_activation of a GRU"),
        ({"clip": 0}, ValueError, "clip must be a number > 0 or None, got 0"),
        ({"clip": float("nan")}, ValueError, "clip must be a number > 0 or None"),
        ({"clip": "1"}, TypeError, "clip must be a number > 0 or None, got '1'"),
    ],
)
def test_kinds_that_do_not_exist(argument, error, message):
    with pytest.raises(error, match=message):
        gru_forward(**random_arguments(1, 2, 3, 4), **argument)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_zoneout_draws_as_often_as_it_says(rate):
    found = draws(1, 0, 20, 20, 100, rate).mean()
    assert abs(found - rate) < 0.01
