"""Runs of layers in one call of the core: the bits of the layers, and changes that end a run."""

import copy
import pickle
import threading

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import (
    GRU,
    Activation,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    LayerNormalization,
    Masking,
    Sequential,
    TimeDistributed,
    _core,
)

STACKS = {
    "tutorial": lambda: [GRU(50, return_sequences=True), Dropout(0.2), GRU(50), Dense(1)],
    "backwards": lambda: [GRU(9, return_sequences=True, go_backwards=True), GRU(4)],
    "all steps": lambda: [GRU(7, return_sequences=True), TimeDistributed(Dense(3, "relu"))],
    "softmax": lambda: [GRU(6), Dense(5, activation="tanh"), Dense(4, activation="softmax")],
    "kinds": lambda: [
        GRU(8, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True),
        GRU(3, reset_after=False, clip=0.5, zoneout=0.1, use_bias=False),
    ],
    "bfloat16": lambda: [GRU(16, inference_weights="bfloat16"), Dense(2, activation="sigmoid")],
    "int8": lambda: [GRU(16, return_sequences=True, inference_weights="int8"), GRU(4)],
    "between": lambda: [Dense(4), LayerNormalization(), GRU(5, return_sequences=True), Flatten()],
    "both ways": lambda: [Bidirectional(GRU(4, return_sequences=True)), GRU(3), Dense(2)],
    "after a mask": lambda: [Masking(), GRU(4), Dense(2)],
}


def model_of(layers, dtype="float32", steps=None):
    return Sequential([Input((steps, 8)), *layers], seed=3, dtype=dtype)


def by_layers(model, x):
    """Return the output of the layers, one call of the core for each."""
    for layer in model.layers:
        x = layer.forward(x)
    return x


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STACKS)
@pytest.mark.usefixtures("isa")
def test_a_run_has_the_bits_of_its_layers(name, dtype):
    if dtype == "float64" and name in ("bfloat16", "int8"):
        pytest.skip("weights of fewer bits are for float32")
    steps = 5 if name == "between" else None
    model = model_of(STACKS[name](), dtype, steps)
    rng = np.random.default_rng(0)
    for batch, time in [(1, 1), (1, 5), (2, 5), (32, 5), (70, 5), (0, 5), (3, 0), (9, 40)]:
        if steps in (None, time):
            x = rng.normal(size=(batch, time, 8)).astype(dtype)
            expected = by_layers(model, x)
            for _ in range(3):
                assert_same_bits(model.forward(x), expected)
    if name != "after a mask" and _core.auto_engine() == _core.ENGINES["packed"]:
        assert model.core_runs()


def test_the_core_takes_the_tutorial_in_one_call():
    if _core.auto_engine() != _core.ENGINES["packed"]:
        pytest.skip("without fused multiply-adds the layers use the BLAS engine")
    model = model_of(STACKS["tutorial"]())
    x = np.ones((2, 5, 8), np.float32)
    assert model.whole_run() is None  # once is not worth while
    assert model.whole_run().layers == 4
    with_embedding = Sequential([Embedding(9, 4, input_length=5), GRU(3), Dense(1)], seed=0)
    with_embedding(np.ones((2, 5), int))
    assert {n: run.layers for n, run in with_embedding.core_runs().items()} == {1: 2}
    assert x.shape == (2, 5, 8)


def changes():
    """Changes of a model, after which its results differ."""

    def train(model):
        model.compile("sgd", "mse")
        model.train_on_batch(np.ones((4, 5, 8), np.float32), np.ones((4, 1)))

    def method(model):
        model.layers[-1].forward = lambda x, training=False: x[:, :1] * 0

    return {
        "training": train,
        "set_weights": lambda model: model.set_weights([w + 1 for w in model.get_weights()]),
        "of a layer": lambda model: model.layers[2].set_weights(
            [w + 1 for w in model.layers[2].get_weights()]
        ),
        "a format": lambda model: setattr(model.layers[0], "inference_weights", "int8"),
        "a method": method,
        "values": lambda model: model.parameters.values.__iadd__(1),
        "a layer more": lambda model: model.add(Activation("tanh")),
        "a layer less": lambda model: model.pop(),
        "lists": lambda model: model.layers.pop(),
        "in place": lambda model: model.layers[0].parameters[0].value.__iadd__(1),
        "flat": lambda model: setattr(
            model.parameters, "values", np.full(model.parameters.flat.shape, 0.1)
        ),
    }


