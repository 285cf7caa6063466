"""Layers that train in one call forward and one back: the bits of training layer by layer."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from tools import assert_same_bits

from gru_c import (
    GRU,
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    Masking,
    Sequential,
    SimpleRNN,
    TimeDistributed,
    _core,
    initializers,
)
from gru_c.callbacks import Callback
from gru_c.common.attributes import assign
from gru_c.network.training_runs import TrainingRuns

STACKS = {
    "tutorial": lambda: [GRU(50, return_sequences=True), GRU(50), Dense(1)],
    "dropout": lambda: [GRU(5, return_sequences=True), Dropout(0.2, seed=1), GRU(4), Dense(1)],
    "backwards": lambda: [
        GRU(9, return_sequences=True, go_backwards=True),
        GRU(4, go_backwards=True),
        Dense(1),
    ],
    "all steps": lambda: [
        GRU(7, return_sequences=True),
        TimeDistributed(Dense(3)),
        TimeDistributed(Dense(2, "relu")),
    ],
    "relu": lambda: [GRU(6), Dense(5, "relu"), Dense(4, "softmax")],
    "gelu of the input": lambda: [GRU(6, return_sequences=True), Dense(5, "gelu"), GRU(3)],
    "linear": lambda: [Dense(4), GRU(6, return_sequences=True), Dense(5, use_bias=False), GRU(3)],
    "kinds": lambda: [
        GRU(8, activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True),
        GRU(3, reset_after=False, clip=0.5, use_bias=False),
    ],
    "not in the core": lambda: [
        GRU(5, return_sequences=True, dropout=0.1, seed=2),
        GRU(4, return_sequences=True, checkpoint_every=2),
        GRU(3, return_sequences=True, zoneout=0.1, seed=3),
        GRU(3, return_sequences=True, recurrent_dropout=0.1, seed=4),
        LSTM(4, return_sequences=True),
        SimpleRNN(3, return_sequences=True),
        GRU(2),
    ],
    "both ways": lambda: [Bidirectional(GRU(4, return_sequences=True)), GRU(3), Dense(2)],
    "statistics": lambda: [GRU(5, return_sequences=True), BatchNormalization(), GRU(4), Dense(1)],
    "penalties": lambda: [
        GRU(5, return_sequences=True, kernel_regularizer="l2", activity_regularizer="l2"),
        GRU(4, kernel_constraint="max_norm"),
        Dense(1, activity_regularizer="l1"),
    ],
    "after a mask": lambda: [Masking(), GRU(4, return_sequences=True), GRU(3), Dense(2)],
    "activation": lambda: [GRU(4), Dense(3), Activation("softmax")],
    "frozen": lambda: [GRU(5, return_sequences=True, trainable=False), GRU(4), Dense(1)],
    "frozen above": lambda: [
        Dense(4, trainable=False),
        GRU(5, return_sequences=True),
        GRU(4, trainable=False),
        Dense(1),
    ],
    "only dense": lambda: [TimeDistributed(Dense(4)), TimeDistributed(Dense(2, "tanh"))],
}


def model_of(name, dtype="float32", loss="mse", **options):
    model = Sequential([Input((None, 8)), *STACKS[name]()], seed=3, dtype=dtype)
    model.compile("adam", loss, **options)
    return model


def data_of(model, samples=20, steps=6):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, steps, 8)).astype(model.dtype)
    x[::4, 3:] = 0  # for `Masking`
    y = rng.random((samples, *model.compute_output_shape(x.shape)[1:])).astype(model.dtype)
    return x, y / y.sum(axis=-1, keepdims=True) if y.shape[-1] > 1 else y


def trained(model, **options):
    x, y = data_of(model)
    history = model.fit(x, y, epochs=2, batch_size=8, verbose=0, **options)
    return [*model.get_weights(), *history.history["loss"]]


@pytest.fixture
def layer_by_layer(monkeypatch):
    """Let networks train layer by layer after the call."""

    def begin_pass(self, layers, input_shape):
        self.taken = {}
        return {}

    return lambda: monkeypatch.setattr(TrainingRuns, "begin_pass", begin_pass)


def assert_all_same(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        assert_same_bits(np.asarray(a), np.asarray(b))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", STACKS)
@pytest.mark.usefixtures("isa")
def test_a_run_trains_with_the_bits_of_its_layers(name, dtype, layer_by_layer):
    actual = trained(model_of(name, dtype))
    layer_by_layer()
    assert_all_same(actual, trained(model_of(name, dtype)))


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        ("categorical_crossentropy", {}),
        ("mae", {"loss_weights": 0.5}),
        ("huber", {"metrics": ["mae"], "weighted_metrics": ["mse"]}),
    ],
)
def test_every_loss_gives_the_bits_of_single_layers(loss, options, layer_by_layer):
    weights = np.linspace(0, 1, 20)
    actual = trained(model_of("relu", loss=loss, **options), sample_weight=weights)
    layer_by_layer()
    assert_all_same(actual, trained(model_of("relu", loss=loss, **options), sample_weight=weights))


def runs_of(model):
    runs = model._training_runs.begin_pass(model.layers, model._input_shape)
    return {number: run.layers for number, run in runs.items()}


WANTED = {
    "tutorial": {0: 3},
    "dropout": {0: 1, 2: 2},
    "backwards": {0: 3},
    "relu": {0: 2, 2: 1},
    "not in the core": {6: 1},
    "penalties": {1: 1},
    "frozen": {0: 3},
}


@pytest.mark.parametrize("name", WANTED)
def test_a_run_is_as_long_as_possible(name):
    if _core.auto_engine() != _core.ENGINES["packed"]:
        pytest.skip("without fused multiply-adds the layers use the BLAS engine")
    assert runs_of(model_of(name)) == WANTED[name]


def test_a_run_may_begin_behind_another_layer():
    model = Sequential([Embedding(9, 4, input_length=5), GRU(3), Dense(1)], seed=0)
    model(np.ones((2, 5), int))
    if _core.auto_engine() == _core.ENGINES["packed"]:
        assert runs_of(model) == {1: 2}


def doubled(backward, d_output, **options):
    return backward(2 * d_output, **options)


class Doubled(GRU):
    """A GRU of a user with a backward pass of its own."""

    def backward(self, d_output, **options):
        return doubled(super().backward, d_output, **options)


def test_a_backward_pass_of_the_user_is_called():
    plain = [GRU(4), Dense(1)]
    for layers in ([Doubled(4), Dense(1)], plain):
        model = Sequential([Input((None, 8)), *layers], seed=3)
        model.compile("sgd", "mse")
        if layers is plain:
            assign(layers[0], backward=partial(doubled, layers[0].backward))
        assert 0 not in runs_of(model)
        trained(model)


@pytest.mark.parametrize("change", ["dropout", "activation layer", "checkpoint", "trainable"])
def test_a_change_of_settings_between_steps_has_its_effect(change, layer_by_layer):
    changes = {
        "dropout": lambda model: setattr(model.layers[0], "dropout", 0.3),
        "activation layer": lambda model: (
            model.add(Activation("tanh")),
            model.compile("sgd", "mse"),
        ),
        "checkpoint": lambda model: setattr(model.layers[0], "checkpoint_every", 2),
        "trainable": lambda model: setattr(model.layers[0], "trainable", False),
    }
    results = []
    for _ in range(2):
        model = model_of("tutorial")
        model.layers[0].set_seed(5)
        before = trained(model)
        changes[change](model)
        results.append([*before, *trained(model)])
        layer_by_layer()
    assert_all_same(*results)


def test_copies_and_pickles_train_by_themselves():
    model = model_of("tutorial")
    trained(model)
    twins = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    expected = trained(model)
    for twin in twins:
        assert_all_same(trained(twin), expected)


def test_a_pass_by_hand_leaves_each_layer_its_tape(layer_by_layer):
    model = model_of("tutorial")
    trained(model)
    x, _ = data_of(model)
    output = model.forward(x, training=True)
    assert all(layer.tape is not None for layer in model.layers)
    model.backward(np.ones_like(output))
    by_hand = [item.gradient.copy() for item in model.weights]
    output, _ = model.run_in_training(x)
    model.backward(np.ones_like(output))
    assert_all_same([item.gradient for item in model.weights], by_hand)


def test_a_tape_that_is_kept_serves_twice_and_one_used_up_does_not():
    model = model_of("tutorial")
    x, _ = data_of(model)
    output, _ = model.run_in_training(x)
    gradients = []
    for keep_tape in (True, True, False):
        model.backward(np.ones_like(output), keep_tape=keep_tape)
        gradients.append([item.gradient.copy() for item in model.weights])
    assert_all_same(gradients[0], gradients[1])
    assert_all_same(gradients[0], gradients[2])
    with pytest.raises(ValueError, match="tape"):
        model.backward(np.ones_like(output), keep_tape=False)


def test_layers_are_reported_from_the_last_to_the_first():
    model = model_of("tutorial")
    x, _ = data_of(model)
    output, _ = model.run_in_training(x)
    reported = []
    model.backward(np.ones_like(output), after_layer=reported.append)
    assert reported == model.layers[::-1]
    model.layers[0].trainable = False
    output, _ = model.run_in_training(x)
    reported.clear()
    model.backward(np.ones_like(output), after_layer=reported.append)
    assert reported == model.layers[:0:-1]


def test_a_gradient_of_another_shape_is_refused():
    model = model_of("tutorial")
    output, _ = model.run_in_training(data_of(model)[0])
    with pytest.raises(ValueError, match=r"must have the shape of its output, \(20, 1\), got \(3"):
        model.backward(np.ones((3, 1), np.float32))
    assert output.shape == (20, 1)


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("looks", [False, True])
def test_truncated_backpropagation_carries_states_behind_a_run(many, looks, layer_by_layer):
    x = np.random.default_rng(3).normal(size=(5, 12, 8)).astype(np.float32)
    y = x[..., :1] if many else x[:, 0, :1]

    class Look(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model(x[:2])
            self.model(x[:2])

    results = []
    for _ in range(2):
        layers = [Activation("tanh"), GRU(5, return_sequences=True), GRU(4, return_sequences=many)]
        model = Sequential([Input((None, 8)), *layers, Dense(1)], seed=3)
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=1, verbose=0)
        callbacks = [Look()] if looks else []
        for size in (1, 4):
            model.fit(x, y, batch_size=size, bptt_steps=3, verbose=0, callbacks=callbacks)
        results.append(model.get_weights())
        layer_by_layer()
        looks = False
    assert_all_same(*results)


@pytest.mark.parametrize("step", ["raises", "nan", "ends"])
def test_a_step_that_ends_early_leaves_no_tape(step):
    def raises(y, p):
        raise RuntimeError("of the user")

    model = model_of("tutorial")
    x, y = data_of(model)
    if step == "raises":
        model.compile("sgd", raises)
        with pytest.raises(RuntimeError, match="of the user"):
            model.train_on_batch(x, y)
    elif step == "nan":
        with pytest.raises(FloatingPointError, match="the loss became nan"):
            model.fit(x * np.float32(np.nan), y, verbose=0)
    else:
        model.train_on_batch(x, y)
    with pytest.raises(ValueError, match="no tape"):
        model.backward(np.ones((20, 1), np.float32))
    z = x[:3]
    for layer in model.layers:
        z = layer.forward(z, training=True)
    model.backward(np.ones_like(z))
    actual = [item.gradient.copy() for item in model.weights]
    twin = model_of("tutorial")
    twin.set_weights(model.get_weights())
    twin.backward(np.ones_like(twin.forward(x[:3], training=True)))
    assert_all_same(actual, [item.gradient for item in twin.weights])


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (np.ones(4), ValueError),
        (np.ones((1, 4)), ValueError),
        (np.float32(1), ValueError),
        (np.ones((20, 4), complex), TypeError),
        (np.full((20, 4), "a"), TypeError),
        (None, TypeError),
    ],
)
@pytest.mark.parametrize("name", ["relu", "only dense"])
def test_a_gradient_that_does_not_fit_the_last_layer_is_refused(name, bad, error):
    model = model_of(name)
    model.run_in_training(data_of(model)[0])
    with pytest.raises(error, match="d_output"):
        model.backward(bad)


def test_only_a_last_layer_with_an_activation_goes_around_it():
    model = model_of("kinds")
    output, _ = model.run_in_training(data_of(model)[0])
    with pytest.raises(TypeError, match="through_activation=False is for a Dense"):
        model.backward(np.ones_like(output), through_activation=False)


@pytest.mark.parametrize(("kind", "method"), [(Dense, "forward"), (GRU, "backward")])
def test_a_method_that_is_replaced_later_is_called(kind, method, monkeypatch):
    model = model_of("tutorial")
    trained(model)
    calls, original = [], getattr(kind, method)

    def replaced(self, *arguments, **options):
        calls.append(self)
        return original(self, *arguments, **options)

    monkeypatch.setattr(kind, method, replaced)
    trained(model)
    assert calls


class WithGain(Dense):
    """A Dense of a user with a weight more."""

    gain_initializer = initializers.Ones()

    def weight_shapes(self, input_shape):
        return {**super().weight_shapes(input_shape), "gain": (1,)}


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_subclass_with_other_weights_trains_by_itself(use_bias):
    model = Sequential([Input((None, 8)), GRU(3), WithGain(1, use_bias=use_bias)], seed=1)
    model.compile("sgd", "mse")
    x = np.ones((4, 5, 8), np.float32)
    before = model.layers[-1].value("gain").copy()
    model.fit(x, np.ones((4, 1)), verbose=0)
    assert_same_bits(model.layers[-1].value("gain"), before)


def test_a_tape_of_another_instruction_set_is_refused():
    names = _core.isa_names()
    if len(names) < 2 or _core.auto_engine() != _core.ENGINES["packed"]:
        pytest.skip("needs another instruction set")
    model, before = model_of("tutorial"), _core.active_isa()
    output, _ = model.run_in_training(data_of(model)[0])
    _core.select_isa(names[1])
    try:
        with pytest.raises(ValueError, match="the instruction set has changed"):
            model.backward(np.ones_like(output))
    finally:
        _core.select_isa(before)
