"""Every pair of documented arguments of the functions on arrays: right together, or refused.

A third argument that no test combines with two others was once handed to the wrong function. So
each pair is tried with and without training, and what is refused is listed here.
"""

import inspect
from itertools import combinations, product

import numpy as np
import pytest
import specification
from cells import CELLS

import gru_c

B, T, I, H = 3, 5, 2, 4
LENGTHS = np.array([5, 0, 2])
MASK = np.array([[1, 0, 1, 1, 0], [0, 0, 0, 0, 0], [0, 1, 1, 1, 1]], bool)
REQUIRED = {"x", "kernel", "recurrent_kernel"}

# Values of each argument that are not its default.
VALUES = {
    "bias": [True],
    "initial_state": [True],
    "reset_after": [False],
    "activation": ["softsign", ("elu", 0.5)],
    "recurrent_activation": [("hard_sigmoid", 0.3, 0.4)],
    "clip": [0.4],
    "go_backwards": [True],
    "time_major": [True],
    "training": [True],
    "checkpoint_every": [2, "auto"],
    "engine": ["packed", "blas"],
    "num_threads": [2],
    "inference_weights": ["bfloat16", "int8"],
    "lengths": [LENGTHS],
    "mask": [MASK, np.arange(T) < LENGTHS[:, None]],
    "zero_output_for_mask": [True],
}
# What does not go together; every message names both.
REFUSED = [
    {"lengths", "mask"},
    {"inference_weights", "training"},
    {"inference_weights", "engine"},  # "blas" alone
]


# Arguments that only some cells have.
ONLY = {"reset_after": {"gru"}, "recurrent_activation": {"gru", "lstm"}}

each_cell = pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)


def names_of(cell, function):
    return set(inspect.signature(getattr(gru_c, f"{cell.name}_{function}")).parameters)


def values_of(cell):
    return {name: it for name, it in VALUES.items() if cell.name in ONLY.get(name, {cell.name})}


@each_cell
def test_every_documented_argument_has_a_value_here(cell):
    assert names_of(cell, "forward") == REQUIRED | set(values_of(cell))


def gradients_of_results(cell):
    rng = np.random.default_rng(2)
    return rng.normal(size=(B, T, H)), rng.normal(size=(B, cell.states * H))


def call_of(cell, options):
    """Return the arrays of a call, its other arguments, and those of the specification."""
    options = dict(options)
    dtype = np.float32 if "inference_weights" in options else np.float64
    bias, state = options.pop("bias", False), options.pop("initial_state", False)
    arrays = cell.arguments(B, T, I, H, dtype, bias, state)
    if bias and "reset_after" in options:
        arrays["bias"] = arrays["bias"][0]
    masks = {"mask": options.get("mask"), "zero_output": "zero_output_for_mask" in options}
    if "lengths" in options:
        masks["mask"] = np.arange(T) < options["lengths"][:, None]
    same = ("reset_after", "go_backwards", "activation", "recurrent_activation", "clip")
    return arrays, options, {**masks, **{k: options[k] for k in same if k in options}}


def swapped(array, options):
    """Return (B, T, n) as (T, B, n) where the options say so, and back."""
    return array.swapaxes(0, 1) if "time_major" in options else array


def check_gradients(cell, arrays, options, variant, tape, more):
    """Compare with derivatives of the specification along random directions."""
    d_output, d_state = gradients_of_results(cell)
    ours = cell.backward(tape, swapped(d_output, options), d_state, **more)
    ours["x"] = swapped(ours["x"], options)
    rng = np.random.default_rng(3)
    for name, array in arrays.items():
        if array is None:
            continue
        direction = rng.normal(size=array.shape)
        expected = specification.derivative(
            arrays, {name: direction}, d_output, d_state, cell.spec, **variant
        )
        np.testing.assert_allclose((ours[name] * direction).sum(), expected, 1e-9, 1e-9)


def is_refused(options):
    return any(
        pair <= set(options) and not (pair == REFUSED[2] and options["engine"] == "packed")
        for pair in REFUSED
    )


