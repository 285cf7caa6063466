"""What mpi_programs.py runs: what one of two processes does, and all have to agree on."""

import os

import numpy as np
from mpi_training import arrays, model_of

from gru_c import GRU, Dense, Sequential, callbacks, constraints, losses, metrics, optimizers

LAYER = {"input_shape": (6, 3)}


def outcome(call):
    """What a call returned, or its exception."""
    try:
        return call()
    except Exception as error:
        words = "no words" if isinstance(error, Mute) else str(error)
        return type(error).__name__, words.removeprefix("rank 1: ")


class Mute(Exception):  # noqa: N818
    """One that neither says what it is nor takes an attribute."""

    __slots__ = ()

    def __str__(self):
        raise TypeError("this is no text")


class Setting:
    """Data, and processes, for the cases below."""

    def __init__(self, parallel, overlap=False):
        from gru_c.distributed import DataParallel, mpi_processes

        mpi_processes._LEAST_PIECE = 1
        self.one = parallel.rank == 1
        self.parallel = DataParallel(overlap=overlap)
        self.whole = DataParallel(auto_shard_dataset=True, overlap=overlap)
        self.all = arrays(48)
        self.X, self.y = (array[parallel.rank :: parallel.size] for array in self.all)

    def fit(self, hooks=(), model=None, x=None, y=None, whole=False, **settings):
        model = model or model_of(GRU(4, **LAYER), Dense(1))
        x, y = (self.X, self.y) if x is None else (x, y)
        given = {"epochs": 3, "verbose": 0, "callbacks": list(hooks), **settings}
        if isinstance(x, np.ndarray):
            given = {"batch_size": 8, **given}
        distribution = self.whole if whole else self.parallel
        return model.fit(x, y, distribution=distribution, **given).history

    def raising(self, error, when=True):
        """A function that raises in rank 1."""

        def call(*_, **__):
            if self.one and when:
                raise error

        return call


# ---- who stops ----------------------------------------------------------------------------------


