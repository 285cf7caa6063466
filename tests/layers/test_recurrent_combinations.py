"""Settings of recurrent layers in random combinations."""

import numpy as np
import pytest
from cells import CELLS
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tools import assert_close, assert_same_bits

from gru_c import Bidirectional

pytestmark = pytest.mark.usefixtures("engine", "isa")

SETTINGS = st.fixed_dictionaries(
    {
        "reset_after": st.booleans(),
        "use_bias": st.booleans(),
        "activation": st.sampled_from(["tanh", "tanh", "softsign", "softplus", ("elu", 0.5)]),
        "recurrent_activation": st.sampled_from(["sigmoid", "sigmoid", ("scaled_tanh", 0.9)]),
        "clip": st.sampled_from([None, None, 0.5]),
        "dropout": st.sampled_from([0, 0, 0.3]),
        "recurrent_dropout": st.sampled_from([0, 0, 0.3]),
        "zoneout": st.sampled_from([0, 0, 0.3]),
        "go_backwards": st.booleans(),
        "return_sequences": st.booleans(),
        "return_state": st.booleans(),
        "zero_output_for_mask": st.booleans(),
        "time_major": st.booleans(),
        "checkpoint_every": st.sampled_from([None, None, 2, "auto"]),
        "kernel_regularizer": st.sampled_from([None, "l2"]),
    }
)
CALLS = st.fixed_dictionaries(
    {
        "mask": st.sampled_from([None, "lengths", "holes"]),
        "initial_state": st.booleans(),
        "both": st.booleans(),
        "cell": st.sampled_from(CELLS),
        "sizes": st.tuples(
            st.sampled_from([1, 2, 7, 17]),
            st.integers(1, 9),
            st.integers(1, 4),
            st.sampled_from([1, 5, 16, 33]),
        ),
    }
)


# Settings that only some cells have.
ONLY = {"reset_after": ["gru"], "recurrent_activation": ["gru", "lstm"]}
GLOROT = "glorot_uniform"


def flat(arrays):
    """Return the arrays in tuples, and in tuples within them, as one list."""
    if isinstance(arrays, np.ndarray):
        return [arrays]
    return [array for part in arrays for array in flat(part)]


class Case:
    """A layer, its input and its arguments."""

    def __init__(self, options, call, dtype=np.float64):
        B, T, I, H = call["sizes"]
        rng = np.random.default_rng(B + 10 * T + 100 * I)
        cell = call["cell"]
        given = {name: it for name, it in options.items() if cell.name in ONLY.get(name, cell.name)}
        layer = cell.layer(H, seed=3, dtype=dtype, recurrent_initializer=GLOROT, **given)
        self.layer = Bidirectional(layer, seed=3) if call["both"] else layer
        self.layer.build((None, None, I), rng=0)
        for parameter in self.layer.parameters:
            parameter.value += rng.normal(size=parameter.value.shape).astype(dtype) * 0.2
        self.cell = cell
        self.time_major = options["time_major"]
        self.x = rng.normal(size=(B, T, I)).astype(dtype)
        self.arguments = {}
        if call["mask"] == "lengths":
            self.arguments["lengths"] = rng.integers(0, T + 1, B)
        elif call["mask"] == "holes":
            self.arguments["mask"] = rng.random((B, T)) < 0.6
        self.states = None
        if call["initial_state"]:
            states = [rng.normal(size=(B, H)).astype(dtype) for _ in range(4)]
            self.states = states[: cell.states * len(self.layer.directions)]

    def as_given(self, states):
        """Return a list of states as the layer takes them: of each direction, h or (h, c)."""
        count = self.cell.states
        parts = [tuple(states[i : i + count]) for i in range(0, len(states), count)]
        parts = parts if count > 1 else states
        return parts if len(self.layer.directions) > 1 else parts[0]

    def forward(self, training=True, rows=slice(None)):
        """Return a list of all outputs and states of some rows, batch first."""
        for direction in self.layer.directions:
            direction.set_seed(3)
        arguments = {name: value[rows] for name, value in self.arguments.items()}
        if self.states is not None:
            states = [state[rows] for state in self.states]
            arguments["initial_state"] = self.as_given(states)
        x = self.x[rows]
        x = x.swapaxes(0, 1).copy() if self.time_major else x
        results = self.layer.forward(x, training=training, **arguments)
        return list(results) if isinstance(results, tuple) else [results]

    def backward(self, weights):
        """Return the gradients of sum(weights * forward()) for all `arrays`."""
        d_output, *d_states = weights
        extra = {}
        if d_states:
            extra["d_state"] = self.as_given(d_states)
        gradients = self.layer.backward(d_output, **extra)
        d_x, d_states = gradients if isinstance(gradients, tuple) else (gradients, [])
        d_x = d_x.swapaxes(0, 1) if self.time_major else d_x
        return [d_x, *flat(d_states), *(p.gradient.copy() for p in self.layer.parameters)]

    def arrays(self):
        """Return the arrays whose gradients `backward` returns."""
        return [self.x, *(self.states or []), *(p.value for p in self.layer.parameters)]


@settings(max_examples=50)
@given(options=SETTINGS, call=CALLS)
def test_gradients_against_central_differences(options, call):
    # A clip bound or a corner of an activation may lie within the step of the difference.
    case = Case(options, call)
    rng = np.random.default_rng(1)
    outputs = case.forward()
    weights = [rng.normal(size=output.shape) for output in outputs]
    gradients = case.backward(weights)
    for array, gradient in zip(case.arrays(), gradients, strict=True):
        direction = rng.normal(size=array.shape) * 1e-6
        losses = []
        for move in (direction, -2 * direction):
            array += move
            losses.append(sum((o * w).sum() for o, w in zip(case.forward(), weights, strict=True)))
        array += direction
        expected = (gradient * direction).sum()
        scale = np.abs(gradient * direction).sum() + 1e-9
        corner = 1e-4 if options["clip"] else 1e-6
        assert abs((losses[0] - losses[1]) / 2 - expected) <= corner * scale


@settings(max_examples=50)
@given(options=SETTINGS, call=CALLS, dtype=st.sampled_from([np.float32, np.float64]))
def test_a_row_alone_gives_what_it_gives_in_the_batch(options, call, dtype):
    # Outside training, checkpoints and dropout make no difference.
    case = Case(options, call, dtype)
    whole = case.forward(training=False)
    alone = case.forward(training=False, rows=slice(0, 1))
    sequences = options["return_sequences"]
    for i, (a, b) in enumerate(zip(whole, alone, strict=True)):
        first = a[:, :1] if i == 0 and sequences and case.time_major else a[:1]
        assert_close(b, first, 1e-12 if dtype == np.float64 else 2e-5)


@settings(max_examples=30)
@given(options=SETTINGS, call=CALLS)
def test_a_training_pass_repeats_itself_to_the_bit(options, call):
    assume(call["sizes"][0] > 1)
    case = Case(options, call, np.float32)
    first, second = case.forward(), case.forward()
    for a, b in zip(first, second, strict=True):
        assert_same_bits(a, b)
    weights = [np.ones_like(output) for output in first]
    d_first, d_second = case.backward(weights), case.backward(weights)
    for a, b in zip(d_first, d_second, strict=True):
        assert_same_bits(np.ascontiguousarray(a), np.ascontiguousarray(b))
