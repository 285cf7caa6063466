"""Programs for mpi_programs.py: one of two processes does something on which all must agree."""

import os
from types import SimpleNamespace

import numpy as np
from mpi_training import arrays, model_of

from gru_c import GRU, Dense, Sequential, callbacks, constraints, losses, metrics, optimizers

LAYER = {"input_shape": (6, 3)}


def outcome(call):
    """Return what a call returns, or the type's name and the message of its exception."""
    try:
        return call()
    except Exception as error:
        message = "no message" if isinstance(error, Mute) else str(error)
        return type(error).__name__, message.removeprefix("rank 1: ")


class Mute(Exception):  # noqa: N818
    """An exception without a message, whose str() fails, and which takes no attribute."""

    __slots__ = ()

    def __str__(self):
        raise TypeError("this has no text")


class Setting:
    """The data and the processes for the cases below."""

    def __init__(self, parallel, overlap=False):
        from gru_c.distributed import DataParallel, gradient_message

        gradient_message._LEAST_PIECE = 1
        self.is_rank_1 = parallel.rank == 1
        self.parallel = DataParallel(overlap=overlap)
        self.whole = DataParallel(auto_shard_dataset=True, overlap=overlap)
        self.all = arrays(48)
        self.X, self.y = (array[parallel.rank :: parallel.size] for array in self.all)

    def fit(self, hooks=(), model=None, x=None, y=None, whole=False, **settings):
        model = model or model_of(GRU(4, **LAYER), Dense(1))
        x, y = (self.X, self.y) if x is None else (x, y)
        arguments = {"epochs": 3, "verbose": 0, "callbacks": list(hooks), **settings}
        if isinstance(x, np.ndarray):
            arguments = {"batch_size": 8, **arguments}
        distribution = self.whole if whole else self.parallel
        return model.fit(x, y, distribution=distribution, **arguments).history

    def raising(self, error, when=True):
        """Return a function that raises an exception in rank 1."""

        def call(*_, **__):
            if self.is_rank_1 and when:
                raise error

        return call


# ---- stopping -----------------------------------------------------------------------------------


