"""A GRU in both directions: merging, states, weights, threads."""

import copy

import numpy as np
import pytest
from testing_tools import assert_close, assert_gradients, assert_same_bits

from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Sequential,
    get_num_threads,
    load_model,
    set_num_threads,
)

MODES = ["concat", "sum", "mul", "ave"]
each_mode = pytest.mark.parametrize("mode", MODES)
either_output = pytest.mark.parametrize("sequences", [True, False], ids=["steps", "last"])


def make(mode="concat", units=5, sequences=True, seed=0, **options):
    layer = Bidirectional(GRU(units, return_sequences=sequences, dtype="float64", **options), mode)
    layer.build((None, None, 3), rng=seed)
    for parameter in layer.parameters:  # the biases, too
        parameter.value += np.random.default_rng(seed).normal(size=parameter.value.shape) * 0.1
    return layer


def x_of(B=4, T=6, seed=1):
    return np.random.default_rng(seed).normal(size=(B, T, 3))


def two_runs(layer, x):
    """What the two directions give by themselves, in the order of time."""
    outputs = []
    for start, reverse in ((0, False), (3, True)):
        one = GRU(5, return_sequences=True, dtype="float64")
        one.build((None, None, 3))
        one.set_weights(layer.get_weights()[start : start + 3])
        steps = one(x[:, ::-1] if reverse else x)
        outputs.append(steps[:, ::-1] if reverse else steps)
    return outputs


@each_mode
@either_output
def test_both_directions_are_merged(mode, sequences, engine):
    layer, x = make(mode, sequences=sequences), x_of()
    a, b = two_runs(layer, x)
    if not sequences:
        a, b = a[:, -1], b[:, 0]
    merged = {"concat": np.concatenate([a, b], -1), "sum": a + b, "mul": a * b, "ave": (a + b) / 2}
    found = layer(x)
    assert_close(found, merged[mode], 1e-14)
    assert layer.compute_output_shape(x.shape) == found.shape


@either_output
def test_without_merging_there_are_two(sequences):
    layer, x = make(None, sequences=sequences), x_of()
    a, b = make("concat", sequences=sequences)(x)[..., :5], make(sequences=sequences)(x)[..., 5:]
    for found, expected in zip(layer(x), (a, b), strict=True):
        assert_same_bits(found, np.ascontiguousarray(expected))
    assert layer.compute_output_shape((4, 6, 3)) == (a.shape, b.shape)
    layer.forward(x, training=True)
    d_x = layer.backward((np.ones_like(a), None))
    forward_alone = layer.forward_layer.backward(np.ones_like(a), tape=layer.tape.tapes[0])
    assert_same_bits(d_x - 0, forward_alone)


@each_mode
@either_output
@pytest.mark.parametrize("reset_after", [True, False])
def test_gradients(mode, sequences, reset_after, engine):
    layer = make(mode, sequences=sequences, reset_after=reset_after)
    assert_gradients(layer, x_of())


def test_states_and_their_gradients():
    layer, x = make(return_state=True), x_of()
    rng = np.random.default_rng(3)
    states = [rng.normal(size=(4, 5)), rng.normal(size=(4, 5))]
    output, last, first = layer(x, initial_state=states)
    assert_same_bits(last, np.ascontiguousarray(output[:, -1, :5]))
    assert_same_bits(first, np.ascontiguousarray(output[:, 0, 5:]))
    layer.forward(x, initial_state=states, training=True)
    d_last = rng.normal(size=(4, 5)), rng.normal(size=(4, 5))
    _, d_states = layer.backward(None, d_state=d_last)
    for i in range(2):
        direction = rng.normal(size=(4, 5)) * 1e-6
        moved = [state + direction * (j == i) for j, state in enumerate(states)]
        back = [state - direction * (j == i) for j, state in enumerate(states)]
        losses = [
            sum((s * d).sum() for s, d in zip(layer(x, initial_state=m)[1:], d_last, strict=True))
            for m in (moved, back)
        ]
        expected = (d_states[i] * direction).sum()
        assert (losses[0] - losses[1]) / 2 == pytest.approx(expected, rel=1e-6)


