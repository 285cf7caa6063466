"""The core's entry points besides sequences: matmul, sums, optimizer steps; and its statuses."""

from types import SimpleNamespace

import core_calls
import numpy as np
import pytest
from tools import assert_close, assert_same_bits

from gru_c import _core
from gru_c.optimizers.base import StepSettings
from gru_c.recurrence.cell import Cell
from gru_c.runtime.blas_threads import single_threaded_blas

DTYPES = [np.float32, np.float64]
MATMUL_TOLERANCES = {np.float32: 1e-5, np.float64: 1e-13}
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)

# ---- matmul -------------------------------------------------------------------------------------

SIDES = [0, 1, 2, 17, 300]


def operand(rng, rows, columns, transposed, dtype):
    """op(a) as a matrix, and a as it lies in memory."""
    matrix = rng.normal(size=(rows, columns)).astype(dtype)
    return matrix, np.ascontiguousarray(matrix.T) if transposed else matrix


def matmul(a, transpose_a, b, transpose_b, out, accumulate, threads=1):
    _core.matmul(a, transpose_a, b, transpose_b, out, accumulate, threads)


@both_dtypes
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("m", SIDES)
def test_matmul(dtype, transpose_a, transpose_b, accumulate, m):
    rng = np.random.default_rng(0)
    for n in SIDES:
        for k in SIDES:
            left, a = operand(rng, m, k, transpose_a, dtype)
            right, b = operand(rng, k, n, transpose_b, dtype)
            # The old contents of out must not matter unless the result is added to them.
            out = np.full((m, n), 0.5 if accumulate else np.nan, dtype)
            expected = left.astype(np.float64) @ right.astype(np.float64) + 0.5 * accumulate
            matmul(a, transpose_a, b, transpose_b, out, accumulate)
            assert_close(out, expected, MATMUL_TOLERANCES[dtype])


@both_dtypes
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
# Several panels of 256 rows and columns, the last of one row, and enough to do for two threads.
@pytest.mark.parametrize("sizes", [(513, 300, 64), (1, 2600, 1700), (2600, 1, 1700)], ids=str)
def test_matmul_with_threads_gives_the_same_bits(dtype, transpose_a, transpose_b, sizes):
    m, n, k = sizes
    rng = np.random.default_rng(0)
    left, a = operand(rng, m, k, transpose_a, dtype)
    right, b = operand(rng, k, n, transpose_b, dtype)
    results = [np.full((m, n), np.nan, dtype) for _ in range(3)]
    for threads, out in enumerate(results, 1):
        matmul(a, transpose_a, b, transpose_b, out, False, threads)
    assert_close(results[0], left.astype(np.float64) @ right, MATMUL_TOLERANCES[dtype])
    assert_same_bits(results[1], results[0])
    assert_same_bits(results[2], results[0])


def test_matmul_refuses_no_threads():
    one = np.ones((2, 2))
    out = np.zeros((2, 2))
    with pytest.raises(ValueError, match="no threads"):
        matmul(one, False, one, False, out, False, threads=0)
    assert not out.any()


# ---- sums ---------------------------------------------------------------------------------------


@both_dtypes
@pytest.mark.parametrize("m", [0, 1, 2, 17, 127, 128, 129, 1000])
@pytest.mark.parametrize("accumulate", [False, True])
def test_column_sums(dtype, m, accumulate):
    rng = np.random.default_rng(0)
    for n in (0, 1, 63, 64, 65, 200):
        a = rng.normal(size=(m, n)).astype(dtype)
        memory = np.full(n + 2, 0.5 if accumulate else np.nan, dtype)
        memory[[0, -1]] = 7
        _core.column_sums(a, memory[1:-1], accumulate)
        expected = a.sum(axis=0, dtype=np.float64) + 0.5 * accumulate
        assert_close(memory[1:-1], expected, MATMUL_TOLERANCES[dtype])
        assert memory[0] == memory[-1] == 7


@both_dtypes
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 31, 33, 1000])
def test_sum_squares(dtype, n):
    x = np.random.default_rng(0).normal(size=n).astype(dtype)
    assert _core.sum_squares(x) == pytest.approx((x.astype(np.float64) ** 2).sum(), rel=1e-14)


def test_sum_squares_is_double_for_float32():
    """A sum that float32 cannot hold, and one in which float32 would lose the small terms."""
    assert _core.sum_squares(np.full(3, 1e30, np.float32)) == pytest.approx(3e60, rel=1e-6)
    x = np.full(100_001, 1e-3, np.float32)
    x[0] = 1e3
    assert _core.sum_squares(x) - 1e6 == pytest.approx(0.1, rel=1e-5)


@both_dtypes
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("at", [0, 17, 18])
def test_sum_squares_shows_a_bad_number(dtype, bad, at):
    x = np.ones(19, dtype)
    x[at] = bad
    np.testing.assert_equal(_core.sum_squares(x), bad)


# ---- optimizer steps ----------------------------------------------------------------------------

