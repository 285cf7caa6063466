"""Programs for mpi_programs.py: something goes wrong in one of several processes."""

import os
import signal
import sys
import time
import warnings

import numpy as np
from mpi_training import arrays, model_of, validated, weights_of

from gru_c import GRU, Dense, callbacks, metrics


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
        if self.kind == "no output":
            sys.stdout, sys.stderr = object(), None
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


def overlapping():
    from gru_c.distributed import DataParallel, gradient_message

    gradient_message._LEAST_PIECE = 1
    return DataParallel(overlap=True)


def failing(parallel, kind, caught="caught"):
    """Train while something of the given kind goes wrong in rank 1."""
    is_rank_1 = parallel.rank == 1
    X, y = arrays(48)
    X, y = X[parallel.rank :: parallel.size], y[parallel.rank :: parallel.size]
    model = model_of(GRU(4, input_shape=(6, 3)), Dense(1))
    settings = {"epochs": 2, "batch_size": 8, "verbose": 0}
    hooks = [Fails(kind if is_rank_1 else "")]
    if kind == "leaves" and is_rank_1:
        sys.exit(0)
    if kind == "before fit" and is_rank_1:
        raise ValueError("an error of the program's own")
    if kind == "nan" and is_rank_1:
        X[7, 2, 1] = np.nan
    if kind == "shape" and is_rank_1:
        X = X[:, :, :2]
    if kind == "epochs" and is_rank_1:
        settings["epochs"] = 3
    if kind == "layers" and is_rank_1:
        model = model_of(GRU(5, input_shape=(6, 3)), Dense(1))
    if kind == "batch size":
        settings["batch_size"] = parallel.size - 1
    if kind == "source":
        X, y = Disk((X[:4], y[:4]), is_rank_1), None
        del settings["batch_size"]
    if kind == "backward":  # of the lower layer, when the upper one has been sent
        parallel = overlapping()
        model = model_of(GRU(4, return_sequences=True, input_shape=(6, 3)), GRU(4), Dense(1))
        if is_rank_1:
            model.layers[0].backward = lambda *arrays, **settings: 1 / 0
    if kind == "metric" and is_rank_1:
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
    """The largest error; does not define how the states of processes are merged."""

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
    """Return the message of each exception, which all ranks raise."""
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
    messages = {}
    for name, (first, data, settings) in cases.items():
        model = model_of(first, Dense(1), names=settings.pop("metrics", ()))
        arguments = {"verbose": 0, "distribution": parallel, **settings}
        try:
            model.fit(*data, **arguments)
        except (ValueError, TypeError) as error:
            messages[name] = str(error).removeprefix("rank 0: ")
    return messages


def warnings_and_interrupts(parallel):
    """Train on the same samples in all ranks, rank 1 being late; then press Ctrl-C in rank 1."""
    from gru_c.distributed import process_exit

    process_exit._PATIENCE = 0.2
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
    words = [str(warning.message) for warning in caught]
    return words, (late.history, history.interrupted, history.epoch, weights_of(model))


def checkpointed(parallel, path, kill_at="", whole="whole"):
    """Resume from a checkpoint if it exists, and write it after every batch."""
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

    model.evaluate(X, y, verbose=0, distribution=parallel)  # leaves values in the metrics
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