def test_the_backward_layer_may_have_its_own_settings():
    layer = Bidirectional(
        GRU(4, return_sequences=True),
        backward_layer=GRU(6, return_sequences=True, go_backwards=True, use_bias=False),
    )
    assert layer(np.zeros((2, 5, 3))).shape == (2, 5, 10)
    names = [parameter.name for parameter in layer.parameters]
    assert names[3:] == ["backward_kernel", "backward_recurrent_kernel"]
    again = Bidirectional(**layer.get_config())
    again.build((None, None, 3))
    assert [w.shape for w in again.get_weights()] == [w.shape for w in layer.get_weights()]


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize(
    "options", [{}, {"dropout": 0.2, "recurrent_dropout": 0.2, "zoneout": 0.1}], ids=str
)
def test_side_by_side_gives_the_same_bits(threads, options, engine, monkeypatch):
    monkeypatch.setattr("gru_c.layers.bidirectional.SIDE_BY_SIDE_WORK", 0)
    x = np.random.default_rng(0).normal(size=(9, 30, 20)).astype(np.float32)
    found, before = [], get_num_threads()
    for count in (1, threads):
        set_num_threads(count)
        layer = Bidirectional(GRU(40, return_sequences=True, **options), seed=3)
        layer.build((None, None, 20), rng=0)
        output = layer.forward(x, training=True)
        d_x = layer.backward(output, keep_tape=False)
        assert layer.tape is None
        found.append([layer(x), output, d_x, *(p.gradient for p in layer.parameters)])
    set_num_threads(before)
    for a, b in zip(*found, strict=True):
        assert_same_bits(a, b)


def test_an_exception_in_the_other_thread_arrives(monkeypatch):
    monkeypatch.setattr("gru_c.layers.bidirectional.SIDE_BY_SIDE_WORK", 0)
    layer = make()
    layer.backward_layer.forward = lambda *_, **__: 1 / 0
    before = get_num_threads()
    set_num_threads(2)
    with pytest.raises(ZeroDivisionError):
        layer(x_of())
    set_num_threads(before)
    assert layer.forward_layer.num_threads is None


def test_a_model_trains_saves_and_copies(tmp_path):
    x, y = x_of(40).astype(np.float32), np.zeros((40, 1))
    model = Sequential(
        [
            Bidirectional(GRU(4, return_sequences=True, dropout=0.1), input_shape=(6, 3)),
            Bidirectional(GRU(3, kernel_regularizer="l2"), "sum"),
            Dense(1),
        ],
        seed=0,
    )
    model.compile("adam", "mse")
    losses = model.fit(x, y, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0] * 0.8
    model.save(tmp_path / "model.safetensors")
    expected = model.predict(x)
    for other in (load_model(tmp_path / "model.safetensors"), copy.deepcopy(model)):
        assert_same_bits(other.predict(x), expected)
        other.fit(x, y, epochs=1, verbose=0)
        assert not np.array_equal(other.predict(x), expected)
    assert_same_bits(model.predict(x), expected)


def test_torch_computes_the_same():
    torch = pytest.importorskip("torch")
    layer, x = make(), x_of()
    theirs = torch.nn.GRU(3, 5, bidirectional=True, batch_first=True, dtype=torch.float64)

    def of_torch(weight):  # gates z r n, columns -> r z n, rows
        z, r, n = np.split(weight.T, 3)
        return torch.tensor(np.concatenate([r, z, n]))

    weights = layer.get_weights()
    with torch.no_grad():
        for suffix, (W, U, b) in zip(("", "_reverse"), (weights[:3], weights[3:]), strict=True):
            for name, value in (("weight_ih", W), ("weight_hh", U)):
                getattr(theirs, f"{name}_l0{suffix}").copy_(of_torch(value))
            for name, value in (("bias_ih", b[0]), ("bias_hh", b[1])):
                getattr(theirs, f"{name}_l0{suffix}").copy_(of_torch(value))
        expected = theirs(torch.tensor(x))[0].numpy()
    assert_close(layer(x), expected, 1e-14)


@pytest.mark.parametrize(
    ("make_it", "error", "message"),
    [
        (lambda: Bidirectional(Dense(3)), TypeError, "layer of a Bidirectional must be a GRU"),
        (lambda: Bidirectional(GRU(3), "mean"), ValueError, "unknown merge_mode 'mean'"),
        (
            lambda: Bidirectional(GRU(3), backward_layer=GRU(3)),
            ValueError,
            "must go the other way than layer: both have go_backwards=False",
        ),
        (
            lambda: Bidirectional(GRU(3), "sum", GRU(4, go_backwards=True)),
            ValueError,
            "needs as many units in both directions, got 3 and 4",
        ),
        (
            lambda: Bidirectional(
                GRU(3), backward_layer=GRU(3, go_backwards=True, return_sequences=True)
            ),
            ValueError,
            "differ in return_sequences",
        ),
        (lambda: Bidirectional(make().forward_layer), ValueError, "has weights already"),
        (
            lambda: make()(x_of(), initial_state=np.zeros((4, 5))),
            ValueError,
            "initial_state of a Bidirectional must be a pair",
        ),
        (
            lambda: Sequential([Bidirectional(GRU(3), None)]),
            ValueError,
            "merge_mode=None gives two outputs",
        ),
        (
            lambda: Sequential([Bidirectional(GRU(3), input_shape=(4, 2)), GRU(3)]),
            ValueError,
            "give layer 'bidirectional' return_sequences=True",
        ),
    ],
)
def test_what_cannot_be(make_it, error, message):
    with pytest.raises(error, match=message):
        make_it()