BETA_1, BETA_2, EPSILON, MOMENTUM, RHO = 0.9, 0.99, 1e-3, 0.8, 0.9


def adam(p, g, rate, slots):
    m, v = slots
    m[:] = BETA_1 * m + (1 - BETA_1) * g
    v[:] = BETA_2 * v + (1 - BETA_2) * g * g
    p -= rate * m / (np.sqrt(v) + EPSILON)


def sgd(p, g, rate, slots, nesterov=False):
    step = -rate * g
    if slots:
        slots[0][:] = MOMENTUM * slots[0] - rate * g
        step = MOMENTUM * slots[0] - rate * g if nesterov else slots[0]
    p += step


def rmsprop(p, g, rate, slots, centered=False):
    v, *rest = slots
    v[:] = RHO * v + (1 - RHO) * g * g
    variance = v
    if centered:
        a = rest.pop(0)
        a[:] = RHO * a + (1 - RHO) * g
        variance = v - a * a
    step = rate * g / np.sqrt(variance + EPSILON)
    if rest:
        rest[0][:] = MOMENTUM * rest[0] + step
        step = rest[0]
    p -= step


def call_adam(p, g, slots, *settings):
    method = SimpleNamespace(beta_1=BETA_1, beta_2=BETA_2, epsilon=EPSILON)
    _core.adam(p, g, *slots, method, StepSettings(*settings))


def call_sgd(p, g, slots, *settings, nesterov=False):
    method = SimpleNamespace(momentum=MOMENTUM, nesterov=nesterov)
    _core.sgd(p, g, slots[0] if slots else None, method, StepSettings(*settings))


def call_rmsprop(p, g, slots, *settings, centered=False):
    v, *rest = slots
    a = rest.pop(0) if centered else None
    m = rest[0] if rest else None
    method = SimpleNamespace(rho=RHO, epsilon=EPSILON, momentum=MOMENTUM)
    _core.rmsprop(p, g, v, a, m, method, StepSettings(*settings))


# The formula, the kernel, their options, the number of slots.
OPTIMIZERS = {
    "adam": (adam, call_adam, {}, 2),
    "sgd": (sgd, call_sgd, {}, 0),
    "sgd momentum": (sgd, call_sgd, {}, 1),
    "sgd nesterov": (sgd, call_sgd, {"nesterov": True}, 1),
    "rmsprop": (rmsprop, call_rmsprop, {}, 1),
    "rmsprop momentum": (rmsprop, call_rmsprop, {}, 2),
    "rmsprop centered": (rmsprop, call_rmsprop, {"centered": True}, 2),
    "rmsprop centered momentum": (rmsprop, call_rmsprop, {"centered": True}, 3),
}
every_optimizer = pytest.mark.parametrize("name", OPTIMIZERS)
RATE = 0.01
# learning rate, weight decay times it, scale of the gradients, their limit after scaling
PLAIN = (RATE, 0.0, 1.0, np.inf)


def setting(name, size, dtype):
    """Parameters, gradients and slots that two steps of the formula have filled."""
    formula, _, options, slot_count = OPTIMIZERS[name]
    rng = np.random.default_rng(0)
    p, g = rng.normal(size=size), rng.normal(size=size)
    slots = [np.zeros(size) for _ in range(slot_count)]
    for _ in range(2):
        formula(p, rng.normal(size=size), RATE, slots, **options)
    return tuple(array.astype(dtype) for array in (p, g)), [slot.astype(dtype) for slot in slots]


@every_optimizer
@both_dtypes
@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
@pytest.mark.parametrize(
    "changes",
    [PLAIN, (RATE, 0.05, 1.0, np.inf), (RATE, 0.0, 0.25, np.inf), (0.5, 0.05, 2.0, 0.3)],
    ids=["plain", "decay", "scale", "all with clip"],
)
def test_optimizer_step(name, dtype, size, changes):
    formula, kernel, options, _ = OPTIMIZERS[name]
    (p, g), slots = setting(name, size, dtype)
    rate, decay, scale, clip = changes
    expected_p, *expected_slots = (array.astype(np.float64) for array in (p, *slots))
    expected_p *= 1 - decay
    formula(expected_p, np.clip(g * scale, -clip, clip), rate, expected_slots, **options)
    before = g.copy()
    kernel(p, g, slots, *changes, 1, **options)
    tolerance = {np.float32: 3e-6, np.float64: 1e-13}[dtype]
    assert_close(p, expected_p, tolerance)
    for slot, expected in zip(slots, expected_slots, strict=True):
        assert_close(slot, expected, tolerance)
    assert_same_bits(g, before)


