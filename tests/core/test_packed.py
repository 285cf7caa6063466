"""The packed engine: the same bits however a problem is cut, and all sizes around its tiles."""

import numpy as np
import pytest
import specification
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import (
    assert_all_same_bits,
    assert_close,
    assert_same_bits,
    random_arguments,
    random_gradients,
)

from gru_c import _core, gru_backward, gru_forward, gru_step
from gru_c.functional import GRUGradients
from gru_c.recurrence.weights import Gradients

pytestmark = [
    pytest.mark.usefixtures("engine", "isa"),
    pytest.mark.parametrize("engine", ["packed"], indirect=True),
]
DTYPES = [np.float32, np.float64]
TOLERANCES = {np.float32: 2e-5, np.float64: 1e-12}
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
both_variants = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])


def both_passes(arguments, pair, threads=1, **options):
    result = gru_forward(**arguments, **options, training=True, num_threads=threads)
    return result, gru_backward(result.tape, *pair)


# ---- the same bits ------------------------------------------------------------------------------


@both_dtypes
@both_variants
# Gangs of one sequence and of two, slices, more slices than threads, several chunks of time, panels
# whose gates are a power of two long.
@pytest.mark.parametrize(
    "sizes",
    [
        *[(1, 30, 5, 300), (2, 9, 30, 200), (24, 60, 16, 40)],
        *[(70, 9, 16, 50), (129, 5, 3, 33), (64, 9, 8, 128)],
    ],
    ids=str,
)
def test_threads_and_repetition_do_not_change_a_bit(dtype, reset_after, sizes):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after)
    pair = random_gradients(B, T, H, dtype=dtype)
    forward, backward = both_passes(arguments, pair, reset_after=reset_after)
    for threads in (1, 2, 3, 4, 5, 8, 8, 2):
        inference = gru_forward(**arguments, reset_after=reset_after, num_threads=threads)
        assert_all_same_bits(inference, forward)
        again = both_passes(arguments, pair, threads, reset_after=reset_after)
        assert_all_same_bits(again[0], forward)
        assert_all_same_bits(again[1], backward)


@both_dtypes
@both_variants
@pytest.mark.parametrize(("I", "H"), [(3, 5), (20, 50), (260, 33)])
def test_company_in_the_batch_does_not_change_a_bit(dtype, reset_after, I, H):
    B, T = 70, 3
    arguments = random_arguments(B, T, I, H, dtype=dtype, reset_after=reset_after)
    pair = random_gradients(B, T, H, dtype=dtype)

    def rows_of(rows):
        part = {
            **arguments,
            "x": arguments["x"][rows],
            "initial_state": arguments["initial_state"][rows],
        }
        forward, backward = both_passes(part, [a[rows] for a in pair], reset_after=reset_after)
        inference = gru_forward(**part, reset_after=reset_after).output
        return forward.output, forward.state, inference, backward.x, backward.initial_state

    whole = rows_of(slice(0, B))
    parts = [slice(b, b + 1) for b in range(B)] + [slice(B - n, B) for n in range(2, B)]
    for rows in parts:
        for actual, expected in zip(rows_of(rows), whole, strict=True):
            assert_same_bits(actual, expected[rows])


@both_dtypes
@both_variants
def test_rows_of_many_units_have_the_bits_of_fewer_rows(dtype, reset_after):
    """With few registers, 16 rows and more are multiplied from copies of the gates' gradients."""
    B, T, I, H = 20, 14, 270, 290
    arguments = random_arguments(B, T, I, H, dtype=dtype, reset_after=reset_after)
    pair = random_gradients(B, T, H, dtype=dtype)
    _, whole = both_passes(arguments, pair, reset_after=reset_after)
    for rows in (slice(0, 7), slice(7, 20)):
        part = {**arguments, **{name: arguments[name][rows] for name in ("x", "initial_state")}}
        _, alone = both_passes(part, [a[rows] for a in pair], reset_after=reset_after)
        assert_same_bits(alone.x, whole.x[rows])
        assert_same_bits(alone.initial_state, whole.initial_state[rows])


@both_dtypes
@pytest.mark.parametrize("I", [0, 1, 8, 130])
# Fewer units than lanes, gates that share a vector, several groups of panels, blocks of k, gangs.
@pytest.mark.parametrize("H", [1, 3, 8, 10, 17, 25, 33, 48, 50, 56, 66, 98, 127, 130, 257])
def test_one_sequence_has_the_bits_of_a_batch_and_of_the_general_cell(dtype, I, H):
    arguments = random_arguments(3, 21, I, H, dtype=dtype)
    batch = gru_forward(**arguments, training=True)
    one = {**arguments, "x": arguments["x"][:1], "initial_state": arguments["initial_state"][:1]}
    pair = random_gradients(1, 21, H, dtype=dtype)
    # A bound that no sum reaches: the general cell, whose steps go panel by panel.
    general, expected = both_passes(one, pair, clip=1e30)
    for threads in (1, 2):
        inference = gru_forward(**one, num_threads=threads)
        assert_all_same_bits(inference, general)
        assert_same_bits(inference.output, batch.output[:1])
        training, gradients = both_passes(one, pair, threads)
        assert_all_same_bits(training, general)
        assert_all_same_bits(gradients, expected)


