"""Every pair of documented arguments of a model's methods: right, or refused by name."""

import inspect
from itertools import product

import numpy as np
import pytest
import specification

import gru_c
from gru_c import GRU, Dense, Sequential, callbacks, optimizers

N, T, I, H = 8, 4, 2, 3
RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(N, T, I)), RNG.integers(0, 2, (N, 1)).astype(float)
LENGTHS = np.array([4, 1, 2, 3, 4, 2, 1, 4])
WEIGHTS = RNG.uniform(0.5, 1, N)
CLASSES = {0: 0.5, 1: 2.0}
RATE = 0.1

# Values of each argument that are not its default; the data are there always.
PREDICT = {
    "batch_size": [3],
    "verbose": [0, 1, 2],
    "steps": [2],
    "callbacks": [[]],
    "lengths": [LENGTHS],
    "bucket": [True],
}
EVALUATE = {
    "batch_size": [3],
    "verbose": [0, 1, 2],
    "sample_weight": [WEIGHTS],
    "steps": [2],
    "callbacks": [[]],
    "return_dict": [True],
    "lengths": [LENGTHS],
}
ON_BATCH = {
    "sample_weight": [WEIGHTS],
    "class_weight": [CLASSES],
    "return_dict": [True],
    "lengths": [LENGTHS],
}
FIT = {
    "batch_size": [3],
    "epochs": [3],
    "verbose": [0, 2],
    "callbacks": [[callbacks.EarlyStopping("loss", patience=9)]],
    "validation_split": [0.25],
    "validation_data": [(X[:5], Y[:5]), (X[:5], Y[:5], WEIGHTS[:5])],
    "shuffle": [False],
    "class_weight": [CLASSES],
    "sample_weight": [WEIGHTS],
    "initial_epoch": [1],
    "steps_per_epoch": [3],
    "validation_steps": [2],
    "validation_batch_size": [2],
    "validation_freq": [2, [1]],
    "lengths": [LENGTHS],
    "bucket": [True],
    "bptt_steps": [2],
    "seed": [5],
    "checkpoint": ["run.safetensors"],
    "checkpoint_interval": [0],
    "resume": [True],
}


def names_of(function):
    return set(inspect.signature(function).parameters) - {"self", "x", "y", "distribution"}


def model():
    made = Sequential([GRU(H, input_shape=(T, I)), Dense(1)], seed=1, dtype="float64")
    made.compile(optimizers.SGD(RATE), "mse", metrics=["mae"])
    return made


def pairs(values):
    """Yield every pair of arguments with each of its values, and each argument alone."""
    names = list(values)
    for i, first in enumerate(names):
        for second in names[i:]:
            for chosen in product(values[first], values[second]):
                yield dict(zip((first, second), chosen, strict=True))


def outputs_of(weights, x, lengths=None):
    """Return the outputs by the specification."""
    W, U, b, kernel, bias = weights
    mask = np.arange(T) < (np.full(len(x), T) if lengths is None else lengths)[:, None]
    return specification.gru(x, W, U, b, mask=mask)[1] @ kernel + bias


def mean_loss(weights, x, y, lengths=None, sample_weight=1.0):
    error = ((outputs_of(weights, x, lengths) - y) ** 2).mean(1)
    return (error * sample_weight).mean()


def run(call, options):
    """Return the result of a call, or None if it was refused.

    The message must name both arguments, or be that for one of them without the other.
    """
    try:
        return call(options)
    except (ValueError, TypeError) as error:
        message = str(error)
    named = {name: value for name, value in options.items() if name in message}
    assert named, f"{options} gave {message!r}"
    if len(named) < len(options):
        with pytest.raises((ValueError, TypeError)) as alone:
            call(named)
        assert str(alone.value) == message, options
    return None


def taken(options):
    """Return the number of samples that so many batches have."""
    return (
        options["steps"] * options["batch_size"] if {"steps", "batch_size"} <= set(options) else N
    )


def test_every_pair_of_arguments_of_predict():
    layers = model()
    assert names_of(layers.predict) == set(PREDICT)
    for options in pairs(PREDICT):
        result = run(lambda more: layers.predict(X, **more), options)
        if result is not None:
            expected = outputs_of(layers.get_weights(), X, options.get("lengths"))
            expected = expected[: taken(options)]
            np.testing.assert_allclose(result, expected, 0, 1e-12, err_msg=str(options))