@every_optimizer
@both_dtypes
def test_optimizer_step_with_threads_gives_the_same_bits(name, dtype):
    _, kernel, options, _ = OPTIMIZERS[name]
    size = 5 * 32768 + 17  # threads take part from five blocks on
    results = []
    for threads in (1, 2, 3):
        (p, g), slots = setting(name, size, dtype)
        kernel(p, g, slots, *PLAIN, threads, **options)
        results.append([p, *slots])
    for other in results[1:]:
        for a, b in zip(other, results[0], strict=True):
            assert_same_bits(a, b)
    # Every block was done: elements do not depend on the array that they are in.
    (p, g), slots = setting(name, size, dtype)
    tail = [np.ascontiguousarray(array[-40000:]) for array in (p, g, *slots)]
    kernel(tail[0], tail[1], tail[2:], *PLAIN, 1, **options)
    assert_same_bits(results[0][0][-40000:], tail[0])


@every_optimizer
@pytest.mark.usefixtures("isa")
def test_optimizer_step_has_the_same_bits_on_each_instruction_set(name):
    _, kernel, options, _ = OPTIMIZERS[name]
    (p, g), slots = setting(name, 103, np.float32)
    kernel(p, g, slots, *PLAIN, 1, **options)
    (q, _), others = setting(name, 103, np.float32)
    active = _core.active_isa()
    _core.select_isa("baseline")
    kernel(q, g, others, *PLAIN, 1, **options)
    _core.select_isa(active)
    for a, b in zip([p, *slots], [q, *others], strict=True):
        assert_same_bits(a, b)


@every_optimizer
def test_optimizer_step_lets_nan_through_the_clip(name):
    """A gradient that is NaN must show in the parameters, and must not be clipped to the limit."""
    _, kernel, options, _ = OPTIMIZERS[name]
    (p, g), slots = setting(name, 5, np.float64)
    g[2] = np.nan
    kernel(p, g, slots, RATE, 0.0, 1.0, 0.5, 1, **options)
    assert np.isnan(p).tolist() == [False, False, True, False, False]


@every_optimizer
@pytest.mark.parametrize("size", [5, 5 * 32768])
def test_optimizer_step_refuses_no_threads(name, size):
    _, kernel, options, _ = OPTIMIZERS[name]
    (p, g), slots = setting(name, size, np.float32)
    before = p.copy()
    with pytest.raises(ValueError, match="no threads"):
        kernel(p, g, slots, *PLAIN, 0, **options)
    assert_same_bits(p, before)


# ---- statuses -----------------------------------------------------------------------------------


def virtual(*shape, dtype=np.float32):
    """An array of any shape that takes no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


@pytest.mark.parametrize(
    ("x", "recurrent_kernel", "error", "match"),
    [
        # NumPy can address 2^60 numbers of x; the tape would have more bytes than addresses
        (virtual(2**40, 2**20, 1), virtual(4, 12), MemoryError, "more bytes than memory"),
        (virtual(2**20, 2**40, 0), virtual(2, 6), MemoryError, "more bytes than memory"),
        (virtual(1, 2**60, 0), virtual(1, 3), MemoryError, "more bytes than memory"),
        (virtual(1, 1, 1), virtual(2**29, 3 * 2**29), ValueError, "too long for BLAS"),
        (virtual(1, 1, 2**31), virtual(1, 3), ValueError, "too long for BLAS"),
        (virtual(1, 1, 1), virtual(0, 0), ValueError, "no units"),
    ],
    ids=["batch", "no input", "time", "units", "input", "no units"],
)
def test_sizes_that_the_core_refuses(x, recurrent_kernel, error, match):
    with pytest.raises(error, match=match):
        _core.tape_bytes(x, recurrent_kernel, Cell(), _core.ENGINES["blas"])


@both_dtypes
def test_tape_bytes(dtype):
    """States before and after each step, four gates a step, each part on cache lines."""
    x, recurrent_kernel = virtual(3, 5, 7, dtype=dtype), virtual(11, 33, dtype=dtype)
    size = _core.tape_bytes(x, recurrent_kernel, Cell(), _core.ENGINES["blas"])
    wanted = [6 * 3 * 11, 5 * 3 * 4 * 11]
    assert size == sum(-(-n * np.dtype(dtype).itemsize // 64) * 64 for n in wanted)


def test_an_engine_that_the_core_does_not_have():
    with pytest.raises(ValueError, match="unknown dtype or engine"):
        _core.tape_bytes(virtual(1, 1, 1), virtual(1, 3), Cell(), 99)


@pytest.mark.parametrize("sides", [(1, 2**40, 2**40), (1, 1, 2**60)], ids=str)
def test_matrices_that_memory_cannot_hold(sides):
    m, n, k = sides
    with pytest.raises(MemoryError, match="more bytes than memory"):
        matmul(virtual(m, k), False, virtual(1, n), False, virtual(m, n), False)


def test_forward_refuses_no_threads():
    output = np.full((1, 1, 1), 7.0)
    weights = {"kernel": np.ones((1, 3)), "recurrent_kernel": np.ones((1, 3))}
    given = {"x": np.ones((1, 1, 1)), "output": output, "cell": Cell(), "engine": 0}
    with pytest.raises(ValueError, match="no threads"), single_threaded_blas:
        core_calls.forward(**weights, **given, threads=0)
    assert output == 7
