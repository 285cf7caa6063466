"""What test_distributed.py runs under mpiexec: python mpi_programs.py PROGRAM FILE [ARGUMENTS].

Every rank writes what the program returns to FILE.RANK, as a pickle.
"""

import os
import pickle
import signal
import sys
import time
import warnings
import zlib

import numpy as np

from gru_c import (
    GRU,
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


# ---- cases that must give the losses of one process ---------------------------------------------


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


CASES = {
    case.__name__: case
    for case in (plain, validated, lists, words, penalised, truncated, stateful, source)
}


def fit_case(name, distribution=None):
    model, data, settings = CASES[name]()
    given = {"batch_size": 12, "epochs": 3, "verbose": 0, **settings}
    history = model.fit(*data, distribution=distribution, **given)
    return {"history": history.history, "weights": model.get_weights()}


def same_losses(distribution, overlap=False):
    from gru_c.distributed import DataParallel

    parallel = DataParallel(auto_shard_dataset=True, overlap=overlap == "overlap")
    return {name: fit_case(name, parallel) for name in CASES}


# ---- shards -------------------------------------------------------------------------------------


def shards(parallel, dtype="float64", dropout="0"):
    """Shards that are those of one process in its order, if all are of one size."""
    X, y = arrays(48)
    mine = slice(parallel.rank, None, parallel.size)
    # Other weights in each rank: those of the first one count.
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
    found = model.evaluate(X[mine], y[mine], 12, 0, distribution=parallel)
    return {"history": history.history, "weights": model.get_weights(), "evaluated": found}


def uneven(parallel):
    """The last rank has no samples, the one before it one."""
    X, y = arrays(48)
    counts = [48 - 1, *[0] * (parallel.size - 2), 1][: parallel.size]
    counts = [*counts[:1], counts[-1], *counts[1:-1]]
    first = sum(counts[: parallel.rank])
    mine = slice(first, first + counts[parallel.rank])
    model = model_of(GRU(4, input_shape=(6, 3)), Dense(1))
    history = model.fit(X[mine], y[mine], 12, 2, 0, shuffle=False, distribution=parallel)
    return {"history": history.history, "weights": model.get_weights()}


def uneven_sources(parallel):
    """Rank 0 has one batch more than each of the others; those have ended before."""
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
    """Ends the training in one process only."""

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
    given = [
        callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True, verbose=1),
        callbacks.ReduceLROnPlateau("val_loss", patience=1, verbose=1),
        callbacks.CSVLogger(os.path.join(folder, f"log.{parallel.rank}")),
        callbacks.ModelCheckpoint(os.path.join(folder, f"best.{parallel.rank}.safetensors")),
    ]
    history = model.fit(
        X[mine], y[mine], 12, 12, 2, given, validation_split=0.2, distribution=parallel
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


# ---- what goes wrong ----------------------------------------------------------------------------


class Fails(callbacks.Callback):
    def __init__(self, kind):
        self.kind = kind

    def on_epoch_end(self, epoch, logs=None):
        if self.kind == "epoch":
            raise KeyError("a hook's own error")

    def on_train_batch_end(self, batch, logs=None):
        if batch != 1:
            return
        if self.kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.kind == "exits":
            os._exit(3)
        if self.kind == "sys.exit":
            sys.exit(3)
        if self.kind == "hook":
            raise KeyError("a hook's own error")


class Disk:
    """A source that fails in rank 1."""

    def __init__(self, data, fails):
        self.data, self.fails = data, fails

    def __len__(self):
        return 4

    def __getitem__(self, number):
        if self.fails and number == 2:
            raise OSError("no such disk")
        return self.data


def failing(parallel, kind, caught="caught"):
    """Train; in rank 1 something goes wrong."""
    one = parallel.rank == 1
    X, y = arrays(48)
    X, y = X[parallel.rank :: parallel.size], y[parallel.rank :: parallel.size]
    model = model_of(GRU(4, input_shape=(6, 3)), Dense(1))
    settings = {"epochs": 2, "batch_size": 8, "verbose": 0}
    hooks = [Fails(kind if one else "")]
    if kind == "before fit" and one:
        raise ValueError("an error of the program's own")
    if kind == "nan" and one:
        X[7, 2, 1] = np.nan
    if kind == "shape" and one:
        X = X[:, :, :2]
    if kind == "epochs" and one:
        settings["epochs"] = 3
    if kind == "layers" and one:
        model = model_of(GRU(5, input_shape=(6, 3)), Dense(1))
    if kind == "batch size":
        settings["batch_size"] = parallel.size - 1
    if kind == "source":
        X, y = Disk((X[:4], y[:4]), one), None
        del settings["batch_size"]
    if kind == "metric" and one:
        model.metrics[0].values = lambda y_true, y_pred: 1 / 0
    before = model.get_weights()
    try:
        model.fit(X, y, callbacks=hooks, distribution=parallel, **settings)
    except Exception as error:
        if caught != "caught":
            raise
        same = all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
        return type(error).__name__, str(error), same
    return "nothing", "", False


class Largest(metrics.Metric):
    """The largest error; says how to add up its states only if `told` to."""

    def reset(self):
        self.largest = 0.0

    def update(self, y_true, y_pred, mask=None):
        self.largest = max([self.largest, *np.abs(y_pred - y_true).ravel()])

    def result(self):
        return float(self.largest)

    def get_state(self):
        return {"largest": float(self.largest)}

    def set_state(self, state):
        self.largest = state["largest"]


class MergedLargest(Largest):
    def merged(self, states):
        return max(states, key=lambda state: state["largest"])


def refusals(parallel):
    """What each of these says, in all ranks."""
    from gru_c.distributed import DataParallel

    X, y = arrays(48)
    mine = slice(parallel.rank, None, parallel.size)
    whole = DataParallel(auto_shard_dataset=True)
    few = slice(0, 28) if parallel.rank else slice(28, 48)
    layer = {"input_shape": (6, 3)}
    steps = X[:, :, :1]
    cases = {
        "other data": (GRU(3, **layer), (X[mine], y[mine]), {"distribution": whole}),
        "stateful": (GRU(3, stateful=True, **layer), (X[few], y[few]), {"batch_size": 16}),
        "pieces": (
            GRU(3, return_sequences=True, **layer),
            ([(X[:4], steps[:4])],),
            {"bptt_steps": 2},
        ),
        "once": (
            GRU(3, **layer),
            (iter([(X, y)] * 9),),
            {"steps_per_epoch": 2, "checkpoint": "run"},
        ),
        "metric": (GRU(3, **layer), (X[mine], y[mine]), {"metrics": [Largest()]}),
        "none": (GRU(3, **layer), (X[:0], y[:0]), {}),
        "verbose": (GRU(3, **layer), (X[mine], y[mine]), {"verbose": 7}),
    }
    found = {}
    for name, (first, data, settings) in cases.items():
        model = model_of(first, Dense(1), names=settings.pop("metrics", ()))
        given = {"verbose": 0, "distribution": parallel, **settings}
        try:
            model.fit(*data, **given)
        except (ValueError, TypeError) as error:
            found[name] = str(error).removeprefix("rank 0: ")
    return found


def warnings_and_interrupts(parallel):
    """The same samples in all; rank 1 comes late; then Ctrl-C in rank 1 alone."""
    from gru_c.distributed import agreement

    agreement._PATIENCE = 0.2
    X, y = arrays(48)
    model = model_of(GRU(3, input_shape=(6, 3)), Dense(1), names=[MergedLargest()])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if parallel.rank == 1:
            time.sleep(0.6)
        late = model.fit(X, y, verbose=0, distribution=parallel)
    pressed = callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: (
            os.kill(os.getpid(), signal.SIGINT) if parallel.rank == 1 and batch == 2 else None
        )
    )
    mine = slice(parallel.rank, None, parallel.size)
    history = model.fit(X[mine], y[mine], 8, 9, 2, pressed, distribution=parallel)
    words = [str(one.message) for one in caught]
    return words, (late.history, history.interrupted, history.epoch, weights_of(model))