def stopping(parallel, overlap=""):
    """Return histories where only rank 1 wants to stop, or only one rank has a callback."""
    setting = Setting(parallel, bool(overlap))
    is_rank_1 = setting.is_rank_1

    def in_batches(rank):
        hook = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
        return [hook] if is_rank_1 == rank else []

    def terminating(rank):
        X = setting.X.copy()
        X[3, 2, 1] = np.nan if is_rank_1 else 0
        hooks = [callbacks.TerminateOnNaN()] if is_rank_1 == rank else []
        return setting.fit(hooks, x=X, y=setting.y)

    class BeforeTraining(callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.stop_training = is_rank_1

    class BeforeEpoch(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.stop_training = is_rank_1 and epoch == 1

    return {
        "before training": outcome(lambda: setting.fit([BeforeTraining()])),
        "before an epoch": outcome(lambda: setting.fit([BeforeEpoch()])),
        "batch hook in rank 0": outcome(lambda: setting.fit(in_batches(False))),
        "batch hook in rank 1": outcome(lambda: setting.fit(in_batches(True))),
        "NaN, rank 0 ends": outcome(lambda: terminating(False)),
        "NaN, rank 1 ends": outcome(lambda: terminating(True)),
    }


# ---- exceptions ---------------------------------------------------------------------------------


def failing_code(setting, error):
    """Return classes of a user's code that raise an exception in rank 1, by name."""
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
        """Fails in the last step of an epoch, which no other step follows."""

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

    classes = (SetModel, GetState, Result, Merged, Rate, LateRate, Bound, Ends, Begins)
    return SimpleNamespace(**{code.__name__: code for code in classes})


def raising(parallel, folder):
    """Return what all ranks raise when the user's code raises in rank 1, by its place."""
    setting = Setting(parallel)
    error = KeyError("mine")
    code = failing_code(setting, error)

    def with_(**settings):
        return model_of(GRU(4, **LAYER), Dense(1), **settings)

    nan = setting.X.copy()
    nan[3, 2, 1] = np.nan if setting.is_rank_1 else 0
    late = with_(optimizer=optimizers.SGD(code.LateRate()))
    before = late.get_weights()
    file = {"checkpoint": os.path.join(folder, "run"), "checkpoint_interval": 0}
    terminate = [callbacks.TerminateOnNaN(raise_error=True)]
    cases = {
        "set_model": lambda: setting.fit([code.SetModel()]),
        "get_state": lambda: setting.fit([code.GetState("loss")], **file),
        "result": lambda: setting.fit(model=with_(names=[code.Result()])),
        "merged": lambda: setting.fit(model=with_(names=[code.Merged()])),
        "schedule": lambda: setting.fit(model=with_(optimizer=optimizers.SGD(code.Rate()))),
        "last step": lambda: setting.fit(model=late, epochs=1),
        "constraint": lambda: setting.fit(
            model=model_of(GRU(4, kernel_constraint=code.Bound(), **LAYER), Dense(1))
        ),
        "on_epoch_end of a source": lambda: setting.fit(x=code.Ends()),
        "__iter__ of a source": lambda: setting.fit(x=code.Begins()),
        "mute": lambda: setting.fit(
            [callbacks.LambdaCallback(on_epoch_end=setting.raising(Mute()))]
        ),
        "TerminateOnNaN": lambda: setting.fit(
            terminate, x=nan if setting.is_rank_1 else setting.X, y=setting.y
        ),
        "NaN": lambda: setting.fit(x=nan, y=setting.y),
    }
    results = {name: outcome(case) for name, case in cases.items()}
    results["weights"] = all(map(np.array_equal, before, late.get_weights()))
    return results


def refusing(parallel):
    """Return what all ranks raise where they were given different things."""
    setting = Setting(parallel)
    is_rank_1, (X, y) = setting.is_rank_1, setting.all
    steps = np.random.default_rng(0).standard_normal((24, 12 if is_rank_1 else 6, 3))
    to_steps = model_of(GRU(4, return_sequences=True, input_shape=(None, 3)), Dense(1))
    model = model_of(GRU(4, **LAYER), Dense(1), names=["mae", "mse"][: 2 - is_rank_1])
    same = model_of(GRU(4, **LAYER), Dense(1))

    class Restores(callbacks.Callback):
        def on_train_end(self, logs=None):
            if is_rank_1:
                self.model.set_weights([0 * weight for weight in self.model.get_weights()])

    class LossWithConfig(losses.MeanSquaredError):
        def __init__(self, how):
            super().__init__()
            self.how = how

        def get_config(self):
            return {"how": self.how}

    def trained_with(how):
        return setting.fit(model=model_of(GRU(4, **LAYER), Dense(1), loss=LossWithConfig(how)))

    def evaluate(model, batch_size=8, distribution=setting.parallel):
        return model.evaluate(setting.X, setting.y, batch_size, 0, distribution=distribution)

    return {
        "time steps": outcome(
            lambda: setting.fit(model=to_steps, x=steps, y=steps[:, :, :1], bptt_steps=4)
        ),
        "kind": outcome(
            lambda: setting.fit(x=[(X, y)]) if is_rank_1 else setting.fit(batch_size=None)
        ),
        "source": outcome(
            lambda: setting.fit(x=iter([(X, y)] * (4 - is_rank_1)), whole=True, epochs=1)
        ),
        "batch_size of evaluate": outcome(lambda: evaluate(same, 8 + is_rank_1)),
        "metrics of evaluate": outcome(lambda: evaluate(model)),
        "weights after training": outcome(lambda: setting.fit([Restores()])),
        "NaN in a loss": outcome(lambda: len(trained_with(float("nan"))["loss"])),
        "a function in a loss": outcome(lambda: len(trained_with(lambda y: y)["loss"])),
        "an array in a loss": outcome(lambda: len(trained_with(np.arange(3.0))["loss"])),
        "another array in a loss": outcome(lambda: trained_with(np.arange(3.0) + is_rank_1)),
    }


def freezing(parallel, overlap=""):
    """Return what all ranks raise where they do not train the same layers, and what is allowed."""
    setting = Setting(parallel, bool(overlap))
    models = []

    def make():
        models.append(model_of(GRU(4, return_sequences=True, **LAYER), GRU(3), Dense(1)))
        return models[-1]

    def thawing(when, place):
        model = make()
        model.layers[0].trainable = False

        def thaw(number, logs=None):
            if number == 1 and when:
                model.layers[0].trainable = True

        return setting.fit([callbacks.LambdaCallback(**{place: thaw})], model=model)

    def frozen_in_one():
        model = make()
        model.layers[1].trainable = not setting.is_rank_1
        return setting.fit(model=model)

    def model_frozen_in_one():
        model = Sequential([GRU(4, **LAYER), Dense(1)], trainable=not setting.is_rank_1)
        model.compile("adam", "mse")
        return setting.fit(model=model)

    results = {
        "frozen in one": outcome(frozen_in_one),
        "model frozen in one": outcome(model_frozen_in_one),
        "thawed in one": outcome(lambda: thawing(setting.is_rank_1, "on_epoch_begin")),
        "within an epoch": outcome(lambda: thawing(True, "on_train_batch_end")),
        "thawed in all": outcome(lambda: thawing(True, "on_epoch_begin")),
    }
    return results, [model.get_weights() for model in models[-1:]]


# ---- the same as in one process -----------------------------------------------------------------


class Worst(metrics.Metric):
    """A metric that cannot compute a batch without samples."""

    def values(self, y_true, y_pred):
        return np.full(len(y_pred), np.abs(y_pred - y_true).max())


class WorstLoss(losses.MeanSquaredError):
    def value_and_gradient(self, y_true, y_pred, *arrays, **settings):
        np.abs(y_pred - y_true).max()
        return super().value_and_gradient(y_true, y_pred, *arrays, **settings)


def stateful(distribution):
    """Call fit and evaluate one after the other; the states stay from call to call."""
    X, y = arrays(48)
    batches = [(X[i : i + 12], y[i : i + 12]) for i in range(0, 48, 12)]
    model = model_of(GRU(5, stateful=True, **LAYER), Dense(1))
    results = [
        model.fit(X, y, 12, 2, 0, shuffle=False, distribution=distribution).history,
        model.fit(X, y, 12, 2, 0, shuffle=False, distribution=distribution).history,
        model.evaluate(X, y, 12, 0, return_dict=True, distribution=distribution),
        model.fit(batches, epochs=1, verbose=0, distribution=distribution).history,
    ]
    return {"history": flat(results), "weights": model.get_weights()}


def backwards(distribution):
    """Train on lists of sequences with a layer whose result depends on the padding."""
    rng = np.random.default_rng(1)
    X = [rng.standard_normal((length, 3)) for length in (2, 7, 3, 5, 9, 1, 4, 4)]
    y = [x[:, :1] for x in X]
    layer = GRU(4, return_sequences=True, go_backwards=True, input_shape=(None, 3))
    model = model_of(layer, Dense(1))
    settings = {"verbose": 0, "distribution": distribution}
    results = [
        model.fit(X, y, 4, 2, shuffle=False, **settings).history,
        model.fit(X, y, 4, 2, bucket=True, **settings).history,
        model.evaluate(X, y, 4, return_dict=True, **settings),
        model.fit([(X[:4], y[:4]), (X[4:], y[4:])], **settings).history,
    ]
    return {"history": flat(results), "weights": model.get_weights()}


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
    """Evaluate in on_train_begin, where all processes have the first one's unseeded model."""
    X, y = arrays(48)
    model = Sequential([GRU(4, **LAYER), Dense(1)])
    model.compile("adam", "mse")
    results = []

    class Before(callbacks.Callback):
        def on_train_begin(self, logs=None):
            settings = {"verbose": 0, "distribution": distribution}
            results.append(self.model.evaluate(X, y, **settings))

    model.fit(X, y, epochs=1, verbose=0, callbacks=Before(), distribution=distribution)
    return len(results), np.isfinite(results).all()


AS_ONE = {case.__name__: case for case in (stateful, backwards, last_batch_of_one, worst_metric)}


def flat(results):
    """Return several histories as one, with the number of each before its names."""
    return {
        f"{number} {name}": np.atleast_1d(values)
        for number, history in enumerate(results)
        for name, values in history.items()
    }


def as_one_process(parallel):
    from gru_c.distributed import DataParallel, process_exit

    whole = DataParallel(auto_shard_dataset=True)
    results = {name: case(whole) for name, case in AS_ONE.items()}
    results["begins by evaluating"] = begins_by_evaluating(whole)
    before = len(process_exit._notice.comms)
    for _ in range(20):
        communicator = parallel.comm.Split(0, parallel.rank)
        DataParallel(communicator)
        communicator.Free()
    results["communicators left"] = len(process_exit._notice.comms) - before
    return results
