"""Signals during a long call of the core: their handlers run, and an exception ends the call."""

import signal
import threading
import time

import numpy as np
import pytest

from gru_c import GRU, Dense, Sequential, gru_backward, gru_forward
from gru_c._core import ENGINES
from gru_c.recurrence import passes
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.weights import Weights
from gru_c.runtime.threads import use_threads

pytestmark = pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="needs timers that send signals"
)

RNG = np.random.default_rng(5)
B, T, I, H = 16, 30, 8, 256


class Stop(Exception):  # noqa: N818 (as KeyboardInterrupt)
    pass


def numbers(*shape):
    return (RNG.standard_normal(shape) * 0.1).astype(np.float32)


X, W, U = numbers(B, T, I), numbers(I, 3 * H), numbers(H, 3 * H)


def longer(x, times=200):
    """Return a view of an array with so many times the time steps, for calls that take long."""
    return np.lib.stride_tricks.as_strided(x, (B, times * T, I), (x.strides[0], 0, x.strides[2]))


@pytest.fixture
def signals():
    """Return a function that lets a signal arrive in a moment, and runs a handler there."""
    before = signal.getsignal(signal.SIGALRM)

    def send(handler, after=0.02):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, after)

    yield send
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def stop(*_):
    raise Stop


def model():
    made = Sequential([GRU(H, input_shape=(None, I)), Dense(1)], seed=1)
    made.compile("sgd", "mse")
    return made


# Sizes of which each takes another way through the core, and long enough to be stopped.
SIZES = {"gang": (4, 3000, 8, 1024), "lanes": (64, 2000, 2000, 64), "relay": (64, 250, 8, 1024)}


def random_pass(B, T, I, H):
    """Return an input, whose time steps are all the same memory, weights and an output of NaN."""
    x = np.lib.stride_tricks.as_strided(numbers(B, 1, I), (B, T, I), (4 * I, 0, 4))
    weights = Weights(numbers(I, 3 * H), numbers(H, 3 * H), None)
    return x, weights, np.full((B, T, H), np.nan, np.float32)


@pytest.mark.parametrize("engine", ["packed", "blas"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("size", SIZES)
def test_a_forward_pass_ends_before_its_last_step(signals, engine, threads, size):
    x, weights, output = random_pass(*SIZES[size])
    options = PassOptions(Cell(), engine=ENGINES[engine], num_threads=threads)
    signals(stop)
    with pytest.raises(Stop):
        passes.run(x, weights, None, output, options)
    assert np.isnan(output[:, -1]).any()


@pytest.mark.parametrize("engine", ["packed", "blas"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_backward_pass_ends_before_its_last_gradients(signals, engine, threads):
    x, weights, _ = random_pass(8, 300, 8, 1024)
    options = PassOptions(Cell(), training=True, engine=ENGINES[engine], num_threads=threads)
    _, tape = passes.run(x, weights, None, None, options)
    d_x, gradients = np.full(x.shape, np.nan, np.float32), weights.empty_gradients()
    gradients.x = d_x
    signals(stop)
    with pytest.raises(Stop):
        tape.backward(None, numbers(8, 1024), gradients)
    assert np.isnan(d_x[:, 0]).any()


CALLS = {
    "forward": lambda x: gru_forward(x, W, U),
    "training": lambda x: gru_forward(x, W, U, training=True),
    "lengths": lambda x: gru_forward(x, W, U, lengths=np.arange(B) + 190 * T),
    "pieces": lambda x: gru_forward(x, W, U, training=True, checkpoint_every="auto"),
    "predict": lambda x: model().predict(np.ascontiguousarray(x), verbose=0),
    "frozen": lambda x: model().freeze()(np.ascontiguousarray(x)),
    "train_on_batch": lambda x: model().train_on_batch(x, np.zeros((B, 1))),
    "fit": lambda x: model().fit(x, np.zeros((B, 1)), verbose=0),
}


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", CALLS)
def test_an_exception_of_a_handler_ends_a_long_call(signals, threads, name):
    expected = gru_forward(X, W, U).output
    with use_threads(threads):
        signals(stop)
        with pytest.raises(Stop):
            CALLS[name](longer(X))
        np.testing.assert_array_equal(gru_forward(X, W, U).output, expected)


@pytest.mark.parametrize("engine", ["packed", "blas"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_backward_pass_that_was_stopped_can_be_run_again(signals, engine, threads):
    options = {"training": True, "engine": engine, "num_threads": threads}
    tape = gru_forward(numbers(B, 10 * T, I), W, U, **options).tape
    d_state = numbers(B, H)
    expected = gru_backward(tape, None, d_state)
    signals(stop)
    with pytest.raises(Stop):
        [gru_backward(tape, None, d_state) for _ in range(100)]
    for a, b in zip(gru_backward(tape, None, d_state), expected, strict=True):
        assert (a is b is None) or np.array_equal(a, b)


def test_weights_stay_as_they_are_when_a_step_is_stopped(signals):
    layers, y = model(), np.zeros((B, 1))
    before = [weight.copy() for weight in layers.get_weights()]
    signals(stop)
    with pytest.raises(Stop):
        layers.train_on_batch(longer(X), y)
    for a, b in zip(before, layers.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    again = model()
    for a in (layers, again):
        a.train_on_batch(X, y)
    for a, b in zip(layers.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_handler_may_use_the_core_and_the_call_goes_on(signals):
    results, expected = [], gru_forward(X, W, U).output

    def handler(*_):
        results.append((threading.get_ident(), gru_forward(X, W, U).output))

    signals(handler)
    whole = gru_forward(longer(X, 40), W, U)
    assert results[0][0] == threading.get_ident()
    np.testing.assert_array_equal(results[0][1], expected)
    np.testing.assert_array_equal(
        whole.output[:, :5], gru_forward(longer(X, 40), W, U).output[:, :5]
    )


def test_calls_of_other_python_threads_go_on(signals):
    """Only the main thread's call ends: handlers run there."""
    results = []
    thread = threading.Thread(target=lambda: results.append(gru_forward(longer(X, 40), W, U)))
    expected = gru_forward(longer(X, 40), W, U).output
    signals(stop, after=0.05)
    thread.start()
    with pytest.raises(Stop):
        time.sleep(60)
    thread.join()
    np.testing.assert_array_equal(results[0].output, expected)
