"""gru_forward, gru_backward and gru_step refuse what they cannot compute."""

import numpy as np
import pytest
from tools import (
    assert_same_bits,
    copies,
    random_arguments,
)

from gru_c import gru_backward, gru_forward, gru_step

B, T, I, H = 4, 6, 3, 5
DTYPES = [np.float32, np.float64]
on_each_engine = pytest.mark.usefixtures("engine")
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
both_variants = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])

NO_NUMBERS = {
    "object": np.array([None]),
    "complex": np.ones(1, complex),
    "str": np.array(["1"]),
    "bytes": np.array([b"1"]),
    "datetime": np.array(["2020-01-01"], "datetime64[D]"),
    "timedelta": np.array([1], "timedelta64[s]"),
    "record": np.zeros(1, [("a", float)]),
}
if np.dtype(np.longdouble).itemsize > 8:
    NO_NUMBERS["longdouble"] = np.ones(1, np.longdouble)

BAD_SHAPES = [
    ("x", (T, I), "x must have 3 dimensions"),
    ("x", (B, T, I, 1), "x must have 3 dimensions"),
    ("x", (), "x must have 3 dimensions"),
    ("x", (B, T, I + 1), "x has 4 features, but the kernel .* is made for 3"),
    ("x", (B, T, 0), "x has 0 features"),
    ("kernel", (I + 1, 3 * H), "x has 3 features, but the kernel .* is made for 4"),
    ("kernel", (I, 3 * H + 1), r"kernel must have shape \(I, 3H\) = \(I, 15\).*got \(3, 16\)"),
    ("kernel", (3 * H,), r"kernel must have shape \(I, 3H\)"),
    ("kernel", (1, I, 3 * H), r"kernel must have shape \(I, 3H\)"),
    ("recurrent_kernel", (H, 3 * H + 1), r"recurrent_kernel must have shape \(H, 3H\)"),
    ("recurrent_kernel", (3 * H, H), r"recurrent_kernel must have shape \(H, 3H\)"),
    ("recurrent_kernel", (0, 0), "at least one unit"),
    ("recurrent_kernel", (H,), r"recurrent_kernel must have shape \(H, 3H\)"),
    ("recurrent_kernel", (H + 1, 3 * H + 3), r"kernel must have shape \(I, 3H\) = \(I, 18\)"),
    ("bias", (3 * H,), r"bias must have shape \(2, 15\) for reset_after=True"),
    ("bias", (2, 3 * H + 1), r"bias must have shape \(2, 15\)"),
    ("bias", (6 * H,), r"bias must have shape \(2, 15\)"),
    ("initial_state", (B, H + 1), r"initial_state must have shape \(B, H\) = \(4, 5\), got"),
    ("initial_state", (1, H), r"initial_state must have shape \(B, H\) = \(4, 5\), got"),
    ("initial_state", (H,), r"initial_state must have shape \(B, H\) = \(4, 5\), got"),
    ("initial_state", (1, B, H), r"initial_state must have shape \(B, H\) = \(4, 5\), got"),
]
BAD_OPTIONS = [
    ({"engine": "cuda"}, ValueError, "unknown engine 'cuda'; known: auto, blas, packed"),
    ({"engine": None}, ValueError, "unknown engine None"),
    ({"num_threads": 0}, ValueError, "from 1 to 32768, got 0"),
    ({"num_threads": -1}, ValueError, "from 1 to 32768, got -1"),
    ({"num_threads": 10**10}, ValueError, "from 1 to 32768, got 10000000000"),
    ({"num_threads": 1.5}, TypeError, "must be an integer from 1 to 32768, got 1.5"),
    ({"num_threads": "2"}, TypeError, "must be an integer from 1 to 32768, got '2'"),
    ({"reset_after": False}, ValueError, r"bias must have shape \(15,\) for reset_after=False"),
]


def assert_refuses(function, arguments, error, match):
    """The call raises, and leaves its arguments as they are."""
    before = copies(arguments)
    with pytest.raises(error, match=match):
        function(**arguments)
    for name, array in before.items():
        assert_same_bits(arguments[name], array)


@pytest.mark.parametrize(("name", "shape", "match"), BAD_SHAPES)
@pytest.mark.parametrize("training", [False, True])
def test_forward_refuses_shapes(name, shape, match, training):
    arguments = {**random_arguments(B, T, I, H), name: np.ones(shape), "training": training}
    assert_refuses(gru_forward, arguments, ValueError, match)


@pytest.mark.parametrize("reset_after", [True, False])
def test_forward_refuses_a_single_step_without_a_state(reset_after):
    """A single step is an argument of gru_step."""
    arguments = random_arguments(B, T, I, H, reset_after=reset_after, initial_state=False)
    arguments["x"] = arguments["x"][:, 0].copy()
    with pytest.raises(ValueError, match="x must have 3 dimensions"):
        gru_forward(**arguments, reset_after=reset_after)


