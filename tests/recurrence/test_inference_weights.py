"""Inference with weights of fewer bits: the rounding, its size, and values left unrounded."""

import copy

import numpy as np
import pytest
import specification
from tools import assert_close, assert_same_bits, random_arguments

from gru_c import GRU, Dense, Input, Sequential, _core, gru_forward, load_model
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.weights import Weights

REDUCED = ["bfloat16", "int8"]
RESET = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])
FORMATS = pytest.mark.parametrize("weights", REDUCED)


# ---- the documented rounding, in NumPy ----------------------------------------------------------


def bfloat16(a):
    """Nearest numbers with 8 significant bits, ties to even."""
    bits = np.asarray(a, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16
    return rounded.astype(np.uint32).view(np.float32).astype(np.float64)


def int8(a, axis):
    """Whole numbers up to 127 times a scale along an axis."""
    a = np.asarray(a, np.float32)
    largest = np.abs(a).max(axis=axis, keepdims=True, initial=0)
    with np.errstate(divide="ignore"):
        factor = np.where(largest > 0, np.float32(127) / largest, np.float32(0))
    scale = (largest / np.float32(127)).astype(np.float64)
    return np.rint(a * factor).astype(np.float64) * scale


def rounding(weights, operands=True):
    """The functions that round weights and operands; bfloat16's operands may be left alone."""
    if weights == "int8":
        return (lambda w: int8(w, 0)), (lambda a: int8(a, 1))
    return bfloat16, bfloat16 if operands else np.asarray


def step(x, kernel, recurrent_kernel, bias, h, round_weight, round_operand, reset_after):
    """A step of the specification in float64, from float32 arrays."""
    H = len(recurrent_kernel)
    W, U = round_weight(kernel), round_weight(recurrent_kernel)
    b_in, b_rec = bias if reset_after else (bias, np.zeros(3 * H))
    a = round_operand(x) @ W + b_in
    hu = round_operand(h) @ U + b_rec
    z = specification.sigmoid(a[:, :H] + hu[:, :H])
    r = specification.sigmoid(a[:, H : 2 * H] + hu[:, H : 2 * H])
    if reset_after:
        n = np.tanh(a[:, 2 * H :] + r * hu[:, 2 * H :])
    else:
        n = np.tanh(a[:, 2 * H :] + round_operand(r * h) @ U[:, 2 * H :])
    return (1 - z) * n + z * h


def largest_error(arguments, weights, output, operands, *, reset_after=True):
    """Compare each step, from the core's own state before it, so that errors do not add up."""
    h, worst = arguments["initial_state"], 0.0
    for t in range(output.shape[1]):
        expected = step(
            arguments["x"][:, t],
            arguments["kernel"],
            arguments["recurrent_kernel"],
            arguments["bias"],
            h,
            *rounding(weights, operands),
            reset_after,
        )
        h = output[:, t]
        worst = max(worst, np.abs(h - expected).max(initial=0))
    return worst


def float32_arguments(B, T, I, H, **changes):
    return random_arguments(B, T, I, H, dtype=np.float32, **changes)


# ---- the core -----------------------------------------------------------------------------------


@pytest.mark.parametrize("H", range(1, 68))
@FORMATS
def test_every_size_on_every_isa(isa, weights, H):
    """Units and features around every tile, line and vector; rows too."""
    arguments = float32_arguments(1 + H % 19, 3, 68 - H, H, seed=H)
    output = gru_forward(**arguments, inference_weights=weights).output
    errors = [largest_error(arguments, weights, output, rounded) for rounded in (False, True)]
    # Only AVX512_BF16 multiplies operands that are bfloat16 themselves.
    assert min(errors if isa == "avx512" else errors[: 1 if weights == "bfloat16" else 2]) < 3e-6


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("H", [1, 4, 15, 16, 17, 50, 67])
@FORMATS
def test_reset_before(weights, H):
    """With r = 1/2 exactly, so that r * h is rounded as it is in NumPy."""
    arguments = float32_arguments(3, 4, 9, H, reset_after=False, seed=H)
    for name in ("kernel", "recurrent_kernel", "bias"):
        arguments[name][..., H : 2 * H] = 0
    result = gru_forward(**arguments, reset_after=False, inference_weights=weights)
    errors = [
        largest_error(arguments, weights, result.output, rounded, reset_after=False)
        for rounded in (False, True)
    ]
    assert min(errors) < 3e-6


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("K", [1023, 1025, 2050, 32767, 32768, 32771, 70_001])
@FORMATS
def test_long_sums(weights, K):
    """Past every part of k, and the largest sums that there are: no overflow."""
    ones = np.ones((2, 1, K), np.float32)
    kernel = np.full((K, 6), 1 / K, np.float32)
    kernel[:, 2:4] *= -1
    recurrent_kernel = np.zeros((2, 6), np.float32)
    result = gru_forward(ones, kernel, recurrent_kernel, inference_weights=weights)
    exact = rounding(weights)[0](kernel).sum(axis=0)
    expected = (1 - specification.sigmoid(exact[0])) * np.tanh(exact[4])
    np.testing.assert_allclose(result.state, np.full((2, 2), expected), rtol=2e-6)


@pytest.mark.usefixtures("isa")
@RESET
@FORMATS
def test_no_rows_steps_features_or_bias(weights, reset_after):
    for B, T, I in [(0, 3, 4), (2, 0, 4), (2, 3, 0)]:
        arguments = float32_arguments(B, T, I, 5, reset_after=reset_after, bias=False)
        result = gru_forward(**arguments, reset_after=reset_after, inference_weights=weights)
        output, state = specification.gru(*arguments.values(), reset_after=reset_after)
        assert_close(result.output, output, 0.02)
        assert_close(result.state, state, 0.02)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize(("I", "H"), [(8, 8), (8, 50), (64, 128), (64, 256)])
@RESET
@FORMATS
def test_error_within_what_the_docstring_says(weights, reset_after, I, H):
    layer = GRU(H, return_sequences=True, reset_after=reset_after, inference_weights=weights)
    layer.build((None, None, I), rng=H)
    x = np.random.default_rng(I).normal(size=(4, 100, I)).astype(np.float32)
    exact, _ = specification.gru(x, *layer.get_weights(), reset_after=reset_after)
    error = layer(x) - exact
    most, mean = {"bfloat16": (0.01, 0.002), "int8": (0.04, 0.006)}[weights]
    assert np.abs(error).max() < most
    assert 1e-5 < np.sqrt(np.mean(error**2)) < mean


# ---- bits ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize(("B", "T", "H"), [(1, 40, 200), (3, 20, 130), (21, 30, 67)])
@RESET
@FORMATS
def test_same_bits_for_any_threads_company_and_cut(weights, reset_after, B, T, H):
    arguments = float32_arguments(B, T, 37, H, reset_after=reset_after)
    variant = {"reset_after": reset_after, "inference_weights": weights}
    result = gru_forward(**arguments, **variant, num_threads=1)
    for threads in (2, 3):
        other = gru_forward(**arguments, **variant, num_threads=threads)
        assert_same_bits(other.output, result.output)
        assert_same_bits(other.state, result.state)
    x, *parameters, state = arguments.values()
    for rows in (slice(0, 1), slice(B - 1, B), slice(0, B, 2)):
        alone = gru_forward(x[rows], *parameters, state[rows], **variant)
        assert_same_bits(alone.output, np.ascontiguousarray(result.output[rows]))
    for t in range(T):
        state = gru_forward(x[:, t : t + 1], *parameters, state, **variant).state
        assert_same_bits(state, np.ascontiguousarray(result.output[:, t]))


@pytest.mark.skipif(
    not {"avx2", "avx512"} <= set(_core.isa_names()), reason="this CPU does not have both"
)
@pytest.mark.parametrize(("B", "H"), [(1, 50), (9, 33)])
def test_int8_sums_are_exact(B, H):
    """The instruction that multiplies the bytes makes no difference."""
    arguments = float32_arguments(B, 20, 11, H)
    before = _core.active_isa()
    results = []
    for name in ("avx2", "avx512"):
        _core.select_isa(name)
        results.append(gru_forward(**arguments, inference_weights="int8").output)
    _core.select_isa(before)
    assert_same_bits(*results)


# ---- numbers of any size ------------------------------------------------------------------------


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "initial_state"])
@RESET
@FORMATS
def test_rows_with_nan(weights, reset_after, where, bad):
    """The row is NaN from there on (with int8 also after an infinity); other rows are unchanged."""
    arguments = float32_arguments(5, 4, 6, 35, reset_after=reset_after)
    variant = {"reset_after": reset_after, "inference_weights": weights}
    good = gru_forward(**arguments, **variant)
    arguments[where][(2, 1, 3) if where == "x" else (2, 3)] = bad
    first = 1 if where == "x" else 0
    with np.errstate(invalid="ignore"):
        result = gru_forward(**arguments, **variant)
    others = [0, 1, 3, 4]
    assert_same_bits(result.output[others], good.output[others])
    assert_same_bits(result.output[2, :first], good.output[2, :first])
    if weights == "int8" or np.isnan(bad):
        assert np.isnan(result.output[2, first:]).all()
    assert_same_bits(result.state, np.ascontiguousarray(result.output[:, -1]))