@both_dtypes
@pytest.mark.parametrize(("I", "H"), [(1, 20), (8, 50), (70, 64)])
def test_one_sequence_is_read_with_any_stride(dtype, I, H):
    arguments = random_arguments(1, 19, I, H, dtype=dtype)
    expected = gru_forward(**arguments)
    x = arguments["x"]
    turned = gru_forward(**{**arguments, "x": x[:, ::-1].copy()}, go_backwards=True)
    assert_same_bits(turned.output, expected.output)
    spread = np.zeros((1, 57, I), dtype)
    spread[:, ::3] = x
    assert_all_same_bits(gru_forward(**{**arguments, "x": spread[:, ::3]}), expected)


@both_dtypes
@both_variants
@pytest.mark.parametrize("bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("sizes", [(1, 70, 8, 50), (5, 60, 3, 17), (17, 9, 270, 260)], ids=str)
def test_a_sequence_in_pieces_has_the_same_bits(dtype, reset_after, bias, sizes):
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after, bias=bias)
    x, kernel, recurrent_kernel, b, first = arguments.values()
    whole = gru_forward(**arguments, reset_after=reset_after)
    state = first
    for t in range(sizes[1]):
        state = gru_step(x[:, t], state, kernel, recurrent_kernel, b, reset_after=reset_after)
        assert_same_bits(state, whole.output[:, t])
    state, start = first, 0
    for length in (1, 2, 1, 5, sizes[1] - 9):
        piece = {**arguments, "x": x[:, start : start + length], "initial_state": state}
        result = gru_forward(**piece, reset_after=reset_after)
        assert_same_bits(result.output, whole.output[:, start : start + length])
        state, start = result.state, start + length
    assert_same_bits(state, whole.state)


@pytest.mark.skipif(
    not {"avx2", "avx512"} <= set(_core.isa_names()), reason="this CPU does not have both"
)
@pytest.mark.parametrize("isa", ["avx2"], indirect=True)
@both_dtypes
@both_variants
@pytest.mark.parametrize(
    "sizes", [(1, 40, 5, 130), (2, 9, 300, 33), (9, 60, 7, 49), (70, 5, 20, 67)], ids=str
)
def test_avx2_and_avx512_have_the_same_bits_forward(dtype, reset_after, sizes):
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after)
    narrow = gru_forward(**arguments, reset_after=reset_after)
    _core.select_isa("avx512")
    for training in (False, True):
        wide = gru_forward(**arguments, reset_after=reset_after, training=training)
        assert_all_same_bits(wide, narrow)


@both_dtypes
@both_variants
@pytest.mark.parametrize("sizes", [(1, 60, 5, 17), (35, 9, 16, 48), (3, 4, 270, 40)], ids=str)
def test_a_tape_that_is_used_up_gives_the_same_gradients(dtype, reset_after, sizes):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after)
    pair = random_gradients(B, T, H, dtype=dtype)
    result, expected = both_passes(arguments, pair, reset_after=reset_after)
    gradients = GRUGradients(*(np.full_like(array, np.nan) for array in expected))
    result.tape.backward(*pair, Gradients(**gradients._asdict()), keep_tape=False)
    assert_all_same_bits(gradients, expected)


LAYOUTS = {
    "time first": lambda a: a.swapaxes(0, 1).copy().swapaxes(0, 1),
    "backwards": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "with gaps": lambda a: np.repeat(np.repeat(a, 2, 0), 3, 1)[::2, ::3],
    "part of the features": lambda a: np.concatenate([a, a], -1)[..., : a.shape[-1]],
}


@both_dtypes
@both_variants
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
# In the last one the rows of x lie far apart in some layouts and side by side in others.
@pytest.mark.parametrize(
    "sizes", [(1, 60, 5, 17), (20, 9, 16, 33), (5, 70, 20, 16), (40, 17, 16, 33)], ids=str
)
def test_layouts_do_not_change_a_bit(dtype, reset_after, layout, sizes):
    B, T, _, H = sizes
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after)
    pair = random_gradients(B, T, H, dtype=dtype)
    expected = both_passes(arguments, pair, reset_after=reset_after)
    d_output, d_state = pair
    result = gru_forward(
        **{**arguments, "x": layout(arguments["x"])}, reset_after=reset_after, training=True
    )
    assert_all_same_bits(result, expected[0])
    gradients = GRUGradients(*(np.full_like(array, np.nan) for array in expected[1]))
    d_x = layout(gradients.x)
    written = Gradients(**gradients._replace(x=d_x)._asdict())
    result.tape.backward(layout(d_output), d_state, written)
    assert_all_same_bits(gradients._replace(x=np.ascontiguousarray(d_x)), expected[1])