def checkpointed(parallel, path, kill_at="", whole="whole"):
    """Train from a checkpoint if there is one, written after every batch."""
    from gru_c.distributed import DataParallel

    parallel = DataParallel(auto_shard_dataset=whole == "whole")
    model, (X, y), _ = validated()
    if whole != "whole":
        X, y = X[parallel.rank :: parallel.size], y[parallel.rank :: parallel.size]

    class Kill(callbacks.Callback):
        count = 0

        def on_train_batch_begin(self, batch, logs=None):
            self.count += 1
            if kill_at and self.count == int(kill_at) and parallel.rank == parallel.size - 1:
                os.kill(os.getpid(), signal.SIGKILL)

    history = model.fit(
        X,
        y,
        12,
        3,
        0,
        Kill(),
        validation_split=0.3,
        checkpoint=path,
        checkpoint_interval=0,
        resume=True,
        distribution=parallel,
    )
    return {"history": history.history, "weights": model.get_weights()}


PROGRAMS = (
    same_losses,
    shards,
    uneven,
    uneven_sources,
    refusals,
    warnings_and_interrupts,
    callback_run,
    threads_while_training,
    failing,
    checkpointed,
)


def main(name, path, *arguments):
    from gru_c.distributed import DataParallel

    program = {one.__name__: one for one in PROGRAMS}[name]
    parallel = DataParallel()
    found = program(parallel, *arguments)
    with open(f"{path}.{parallel.rank}", "wb") as file:
        pickle.dump(found, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