@pytest.mark.parametrize("name", changes())
def test_a_change_is_seen_by_the_next_call(name):
    model = model_of(STACKS["tutorial"]())
    x = np.random.default_rng(0).normal(size=(3, 5, 8)).astype(np.float32)
    before = [model.predict(x, verbose=0) for _ in range(3)][-1]
    changes()[name](model)
    expected = by_layers(model, x)
    assert before.shape != expected.shape or (before != expected).any()
    for _ in range(3):
        assert_same_bits(model.predict(x, verbose=0), expected)
        assert_same_bits(model(x), expected)


def test_an_array_that_is_held_is_read_in_every_call():
    model = model_of(STACKS["tutorial"]())
    kernel = model.layers[0].parameters[0].value
    x = np.ones((2, 5, 8), np.float32)
    for factor in (1.0, 0.5, 2.0):
        kernel *= factor
        for _ in range(2):
            assert_same_bits(model(x), by_layers(model, x))


def test_weights_that_move_to_another_model_are_followed():
    first = model_of(STACKS["tutorial"]())
    x = np.ones((2, 5, 8), np.float32)
    for _ in range(3):
        first(x)
    second = Sequential(first.layers[:2])
    second.add(Dense(1))
    second.compile("sgd", "mse")
    before = first(x)
    second.train_on_batch(x, np.ones((2, 5, 1)))
    for _ in range(3):
        assert_same_bits(first(x), by_layers(first, x))
    assert (first(x) != before).any()


def test_other_arrays_than_the_cores_give_the_same_numbers():
    model = model_of(STACKS["tutorial"]())
    x = np.random.default_rng(0).normal(size=(3, 6, 8)).astype(np.float32)
    expected = by_layers(model, x)
    ways = [x.astype(float), x.tolist(), np.asfortranarray(x), x[::-1][::-1], x.astype(">f4")]
    for _ in range(3):
        for way in ways:
            assert_same_bits(model.predict(way, verbose=0), expected)
            assert_same_bits(model(way), expected)
    whole = np.round(x).astype(int)
    assert_same_bits(model(whole), by_layers(model, whole.astype(np.float32)))


@pytest.mark.parametrize("shape", [(6, 8), (3, 6, 7), (3, 4, 6, 8), (8,)])
def test_a_shape_that_does_not_fit_is_refused_as_before(shape):
    model = model_of(STACKS["tutorial"]())
    for _ in range(3):
        with pytest.raises(ValueError, match="must have shape"):
            model.predict(np.zeros(shape, np.float32), verbose=0)
        with pytest.raises(ValueError, match="must have shape"):
            model(np.zeros(shape, np.float32))


def test_a_fixed_number_of_steps_is_kept():
    model = model_of(STACKS["tutorial"](), steps=5)
    for _ in range(3):
        with pytest.raises(ValueError, match=r"must have shape \(samples, 5, 8\)"):
            model.predict(np.zeros((2, 4, 8), np.float32), verbose=0)


def test_a_prediction_still_warns_of_values_that_are_missing():
    model = model_of(STACKS["tutorial"]())
    x = np.zeros((2, 5, 8), np.float32)
    for _ in range(3):
        model.predict(x, verbose=0)
    x[1, 2, 3] = np.nan
    with pytest.warns(UserWarning, match=r"x\[1, 2, 3\] is nan"):
        model.predict(x, verbose=0)