@pytest.mark.parametrize("isa", _core.isa_names()[:1], indirect=True)
def test_a_tape_of_another_instruction_set_is_refused(isa):
    arguments = random_arguments(2, 3, 2, 4)
    tape = gru_forward(**arguments, training=True).tape
    widths = {"baseline": 16, "neon": 16, "avx2": 32, "avx512": 64}
    for other in _core.isa_names():
        if widths[other] != widths[isa]:
            _core.select_isa(other)
            with pytest.raises(ValueError, match="cannot work with"):
                gru_backward(tape)
    _core.select_isa(isa)
    gru_backward(tape)


# ---- sizes --------------------------------------------------------------------------------------


def assert_right(arguments, dtype, sizes, *, d_output=True, d_state=True, d_x=True, **variant):
    """Both passes against the specification, and the BLAS engine's gradients in float64."""
    B, T, _, H = sizes
    pair = random_gradients(B, T, H, dtype=dtype)
    pair = [
        array if wanted else None for array, wanted in zip(pair, (d_output, d_state), strict=True)
    ]
    result = gru_forward(**arguments, **variant, training=True)
    output, state = specification.gru(*arguments.values(), **variant)
    assert_close(result.output, output, TOLERANCES[dtype])
    assert_close(result.state, state, TOLERANCES[dtype])
    assert_same_bits(gru_forward(**arguments, **variant).output, result.output)

    double = {k: None if a is None else a.astype(np.float64) for k, a in arguments.items()}
    tape = gru_forward(**double, **variant, training=True, engine="blas").tape
    expected = gru_backward(tape, *(None if a is None else a.astype(np.float64) for a in pair))
    gradients = GRUGradients(
        *(None if a is None else np.full(a.shape, np.nan, dtype) for a in expected)
    )
    wanted = gradients if d_x else gradients._replace(x=None)
    result.tape.backward(*pair, Gradients(**wanted._asdict()))
    for name, actual in wanted._asdict().items():
        if actual is not None:
            assert_close(actual, getattr(expected, name), TOLERANCES[dtype])


@both_dtypes
@both_variants
def test_every_number_of_units_and_features_to_67(dtype, reset_after):
    batches = [1, 2, 3, 5, 7, 8, 9, 16, 17]
    for H in range(1, 68):
        for I in (H, H * 29 % 67 + 1):
            sizes = batches[H * I % 9], 1 + H % 3, I, H
            arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after, seed=H)
            assert_right(arguments, dtype, sizes, reset_after=reset_after)


@settings(max_examples=150)
@given(
    sizes=st.tuples(
        st.sampled_from([1, 2, 3, 5, 7, 8, 9, 16, 17, 33, 65]),
        st.sampled_from([0, 1, 2, 5, 48, 49, 50, 97]),
        st.integers(0, 67),
        st.integers(1, 67),
    ),
    dtype=st.sampled_from(DTYPES),
    bias=st.booleans(),
    initial_state=st.booleans(),
    options=st.fixed_dictionaries(
        {name: st.booleans() for name in ("reset_after", "d_output", "d_state", "d_x")}
    ),
)
def test_sizes_around_tiles_and_chunks(sizes, dtype, bias, initial_state, options):
    arguments = random_arguments(
        *sizes,
        dtype=dtype,
        reset_after=options["reset_after"],
        bias=bias,
        initial_state=initial_state,
    )
    assert_right(arguments, dtype, sizes, **options)


@both_dtypes
@both_variants
# Sums longer than the block of k, several tasks for a weight's gradient, a long chunk axis, many
# panels.
@pytest.mark.parametrize(
    "sizes", [(3, 2, 600, 8), (5, 3, 7, 270), (300, 2, 9, 20), (66, 5, 300, 180)], ids=str
)
def test_sizes_beyond_a_block(dtype, reset_after, sizes):
    arguments = random_arguments(*sizes, dtype=dtype, reset_after=reset_after)
    assert_right(arguments, dtype, sizes, reset_after=reset_after)


@pytest.mark.parametrize("rows", [(1, 1), (1, 4), (4, 1), (2, 2), (3, 1), (1, 3)], ids=str)
@pytest.mark.parametrize(
    "sizes", [(0, 80), (1, 77), (9, 81), (130, 40), (3, 129), (64, 200), (400, 16)], ids=str
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("given", [True, False])
def test_weights_that_are_read_where_they_are_give_the_same_bits(rows, sizes, dtype, given):
    """Passes of few rows and steps read the weights in place; a training pass packs them."""
    arguments = random_arguments(*rows, *sizes, dtype=dtype, bias=given, initial_state=given)
    few = gru_forward(**arguments, engine="packed")
    packed = gru_forward(**arguments, training=True, engine="packed")
    assert_same_bits(few.output, packed.output)
    assert_same_bits(few.state, packed.state)
    arguments["x"] = arguments["x"].swapaxes(0, 1).copy().swapaxes(0, 1)  # other strides
    assert_same_bits(gru_forward(**arguments, engine="packed").output, packed.output)
