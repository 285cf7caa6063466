"""What several test files need: arguments for a GRU, models to stream, logs, comparisons."""

import numpy as np
import pytest

from gru_c import GRU, Dense, Input, Sequential, callbacks, optimizers


def random_arguments(
    B, T, I, H, *, dtype=np.float64, reset_after=True, bias=True, initial_state=True, seed=0
):
    """Arguments of `gru_forward` by name, in its order; None for what is not wanted."""
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
    """d_output and d_state."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(B, T, H)).astype(dtype), rng.normal(size=(B, H)).astype(dtype)


def copies(arguments):
    """Copies of the arrays among arguments, to see later that they were not changed."""
    return {name: np.array(a) for name, a in arguments.items() if isinstance(a, np.ndarray)}


def assert_same_bits(actual, expected):
    """Equal in dtype, shape and every bit, signs of zeros and NaN included."""
    assert actual.dtype == expected.dtype
    assert actual.shape == expected.shape
    if actual.tobytes() != expected.tobytes():
        np.testing.assert_array_equal(actual, expected)
        raise AssertionError("equal values, but not the same bits: a zero or NaN of other sign")


def assert_all_same_bits(actual, expected):
    """`assert_same_bits` for results with several arrays: GRUForward (without tape), gradients."""
    for name in expected._fields:
        a, b = getattr(actual, name), getattr(expected, name)
        if isinstance(b, np.ndarray):
            assert_same_bits(a, b)
        elif name != "tape":
            assert a is b is None, name


def assert_close(actual, expected, tolerance):
    """No element is further off than `tolerance` times the largest one, or times 1."""
    assert actual.shape == expected.shape
    scale = max(1.0, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * scale)


def finite_difference(loss, array, direction, step=1e-6):
    """Slope of loss() when `array` moves along `direction`, in place and back again."""
    array += step * direction
    above = loss()
    array -= 2 * step * direction
    below = loss()
    array += step * direction
    return (above - below) / (2 * step)


def assert_gradients(layer, x, call=None):
    """Every gradient of the layer and of x against finite differences, along random directions.

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
    """Model of these layers, with biases that are not zero."""
    model = Sequential(dtype=dtype, seed=seed)
    for layer in layers:
        model.add(layer)
    model.build((None, None, I))
    rng = np.random.default_rng(seed + 1)
    model.set_weights([w + rng.normal(size=w.shape) * 0.1 for w in model.get_weights()])
    return model


def small_model(**options):
    """Compiled model of two layers, for files; `options` are the GRU's."""
    model = Sequential([Input((None, 4)), GRU(3, name="a", **options), Dense(1, name="b")], seed=0)
    model.compile("adam", "mse")
    return model


def random_numbers(*shape, dtype="float32", seed=3):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def play(stream, x):
    """Outputs of all steps of x (B, T, I): (B, T, n)."""
    return np.stack([stream.step(x[:, t]) for t in range(x.shape[1])], axis=1)


# ---- callbacks ----------------------------------------------------------------------------------


def recorder(base=callbacks.Callback):
    """A callback that keeps every call in `calls`: hook, number if any, logs."""

    class Recorder(base):
        def __init__(self):
            super().__init__()
            self.calls = []

        def __getattribute__(self, name):
            if name.startswith("on_") and "batch" not in name.split("_")[1]:
                return lambda *given, **logs: self.calls.append(
                    (name, *(g for g in given if isinstance(g, int)), _logs(given, logs))
                )
            return super().__getattribute__(name)

    return Recorder()


def _logs(given, logs):
    found = logs.get("logs", given[-1] if given else None)
    return dict(found) if isinstance(found, dict) else {}


class Feeder:
    """What stands for a model where the logs are made up; its weights are the epoch's number."""

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
    """Logs with a value for every epoch, until the callback ends the run; the model, the rates."""
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