def test_a_model_with_runs_is_copied_and_pickled():
    model = model_of(STACKS["tutorial"]())
    x = np.ones((2, 5, 8), np.float32)
    for _ in range(3):
        expected = model(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        for _ in range(3):
            assert_same_bits(other(x), expected)


def test_a_pickle_of_an_earlier_version_predicts():
    model = model_of(STACKS["tutorial"]())
    state = {name: value for name, value in vars(model).items() if name != "_core_runs"}
    earlier = Sequential.__new__(Sequential)
    earlier.__setstate__(pickle.loads(pickle.dumps(state)))
    x = np.ones((2, 5, 8), np.float32)
    for _ in range(3):
        assert_same_bits(earlier.predict(x, verbose=0), by_layers(model, x))


def test_threads_predict_while_another_trains():
    """Each prediction is that of some whole set of weights."""
    model = model_of([GRU(24, return_sequences=True), GRU(24), Dense(1)])
    x = np.random.default_rng(0).normal(size=(4, 10, 8)).astype(np.float32)
    weights = [model.get_weights()]
    weights += [[w + k for w in weights[0]] for k in (0.01, 0.02, 0.03)]
    known = set()
    for each in weights:
        model.set_weights(each)
        known.add(by_layers(model, x).tobytes())
    unknown = []

    def predict():
        for _ in range(200):
            if model.predict(x, verbose=0).tobytes() not in known:
                unknown.append(1)

    threads = [threading.Thread(target=predict) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        model.set_weights(weights[number % 4])
    for thread in threads:
        thread.join()
    assert not unknown


@pytest.mark.parametrize("size", [2, 64])
def test_a_prediction_has_the_weights_of_one_moment(size):
    layers = [Bidirectional(GRU(6, return_sequences=True)), LayerNormalization(), GRU(5), Dense(2)]
    model = model_of(layers)
    x = np.random.default_rng(0).normal(size=(8, 20, 8)).astype(np.float32)
    before = model.get_weights()
    weights = [before, [weight + np.float32(0.3) for weight in before]]
    expected = []
    for values in weights:
        model.set_weights(values)
        expected.append([model.predict(x, batch_size=size, verbose=0) for _ in range(3)])
    threads_end, outputs = threading.Event(), []

    def ask():
        while not threads_end.is_set():
            outputs.append(model.predict(x, batch_size=size, verbose=0))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(200):
        model.set_weights(weights[number % 2])
        model(x)
    threads_end.set()
    for thread in threads:
        thread.join()
    assert outputs
    bits = {np.asarray(y).tobytes() for either in expected for y in either}
    assert {output.tobytes() for output in outputs} <= bits


def test_changes_of_other_layers_leave_no_copies_of_the_weights():
    model = model_of([GRU(4), Dense(1)])
    x = np.ones((2, 5, 8), np.float32)
    sizes = set()
    for _ in range(5):
        Dense(3)
        for _ in range(3):
            model(x)
        sizes.add(len(model.layers[0].parameters[0].memory.derived))
    assert len(sizes) == 1


def test_forward_refuses_a_sequence_without_a_batch_axis_in_every_call():
    model = model_of([GRU(4), Dense(1)])
    x = np.ones((2, 5, 8), np.float32)
    for _ in range(3):
        model.forward(x)
        with pytest.raises(ValueError, match=r"3 dimensions .*\(5, 8\)"):
            model.forward(x[0])


@pytest.mark.parametrize("calls", [0, 3])
@pytest.mark.parametrize("kind", [GRU, Dense, TimeDistributed, Dropout])
def test_a_method_that_replaces_that_of_a_class_is_called(monkeypatch, kind, calls):
    layers = [GRU(4, return_sequences=True), Dropout(0.1), TimeDistributed(Dense(3)), Dense(1)]
    model = model_of(layers)
    x, forward, seen = np.ones((2, 5, 8), np.float32), kind.forward, []

    def spy(self, *arguments, **options):
        seen.append(self)
        return forward(self, *arguments, **options)

    for _ in range(calls):
        model(x)
    monkeypatch.setattr(kind, "forward", spy)
    for number in range(3):
        model(x)
        assert len(seen) >= number + 1


def test_a_time_distributed_with_a_forward_of_its_own_is_called():
    class Doubled(TimeDistributed):
        def forward(self, x, *, training=False):
            return 2 * super().forward(x, training=training)

    model = model_of([GRU(4, return_sequences=True), Doubled(Dense(3)), Dense(1)])
    x = np.ones((2, 5, 8), np.float32)
    for _ in range(3):
        assert_same_bits(model(x), by_layers(model, x))
