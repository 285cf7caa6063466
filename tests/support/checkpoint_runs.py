"""Runs of `fit` that write checkpoints, and their complete results."""

from contextlib import suppress

import numpy as np

from gru_c import GRU, Bidirectional, Dense, Dropout, Sequential, callbacks, optimizers, schedules

RNG = np.random.default_rng(47)
X = RNG.standard_normal((20, 6, 2)).astype(np.float32)
Y, STEPS = RNG.standard_normal(20), RNG.standard_normal((20, 6, 1))
LISTS = [RNG.standard_normal((n, 2)) for n in RNG.integers(1, 7, 20)]


class Crash(Exception):  # noqa: N818
    """Ends a run."""


def at(batch, action):
    """Return a callback that calls `action` after so many batches of a run."""
    seen = []

    def count(number, logs):
        seen.append(number)
        if len(seen) == batch:
            action()

    return callbacks.LambdaCallback(on_train_batch_end=count)


def crash():
    raise Crash


def dropping(optimizer=None, loss="mse", **options):
    layers = [
        GRU(4, dropout=0.2, recurrent_dropout=0.2, return_sequences=True, input_shape=(None, 2)),
        Dropout(0.3, seed=3),
        Bidirectional(GRU(3, zoneout=0.2, dropout=0.1, **options)),
        Dense(1),
    ]
    model = Sequential(layers, seed=5)
    model.compile(optimizer or optimizers.Adam(0.01, global_clipnorm=1.0), loss, ["mae", "rmse"])
    return model


def stateful():
    model = Sequential(
        [GRU(3, stateful=True, return_sequences=True, input_shape=(6, 2)), Dense(1)], seed=5
    )
    model.compile(optimizers.SGD(schedules.CosineDecay(0.1, 9), momentum=0.9), "mse")
    return model


RUNS = {
    "arrays": (dropping, X, Y, {"validation_split": 0.2}),
    "lists": (dropping, LISTS, Y, {"bucket": True, "seed": 1}),
    "pieces": (stateful, X, STEPS, {"bptt_steps": 4, "shuffle": False, "batch_size": 10}),
    "states": (stateful, X, STEPS, {"shuffle": True, "batch_size": 5}),
}


def train(kind, epochs=2, **options):
    """Return a new model after its training, or after the crash of its run."""
    make, x, y, settings = RUNS[kind]
    model = make()
    with suppress(Crash):
        model.fit(x, y, **{"epochs": epochs, "verbose": 0, "batch_size": 7, **settings, **options})
    return model


def everything(model):
    """Return the results of a run as comparable values, without the padding of the slots."""
    optimizer, parameters = model.optimizer, model.parameters
    slots = [parameters.views(slot) for slot in optimizer.slots.values()]
    arrays = [*model.get_weights(), *(view for views in slots for view in views)]
    arrays += [part.state for layer in model.stateful_layers for part in layer.directions]
    generators = [model.rng, *(layer.rng for layer in model.layers if hasattr(layer, "rng"))]
    return (
        [array.tobytes() for array in arrays],
        [generator.bit_generator.state for generator in generators],
        optimizer.iterations,
        optimizer.learning_rate if isinstance(optimizer.learning_rate, float) else None,
        model.history.history,
        model.history.epoch,
    )
