"""Helpers of several test files: arguments of a GRU, models, comparisons, callbacks."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Input, Sequential, callbacks, optimizers


def random_arguments(
    B, T, I, H, *, dtype=np.float64, reset_after=True, bias=True, initial_state=True, seed=0
):
    """Return arguments of `gru_forward` by name, in its order; None for one that is left out."""
    rng = np.random.default_rng(seed)
    arguments = {
        "x": rng.normal(size=(B, T, I)),
        "kernel": rng.uniform(-1, 1, (I, 3 * H)) / np.sqrt(max(I, 1)),
        "recurrent_kernel": rng.uniform(-1, 1, (H, 3 * H)) * np.sqrt(3 / H),
        "bias": rng.uniform(-0.5, 0.5, (2, 3 * H) if reset_after else 3 * H) if bias else None,
        "initial_state": rng.uniform(-1, 1, (B, H)) if initial_state else None,
    }
    return {
        name: None if array is None else array.astype(dtype) for name, array in arguments.items()
    }


def random_gradients(B, T, H, *, dtype=np.float64, seed=1):
    """Return d_output and d_state."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, T, H)).astype(dtype), rng.normal(size=(B, H)).astype(dtype)


def copies(arguments):
    """Return copies of the arrays among arguments, to check later that they have not changed."""
    return {name: np.array(a) for name, a in arguments.items() if isinstance(a, np.ndarray)}


def assert_same_bits(actual, expected):
    """Assert that arrays have the same dtype, shape and bits, with those of zeros and NaN."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if actual.tobytes() != expected.tobytes():
        np.testing.assert_array_equal(actual, expected)
        raise AssertionError("equal values, but not the same bits: a zero or NaN of other sign")


def assert_all_same_bits(actual, expected):
    """Call `assert_same_bits` for all arrays of a result, such as gradients; tapes are ignored."""
    for name in expected._fields:
        a, b = getattr(actual, name), getattr(expected, name)
        if isinstance(b, np.ndarray):
            assert_same_bits(a, b)
        elif name != "tape":
            assert a is b is None, name


def assert_close(actual, expected, tolerance):
    """Assert that no element differs by more than `tolerance` times the largest one, or times 1."""
    assert actual.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def finite_difference(loss, array, direction, step=1e-6):
    """Return the slope of loss() along `direction`; `array` is changed in place and restored."""
    array += step * direction
    above = loss()
    array -= 2 * step * direction
    below = loss()
    array += step * direction
    return (above - below) / (2 * step)


def assert_gradients(layer, x, call=None):
    """Compare every gradient of the layer and of x with finite differences along random directions.

    A layer that returns None has no gradient of x.
    """
    rng = np.random.default_rng(12)
    call = call or (lambda training=False: layer.forward(x, training=training))
    output = call(training=True)
    d_output = rng.standard_normal(output.shape)
    d_x = layer.backward(d_output)

    def loss():
        return float((call() * d_output).sum())

    pairs = [(p.value, p.gradient.copy()) for p in layer.parameters]
    pairs += [] if d_x is None else [(x, d_x)]
    for array, gradient in pairs:
        direction = rng.standard_normal(array.shape)
        expected = finite_difference(loss, array, direction)
        assert (gradient * direction).sum() == pytest.approx(expected, rel=1e-6, abs=1e-8)


def make_model(*layers, I=5, dtype="float32", seed=0):
    """Return a model of these layers, with biases that are not zero."""
    model = Sequential(dtype=dtype, seed=seed)
    for layer in layers:
        model.add(layer)
    model.build((None, None, I))
    rng = np.random.default_rng(seed + 1)
    model.set_weights([w + rng.normal(size=w.shape) * 0.1 for w in model.get_weights()])
    return model


def small_model(**options):
    """Return a compiled model of two layers, for files; `options` are the GRU's."""
    model = Sequential([Input((None, 4)), GRU(3, name="a", **options), Dense(1, name="b")], seed=0)
    model.compile("adam", "mse")
    return model


def random_numbers(*shape, dtype="float32", seed=3):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def play(stream, x):
    """Return the outputs (B, T, n) of all time steps of x (B, T, I)."""
    return np.stack([stream.step(x[:, t]) for t in range(x.shape[1])], axis=1)


# ---- callbacks ----------------------------------------------------------------------------------


def recorder(base=callbacks.Callback):
    """Return a callback that records every call in `calls`: hook, number if any, logs."""

    class Recorder(base):
        def __init__(self):
            super().__init__()
            self.calls = []

        def __getattribute__(self, name):
            if name.startswith("on_") and "batch" not in name.split("_")[1]:
                return lambda *arguments, **logs: self.calls.append(
                    (name, *(a for a in arguments if isinstance(a, int)), _logs(arguments, logs))
                )
            return super().__getattribute__(name)

    return Recorder()


def _logs(arguments, options):
    logs = options.get("logs", arguments[-1] if arguments else None)
    return dict(logs) if isinstance(logs, dict) else {}


class Feeder:
    """A stand-in for a model in training with made-up logs; its weights are the epoch's number."""

    def __init__(self, rate=0.1, metrics=(), save=None):
        self.metrics = list(metrics)
        self.save = save
        self.stop_training = False
        self.optimizer = optimizers.SGD(rate)
        self.epoch = self.restored = None

    def get_weights(self):
        return [np.full(1, self.epoch)]

    def set_weights(self, weights):
        self.restored = int(weights[0][0])


def feed(callback, values, name="loss", **options):
    """Run epochs with these logged values until the callback stops; return model and rates."""
    model, rates = Feeder(**options), []
    callback.set_model(model)
    callback.on_train_begin({})
    for model.epoch, value in enumerate(values):
        callback.on_epoch_begin(model.epoch, {})
        callback.on_epoch_end(model.epoch, {name: value})
        rates.append(model.optimizer.learning_rate)
        if model.stop_training:
            break
    callback.on_train_end({})
    return model, rates