@pytest.mark.usefixtures("isa")
@FORMATS
def test_bad_weights_spoil_their_unit_alone(weights):
    arguments = float32_arguments(2, 1, 6, 35)
    good = gru_forward(**arguments, inference_weights=weights).output
    arguments["kernel"][4, 70 + 17] = np.nan
    result = gru_forward(**arguments, inference_weights=weights).output
    assert np.isnan(result[..., 17]).all()
    others = np.arange(35) != 17
    assert_same_bits(result[..., others], good[..., others])


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("size", [0, 1e-45, 1e-38, 1e-20, 1e20, 3e38])
@FORMATS
def test_very_small_and_very_large_inputs(weights, size):
    arguments = float32_arguments(3, 1, 6, 20)
    arguments["x"] = (np.sign(arguments["x"][..., :1]) * np.full(6, size)).astype(np.float32)
    arguments["kernel"] = np.abs(arguments["kernel"]) / 16  # no sum is infinite or a difference
    with np.errstate(over="ignore"):
        expected, _ = specification.gru(*arguments.values())
    result = gru_forward(**arguments, inference_weights=weights)
    assert_close(result.output, expected, 0.03)


# ---- layers, models, arguments ------------------------------------------------------------------


@FORMATS
def test_layer_and_predict(weights):
    x = np.random.default_rng(0).normal(size=(40, 7, 5)).astype(np.float32)
    model = Sequential(
        [
            Input((7, 5)),
            GRU(20, return_sequences=True, inference_weights=weights),
            GRU(12, inference_weights=weights, reset_after=False),
            Dense(2),
        ],
        seed=0,
    )
    first, second, dense = model.layers
    inner = gru_forward(x, *first.get_weights(), inference_weights=weights).output
    last = gru_forward(inner, *second.get_weights(), reset_after=False, inference_weights=weights)
    assert_same_bits(first(x), inner)
    assert_same_bits(model.predict(x, verbose=0), dense(last.state))


