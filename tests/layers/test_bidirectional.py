"""A GRU in both directions: merging, states, weights, threads."""

import copy
import threading
import time

import numpy as np
import pytest
from tools import assert_close, assert_gradients, assert_same_bits

from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Sequential,
    get_num_threads,
    load_model,
    set_num_threads,
)
from gru_c.recurrence.side_by_side import side_by_side
from gru_c.runtime import threads

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
    """Return the outputs of the two directions alone, in the order of time."""
    outputs = []
    for start, reverse in ((0, False), (3, True)):
        direction = GRU(5, return_sequences=True, dtype="float64")
        direction.build((None, None, 3))
        direction.set_weights(layer.get_weights()[start : start + 3])
        steps = direction(x[:, ::-1] if reverse else x)
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
    output = layer(x)
    assert_close(output, merged[mode], 1e-14)
    assert layer.compute_output_shape(x.shape) == output.shape


@either_output
def test_without_merging_there_are_two(sequences):
    layer, x = make(None, sequences=sequences), x_of()
    a, b = make("concat", sequences=sequences)(x)[..., :5], make(sequences=sequences)(x)[..., 5:]
    for output, expected in zip(layer(x), (a, b), strict=True):
        assert_same_bits(output, np.ascontiguousarray(expected))
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


@either_output
@each_mode
def test_time_major_layers_agree_with_batch_major_ones(mode, sequences, engine):
    layer, plain = make(mode, sequences=sequences, time_major=True), make(mode, sequences=sequences)
    x = np.ascontiguousarray(x_of().swapaxes(0, 1))
    expected, actual = plain.forward(x_of(), training=True), layer.forward(x, training=True)
    assert all(np.shares_memory(tape.x, x) for tape, *_ in layer.tape.tapes)
    assert layer.compute_output_shape(x.shape) == actual.shape
    d_expected, d_x = plain.backward(expected), layer.backward(actual)
    for a, b in ((actual, expected), (d_x, d_expected)):
        assert_close(a, b.swapaxes(0, 1) if b.ndim == 3 else b, 1e-15)
    for a, b in zip(layer.parameters, plain.parameters, strict=True):
        assert_close(a.gradient, b.gradient, 1e-15)


def test_with_checkpoints(engine):
    x = np.random.default_rng(0).normal(size=(40, 60, 3))
    results = []
    for every in (None, 8):
        layer = make(units=20, checkpoint_every=every)
        output = layer.forward(x, training=True)
        results.append([output, layer.backward(output), *(p.gradient for p in layer.parameters)])
    for a, b in zip(*results, strict=True):
        assert_close(a, b, 1e-12)


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
    monkeypatch.setattr("gru_c.recurrence.side_by_side.SIDE_BY_SIDE_WORK", 0)
    monkeypatch.setattr("gru_c.recurrence.side_by_side.side_by_side", spy := Spy(side_by_side))
    x = np.random.default_rng(0).normal(size=(9, 30, 20)).astype(np.float32)
    results, before = [], get_num_threads()
    for count in (1, threads):
        set_num_threads(count)
        layer = Bidirectional(GRU(40, return_sequences=True, **options), seed=3)
        layer.build((None, None, 20), rng=0)
        output = layer.forward(x, training=True)
        d_x = layer.backward(output, keep_tape=False)
        assert layer.tape is None
        results.append([layer(x), output, d_x, *(p.gradient for p in layer.parameters)])
    set_num_threads(before)
    assert spy.calls == 3  # with more than one thread
    for a, b in zip(*results, strict=True):
        assert_same_bits(a, b)


@pytest.mark.parametrize(
    ("sizes", "pays"),
    [
        ((1, 800, 128), True),
        ((8, 500, 64), True),
        ((1, 100, 128), False),  # too short for another thread
        ((1, 800, 256), False),  # units for two threads
        ((32, 1000, 20), False),  # rows for two threads
    ],
    ids=str,
)
def test_side_by_side_where_one_direction_leaves_a_thread_idle(sizes, pays, monkeypatch):
    B, T, H = sizes
    monkeypatch.setattr("gru_c.recurrence.side_by_side.side_by_side", spy := Spy(side_by_side))
    before = get_num_threads()
    set_num_threads(2)
    Bidirectional(GRU(H))(np.zeros((B, T, 3)))
    set_num_threads(before)
    assert spy.calls == pays


