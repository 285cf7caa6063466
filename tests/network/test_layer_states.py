"""States that models keep from batch to batch, and time-major layers."""

import numpy as np
import pytest
from tools import assert_close, assert_same_bits, random_arguments

from gru_c import GRU, Bidirectional, Dense, Sequential, gru_backward, gru_forward

RNG = np.random.default_rng(8)
X = RNG.normal(size=(6, 20, 3)).astype(np.float32)


def layer_of(layer, **options):
    options = {"return_sequences": True, "stateful": True, **options}
    layer = Bidirectional(GRU(5, **options)) if layer == "both" else GRU(5, **options)
    layer.build((None, None, 3), rng=0)
    return layer


# ---- stateful ------------------------------------------------------------------------------------


def test_batches_of_steps_make_the_whole_sequence(engine):
    layer, plain = layer_of("one"), layer_of("one", stateful=False)
    for _ in range(2):
        parts = [layer(X[:, t : t + 7]) for t in range(0, 20, 7)]
        assert_close(np.concatenate(parts, axis=1), plain(X), 1e-6)
        layer.reset_states()


def test_an_initial_state_goes_before_the_one_that_was_kept():
    layer = layer_of("one")
    layer(X)
    zeros = np.zeros((6, 5), np.float32)
    assert_same_bits(layer(X, initial_state=zeros), layer_of("one", stateful=False)(X))


def test_no_gradient_from_batch_to_batch():
    layer = layer_of("one")
    layer(X)
    state = layer.state.copy()
    output = layer.forward(X, training=True)
    d_x = layer.backward(output)
    plain = layer_of("one", stateful=False)
    plain.forward(X, initial_state=state, training=True)
    expected, _ = plain.backward(output)
    assert_same_bits(d_x, expected)


def stateful_model(seed=0):
    layers = [GRU(4, stateful=True, return_sequences=True, input_shape=(None, 3)), Dense(1)]
    model = Sequential(layers, seed=seed)
    model.compile("sgd", "mse")
    return model


def test_models_keep_states_until_they_are_reset():
    model = stateful_model()
    first = model.predict(X[:, :10], batch_size=6)
    second = model.predict(X[:, 10:], batch_size=6)
    model.reset_states()
    whole = model.predict(X, batch_size=6)
    assert_close(np.concatenate([first, second], axis=1), whole, 1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda m: m.fit(X, X[:, :, :1], batch_size=4, verbose=0),
            "layer 'gru' is stateful, so all batches must be of one size: 6 samples are not "
            "a multiple of batch_size=4",
        ),
        (lambda m: m.evaluate(X, X[:, :, :1], batch_size=4, verbose=0), "not a multiple"),
        (lambda m: m.predict(X, batch_size=4), "not a multiple"),
        (
            lambda m: (m.predict(X, batch_size=6), m.predict(X, batch_size=3)),
            "holds the states of 6 sequences, got a batch of 3: call reset_states",
        ),
        (
            lambda m: (m.predict(X, batch_size=6), m.fit(X[:2], X[:2, :, :1], verbose=0)),
            "holds the states of 6 sequences, got a batch of 2",
        ),
        (
            lambda m: m.fit(X, X[:, :, :1], 32, validation_data=(X[:2], X[:2, :, :1]), verbose=0),
            "must be of one size: got batches of 6 and of 2 samples",
        ),
        (
            lambda m: (m.predict(X, batch_size=6), m.train_on_batch(X[:2], X[:2, :, :1])),
            "holds the states of 6 sequences, got a batch of 2",
        ),
    ],
)
def test_changing_batch_sizes_are_refused_before_anything_changes(call, message):
    model = stateful_model()
    before = model.get_weights()
    with pytest.raises(ValueError, match=message):
        call(model)
    for a, b in zip(model.get_weights(), before, strict=True):
        assert_same_bits(a, b)


def test_fewer_samples_than_a_batch_are_one_batch():
    model = stateful_model()
    model.fit(X, X[:, :, :1], validation_data=(X, X[:, :, :1]), verbose=0)
    model.evaluate(X, X[:, :, :1])
    assert len(model.layers[0].state) == 6
    assert model.predict(X[:0]).shape == (0, 20, 1)


def directions_of(model):
    return [direction.state for direction in model.layers[0].directions]


@pytest.mark.parametrize("wrap", [Bidirectional, lambda layer: layer], ids=["both", "one"])
@pytest.mark.parametrize(
    "train",
    [
        lambda model, x, y: model.fit(x, y, batch_size=3, verbose=0, shuffle=False),
        lambda model, x, y: model.train_on_batch(x[3:], y[3:]),
    ],
    ids=["fit", "train_on_batch"],
)
def test_a_loss_that_is_not_finite_leaves_the_states(train, wrap):
    model = Sequential([wrap(GRU(4, stateful=True)), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.predict_on_batch(X[:3]) if model.built else model(X[:3])
    before = [state.copy() for state in directions_of(model)]
    x = X.copy()
    x[4, 0, 0] = np.nan
    with pytest.raises(FloatingPointError):
        train(model, x, np.zeros((6, 1)))
    for state, expected in zip(directions_of(model), before, strict=True):
        assert_same_bits(state, expected)


# ---- time-major layers ---------------------------------------------------------------------------


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_time_major_layers(sequences, go_backwards, engine):
    options = {"return_sequences": sequences, "go_backwards": go_backwards, "stateful": False}
    layer, plain = layer_of("one", time_major=True, **options), layer_of("one", **options)
    x = np.ascontiguousarray(X.swapaxes(0, 1))
    actual, expected = layer.forward(x, training=True), plain.forward(X, training=True)
    assert layer.tape[0].x.base is not None
    assert np.shares_memory(layer.tape[0].x, x)
    assert actual.flags.c_contiguous
    assert layer.compute_output_shape(x.shape) == actual.shape
    assert_same_bits(
        actual, np.ascontiguousarray(expected.swapaxes(0, 1) if sequences else expected)
    )
    d_x, d_expected = layer.backward(actual), plain.backward(expected)
    assert_same_bits(d_x, np.ascontiguousarray(d_expected.swapaxes(0, 1)))
    for a, b in zip(layer.parameters, plain.parameters, strict=True):
        assert_same_bits(a.gradient, b.gradient)


def test_time_major_functions():
    arguments = random_arguments(4, 7, 3, 6)
    plain = gru_forward(**arguments, training=True)
    arguments["x"] = np.ascontiguousarray(arguments["x"].swapaxes(0, 1))
    turned = gru_forward(**arguments, training=True, time_major=True)
    assert np.shares_memory(turned.tape.x, arguments["x"])
    assert_same_bits(turned.output, np.ascontiguousarray(plain.output.swapaxes(0, 1)))
    assert_same_bits(turned.state, plain.state)
    d_output = RNG.normal(size=(4, 7, 6))
    a = gru_backward(plain.tape, d_output, d_hidden=True)
    b = gru_backward(turned.tape, d_output.swapaxes(0, 1), d_hidden=True)
    for name in ("x", "hidden"):
        assert_same_bits(np.ascontiguousarray(getattr(b, name).swapaxes(0, 1)), getattr(a, name))
    assert_same_bits(a.kernel, b.kernel)
