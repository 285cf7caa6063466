"""An object of every public class, and what a copy of it must do, too."""

import copy
import dataclasses
import inspect
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from copied import X, Y, by_pickle, trained_model

import gru_c
from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    GRUCell,
    Input,
    Parameters,
    Sequential,
    activations,
    callbacks,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from gru_c.data.sequence_list import SequenceList

three_ways = pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, by_pickle])


@dataclass
class Case:
    """An object, and a function of it that must return the same for a copy.

    `disturb` changes the original, or uses it up; the copy must not notice.
    """

    make: object
    show: object = repr
    disturb: object = lambda obj: None


def repr_without_seconds(fold):
    return repr(dataclasses.replace(fold, seconds={}))


def halved(*values):
    return 0.5


def configured(cls, *arguments):
    """Return the case of an object that has its arguments as attributes."""
    return Case(lambda: cls(*arguments))


def passed(**options):
    """Return the case of a tape."""
    weights = [np.random.default_rng(3).normal(size=s) for s in ((3, 12), (4, 12), (2, 12))]

    def make():
        return gru_c.gru_forward(X, *weights, training=True, **options).tape

    def use_up(tape):
        run_backward(tape, keep_tape=False)
        gru_c.gru_forward(X + 1, *weights, training=True, **options)  # in the same memory

    def run_backward(tape, **options):
        return gru_c.gru_backward(tape, np.ones((40, 6, 4)), **options)

    return Case(make, run_backward, use_up)


def streaming():
    layers = [GRU(5, return_sequences=True), gru_c.LayerNormalization(), Dense(3, "softmax")]
    return Sequential([Input((None, 3)), *layers], seed=4)


def stepped_stream():
    stream = streaming().stream(2)
    for t in range(3):
        stream.step(X[:2, t])
    return stream


def remaining_steps(stream):
    return [stream.step(X[:2, t]) for t in range(3, 6)]


def counted(metric):
    see(metric, [1, 0, 2])
    return metric


def see(metric, order):
    labels = type(metric).__name__.startswith("Sparse")
    metric.update(np.arange(3) if labels else np.eye(3), np.eye(3)[order])


def forecaster():
    from gru_c.forecast import Forecaster

    return Forecaster(8, 2, epochs=1, seed=0, verbose=0).fit(np.sin(np.arange(80.0)))


def backtest():
    return forecaster().backtest(np.sin(np.arange(80.0)), folds=2)


def estimator(name):
    pytest.importorskip("sklearn")
    from gru_c import sklearn

    classes = name == "GRUClassifier"
    return getattr(sklearn, name)(epochs=1, random_state=0).fit(X, Y > 0 if classes else Y)


def served():
    pytest.importorskip("onnx")
    from gru_c.interop import onnx

    model = Sequential([Input((6, 3)), Bidirectional(GRU(4)), Dense(2, "softmax")], seed=3)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        onnx.export(model, path)
        return onnx.load(path)


def torch_gru():
    torch = pytest.importorskip("torch")
    import gru_c.interop.torch

    torch.manual_seed(0)
    return gru_c.interop.torch.GRU(3, 4, batch_first=True)


def parallel():
    pytest.importorskip("mpi4py.MPI")
    from gru_c.distributed import DataParallel

    return DataParallel(overlap=True)


def torch_output(module):
    import torch

    return module(torch.from_numpy(np.float32(X)))[0].detach().numpy()


def graph_model():
    """Return a trained model with a branch and a model in it."""
    gru_c.utils.set_random_seed(1)
    x = gru_c.Input(X.shape[1:])
    nested = gru_c.Sequential([gru_c.Input((3,)), gru_c.Dense(3)])
    hidden = GRU(3)(x)
    y = gru_c.Dense(1)(layers.add([hidden, nested(hidden)]))
    model = gru_c.Model(x, y, seed=0)
    model.compile("adam", "mse")
    train_once_more(model)
    return model