class Spy:
    """A function that counts its calls."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *arguments):
        self.calls += 1
        return self.function(*arguments)


def test_the_caller_does_what_no_thread_has_begun(monkeypatch):
    monkeypatch.setattr("_thread.start_new_thread", lambda *_: None)
    assert side_by_side(lambda i: (i, threading.get_ident())) == [
        (i, threading.get_ident()) for i in range(2)
    ]


def test_the_caller_does_both_where_there_are_no_more_threads(monkeypatch):
    def full(*_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("_thread.start_new_thread", full)
    assert side_by_side(lambda i: i) == [0, 1]


def test_a_late_thread_does_nothing(monkeypatch):
    late = []
    monkeypatch.setattr("_thread.start_new_thread", lambda function, _: late.append(function))
    done = []
    side_by_side(done.append)
    late[0]()
    assert done == [0, 1]


def test_two_threads_do_one_each():
    barrier = threading.Barrier(2, timeout=60)

    def run(i):
        barrier.wait()
        return i, threading.get_ident()

    (first, caller), (second, other) = side_by_side(run)
    assert (first, second) == (0, 1)
    assert caller == threading.get_ident() != other


def test_an_exception_of_the_caller_waits_for_the_other_thread():
    begun, ended = threading.Event(), []

    def run(i):
        if i == 0:
            assert begun.wait(60)
            raise KeyError("mine")
        begun.set()
        time.sleep(0.05)
        ended.append(i)

    with pytest.raises(KeyError, match="mine"):
        side_by_side(run)
    assert ended == [1]


def test_an_exception_in_the_other_thread_arrives(monkeypatch):
    monkeypatch.setattr("gru_c.recurrence.side_by_side.SIDE_BY_SIDE_WORK", 0)
    layer = make()
    layer.backward_layer.forward = lambda *_, **__: 1 / 0
    before = get_num_threads()
    set_num_threads(2)
    with pytest.raises(ZeroDivisionError):
        layer(x_of())
    assert not threads._of_python_threads
    set_num_threads(before)


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


def of_torch(weight):
    """Return a weight in PyTorch's form: gates r, z, n, as rows."""
    z, r, n = np.split(weight.T, 3)
    return np.concatenate([r, z, n])


def test_torch_computes_the_same():
    torch = pytest.importorskip("torch")
    layer, x = make(return_state=True), x_of()
    theirs = torch.nn.GRU(3, 5, bidirectional=True, batch_first=True, dtype=torch.float64)
    parameters = dict(theirs.named_parameters())
    names = [
        (f"{name}_l0{suffix}", index)
        for suffix, first in (("", 0), ("_reverse", 3))
        for name, index in zip(
            ("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
            (first, first + 1, (first + 2, 0), (first + 2, 1)),
            strict=True,
        )
    ]

    def pick(arrays, index):
        return of_torch(arrays[index[0]][index[1]] if isinstance(index, tuple) else arrays[index])

    weights = layer.get_weights()
    with torch.no_grad():
        for name, index in names:
            parameters[name].copy_(torch.tensor(pick(weights, index)))
    rng = np.random.default_rng(5)
    states = rng.normal(size=(2, 4, 5))
    d_output, d_states = rng.normal(size=(4, 6, 10)), rng.normal(size=(2, 4, 5))
    x_torch, states_torch = torch.tensor(x), torch.tensor(states)
    for tensor in (x_torch, states_torch):
        tensor.requires_grad_()
    output, last = theirs(x_torch, states_torch)
    torch.autograd.backward([output, last], [torch.tensor(d_output), torch.tensor(d_states)])

    results = layer.forward(x, initial_state=list(states), training=True)
    expected = (output, *last)
    for a, b in zip(results, expected, strict=True):
        assert_close(a, b.detach().numpy(), 1e-14)
    d_x, d_initial = layer.backward(d_output, d_state=list(d_states))
    assert_close(d_x, x_torch.grad.numpy(), 1e-13)
    assert_close(np.stack(d_initial), states_torch.grad.numpy(), 1e-13)
    gradients = [parameter.gradient for parameter in layer.parameters]
    for name, index in names:
        assert_close(pick(gradients, index), parameters[name].grad.numpy(), 1e-13)


@pytest.mark.parametrize(
    ("make_it", "error", "message"),
    [
        (lambda: Bidirectional(Dense(3)), TypeError, "Bidirectional must be a recurrent layer"),
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
            lambda: Sequential([Bidirectional(GRU(3, time_major=True))]),
            ValueError,
            "time_major=True is not for a Sequential",
        ),
        (
            lambda: Bidirectional(
                GRU(3), backward_layer=GRU(3, go_backwards=True, time_major=True)
            ),
            ValueError,
            "differ in time_major",
        ),
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
def test_invalid_settings_are_refused(make_it, error, message):
    with pytest.raises(error, match=message):
        make_it()