def stopping(parallel, overlap=""):
    """Histories, where rank 1 alone wants to stop, or alone has a callback."""
    setting = Setting(parallel, bool(overlap))
    one = setting.one

    def in_batches(rank):
        hook = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
        return [hook] if one == rank else []

    def terminating(rank):
        X = setting.X.copy()
        X[3, 2, 1] = np.nan if one else 0
        hooks = [callbacks.TerminateOnNaN()] if one == rank else []
        return setting.fit(hooks, x=X, y=setting.y)

    class BeforeTraining(callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.stop_training = one

    class BeforeEpoch(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = one and epoch == 1

    return {
        "before training": outcome(lambda: setting.fit([BeforeTraining()])),
        "before an epoch": outcome(lambda: setting.fit([BeforeEpoch()])),
        "batch hook in rank 0": outcome(lambda: setting.fit(in_batches(False))),
        "batch hook in rank 1": outcome(lambda: setting.fit(in_batches(True))),
        "NaN, rank 0 ends": outcome(lambda: terminating(False)),
        "NaN, rank 1 ends": outcome(lambda: terminating(True)),
    }


# ---- whose exception it is ----------------------------------------------------------------------


def raising(parallel, folder):
    """What all ranks raise when the user's code does in rank 1, by its place."""
    setting = Setting(parallel)
    error = KeyError("mine")
    fails = setting.raising(error)

    class SetModel(callbacks.Callback):
        set_model = fails

    class GetState(callbacks.EarlyStopping):
        get_state = fails

    class Result(metrics.MeanAbsoluteError):
        def result(self):
            fails()
            return super().result()

    class Merged(metrics.MeanAbsoluteError):
        def merged(self, states):
            fails()
            return super().merged(states)

    class Rate(optimizers.schedules.Schedule):
        def __call__(self, step):
            fails()
            return 0.01

        def get_config(self):
            return {}

    class LateRate(optimizers.schedules.Schedule):
        """Fails in the last step of an epoch, after which nobody takes another one."""

        def __call__(self, step):
            setting.raising(error, step >= 5)()
            return 0.01

        def get_config(self):
            return {}

    class Bound(constraints.Constraint):
        def __call__(self, weight):
            fails()
            return weight

        def get_config(self):
            return {}

    class Ends:
        def __len__(self):
            return 2

        def __getitem__(self, number):
            return setting.X[:4], setting.y[:4]

        on_epoch_end = fails

    class Begins:
        times = 0

        def __iter__(self):
            self.times += 1
            if self.times == 2:
                fails()
            return iter([(setting.X[:4], setting.y[:4])] * 2)

    def with_(**settings):
        return model_of(GRU(4, **LAYER), Dense(1), **settings)

    nan = setting.X.copy()
    nan[3, 2, 1] = np.nan if setting.one else 0
    late = with_(optimizer=optimizers.SGD(LateRate()))
    before = late.get_weights()
    file = {"checkpoint": os.path.join(folder, "run"), "checkpoint_interval": 0}
    terminate = [callbacks.TerminateOnNaN(raise_error=True)]
    cases = {
        "set_model": lambda: setting.fit([SetModel()]),
        "get_state": lambda: setting.fit([GetState("loss")], **file),
        "result": lambda: setting.fit(model=with_(names=[Result()])),
        "merged": lambda: setting.fit(model=with_(names=[Merged()])),
        "schedule": lambda: setting.fit(model=with_(optimizer=optimizers.SGD(Rate()))),
        "last step": lambda: setting.fit(model=late, epochs=1),
        "constraint": lambda: setting.fit(
            model=model_of(GRU(4, kernel_constraint=Bound(), **LAYER), Dense(1))
        ),
        "on_epoch_end of a source": lambda: setting.fit(x=Ends()),
        "__iter__ of a source": lambda: setting.fit(x=Begins()),
        "mute": lambda: setting.fit(
            [callbacks.LambdaCallback(on_epoch_end=setting.raising(Mute()))]
        ),
        "TerminateOnNaN": lambda: setting.fit(
            terminate, x=nan if setting.one else setting.X, y=setting.y
        ),
        "NaN": lambda: setting.fit(x=nan, y=setting.y),
    }
    found = {name: outcome(case) for name, case in cases.items()}
    found["weights"] = all(map(np.array_equal, before, late.get_weights()))
    return found


def refusing(parallel):
    """What all ranks say where they differ in what they are given."""
    setting = Setting(parallel)
    one, (X, y) = setting.one, setting.all
    steps = np.random.default_rng(0).standard_normal((24, 12 if one else 6, 3))
    to_steps = model_of(GRU(4, return_sequences=True, input_shape=(None, 3)), Dense(1))
    model = model_of(GRU(4, **LAYER), Dense(1), names=["mae", "mse"][: 2 - one])
    same = model_of(GRU(4, **LAYER), Dense(1))

    class Restores(callbacks.Callback):
        def on_train_end(self, logs=None):
            if one:
                self.model.set_weights([0 * weight for weight in self.model.get_weights()])

    class Own(losses.MeanSquaredError):
        def __init__(self, how):
            super().__init__()
            self.how = how

        def get_config(self):
            return {"how": self.how}

    def trained_with(how):
        return setting.fit(model=model_of(GRU(4, **LAYER), Dense(1), loss=Own(how)))

    def evaluate(model, batch_size=8, distribution=setting.parallel):
        return model.evaluate(setting.X, setting.y, batch_size, 0, distribution=distribution)

    return {
        "time steps": outcome(
            lambda: setting.fit(model=to_steps, x=steps, y=steps[:, :, :1], bptt_steps=4)
        ),
        "kind": outcome(lambda: setting.fit(x=[(X, y)]) if one else setting.fit(batch_size=None)),
        "source": outcome(lambda: setting.fit(x=iter([(X, y)] * (4 - one)), whole=True, epochs=1)),
        "batch_size of evaluate": outcome(lambda: evaluate(same, 8 + one)),
        "metrics of evaluate": outcome(lambda: evaluate(model)),
        "weights after training": outcome(lambda: setting.fit([Restores()])),
        "NaN in a loss": outcome(lambda: len(trained_with(float("nan"))["loss"])),
        "a function in a loss": outcome(lambda: len(trained_with(lambda y: y)["loss"])),
        "an array in a loss": outcome(lambda: len(trained_with(np.arange(3.0))["loss"])),
        "another array in a loss": outcome(lambda: trained_with(np.arange(3.0) + one)),
    }


def freezing(parallel, overlap=""):
    """What all ranks raise where they do not train the same layers, and what they may do."""
    setting = Setting(parallel, bool(overlap))
    models = []

    def made():
        models.append(model_of(GRU(4, return_sequences=True, **LAYER), GRU(3), Dense(1)))
        return models[-1]

    def thawing(when, place):
        model = made()
        model.layers[0].trainable = False

        def thaw(number, logs=None):
            if number == 1 and when:
                model.layers[0].trainable = True

        return setting.fit([callbacks.LambdaCallback(**{place: thaw})], model=model)

    def frozen_in_one():
        model = made()
        model.layers[1].trainable = not setting.one
        return setting.fit(model=model)

    def model_frozen_in_one():
        model = Sequential([GRU(4, **LAYER), Dense(1)], trainable=not setting.one)
        model.compile("adam", "mse")
        return setting.fit(model=model)

    found = {
        "frozen in one": outcome(frozen_in_one),
        "model frozen in one": outcome(model_frozen_in_one),
        "thawed in one": outcome(lambda: thawing(setting.one, "on_epoch_begin")),
        "within an epoch": outcome(lambda: thawing(True, "on_train_batch_end")),
        "thawed in all": outcome(lambda: thawing(True, "on_epoch_begin")),
    }
    return found, [model.get_weights() for model in models[-1:]]


# ---- what must be as in one process -------------------------------------------------------------


class Worst(metrics.Metric):
    """Knows no batches without samples."""

    def values(self, y_true, y_pred):
        return np.full(len(y_pred), np.abs(y_pred - y_true).max())


class WorstLoss(losses.MeanSquaredError):
    def value_and_gradient(self, y_true, y_pred, *arrays, **settings):
        np.abs(y_pred - y_true).max()
        return super().value_and_gradient(y_true, y_pred, *arrays, **settings)


def stateful(distribution):
    """Histories and results of calls one after the other, which keep the states."""
    X, y = arrays(48)
    batches = [(X[i : i + 12], y[i : i + 12]) for i in range(0, 48, 12)]
    model = model_of(GRU(5, stateful=True, **LAYER), Dense(1))
    found = [
        model.fit(X, y, 12, 2, 0, shuffle=False, distribution=distribution).history,
        model.fit(X, y, 12, 2, 0, shuffle=False, distribution=distribution).history,
        model.evaluate(X, y, 12, 0, return_dict=True, distribution=distribution),
        model.fit(batches, epochs=1, verbose=0, distribution=distribution).history,
    ]
    return {"history": flat(found), "weights": model.get_weights()}


def backwards(distribution):
    """Lists of sequences, in a layer whose result depends on the padding."""
    rng = np.random.default_rng(1)
    X = [rng.standard_normal((length, 3)) for length in (2, 7, 3, 5, 9, 1, 4, 4)]
    y = [x[:, :1] for x in X]
    layer = GRU(4, return_sequences=True, go_backwards=True, input_shape=(None, 3))
    model = model_of(layer, Dense(1))
    settings = {"verbose": 0, "distribution": distribution}
    found = [
        model.fit(X, y, 4, 2, shuffle=False, **settings).history,
        model.fit(X, y, 4, 2, bucket=True, **settings).history,
        model.evaluate(X, y, 4, return_dict=True, **settings),
        model.fit([(X[:4], y[:4]), (X[4:], y[4:])], **settings).history,
    ]
    return {"history": flat(found), "weights": model.get_weights()}


def last_batch_of_one(distribution):
    X, y = arrays(17)
    model = model_of(GRU(4, **LAYER), Dense(1), loss=WorstLoss())
    history = model.fit(X, y, 8, 2, 1, distribution=distribution).history
    return {"history": history, "weights": model.get_weights()}


def worst_metric(distribution):
    X, y = arrays(17)
    model = model_of(GRU(4, **LAYER), Dense(1), names=[Worst()])
    model.fit(X, y, 8, 2, 0, distribution=distribution)  # "worst" of parts is another number
    return {"history": {}, "weights": model.get_weights()}


def begins_by_evaluating(distribution):
    """An unseeded model is that of the first process already in on_train_begin."""
    X, y = arrays(48)
    model = Sequential([GRU(4, **LAYER), Dense(1)])
    model.compile("adam", "mse")
    found = []

    class Before(callbacks.Callback):
        def on_train_begin(self, logs=None):
            settings = {"verbose": 0, "distribution": distribution}
            found.append(self.model.evaluate(X, y, **settings))

    model.fit(X, y, epochs=1, verbose=0, callbacks=Before(), distribution=distribution)
    return len(found), np.isfinite(found).all()


AS_ONE = {case.__name__: case for case in (stateful, backwards, last_batch_of_one, worst_metric)}


def flat(found):
    """Histories, one after the other, as one."""
    return {
        f"{number} {name}": np.atleast_1d(values)
        for number, one in enumerate(found)
        for name, values in one.items()
    }


def as_one_process(parallel):
    from gru_c.distributed import DataParallel, process_exit

    whole = DataParallel(auto_shard_dataset=True)
    found = {name: case(whole) for name, case in AS_ONE.items()}
    found["begins by evaluating"] = begins_by_evaluating(whole)
    before = len(process_exit._watch.comms)
    for _ in range(20):
        own = parallel.comm.Split(0, parallel.rank)
        DataParallel(own)
        own.Free()
    found["communicators left"] = len(process_exit._watch.comms) - before
    return found