@pytest.mark.parametrize("method", ["evaluate", "test_on_batch"])
def test_every_pair_of_arguments_of_evaluate(method):
    layers, values = model(), EVALUATE
    call = getattr(layers, method)
    if method == "test_on_batch":
        values = {name: ON_BATCH[name] for name in ON_BATCH if name != "class_weight"}
    assert names_of(call) == set(values)
    quiet = {"verbose": 0} if method == "evaluate" else {}
    for options in pairs(values):
        result = run(lambda more: call(X, Y, **{**quiet, **more}), options)
        if result is not None:
            count, weight = taken(options), options.get("sample_weight", np.ones(N))
            lengths = options.get("lengths", np.full(N, T))[:count]
            weights = layers.get_weights()
            expected = mean_loss(weights, X[:count], Y[:count], lengths, weight[:count])
            loss = result["loss"] if "return_dict" in options else result[0]
            np.testing.assert_allclose(loss, expected, 1e-9, err_msg=str(options))


def stepped(weights, x, y, lengths, sample_weight):
    """Return the weights after a step of gradient descent, by differences of the specification."""
    after = []
    for place, weight in enumerate(weights):
        gradient = np.empty_like(weight)
        for index in np.ndindex(weight.shape):
            losses = []
            for step in (1e-6, -1e-6):
                moved = weight.copy()
                moved[index] += step
                changed = [*weights[:place], moved, *weights[place + 1 :]]
                losses.append(mean_loss(changed, x, y, lengths, sample_weight))
            gradient[index] = (losses[0] - losses[1]) / 2e-6
        after.append(weight - RATE * gradient)
    return after


def sample_weights(options):
    if "class_weight" in options:
        return np.where(Y[:, 0] == 1, CLASSES[1], CLASSES[0])
    return options.get("sample_weight", np.ones(N))


def test_every_pair_of_arguments_of_train_on_batch():
    assert names_of(model().train_on_batch) == set(ON_BATCH)
    for options in pairs(ON_BATCH):
        layers = model()
        before = layers.get_weights()
        result = run(lambda more, m=layers: m.train_on_batch(X, Y, **more), options)
        if result is not None:
            lengths = options.get("lengths")
            expected = stepped(before, X, Y, lengths, sample_weights(options))
            for a, b in zip(layers.get_weights(), expected, strict=True):
                np.testing.assert_allclose(a, b, 0, 1e-8, err_msg=str(options))


def trained_by_batches(options):
    """Return the weights after the steps of `fit` without shuffling, one by one."""
    layers, count = model(), N
    count = 6 if "validation_split" in options and "validation_data" not in options else N
    size = options.get("batch_size", 32)
    if "steps_per_epoch" in options and "batch_size" not in options:
        size = -(-count // options["steps_per_epoch"])
    weight, lengths = sample_weights(options)[:count], options.get("lengths")
    for _ in range(options.get("initial_epoch", 0), options.get("epochs", 1)):
        for first in range(0, count, size):
            part = slice(first, min(first + size, count))
            of_part = {} if lengths is None else {"lengths": lengths[part]}
            layers.train_on_batch(X[part], Y[part], sample_weight=weight[part], **of_part)
    return layers.get_weights()


def test_every_pair_of_arguments_of_fit(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert names_of(model().fit) == set(FIT)
    accepted, quiet = 0, {"verbose": 0, "shuffle": False}
    for options in pairs(FIT):
        layers = model()
        for file in tmp_path.iterdir():
            file.unlink()
        history = run(lambda more, m=layers: m.fit(X, Y, **{**quiet, **more}), options)
        if history is None:
            continue
        accepted += 1
        epochs = range(options.get("initial_epoch", 0), options.get("epochs", 1))
        assert history.epoch == [*epochs], options
        if "bptt_steps" in options or ("bucket" in options and "batch_size" in options):
            assert all(np.isfinite(weight).all() for weight in layers.get_weights())
            continue
        for a, b in zip(layers.get_weights(), trained_by_batches(options), strict=True):
            np.testing.assert_allclose(a, b, 0, 1e-12, err_msg=str(options))
    assert accepted > 150


def test_every_pair_of_arguments_of_files(tmp_path):
    values = {
        "custom_objects": [{}],
        "compile": [False],
        "safe_mode": [False],
        "verify": [True, False],
    }
    assert names_of(gru_c.load_model) - {"filepath"} == set(values)
    predictors = {
        "weights": ["float64", "bfloat16"],
        "mmap": [True],
        "custom_objects": [{}],
        "verify": [True, False],
    }
    assert names_of(gru_c.load_predictor) - {"path"} == set(predictors)
    path, layers = tmp_path / "model.safetensors", model()
    for saving in pairs({"overwrite": [True], "include_optimizer": [True, False]}):
        layers.save(path, **saving)
        for options in pairs(values):
            again = gru_c.load_model(path, **options)
            assert (again.optimizer is None) == ("compile" in options)
            np.testing.assert_array_equal(again.predict(X, verbose=0), layers(X))
    for options in pairs(predictors):
        predictor = run(lambda more: gru_c.load_predictor(path, **more), options)
        if predictor is not None:
            np.testing.assert_array_equal(predictor(X), layers(X))
