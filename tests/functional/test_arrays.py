"""gru_forward, gru_backward and gru_step take arrays of any layout and of other types."""

import numpy as np
import pytest
import specification
from tools import (
    assert_all_same_bits,
    assert_close,
    assert_same_bits,
    copies,
    random_arguments,
    random_gradients,
)

from gru_c import gru_backward, gru_forward, gru_step
from gru_c.common.arrays import as_sequences, as_state

B, T, I, H = 4, 6, 3, 5
DTYPES = [np.float32, np.float64]
TOLERANCES = {np.float32: 1e-6, np.float64: 1e-13}
on_each_engine = pytest.mark.usefixtures("engine")
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
both_variants = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])

# ---- the same numbers in another memory layout --------------------------------------------------


def reverse(array):
    return tuple(slice(None, None, -1) for _ in range(array.ndim))


def unaligned(array):
    memory = np.empty(array.nbytes + 1, np.uint8)
    view = np.frombuffer(memory.data, array.dtype, array.size, offset=1).reshape(array.shape)
    view[...] = array
    assert not view.flags.aligned
    return view


def in_records(array):
    """Strides that are not a multiple of the item size."""
    records = np.zeros(array.shape, [("gap", np.uint8), ("value", array.dtype)])
    records["value"] = array
    return records["value"]


def read_only(array):
    copy = array.copy()
    copy.flags.writeable = False
    return copy


LAYOUTS = {
    "transposed": lambda a: a.swapaxes(0, a.ndim > 1).copy().swapaxes(0, a.ndim > 1),
    "fortran": lambda a: np.asarray(a, order="F"),
    "backwards": lambda a: a[reverse(a)].copy()[reverse(a)],
    "every other": lambda a: np.repeat(np.repeat(a, 2, 0), 3, -1)[::2][..., ::3],
    "unaligned": unaligned,
    "in records": in_records,
    "other endian": lambda a: a.astype(a.dtype.newbyteorder()),
    "read-only": read_only,
    "list": lambda a: a.tolist(),
}
layouts = pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)


@layouts
@both_dtypes
@both_variants
@pytest.mark.parametrize(
    "name", ["x", "kernel", "recurrent_kernel", "bias", "initial_state", "all of them"]
)
@on_each_engine
def test_layout_of_an_argument_does_not_matter(layout, name, dtype, reset_after):
    arguments = random_arguments(B, T, I, H, dtype=dtype, reset_after=reset_after)
    changed = {
        key: layout(array) if name in (key, "all of them") else array
        for key, array in arguments.items()
    }
    before = copies(changed)
    if layout is LAYOUTS["list"]:  # Python's numbers are float64
        arguments = {key: array.astype(np.float64) for key, array in arguments.items()}
    options = {"reset_after": reset_after, "training": True}
    pair = random_gradients(B, T, H, dtype=dtype)
    expected, actual = gru_forward(**arguments, **options), gru_forward(**changed, **options)
    assert_all_same_bits(actual, expected)
    assert_all_same_bits(gru_backward(actual.tape, *pair), gru_backward(expected.tape, *pair))
    for key, array in before.items():
        assert_same_bits(np.asarray(changed[key]), array)


@on_each_engine
@layouts
@both_dtypes
def test_layout_of_a_gradient_does_not_matter(layout, dtype):
    tape = gru_forward(**random_arguments(B, T, I, H, dtype=dtype), training=True).tape
    pair = random_gradients(B, T, H, dtype=dtype)
    assert_all_same_bits(gru_backward(tape, *map(layout, pair)), gru_backward(tape, *pair))


@on_each_engine
@layouts
@both_dtypes
def test_layout_of_a_step_does_not_matter(layout, dtype):
    x, kernel, recurrent_kernel, bias, state = random_arguments(B, T, I, H, dtype=dtype).values()
    arguments = x[:, 0], state, kernel, recurrent_kernel, bias
    expected = gru_step(*arguments)
    actual = gru_step(*map(layout, arguments))
    if layout is LAYOUTS["list"]:
        assert_close(actual, expected, TOLERANCES[dtype])
    else:
        assert_same_bits(actual, expected)


@on_each_engine
@both_dtypes
@pytest.mark.parametrize("axes", [(0,), (1,), (2,), (0, 1), (0, 1, 2)], ids=str)
def test_broadcast_arrays_are_read_in_place(axes, dtype):
    arguments = random_arguments(B, T, I, H, dtype=dtype)

    def spread(array):
        """Return a view that repeats the array's first element along the axes."""
        start = tuple(slice(0, 1) if axis in axes else slice(None) for axis in range(3))
        return np.broadcast_to(array[start], array.shape)

    arguments["x"] = spread(arguments["x"])
    d_output = spread(random_gradients(B, T, H, dtype=dtype)[0])
    dense = {name: array.copy() for name, array in arguments.items()}
    actual = gru_forward(**arguments, training=True)
    expected = gru_forward(**dense, training=True)
    assert_all_same_bits(actual, expected)
    assert_all_same_bits(
        gru_backward(actual.tape, d_output), gru_backward(expected.tape, d_output.copy())
    )
    if 2 not in axes:
        assert np.shares_memory(actual.tape.x, arguments["x"])