@pytest.mark.parametrize(("options", "error", "match"), BAD_OPTIONS)
def test_forward_refuses_options(options, error, match):
    assert_refuses(gru_forward, {**random_arguments(B, T, I, H), **options}, error, match)


@pytest.mark.parametrize("array", NO_NUMBERS.values(), ids=NO_NUMBERS)
@pytest.mark.parametrize("name", ["x", "kernel", "recurrent_kernel", "bias", "initial_state"])
def test_forward_refuses_what_is_no_number(name, array):
    arguments = random_arguments(B, T, I, H)
    arguments[name] = np.broadcast_to(array, arguments[name].shape)
    match = f"^{name} must hold real numbers .* got dtype"
    with pytest.raises(TypeError, match=match):
        gru_forward(**arguments)


@pytest.mark.parametrize("name", ["x", "kernel", "recurrent_kernel", "bias", "initial_state"])
def test_forward_refuses_ragged_lists(name):
    arguments = {**random_arguments(B, T, I, H), name: [[1.0, 2.0], [3.0]]}
    assert_refuses(gru_forward, arguments, ValueError, f"^{name} is not an array of numbers: ")


STEP_SHAPES = [
    ("x_t", (B, T, I), r"x_t must have shape \(B, I\), got \(4, 6, 3\)"),
    ("x_t", (I,), r"x_t must have shape \(B, I\), got \(3,\)"),
    ("x_t", (B, I + 1), "x_t has 4 features"),
    ("state", (B, H + 1), r"^state must have shape \(B, H\) = \(4, 5\), got \(4, 6\)"),
    ("state", (B + 1, H), r"^state must have shape \(B, H\) = \(4, 5\), got \(5, 5\)"),
    ("kernel", (I, H), r"kernel must have shape \(I, 3H\)"),
    ("bias", (3 * H,), r"bias must have shape \(2, 15\)"),
]


def step_arguments():
    arguments = random_arguments(B, T, I, H)
    arguments["x_t"] = arguments.pop("x")[:, 0]
    arguments["state"] = arguments.pop("initial_state")
    return arguments


@pytest.mark.parametrize(("name", "shape", "match"), STEP_SHAPES)
def test_step_refuses_shapes(name, shape, match):
    assert_refuses(gru_step, {**step_arguments(), name: np.ones(shape)}, ValueError, match)


@pytest.mark.parametrize("name", ["x_t", "state"])
def test_step_refuses_what_is_no_number(name):
    arguments = step_arguments()
    arguments[name] = arguments[name].astype(complex)
    assert_refuses(gru_step, arguments, TypeError, f"^{name} must hold real numbers")


BAD_GRADIENTS = [
    ({"d_output": np.ones((B, T, H + 1))}, ValueError, r"d_output must have shape \(4, 6, 5\)"),
    ({"d_output": np.ones((B, T + 1, H))}, ValueError, r"d_output must have shape \(4, 6, 5\)"),
    ({"d_output": np.ones((1, T, H))}, ValueError, r"d_output must have shape .* got \(1, 6, 5\)"),
    ({"d_output": np.ones((B, H))}, ValueError, "d_output must have 3 dimensions"),
    ({"d_output": np.ones((B, T, H), complex)}, TypeError, "d_output must hold real numbers"),
    ({"d_output": [[[1.0], [2.0, 3.0]]]}, ValueError, "d_output is not an array of numbers"),
    ({"d_state": np.ones((B, H + 1))}, ValueError, r"d_state must have shape \(B, H\) = \(4, 5\)"),
    ({"d_state": np.ones(H)}, ValueError, r"d_state must have shape \(B, H\) = \(4, 5\)"),
    ({"d_state": np.ones((B, H), object)}, TypeError, "d_state must hold real numbers"),
    ({"tape": None}, TypeError, "got None: was training=True given"),
    ({"tape": np.ones(3)}, TypeError, "wants the tape of gru_forward.* got ndarray"),
]


@pytest.mark.parametrize(("bad", "error", "match"), BAD_GRADIENTS)
def test_backward_refuses(bad, error, match):
    tape = gru_forward(**random_arguments(B, T, I, H), training=True).tape
    memory = tape.memory.copy()
    assert_refuses(gru_backward, {"tape": tape, **bad}, error, match)
    assert_same_bits(tape.memory, memory)


def test_inference_leaves_no_tape():
    result = gru_forward(**random_arguments(B, T, I, H))
    with pytest.raises(TypeError, match="training=True"):
        gru_backward(result.tape)


@pytest.mark.parametrize("name", ["x_t", "state", "kernel", "recurrent_kernel"])
def test_step_needs_all_its_arrays(name):
    arguments = {**step_arguments(), name: None}
    with pytest.raises(TypeError, match=f"^{name} must be an array of real numbers, got None"):
        gru_step(**arguments)