def train_once_more(model):
    model.fit(X, Y, verbose=0)


def step_of(optimizer):
    """Return the weights after a step with an optimizer's state."""
    layer = Dense(1)
    layer.build((None, 3), rng=0)
    parameters = Parameters([layer])
    parameters.gradients[:] = 1
    optimizer._items = None  # it continues with other weights, as a copy would
    optimizer.step(parameters)
    return parameters.values


def attributes(obj):
    return [f"{name}={value}" for name, value in vars(obj).items() if name != "callbacks"]


def used(optimizer):
    step_of(optimizer)
    return optimizer


def built(layer, shape):
    layer.build(shape, rng=0)
    return layer


MERGING = ("Add", "Average", "Concatenate", "Dot", "Maximum", "Minimum", "Multiply", "Subtract")
ATTENTION = ("Attention", "AdditiveAttention", "MultiHeadAttention")
SHAPES = {
    "GRUCell": (None, 3),
    "LSTMCell": (None, 3),
    "SimpleRNNCell": (None, 3),
    "Embedding": (None, 4),
    "Dense": (None, 3),
    "Input": (None, 3),
    "TextVectorization": (None,),
    **{name: [(None, 4, 3), (None, 4, 3)] for name in (*MERGING, *ATTENTION)},
}
ARGUMENTS = {
    "GRU": (3,),
    "LSTM": (3,),
    "SimpleRNN": (3,),
    "Bidirectional": (GRU(3),),
    "Dense": (3,),
    "MultiHeadAttention": (2, 3),
    "Dot": (2,),
    "Dropout": (0.5,),
    "Embedding": (5, 3),
    "Activation": ("tanh",),
    "RepeatVector": (3,),
    "Rescaling": (2.0,),
    "Conv1D": (3, 2),
    "Reshape": ((3, 4),),
    "Permute": ((2, 1),),
    "SpatialDropout1D": (0.5,),
    "GaussianDropout": (0.5,),
    "GaussianNoise": (0.5,),
    "Convolution1D": (3, 2),
    "Input": ((3,),),
    "Lambda": (np.abs,),
    "GRUCell": (3,),
    "LSTMCell": (3,),
    "SimpleRNNCell": (3,),
    "StackedRNNCells": ([GRUCell(3)],),
    "RNN": (GRUCell(3),),
    "TimeDistributed": ({"class_name": "Dense", "config": {"units": 3}},),
    "InputLayer": ((3,),),
    "CosineDecay": (0.1, 10),
    "CosineDecayRestarts": (0.1, 10),
    "ExponentialDecay": (0.1, 10, 0.9),
    "InverseTimeDecay": (0.1, 10, 0.9),
    "PolynomialDecay": (0.1, 10),
    "PiecewiseConstantDecay": ([1, 2], [0.1, 0.2, 0.3]),
    "CSVLogger": ("log.csv",),
    "BackupAndRestore": ("backup",),
    "ModelCheckpoint": ("model.safetensors",),
    "LearningRateScheduler": (halved,),
    "FunctionLoss": (halved,),
    "FunctionMetric": (halved,),
    "MeanOfLoss": (losses.Huber(),),
    "QuantileLoss": ([0.1, 0.9],),
    "TopKCategoricalAccuracy": (1,),
    "SparseTopKCategoricalAccuracy": (1,),
}
OTHERS = {
    "Sequential": Case(trained_model, lambda m: m.predict(X, verbose=0), train_once_more),
    "Model": Case(graph_model, lambda m: m.predict(X, verbose=0), train_once_more),
    "Parameters": Case(lambda: trained_model().parameters, lambda p: p.values.copy()),
    "Parameter": Case(lambda: trained_model().layers[0].parameters[0], lambda p: p.value.copy()),
    "History": Case(lambda: trained_model().history, lambda h: h.history),
    "Predictor": Case(
        lambda: trained_model().freeze(), lambda p: p(X), lambda p: p(X[:1], lengths=[2])
    ),
    "Stream": Case(stepped_stream, remaining_steps, remaining_steps),
    "GRUTape": passed(),
    "GRUTape of BLAS": passed(engine="blas"),
    "RaggedTape": passed(lengths=np.arange(40) % 6 + 1),
    "CheckpointTape": passed(checkpoint_every=2),
    "GRUForward": Case(lambda: gru_c.GRUForward(X, X[:, 0], None), tuple),
    "GRUGradients": Case(lambda: gru_c.GRUGradients(X, X, X, None, X), tuple),
    "LSTMForward": Case(lambda: gru_c.LSTMForward(X, (X[:, 0], X[:, 1]), None), tuple),
    "LSTMGradients": Case(lambda: gru_c.LSTMGradients(X, X, X, None, (X, X)), tuple),
    "RNNForward": Case(lambda: gru_c.RNNForward(X, X[:, 0], None), tuple),
    "RNNGradients": Case(lambda: gru_c.RNNGradients(X, X, X, None, X), tuple),
    "TimeseriesDataset": Case(
        lambda: gru_c.timeseries_dataset(X[:, 0], X[:, 1], 3, shuffle=True, seed=1), list
    ),
    "SequenceList": Case(lambda: SequenceList.checked("x", [X[0], X[1, :3]]), lambda x: x.pad()),
    "Forecaster": Case(forecaster, lambda f: f.predict()),
    "Backtest": Case(backtest),
    "Fold": Case(lambda: backtest().folds[0], repr_without_seconds),
    "GRURegressor": Case(lambda: estimator("GRURegressor"), lambda e: e.predict(X)),
    "GRUClassifier": Case(lambda: estimator("GRUClassifier"), lambda e: e.predict_proba(X)),
    "ONNXModel": Case(served, lambda m: m.run(None, {"x": X.astype(np.float32)})),
    "torch.GRU": Case(torch_gru, torch_output),
    "DataParallel": Case(parallel, lambda p: (p.rank, p.size, p.overlap)),
    "activations.Activation": Case(lambda: activations.ACTIVATIONS["relu"], lambda a: a.name),
}


