"""States that stay from batch to batch, time before batch, and truncated backpropagation."""

import numpy as np
import pytest
from testing_tools import assert_close, assert_same_bits, random_arguments

from gru_c import GRU, Bidirectional, Dense, Flatten, Sequential, gru_backward, gru_forward

RNG = np.random.default_rng(8)
X = RNG.normal(size=(6, 20, 3)).astype(np.float32)


def layer_of(layer, **options):
    options = {"return_sequences": True, "stateful": True, **options}
    layer = Bidirectional(GRU(5, **options)) if layer == "both" else GRU(5, **options)
    layer.build((None, None, 3), rng=0)
    return layer


# ---- stateful -----------------------------------------------------------------------------------


def test_batches_of_steps_make_the_whole_sequence(engine):
    layer, plain = layer_of("one"), layer_of("one", stateful=False)
    for _ in range(2):
        parts = [layer(X[:, t : t + 7]) for t in range(0, 20, 7)]
        assert_close(np.concatenate(parts, axis=1), plain(X), 1e-6)
        layer.reset_states()


@pytest.mark.parametrize("kind", ["one", "both"])
def test_states_can_be_set_and_reset(kind):
    layer = layer_of(kind)
    first = layer(X)
    assert np.abs(layer(X) - first).max() > 1e-3
    layer.reset_state()
    assert_same_bits(layer(X), first)
    state = RNG.normal(size=(6, 5)).astype(np.float32)
    pair = [state, -state]
    layer.reset_states(pair if kind == "both" else state)
    plain = layer_of(kind, stateful=False)
    assert_same_bits(layer(X), plain(X, initial_state=pair if kind == "both" else state))


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
            "layer 'gru' is stateful, so all batches must be of one size: 6 samples are no "
            "multiple of batch_size=4",
        ),
        (lambda m: m.evaluate(X, X[:, :, :1], batch_size=4, verbose=0), "no multiple"),
        (lambda m: m.predict(X, batch_size=4), "no multiple"),
        (
            lambda m: (m.predict(X, batch_size=6), m.predict(X, batch_size=3)),
            "holds the states of 6 sequences, got a batch of 3: call reset_states",
        ),
        (
            lambda m: (m.predict(X, batch_size=6), m.fit(X[:2], X[:2, :, :1], verbose=0)),
            "no multiple of batch_size=32",
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


@pytest.mark.parametrize(
    ("states", "error", "message"),
    [
        (np.zeros((6, 4)), ValueError, r"states must have shape \(batch, 5\), got \(6, 4\)"),
        (np.zeros(5), ValueError, r"states must have shape \(batch, 5\), got \(5,\)"),
        ("zeros", TypeError, "states"),
    ],
)
def test_bad_states(states, error, message):
    with pytest.raises(error, match=message):
        layer_of("one").reset_states(states)


def test_only_stateful_layers_have_states():
    with pytest.raises(ValueError, match="layer 'gru' is not stateful: it keeps no states"):
        layer_of("one", stateful=False).reset_states()


# ---- time before batch --------------------------------------------------------------------------


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("go_backwards", [False, True])
def test_time_major_layers(sequences, go_backwards, engine):
    options = {"return_sequences": sequences, "go_backwards": go_backwards, "stateful": False}
    layer, plain = layer_of("one", time_major=True, **options), layer_of("one", **options)
    x = np.ascontiguousarray(X.swapaxes(0, 1))
    found, expected = layer.forward(x, training=True), plain.forward(X, training=True)
    assert layer.tape[0].x.base is not None
    assert np.shares_memory(layer.tape[0].x, x)
    assert found.flags.c_contiguous
    assert layer.compute_output_shape(x.shape) == found.shape
    assert_same_bits(
        found, np.ascontiguousarray(expected.swapaxes(0, 1) if sequences else expected)
    )
    d_x, d_expected = layer.backward(found), plain.backward(expected)
    assert_same_bits(d_x, np.ascontiguousarray(d_expected.swapaxes(0, 1)))
    for a, b in zip(layer.parameters, plain.parameters, strict=True):
        assert_same_bits(a.gradient, b.gradient)


def test_time_major_functions():
    arguments = random_arguments(4, 7, 3, 6)
    plain = gru_forward(**arguments, training=True)
    arguments["x"] = np.ascontiguousarray(arguments["x"].swapaxes(0, 1))
    found = gru_forward(**arguments, training=True, time_major=True)
    assert np.shares_memory(found.tape.x, arguments["x"])
    assert_same_bits(found.output, np.ascontiguousarray(plain.output.swapaxes(0, 1)))
    assert_same_bits(found.state, plain.state)
    d_output = RNG.normal(size=(4, 7, 6))
    a = gru_backward(plain.tape, d_output, d_hidden=True)
    b = gru_backward(found.tape, d_output.swapaxes(0, 1), d_hidden=True)
    for name in ("x", "hidden"):
        assert_same_bits(np.ascontiguousarray(getattr(b, name).swapaxes(0, 1)), getattr(a, name))
    assert_same_bits(a.kernel, b.kernel)


def test_a_model_takes_no_time_major_layer():
    with pytest.raises(ValueError, match="time_major=True is not for a Sequential"):
        Sequential([GRU(3, time_major=True)])


# ---- truncated backpropagation ------------------------------------------------------------------


def truncated_model(sequences, seed=0, **options):
    layers = [
        GRU(6, return_sequences=True, input_shape=(None, 3), **options),
        GRU(4, return_sequences=sequences),
        Dense(1),
    ]
    model = Sequential(layers, seed=seed, dtype="float64")
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("steps", [20, 1000])
def test_one_piece_is_plain_training(sequences, steps):
    y = X[:, :, :1] if sequences else X[:, 0, :1]
    models = [truncated_model(sequences) for _ in range(2)]
    plain = models[0].fit(X, y, epochs=3, verbose=0)
    cut = models[1].fit(X, y, epochs=3, verbose=0, bptt_steps=steps)
    assert plain.history == cut.history
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert_same_bits(a, b)


@pytest.mark.parametrize("sequences", [True, False])
def test_torch_with_detached_states_computes_the_same(sequences):
    torch = pytest.importorskip("torch")
    model = truncated_model(sequences)
    y = (X[:, :, :1] if sequences else X[:, 0, :1]).astype(float)
    sizes = [(3, 6), (6, 4)]
    grus = [torch.nn.GRU(i, h, batch_first=True, dtype=torch.float64) for i, h in sizes]
    dense = torch.nn.Linear(4, 1, dtype=torch.float64)

    def of_torch(weight):
        z, r, n = np.split(weight.T, 3)
        return torch.tensor(np.concatenate([r, z, n]))

    weights = model.get_weights()
    with torch.no_grad():
        for gru, (W, U, b) in zip(grus, (weights[:3], weights[3:6]), strict=True):
            for parameter, value in zip(gru.parameters(), (W, U, *b), strict=True):
                parameter.copy_(of_torch(value))
        dense.weight.copy_(torch.tensor(weights[6].T))
        dense.bias.copy_(torch.tensor(weights[7]))
    parameters = [*grus[0].parameters(), *grus[1].parameters(), *dense.parameters()]
    optimizer = torch.optim.SGD(parameters, 0.01)
    states, losses = [None, None], []
    for first in range(0, 20, 6):
        piece = torch.tensor(X[:, first : first + 6].astype(float))
        h, after = piece, []
        for gru, state in zip(grus, states, strict=True):
            h, last = gru(h, state)
            after.append(last.detach())
        states = after
        if sequences:
            loss = ((dense(h) - torch.tensor(y[:, first : first + 6])) ** 2).mean()
        elif first == 18:
            loss = ((dense(h[:, -1]) - torch.tensor(y)) ** 2).mean()
        else:
            continue
        losses.append(float(loss.detach()) * (piece.shape[1] if sequences else 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    history = model.fit(X, y, shuffle=False, verbose=0, bptt_steps=6).history
    assert history["loss"][0] == pytest.approx(sum(losses) / (20 if sequences else 1), rel=1e-12)
    np.testing.assert_allclose(model.get_weights()[6].T, dense.weight.detach(), rtol=1e-11)
    found = model.get_weights()[1]
    expected = of_torch(found).numpy()
    np.testing.assert_allclose(expected, grus[0].weight_hh_l0.detach(), rtol=1e-9, atol=1e-14)


def test_states_do_not_stay_behind_a_batch():
    model = truncated_model(True)
    model.fit(X, X[:, :, :1], verbose=0, bptt_steps=6)
    assert all(layer.state is None and not layer.stateful for layer in model.layers[:2])
    assert_same_bits(model.predict(X), model.predict(X))


def test_weights_of_steps_are_cut_too():
    weight = np.zeros((6, 20))
    weight[:, 12:18] = 1
    y = X[:, :, :1] * 3
    model, other = truncated_model(True), truncated_model(True)
    model.fit(X, y, verbose=0, bptt_steps=6, sample_weight=weight)
    y[:, :12] = y[:, 18:] = 1e3  # does not count
    other.fit(X, y, verbose=0, bptt_steps=6, sample_weight=weight)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert_same_bits(a, b)


@pytest.mark.parametrize(
    ("layers", "steps", "message"),
    [
        ([GRU(3), Dense(1)], 0, "bptt_steps must be a positive integer, got 0"),
        ([GRU(3, go_backwards=True), Dense(1)], 5, "layer 'gru' needs all of them at once"),
        ([Bidirectional(GRU(3)), Dense(1)], 5, "layer 'bidirectional' needs all"),
        ([GRU(3, return_sequences=True), Flatten(), Dense(1)], 5, "layer 'flatten' needs all"),
        ([Dense(1)], 5, "bptt_steps is for models with a GRU"),
    ],
)
def test_models_that_cannot_be_cut(layers, steps, message):
    model = Sequential(layers)
    model.compile("sgd", "mse")
    y = np.zeros((6, 20, 1)) if len(layers) == 1 else np.zeros((6, 1))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, bptt_steps=steps, verbose=0)
