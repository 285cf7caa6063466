"""Programs for mpi_programs.py: training in several processes, and in one to compare."""

import os
import zlib

import numpy as np

from gru_c import (
    GRU,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    LayerNormalization,
    Sequential,
    callbacks,
    get_num_threads,
    metrics,
    optimizers,
)

SAMPLES = 53


def arrays(samples=SAMPLES, steps=6):
    rng = np.random.default_rng(5)
    X = rng.standard_normal((samples, steps, 3))
    return X, X[:, -1, :1] * 0.5 + 0.1 * rng.standard_normal((samples, 1))


def model_of(*layers, dtype="float64", seed=0, optimizer="adam", loss="mse", names=("mae",)):
    model = Sequential(list(layers), seed=seed, dtype=dtype)
    model.compile(optimizer, loss, metrics=list(names))
    return model


def weights_of(model):
    return zlib.crc32(b"".join(weight.tobytes() for weight in model.get_weights()))


# ---- cases with the losses of one process ---------------------------------------------


def plain():
    X, y = arrays()
    return model_of(GRU(7, input_shape=(6, 3), return_sequences=True), GRU(5), Dense(1)), (X, y), {}


def validated():
    X, y = arrays()
    model = model_of(
        GRU(7, input_shape=(6, 3)), Dense(1), names=["mae", metrics.RootMeanSquaredError()]
    )
    return model, (X, y), {"validation_split": 0.3, "sample_weight": np.linspace(0.2, 2, SAMPLES)}


def lists():
    rng = np.random.default_rng(1)
    X = [rng.standard_normal((length, 3)) for length in rng.integers(1, 9, SAMPLES)]
    y = [x[:, :1] * 0.5 for x in X]
    model = model_of(Bidirectional(GRU(4, return_sequences=True), input_shape=(None, 3)), Dense(1))
    return model, (X, y), {"bucket": True, "validation_data": (X[:9], y[:9])}


def words():
    rng = np.random.default_rng(2)
    X = rng.integers(0, 11, (SAMPLES, 6))
    y = X[:, -1] % 3
    model = model_of(
        Embedding(11, 4, mask_zero=True),
        GRU(5),
        Dense(3, activation="softmax"),
        loss="sparse_categorical_crossentropy",
        names=["accuracy"],
    )
    return model, (X, y), {"lengths": rng.integers(1, 7, SAMPLES)}


def penalised():
    X, y = arrays()
    layer = GRU(7, input_shape=(6, 3), kernel_regularizer="l2", recurrent_constraint="max_norm")
    model = model_of(
        layer, LayerNormalization(), Dense(1), optimizer=optimizers.SGD(0.1, global_clipnorm=0.5)
    )
    return model, (X, y), {}


def truncated():
    X, _ = arrays()
    model = model_of(GRU(5, input_shape=(6, 3), return_sequences=True), Dense(1))
    return model, (X, X[:, :, :1]), {"bptt_steps": 4}


def stateful():
    X, y = arrays(48)
    return model_of(GRU(5, input_shape=(6, 3), stateful=True), Dense(1)), (X, y), {"shuffle": False}


def source():
    X, y = arrays()
    batches = [(X[i : i + 11], y[i : i + 11]) for i in range(0, SAMPLES, 11)]
    return model_of(GRU(5, input_shape=(6, 3)), Dense(1)), (batches,), {"batch_size": None}


def frozen():
    """Freeze layers below, between and above the trained ones."""
    X, y = arrays()
    both = Bidirectional(GRU(3, return_sequences=True, kernel_regularizer="l2"))
    both.backward_layer.trainable = False
    model = model_of(
        GRU(7, input_shape=(6, 3), return_sequences=True, trainable=False),
        both,
        LayerNormalization(trainable=False),
        GRU(5),
        Dense(1, trainable=False),
        optimizer=optimizers.Adam(0.01, global_clipnorm=0.5),
    )
    return model, (X, y), {"validation_split": 0.2}


CASES = {
    case.__name__: case
    for case in (plain, validated, lists, words, penalised, truncated, stateful, source, frozen)
}


def fit_case(name, distribution=None):
    model, data, settings = CASES[name]()
    arguments = {"batch_size": 12, "epochs": 3, "verbose": 0, **settings}
    history = model.fit(*data, distribution=distribution, **arguments)
    return {"history": history.history, "weights": model.get_weights()}


def same_losses(distribution, overlap=False):
    from gru_c.distributed import DataParallel, gradient_message

    gradient_message._LEAST_PIECE = 1  # so that each layer is a piece
    parallel = DataParallel(auto_shard_dataset=True, overlap=overlap == "overlap")
    return {name: fit_case(name, parallel) for name in CASES}