def check(cell, options):
    """Compare a call with the specification, or with the list of what is refused."""
    arrays, more, variant = call_of(cell, options)
    given = {**arrays, "x": swapped(arrays["x"], options)}
    if is_refused(options):
        with pytest.raises(ValueError, match=r"does not go with|give one of them") as info:
            cell.forward(given, **more)
        named = [name for name in options if name in str(info.value)]
        assert any(set(named) >= pair for pair in REFUSED), (options, str(info.value))
        return
    result, last, tape = cell.forward(given, **more)
    output, state = cell.expected(arrays, **variant)
    close = {"rtol": 0, "atol": 0.05 if "inference_weights" in options else 1e-12}
    np.testing.assert_allclose(swapped(result, options), output, **close)
    np.testing.assert_allclose(last, state, **close)
    assert (tape is None) == ("training" not in options)
    if tape is not None:
        for keep_tape, d_hidden in ((True, False), (True, True), (False, True)):
            backward = {"keep_tape": keep_tape, "d_hidden": d_hidden}
            check_gradients(cell, arrays, options, variant, tape, backward)


@pytest.mark.parametrize(
    ("cell", "first"), [(cell, first) for cell in CELLS for first in values_of(cell)]
)
@pytest.mark.parametrize("training", [False, True])
def test_every_pair_of_arguments_is_right_or_refused_by_name(cell, first, training):
    names = list(values_of(cell))
    for second in names[names.index(first) :]:
        for values in product(VALUES[first], VALUES[second]):
            pair = dict(zip((first, second), values, strict=True))
            check(cell, {**pair, "training": True} if training else pair)


@pytest.mark.parametrize(
    "pair", list(combinations(["d_output", "d_state", "keep_tape", "d_hidden"], 2))
)
@pytest.mark.parametrize(
    "options",
    [{}, {"checkpoint_every": 2}, {"lengths": LENGTHS}, {"mask": MASK, "checkpoint_every": 2}],
)
@pytest.mark.parametrize("time_major", [False, True])
@each_cell
def test_every_pair_of_arguments_of_the_backward_pass(cell, pair, options, time_major):
    assert names_of(cell, "backward") == {"tape", "d_output", "d_state", "keep_tape", "d_hidden"}
    options = {**options, **({"time_major": True} if time_major else {})}
    arrays, more, variant = call_of(cell, {**options, "initial_state": True, "training": True})
    tape = cell.forward({**arrays, "x": swapped(arrays["x"], options)}, **more)[2]
    d_output, d_state = gradients_of_results(cell)
    given = {
        "d_output": swapped(d_output, options),
        "d_state": d_state,
        "keep_tape": False,
        "d_hidden": True,
    }
    gradients = cell.backward(tape, **{name: given[name] for name in pair})
    assert ("hidden" in gradients) == ("d_hidden" in pair)
    direction = np.random.default_rng(5).normal(size=(B, cell.states * H))
    expected = specification.derivative(
        *(arrays, {"initial_state": direction}),
        d_output if "d_output" in pair else 0 * d_output,
        d_state if "d_state" in pair else 0 * d_state,
        cell.spec,
        **variant,
    )
    np.testing.assert_allclose(
        (gradients["initial_state"] * direction).sum(), expected, 1e-9, 1e-12
    )
    if "keep_tape" in pair and "checkpoint_every" not in options:
        with pytest.raises(ValueError, match="has been used up"):
            cell.backward(tape)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("cell", "reset_after"), [*((c, True) for c in CELLS), (CELLS[0], False)])
def test_every_pair_of_arguments_of_a_step(cell, reset_after, bias):
    variant = {"reset_after": reset_after} if cell.name == "gru" else {}
    assert names_of(cell, "step") == {"state", "x_t", "bias", *variant} | REQUIRED - {"x"}
    arrays = cell.arguments(B, 1, I, H, bias=bias)
    if bias and not reset_after:
        arrays["bias"] = arrays["bias"][0]
    _, expected = cell.expected(arrays, **variant)
    x, *weights, state = arrays.values()
    ours = cell.step(x[:, 0], state, *weights, **variant)
    np.testing.assert_allclose(ours, expected, 0, 1e-13)