@FORMATS
def test_training_is_in_full_precision(weights):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 7, 5)), rng.normal(size=(40, 1))
    models = []
    for name in ("float32", weights):
        model = Sequential([Input((7, 5)), GRU(20, inference_weights=name), Dense(1)], seed=0)
        model.compile("adam", "mse")
        model.fit(x, y, epochs=2, verbose=0, shuffle=False)
        models.append(model)
    for full, reduced in zip(*(model.get_weights() for model in models), strict=True):
        assert_same_bits(reduced, full)
    layer, other = (model.layers[0] for model in models)
    assert_same_bits(other.forward(x, training=True), layer.forward(x, training=True))
    assert (other(x) != layer(x)).any()


@FORMATS
def test_configuration_and_files(tmp_path, weights):
    layer = GRU(4, inference_weights=weights.upper())
    assert layer.get_config()["inference_weights"] == weights
    assert GRU(**layer.get_config()).inference_weights == weights
    model = Sequential([Input((5, 3)), layer], seed=0)
    model.save(tmp_path / "model.safetensors")
    x = np.random.default_rng(0).normal(size=(3, 5, 3))
    for again in (load_model(tmp_path / "model.safetensors"), copy.deepcopy(model)):
        assert again.layers[0].inference_weights == weights
        assert_same_bits(again.predict(x, verbose=0), model.predict(x, verbose=0))


def test_the_default_is_full_precision():
    assert GRU(4).inference_weights == "float32"
    arguments = float32_arguments(2, 3, 4, 5)
    plain = gru_forward(**arguments)
    assert_same_bits(gru_forward(**arguments, inference_weights="float32").output, plain.output)
    assert gru_forward(**random_arguments(2, 3, 4, 5), inference_weights="float32")


@pytest.mark.parametrize(
    ("weights_format", "dtype", "engine", "memory"),
    [
        (1, np.float64, "auto", None),
        (2, np.float64, "packed", None),
        (1, np.float32, "blas", None),
        (2, np.float32, "auto", np.empty(1 << 16, np.uint8)),
        (3, np.float32, "auto", None),
        (-1, np.float32, "auto", None),
    ],
    ids=["double", "double-packed", "blas", "tape", "unknown", "negative"],
)
def test_the_core_refuses_it_too(weights_format, dtype, engine, memory):
    x, *weights, state = random_arguments(1, 2, 3, 4, dtype=dtype).values()
    options = PassOptions(Cell(), weights_format=weights_format)
    engine = _core.ENGINES[engine]
    with pytest.raises(ValueError, match="weight format"):
        _core.forward(x, Weights(*weights), state, None, memory, options, engine, 1)