@pytest.mark.parametrize("layout", [unaligned, LAYOUTS["transposed"]])
def test_the_core_gets_aligned_arrays(layout):
    """C must not read a float from such an address, although x86 allows it."""
    arguments = {name: layout(a) for name, a in random_arguments(B, T, I, H).items()}
    tape = gru_forward(**arguments, training=True).tape
    for array in (tape.x, tape.kernel, tape.recurrent_kernel):
        assert array.flags.aligned
    d_output, d_state = map(layout, random_gradients(B, T, H))
    assert as_sequences("d_output", d_output, np.dtype(np.float64)).flags.aligned
    state = as_state("d_state", d_state, (B, H), np.float64)
    assert state.flags.aligned
    assert state.flags.c_contiguous


# ---- other types of numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["float16", "int8", "uint16", "int64", "uint64", "bool"])
@pytest.mark.parametrize("rest", DTYPES)
def test_other_numbers_are_computed_in_the_type_of_the_rest(kind, rest):
    arguments = random_arguments(B, T, I, H, dtype=rest)
    odd = (np.abs(arguments["x"]) * 3).astype(kind)
    expected = gru_forward(**{**arguments, "x": odd.astype(rest)})
    assert_all_same_bits(gru_forward(**{**arguments, "x": odd}), expected)


@pytest.mark.parametrize("order", ["<", ">"])
def test_float64_anywhere_means_float64(order):
    arguments = random_arguments(B, T, I, H, dtype=np.float32)
    assert gru_forward(**arguments).output.dtype == np.float32
    for name, array in arguments.items():
        wide = {**arguments, name: array.astype(f"{order}f8")}
        assert gru_forward(**wide).output.dtype == np.float64, name
    x, kernel, recurrent_kernel, bias, state = arguments.values()
    step = gru_step(x[:, 0], state.astype(f"{order}f8"), kernel, recurrent_kernel, bias)
    assert step.dtype == np.float64


def test_integers_alone_are_computed_in_float32():
    arguments = random_arguments(B, T, I, H)
    arguments = {name: np.round(array).astype(int) for name, array in arguments.items()}
    floats = {name: array.astype(np.float32) for name, array in arguments.items()}
    assert_all_same_bits(gru_forward(**arguments), gru_forward(**floats))


def test_gradients_are_of_the_type_of_the_forward_pass():
    arguments = random_arguments(B, T, I, H, dtype=np.float32)
    tape = gru_forward(**arguments, training=True).tape
    pair = random_gradients(B, T, H, dtype=np.float32)
    wide = gru_backward(tape, *(gradient.astype(np.float64) for gradient in pair))
    assert_all_same_bits(wide, gru_backward(tape, *pair))


def test_the_tape_says_what_it_is():
    tape = gru_forward(**random_arguments(B, T, I, H), training=True).tape
    assert tape.output_shape == (B, T, H)
    assert repr(tape).startswith(f"<GRUTape of {B} sequences x {T} steps x {H} units, ")


# ---- NaN and infinities -------------------------------------------------------------------------


@pytest.mark.usefixtures("engine", "isa")
@both_dtypes
@both_variants
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("H", [4, 17])
def test_a_bad_number_stays_in_its_row(dtype, reset_after, bad, H):
    row, step = 2, 3
    arguments = random_arguments(37, 6, 5, H, dtype=dtype, reset_after=reset_after)
    clean = gru_forward(**arguments, reset_after=reset_after)
    x = arguments["x"].copy()
    x[row, step, 1] = bad
    result = gru_forward(**{**arguments, "x": x}, reset_after=reset_after)
    others = np.arange(37) != row
    assert_same_bits(result.output[others], clean.output[others])
    assert_same_bits(result.state[others], clean.state[others])
    assert_same_bits(result.output[row, :step], clean.output[row, :step])
    if np.isnan(bad):
        assert np.isnan(result.output[row, step:]).all()
        assert np.isnan(result.state[row]).all()
    else:  # gates shut or open wide, and the state stays finite
        with np.errstate(over="ignore", invalid="ignore"):  # of NumPy's BLAS
            expected, _ = specification.gru(
                x, *list(arguments.values())[1:], reset_after=reset_after
            )
        assert_close(result.output, expected, TOLERANCES[dtype])