def cases():
    """Return the cases of all public classes by name."""
    table = dict(OTHERS)
    modules = constraints, callbacks, initializers, layers, losses, metrics, optimizers
    for module in (*modules, regularizers, schedules):
        for name in module.__all__:
            cls = getattr(module, name)
            if not inspect.isclass(cls) or cls is optimizers.Optimizer:
                continue
            made = configured(cls, *ARGUMENTS.get(name, ()))
            if module is layers and cls not in (layers.Layer, layers.Input):
                shape = SHAPES.get(name, (None, 4, 3))
                if name == "RepeatVector":
                    shape = (None, 3)
                made = Case(
                    lambda make=made.make, shape=shape: built(make(), shape),
                    lambda layer: layer.get_weights(),
                    lambda layer: layer.set_weights([w + 1 for w in layer.get_weights()]),
                )
            elif module is callbacks:
                made = Case(made.make, attributes)
            elif module is optimizers:
                made = Case(lambda cls=cls: used(cls(0.1)), step_of, step_of)
            elif module is metrics and cls not in (metrics.Metric, metrics.FunctionMetric):
                made = Case(
                    lambda make=made.make: counted(make()),
                    lambda metric: metric.result(),
                    lambda metric: see(metric, [2, 0, 1]),
                )
            table[f"{module.__name__.rpartition('.')[2]}.{name}"] = made
    return table


CASES = cases()


def assert_alike(actual, wanted):
    if isinstance(wanted, (tuple, list)):
        for a, w in zip(actual, wanted, strict=True):
            assert_alike(a, w)
    elif isinstance(wanted, str):
        assert actual == wanted
    else:
        np.testing.assert_array_equal(actual, wanted)