# ---- shards -------------------------------------------------------------------------------------


def shards(parallel, dtype="float64", dropout="0"):
    """Train on shards; those of equal size, in order, make the batches of one process."""
    X, y = arrays(48)
    mine = slice(parallel.rank, None, parallel.size)
    # Each rank has other weights at first: those of rank 0 are copied to all.
    model = model_of(
        GRU(40, input_shape=(6, 3), return_sequences=True, recurrent_dropout=float(dropout)),
        Dropout(float(dropout)),
        GRU(40),
        Dense(1),
        dtype=dtype,
        seed=parallel.rank + 3,
    )
    shuffle = float(dropout) > 0
    history = model.fit(X[mine], y[mine], 12, 3, 0, shuffle=shuffle, distribution=parallel)
    evaluated = model.evaluate(X[mine], y[mine], 12, 0, distribution=parallel)
    return {"history": history.history, "weights": model.get_weights(), "evaluated": evaluated}


def normalized(parallel, overlap=False):
    """Train with moving statistics, which each process updates with its part of the batch."""
    from gru_c.distributed import DataParallel

    X, y = arrays(48)
    whole = DataParallel(auto_shard_dataset=True, overlap=overlap == "overlap")
    model = model_of(
        BatchNormalization(momentum=0.5, input_shape=(6, 3)),
        GRU(5, return_sequences=True),
        BatchNormalization(trainable=False, moving_mean_initializer="ones"),
        GRU(5),
        Dense(1),
    )
    whole = whole if parallel.size > 1 else None
    history = model.fit(X, y, 12, 3, 0, shuffle=False, distribution=whole)
    return {"history": history.history, "weights": model.get_weights()}


def uneven(parallel):
    """Train on shards of which the last has no samples, and the one before it has one."""
    X, y = arrays(48)
    counts = [48 - 1, *[0] * (parallel.size - 2), 1][: parallel.size]
    counts = [*counts[:1], counts[-1], *counts[1:-1]]
    first = sum(counts[: parallel.rank])
    mine = slice(first, first + counts[parallel.rank])
    model = model_of(GRU(4, input_shape=(6, 3)), Dense(1))
    history = model.fit(X[mine], y[mine], 12, 2, 0, shuffle=False, distribution=parallel)
    return {"history": history.history, "weights": model.get_weights()}


def uneven_sources(parallel):
    """Train on sources, of which rank 0's has one batch more than each of the others."""
    X, y = arrays(48)
    mine = [(X[i : i + 4], y[i : i + 4]) for i in range(4 * parallel.rank, 24, 4 * parallel.size)]

    class Batches:
        def __iter__(self):
            return iter([*mine, *([(X[24:29], y[24:29])] if parallel.rank == 0 else [])])

    model = model_of(GRU(4, input_shape=(6, 3)), Dense(1))
    history = model.fit(Batches(), epochs=2, verbose=0, distribution=parallel)
    return {"history": history.history, "weights": model.get_weights()}


# ---- callbacks, output, threads -----------------------------------------------------------------


class SlowClock(callbacks.Callback):
    """Ends the training because one process asks for it."""

    def __init__(self, rank):
        self.rank = rank

    def on_train_batch_end(self, batch, logs=None):
        self.logs = dict(logs)
        if self.rank == 1 and batch == 1:
            self.model.stop_training = True


def callback_run(parallel, folder):
    X, y = arrays()
    mine = slice(parallel.rank, None, parallel.size)
    model = model_of(GRU(4, input_shape=(6, 3)), Dense(1), optimizer=optimizers.Adam(0.1))
    hooks = [
        callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True, verbose=1),
        callbacks.ReduceLROnPlateau("val_loss", patience=1, verbose=1),
        callbacks.CSVLogger(os.path.join(folder, f"log.{parallel.rank}")),
        callbacks.ModelCheckpoint(os.path.join(folder, f"best.{parallel.rank}.safetensors")),
    ]
    history = model.fit(
        X[mine], y[mine], 12, 12, 2, hooks, validation_split=0.2, distribution=parallel
    )
    clock = SlowClock(parallel.rank)
    short = model.fit(X[mine], y[mine], 12, 5, 0, clock, distribution=parallel)
    return {
        "history": history.history,
        "weights": weights_of(model),
        "rate": model.optimizer.learning_rate,
        "short": (short.history, clock.logs),
        "threads": get_num_threads(),
    }


def threads_while_training(parallel):
    seen = []

    class Look(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(get_num_threads())

    X, y = arrays()
    model = model_of(GRU(4, input_shape=(6, 3)), Dense(1))
    model.fit(
        X[parallel.rank :], y[parallel.rank :], verbose=0, callbacks=Look(), distribution=parallel
    )
    return seen
