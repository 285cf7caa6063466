"""Layers that train in one call forward and one back: the bits of training layer by layer."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest
from run_stacks import KINDS, STACKS, data_of, each_kind, model_of
from tools import assert_same_bits

from gru_c import (
    GRU,
    Activation,
    Dense,
    Embedding,
    Input,
    Sequential,
    _core,
    initializers,
)
from gru_c.callbacks import Callback
from gru_c.common.attributes import assign
from gru_c.network.training_runs import TrainingRuns


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
@each_kind
@pytest.mark.usefixtures("isa")
def test_a_run_trains_with_the_bits_of_its_layers(name, dtype, kind, layer_by_layer):
    actual = trained(model_of(name, dtype, kind=kind))
    layer_by_layer()
    assert_all_same(actual, trained(model_of(name, dtype, kind=kind)))


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
    "not in the core": {4: 1},
    "one of each": {0: 5},
    "penalties": {1: 1},
    "frozen": {0: 3},
}


@pytest.mark.parametrize("name", WANTED)
@each_kind
def test_a_run_is_as_long_as_possible(name, kind):
    if _core.auto_engine() != _core.ENGINES["packed"]:
        pytest.skip("without fused multiply-adds the layers use the BLAS engine")
    assert runs_of(model_of(name, kind=kind)) == WANTED[name]


def test_a_run_may_begin_behind_another_layer():
    model = Sequential([Embedding(9, 4, input_length=5), GRU(3), Dense(1)], seed=0)
    model(np.ones((2, 5), int))
    if _core.auto_engine() == _core.ENGINES["packed"]:
        assert runs_of(model) == {1: 2}


def doubled(backward, d_output, **options):
    return backward(2 * d_output, **options)


class Doubled:
    """A layer of a user with a backward pass of its own."""

    def backward(self, d_output, **options):
        return doubled(super().backward, d_output, **options)


@each_kind
def test_a_backward_pass_of_the_user_is_called(kind):
    plain = [kind(4), Dense(1)]
    user_class = type("User", (Doubled, kind), {})
    for layers in ([user_class(4), Dense(1)], plain):
        model = Sequential([Input((None, 8)), *layers], seed=3)
        model.compile("sgd", "mse")
        if layers is plain:
            assign(layers[0], backward=partial(doubled, layers[0].backward))
        assert 0 not in runs_of(model)
        trained(model)


@pytest.mark.parametrize("change", ["dropout", "activation layer", "checkpoint", "trainable"])
@each_kind
def test_a_change_of_settings_between_steps_has_its_effect(change, kind, layer_by_layer):
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
        model = model_of("tutorial", kind=kind)
        model.layers[0].set_seed(5)
        before = trained(model)
        changes[change](model)
        results.append([*before, *trained(model)])
        layer_by_layer()
    assert_all_same(*results)


@each_kind
def test_copies_and_pickles_train_by_themselves(kind):
    model = model_of("tutorial", kind=kind)
    trained(model)
    twins = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    expected = trained(model)
    for twin in twins:
        assert_all_same(trained(twin), expected)


@each_kind
def test_a_pass_by_hand_leaves_each_layer_its_tape(kind, layer_by_layer):
    model = model_of("tutorial", kind=kind)
    trained(model)
    x, _ = data_of(model)
    output = model.forward(x, training=True)
    assert all(layer.tape is not None for layer in model.layers)
    model.backward(np.ones_like(output))
    by_hand = [item.gradient.copy() for item in model.weights]
    output, _ = model.run_in_training(x)
    model.backward(np.ones_like(output))
    assert_all_same([item.gradient for item in model.weights], by_hand)


@each_kind
def test_a_tape_that_is_kept_serves_twice_and_one_used_up_does_not(kind):
    model = model_of("tutorial", kind=kind)
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


@each_kind
def test_layers_are_reported_from_the_last_to_the_first(kind):
    model = model_of("tutorial", kind=kind)
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


@each_kind
def test_a_gradient_of_another_shape_is_refused(kind):
    model = model_of("tutorial", kind=kind)
    output, _ = model.run_in_training(data_of(model)[0])
    with pytest.raises(ValueError, match=r"must have the shape of its output, \(20, 1\), got \(3"):
        model.backward(np.ones((3, 1), np.float32))
    assert output.shape == (20, 1)


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("looks", [False, True])
@each_kind
def test_truncated_backpropagation_carries_states_behind_a_run(many, looks, kind, layer_by_layer):
    x = np.random.default_rng(3).normal(size=(5, 12, 8)).astype(np.float32)
    y = x[..., :1] if many else x[:, 0, :1]

    class Look(Callback):
        def on_train_batch_begin(self, batch, logs=None):
            self.model(x[:2])
            self.model(x[:2])

    results = []
    for _ in range(2):
        recurrent = [kind(5, return_sequences=True), kind(4, return_sequences=many)]
        layers = [Activation("tanh"), *recurrent]
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
@each_kind
def test_a_step_that_ends_early_leaves_no_tape(step, kind):
    def raises(y, p):
        raise RuntimeError("of the user")

    model = model_of("tutorial", kind=kind)
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
    twin = model_of("tutorial", kind=kind)
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


@each_kind
def test_only_a_last_layer_with_an_activation_goes_around_it(kind):
    model = model_of("kinds", kind=kind)
    output, _ = model.run_in_training(data_of(model)[0])
    with pytest.raises(TypeError, match="through_activation=False is for a Dense"):
        model.backward(np.ones_like(output), through_activation=False)


@pytest.mark.parametrize(
    ("kind", "method"), [(Dense, "forward"), *((kind, "backward") for kind in KINDS)]
)
def test_a_method_that_is_replaced_later_is_called(kind, method, monkeypatch):
    model = model_of("tutorial", kind=GRU if kind is Dense else kind)
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


@each_kind
def test_a_tape_of_another_instruction_set_is_refused(kind):
    names = _core.isa_names()
    if len(names) < 2 or _core.auto_engine() != _core.ENGINES["packed"]:
        pytest.skip("needs another instruction set")
    model, before = model_of("tutorial", kind=kind), _core.active_isa()
    output, _ = model.run_in_training(data_of(model)[0])
    _core.select_isa(names[1])
    try:
        with pytest.raises(ValueError, match="the instruction set has changed"):
            model.backward(np.ones_like(output))
    finally:
        _core.select_isa(before)
