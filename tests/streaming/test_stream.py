"""Streams return the numbers that `predict` returns."""

import numpy as np
import pytest
from cells import CELLS
from tools import assert_close, assert_same_bits, make_model, play, random_numbers

from gru_c import Dense, Dropout, SimpleRNN, _core

DTYPES = ["float32", "float64"]
both_dtypes = pytest.mark.parametrize("dtype", DTYPES)
packed_engine = pytest.mark.parametrize("engine", ["packed"], indirect=True)


def expected_of(model, x):
    """Return the expected outputs of a stream: `predict` of the sequence up to each step."""
    if model.compute_output_shape((1, 2, x.shape[2])) == (1, 2, model.layers[-1].units):
        return model.predict(x, verbose=0)
    pieces = [model.predict(x[:, : t + 1], verbose=0) for t in range(x.shape[1])]
    return np.stack(pieces, axis=1)


# The cells, the GRU in both variants.
VARIANTS = [
    pytest.param(cell.layer, variant, id=f"{cell.name}-{''.join(map(str, variant.values()))}")
    for cell in CELLS
    for variant in ([{"reset_after": True}, {"reset_after": False}] if cell.name == "gru" else [{}])
]
each_variant = pytest.mark.parametrize(("R", "variant"), VARIANTS)

# The layers of models; R is the kind of their recurrent layers.
STACKS = {
    "one": lambda R, **k: [R(50, **k)],
    "sequences": lambda R, **k: [R(17, return_sequences=True, **k)],
    "demo": lambda R, **k: [R(50, return_sequences=True, **k), R(50, **k), Dense(1)],
    "mixed": lambda R, **k: [
        Dense(9, "relu"),
        R(33, return_sequences=True, **k),
        Dropout(0.3),
        R(64, return_sequences=True, **k),
        Dense(19, "sigmoid"),
        Dense(4, "softmax"),
    ],
    "head without bias": lambda R, **k: [R(5, **k), Dense(70, "tanh", use_bias=False)],
}


@pytest.mark.usefixtures("isa")
@packed_engine
@both_dtypes
@each_variant
@pytest.mark.parametrize("use_bias", [True, False], ids=["bias", "no-bias"])
@pytest.mark.parametrize("layers", STACKS.values(), ids=STACKS)
def test_a_stream_has_the_bits_of_predict(engine, dtype, R, variant, use_bias, layers):
    model = make_model(*layers(R, use_bias=use_bias, **variant), dtype=dtype)
    for batch in (1, 2, 5, 17, 70):
        x = random_numbers(batch, 7, 5, dtype=dtype)
        assert_same_bits(play(model.stream(batch), x), expected_of(model, x))


@both_dtypes
@pytest.mark.parametrize("isa", _core.isa_names(), indirect=True)
@pytest.mark.parametrize("engine", ["blas"], indirect=True)
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_stream_agrees_with_the_blas_engine(isa, engine, dtype, cell):
    model = make_model(*STACKS["demo"](cell.layer), dtype=dtype)
    x = random_numbers(3, 20, 5, dtype=dtype)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    assert_close(play(model.stream(3), x), expected_of(model, x), tolerance)


@pytest.mark.usefixtures("isa")
@packed_engine
@both_dtypes
@each_variant
def test_every_number_of_units_and_features_to_67(engine, dtype, R, variant):
    for H in range(1, 68):
        I, n, batch = H * 29 % 67 + 1, H * 31 % 67 + 1, 1 + H % 3
        layer = R(H, return_sequences=True, **variant)
        model = make_model(layer, Dense(n), I=I, dtype=dtype)
        x = random_numbers(batch, 3, I, dtype=dtype)
        assert_same_bits(play(model.stream(batch), x), model.predict(x, verbose=0))


@packed_engine
@pytest.mark.parametrize("sizes", [(1, 8, 256), (2, 270, 130), (1, 300, 513)], ids=str)
@each_variant
def test_sums_longer_than_a_block(engine, sizes, R, variant):
    batch, I, H = sizes
    layers = R(H, return_sequences=True, **variant), R(H, **variant), Dense(150), Dense(7)
    model = make_model(*layers, I=I)
    x = random_numbers(batch, 4, I)
    assert_same_bits(play(model.stream(batch), x), expected_of(model, x))


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("weights", ["bfloat16", "int8"])
@each_variant
def test_weights_of_fewer_bits(weights, R, variant):
    options = {"inference_weights": weights, **variant}
    model = make_model(R(40, return_sequences=True, **options), R(19, **options), Dense(2), I=9)
    x = random_numbers(3, 6, 9)
    assert_same_bits(play(model.stream(3), x), expected_of(model, x))


KINDS = {
    "activations": {"activation": "relu", "recurrent_activation": "hard_sigmoid"},
    "parameters": {
        "activation": ("scaled_tanh", 1.7, 0.6),
        "recurrent_activation": ("hard_sigmoid", 0.2, 0.4),
    },
    "clip": {"clip": 0.5},
    "zoneout": {"zoneout": 0.3},
    "dropout": {"dropout": 0.5, "recurrent_dropout": 0.5},
}


@packed_engine
@each_variant
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_other_kinds_of_cells(engine, kind, R, variant):
    if R is SimpleRNN:
        kind = {name: value for name, value in kind.items() if name != "recurrent_activation"}
    model = make_model(R(21, return_sequences=True, **variant, **kind), Dense(3))
    x = random_numbers(4, 9, 5)
    assert_same_bits(play(model.stream(4), x), model.predict(x, verbose=0))