@pytest.mark.usefixtures("engine", "isa")
@both_dtypes
@both_variants
@pytest.mark.parametrize("name", ["x", "initial_state", "d_output", "d_state"])
@pytest.mark.parametrize("B", [3, 37])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_bad_number_stays_out_of_other_rows_gradients(dtype, reset_after, name, B, bad):
    arguments = random_arguments(B, 6, 5, 17, dtype=dtype, reset_after=reset_after)
    d_output, d_state = random_gradients(B, 6, 17, dtype=dtype)
    given = {**arguments, "d_output": d_output, "d_state": d_state}

    def gradients_of_rows():
        *forward, d_output, d_state = given.values()
        tape = gru_forward(*forward, reset_after=reset_after, training=True).tape
        gradients = gru_backward(tape, d_output, d_state)
        return gradients.x, gradients.initial_state

    clean = gradients_of_rows()
    given[name] = given[name].copy()
    given[name][2, ..., 3] = bad
    others = np.arange(B) != 2
    for actual, expected in zip(gradients_of_rows(), clean, strict=True):
        assert_same_bits(actual[others], expected[others])
        assert not np.isfinite(actual[2]).all() or name in ("x", "initial_state")


@pytest.mark.usefixtures("engine", "isa")
@both_dtypes
@both_variants
def test_special_numbers_are_those_of_the_specification(dtype, reset_after):
    """Zeros of both signs, infinities, NaN and subnormal numbers: in x, state and weights."""
    special = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, np.finfo(dtype).tiny / 4, 1.0, -1.0])
    rng = np.random.default_rng(0)
    for name in ("x", "initial_state", "kernel", "recurrent_kernel", "bias"):
        arguments = random_arguments(9, 3, 4, 19, dtype=dtype, reset_after=reset_after)
        array = arguments[name]
        places = rng.choice(array.size, array.size // 8, replace=False)
        array.flat[places] = rng.choice(special, len(places)).astype(dtype)
        result = gru_forward(**arguments, reset_after=reset_after)
        with np.errstate(all="ignore"):
            expected, _ = specification.gru(*arguments.values(), reset_after=reset_after)
        np.testing.assert_allclose(result.output, expected, rtol=0, atol=TOLERANCES[dtype])


@pytest.mark.usefixtures("engine", "isa")
@both_dtypes
@both_variants
def test_zeros_keep_their_sign(dtype, reset_after):
    """With weights of zero, n is 0 and z is 0.5, so a state of zeros stays zero."""
    zeros = {
        name: np.zeros_like(array)
        for name, array in random_arguments(
            5, 3, 4, 19, dtype=dtype, reset_after=reset_after
        ).items()
    }
    for state in (0.0, -0.0):
        zeros["initial_state"][:] = state
        expected, _ = specification.gru(*zeros.values(), reset_after=reset_after)
        result = gru_forward(**zeros, reset_after=reset_after)
        assert_same_bits(result.output, expected.astype(dtype))


@pytest.mark.usefixtures("engine", "isa")
@both_dtypes
def test_huge_numbers_saturate(dtype):
    arguments = random_arguments(3, 4, 5, 9, dtype=dtype)
    arguments["x"] *= np.sqrt(np.finfo(dtype).max)
    result = gru_forward(**arguments)
    assert (np.abs(result.output) <= 1).all()


def test_masked_arrays_are_refused_where_an_entry_is_masked():
    x = np.ma.array(np.ones((2, 3, 4)), mask=False)
    weights = np.ones((4, 6)), np.ones((2, 6))
    plain = gru_forward(np.ones((2, 3, 4)), *weights)
    np.testing.assert_array_equal(gru_forward(x, *weights).output, plain.output)
    x[1, 2] = np.ma.masked
    with pytest.raises(TypeError, match="x is a masked array with 4 entries masked"):
        gru_forward(x, *weights)
    with pytest.raises(TypeError, match="kernel is a masked array with 1 entries"):
        gru_forward(plain.output[:, :, :1], np.ma.masked_equal([[1.0] * 5 + [2]], 2), weights[1])


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    "steps",
    [
        {"lengths": []},
        {"mask": []},
        {"lengths": np.zeros(0, int)},
        {"mask": np.zeros((0, 3), bool)},
    ],
)
@pytest.mark.parametrize("more", [{}, {"checkpoint_every": 2}, {"go_backwards": True}])
def test_an_empty_batch_has_lengths_and_masks_like_any_other(steps, more):
    weights = np.ones((2, 12)), np.ones((4, 12))
    result = gru_forward(np.ones((0, 3, 2)), *weights, training=True, **steps, **more)
    assert result.output.shape == (0, 3, 4)
    gradients = gru_backward(result.tape, np.ones((0, 3, 4)))
    assert gradients.x.shape == (0, 3, 2)
    assert not gradients.kernel.any()
    with pytest.raises(ValueError, match="lengths must have shape"):
        gru_forward(np.ones((1, 3, 2)), *weights, lengths=[])
