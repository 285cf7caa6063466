"""Truncated backpropagation through time: `fit` in pieces of some time steps."""

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import GRU, LSTM, Bidirectional, Dense, Flatten, RepeatVector, Sequential, SimpleRNN

X = np.random.default_rng(8).normal(size=(6, 20, 3)).astype(np.float32)


KINDS = [GRU, LSTM, SimpleRNN]
each_kind = pytest.mark.parametrize("kind", KINDS)


def truncated_model(sequences, kind=GRU, seed=0, **options):
    layers = [
        kind(6, return_sequences=True, input_shape=(None, 3), **options),
        kind(4, return_sequences=sequences),
        Dense(1),
    ]
    model = Sequential(layers, seed=seed, dtype="float64")
    model.compile("sgd", "mse", metrics=["mae"])
    return model


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("steps", [20, 1000])
@each_kind
def test_one_piece_is_plain_training(sequences, steps, kind):
    y = X[:, :, :1] if sequences else X[:, 0, :1]
    models = [truncated_model(sequences, kind) for _ in range(2)]
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
    expected = of_torch(model.get_weights()[1]).numpy()
    np.testing.assert_allclose(expected, grus[0].weight_hh_l0.detach(), rtol=1e-9, atol=1e-14)


@each_kind
def test_states_do_not_stay_behind_a_batch(kind):
    model = truncated_model(True, kind)
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
        ([GRU(3), Dense(1)], 0, "bptt_steps must be an integer of at least 1 or None, got 0"),
        ([GRU(3, go_backwards=True), Dense(1)], 5, "layer 'gru' needs all of them at once"),
        ([Bidirectional(GRU(3)), Dense(1)], 5, "layer 'bidirectional' needs all"),
        ([GRU(3, return_sequences=True), Flatten(), Dense(1)], 5, "layer 'flatten' needs all"),
        ([GRU(3), RepeatVector(4), GRU(3), Dense(1)], 5, "layer 'repeat_vector' needs all"),
        ([Dense(1)], 5, "bptt_steps is for models with a recurrent layer"),
    ],
)
def test_models_that_cannot_be_cut(layers, steps, message):
    model = Sequential(layers)
    model.compile("sgd", "mse")
    y = np.zeros((6, 20, 1)) if len(layers) == 1 else np.zeros((6, 1))
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, bptt_steps=steps, verbose=0)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (GRU, {"reset_after": False}),
        *((kind, options) for kind in KINDS for options in ({}, {"checkpoint_every": 2})),
    ],
    ids=str,
)
def test_pieces_are_batches_of_a_stateful_model(kind, options, engine):
    """Pieces have the same bits as batches that a user cuts for a stateful model.

    The two batches have one size, so the loss is the mean of both losses.
    """
    model, stateful = (truncated_model(True, kind, **options) for _ in range(2))
    for layer in stateful.layers[:2]:
        layer.stateful = True
    y = X[:, :, :1].astype(float)
    losses = []
    for rows in (slice(0, 3), slice(3, 6)):
        stateful.reset_states()
        for first in range(0, 20, 6):
            piece = rows, slice(first, first + 6)
            loss, _ = stateful.train_on_batch(X[piece], y[piece])
            losses.append(loss * X[piece].shape[1] / 20)
    history = model.fit(X, y, batch_size=3, shuffle=False, bptt_steps=6, verbose=0).history
    for a, b in zip(model.get_weights(), stateful.get_weights(), strict=True):
        assert_same_bits(a, b)
    assert history["loss"][0] == pytest.approx(sum(losses) / 2, rel=1e-12)


@each_kind
def test_a_stateful_layer_keeps_its_state_for_the_next_batch(kind):
    model = Sequential([kind(4, stateful=True, return_sequences=True), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :, :1], verbose=0, bptt_steps=6)
    state = model.layers[0].state
    assert state.shape == (6, 8 if kind is LSTM else 4)
    model.fit(X, X[:, :, :1], verbose=0, bptt_steps=6)
    assert model.layers[0].stateful
    assert np.abs(model.layers[0].state - state).max() > 1e-4


@pytest.mark.parametrize("step", [2, 13])
@each_kind
def test_a_loss_that_is_not_finite(step, kind):
    """In the first piece or a later one, weights and states stay unchanged."""
    model = truncated_model(True, kind)
    before = model.get_weights()
    x = X.copy()
    x[4, step, 1] = np.nan
    with pytest.raises(FloatingPointError, match=rf"the first is x\[4, {step}, 1\]"):
        model.fit(x, X[:, :, :1], verbose=0, bptt_steps=6)
    for a, b in zip(model.get_weights(), before, strict=True):
        assert_same_bits(a, b)
    assert all(layer.state is None and not layer.stateful for layer in model.layers[:2])


def test_metrics_and_validation_are_over_all_steps():
    model = truncated_model(True)
    data = X, X[:, :, :1]
    history = model.fit(*data, validation_data=data, bptt_steps=6, verbose=0).history
    assert set(history) == {"loss", "mae", "val_loss", "val_mae"}
    plain = model.evaluate(*data, return_dict=True)
    assert [history["val_loss"][0], history["val_mae"][0]] == [plain["loss"], plain["mae"]]
    assert history["loss"][0] == pytest.approx(plain["loss"], rel=0.1)
    assert history["mae"][0] == pytest.approx(plain["mae"], rel=0.1)
