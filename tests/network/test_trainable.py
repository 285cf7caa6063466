"""Frozen layers and models keep their weights, and the flag `trainable`."""

import copy
import pickle

import numpy as np
import pytest
from frozen_models import X, Y, changed, fit, model_of, weights_by_layer

import gru_c
from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Input,
    LayerNormalization,
    Masking,
    Sequential,
    constraints,
    load_model,
    optimizers,
)
from gru_c.parameters import Parameters

OPTIMIZERS = [
    optimizers.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    optimizers.AdamW(0.01, weight_decay=0.5, global_clipnorm=0.1),
    optimizers.RMSprop(0.01, momentum=0.5, centered=True, clipnorm=0.1),
    optimizers.Adam(0.01, clipvalue=1e-3),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: type(o).__name__)
@pytest.mark.parametrize("frozen", [[0], [1], [3], [0, 1], [0, 2], [1, 2], [0, 1, 2]], ids=str)
def test_a_frozen_layer_keeps_its_weights(optimizer, frozen):
    model = model_of(type(optimizer)(**optimizer.get_config()))
    for number in frozen:
        model.layers[number].trainable = False
    before = weights_by_layer(model)
    fit(model)
    assert changed(model, before) == [number not in frozen for number in range(4)]


@pytest.mark.parametrize("units", [1, 3, 8, 17])
def test_frozen_layers_keep_their_weights_on_each_engine(engine, units):
    model = model_of(units=units)
    model.layers[0].trainable = model.layers[2].trainable = False
    before = weights_by_layer(model)
    fit(model)
    model.train_on_batch(X, Y, sample_weight=np.arange(24))
    assert changed(model, before) == [False, True, False, True]


def test_layers_above_a_frozen_layer_train_as_they_do_without_it():
    """Layers above a frozen layer train like a model on that layer's outputs."""
    model = model_of(optimizers.Adam(0.01, global_clipnorm=0.1))
    model.layers[0].trainable = False
    upper = model_of(optimizers.Adam(0.01, global_clipnorm=0.1))
    upper = Sequential([Input((6, 5)), *copy.deepcopy(upper.layers[1:])], seed=0)
    upper.compile(optimizers.Adam(0.01, global_clipnorm=0.1), "mse")
    features = Sequential(model.layers[:1]).predict(X, verbose=0)
    fit(model, shuffle=False)
    fit(upper, features, shuffle=False)
    for ours, theirs in zip(model.get_weights()[3:], upper.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


def test_only_gradients_of_trainable_weights_enter_the_norm():
    layers = Dense(2), Dense(2), Dense(1)
    for layer in layers:
        layer.build((None, 2))
    layers[1].trainable = False
    parameters = Parameters(layers)
    for item in parameters.items:
        item.gradient[...] = 3.0
    before = [item.value.copy() for item in parameters.items]
    optimizers.SGD(1.0, global_clipnorm=1.0).step(parameters)
    steps = [old - item.value for old, item in zip(before, parameters.items, strict=True)]
    assert not steps[2].any()
    assert not steps[3].any()
    moved = np.concatenate([steps[i].ravel() for i in (0, 1, 4, 5)])
    np.testing.assert_allclose(np.linalg.norm(moved), 1.0, rtol=1e-6)
    assert [(run.start, run.stop) for run in parameters.trainable_runs()] == [(0, 32), (64, 96)]


def test_the_model_freezes_all_its_layers():
    model = model_of()
    model.trainable = False
    assert [layer.trainable for layer in model.layers] == [False] * 4
    model.trainable = True
    assert model.trainable_weights == model.parameters.items
    model.layers[0].trainable = False
    names = [item.name for item in model.trainable_weights]
    assert names == ["gamma", "beta", "kernel", "recurrent_kernel", "bias", "kernel", "bias"]
    assert model.non_trainable_weights == model.layers[0].parameters
    assert model.trainable
    assert model.count_params() == sum(w.size for w in model.get_weights())


def test_a_model_is_frozen_before_it_is_built_and_unfrozen_after():
    model = Sequential([GRU(2), Dense(1)], trainable=False)
    assert [layer.trainable for layer in model.layers] == [True, True]
    model.build((None, 6, 3))
    assert model.trainable_weights == []
    model.trainable = True
    assert len(model.trainable_weights) == 5


@pytest.mark.parametrize("method", ["fit", "train_on_batch"])
def test_where_nothing_is_trained_a_warning_says_why(method):
    model = model_of()
    model.trainable = False
    before = weights_by_layer(model)
    with pytest.warns(UserWarning, match="all its layers are frozen") as caught:
        getattr(model, method)(X, Y)
    assert caught[0].filename == __file__
    model.layers[3].trainable = True  # the model's flag takes precedence, as in Keras
    with pytest.warns(UserWarning, match="'dense': set model.trainable = True, then freeze"):
        getattr(model, method)(X, Y)
    assert changed(model, before) == [False] * 4
    assert model.optimizer.iterations == 0


def test_layers_freeze_and_thaw_between_fits_without_another_compile():
    model = model_of("adam")
    fit(model)
    state = model.optimizer.slots["momentum"].copy()
    model.layers[2].trainable = False
    before = weights_by_layer(model)
    fit(model)
    assert changed(model, before) == [True, True, False, True]
    span = slice(*model.parameters.span(model.layers[2]))
    assert (model.optimizer.slots["momentum"][span] == state[span]).all()
    model.layers[2].trainable = True
    before = weights_by_layer(model)
    fit(model)
    assert changed(model, before) == [True] * 4


def test_freezing_and_thawing_at_once_changes_no_bit():
    models = model_of(), model_of()
    for model in models:
        fit(model)
    models[0].layers[0].trainable = False
    models[0].layers[0].trainable = True
    for model in models:
        fit(model)
    assert pickle.dumps(models[0].get_weights()) == pickle.dumps(models[1].get_weights())


# ---- Bidirectional -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "set_up", "trained"),
    [
        (lambda: Bidirectional(GRU(2), trainable=False), None, (False, False)),
        (lambda: Bidirectional(GRU(2, trainable=False)), None, (False, False)),
        (lambda: Bidirectional(GRU(2)), (False, None, None), (False, False)),
        (lambda: Bidirectional(GRU(2)), (None, False, None), (False, True)),
        (lambda: Bidirectional(GRU(2)), (None, None, False), (True, False)),
        (lambda: Bidirectional(GRU(2)), (False, True, None), (True, False)),
        (
            lambda: Bidirectional(
                GRU(2), backward_layer=GRU(2, go_backwards=True, trainable=False)
            ),
            None,
            (True, False),
        ),
    ],
)
def test_directions_can_be_frozen(tmp_path, make, set_up, trained):
    layer = make()
    for part, flag in zip((layer, *layer.directions), set_up or (), strict=False):
        if flag is not None:
            part.trainable = flag
    model = Sequential([Input((6, 3)), layer, Dense(1)], seed=0)
    model.compile("adam", "mse")
    before = layer.get_weights()
    fit(model)
    same = [(a == b).all() for a, b in zip(layer.get_weights(), before, strict=True)]
    assert same == [not flag for flag in trained for _ in range(3)]
    assert layer.trainable == any(trained)
    assert len(layer.trainable_weights) == 3 * sum(trained)
    model.save(tmp_path / "model.safetensors")
    for again in (load_model(tmp_path / "model.safetensors"), copy.deepcopy(model)):
        assert tuple(part.trainable for part in again.layers[0].directions) == trained
        fit(model_again := again)
        expected = 3 * sum(trained) + 2
        assert len(model_again.trainable_weights) == expected


# ---- regularizers, constraints, dropout ----------------------------------------------------------


def test_the_penalty_of_a_frozen_layer_is_not_part_of_the_loss():
    model = model_of(kernel_regularizer="l2")
    with_penalty = model.evaluate(X, Y, verbose=0)
    penalty = model.layers[0].penalty()
    model.layers[0].trainable = False
    assert model.layers[0].penalty() == model.parameters.penalty() == 0 < penalty
    np.testing.assert_allclose(model.evaluate(X, Y, verbose=0), with_penalty - penalty, rtol=1e-5)
    first = model_of()
    first.layers[0].trainable = False
    assert model.train_on_batch(X, Y) == first.train_on_batch(X, Y)


def test_a_constraint_does_not_touch_a_frozen_layer():
    model = model_of(kernel_constraint=constraints.MaxNorm(0.01))
    model.layers[0].trainable = False
    before = weights_by_layer(model)
    fit(model)
    assert not changed(model, before)[0]


def test_dropout_stays_active_in_frozen_layers():
    layer = Dropout(0.5, seed=1, trainable=False)
    assert (layer(np.ones((4, 9)), training=True) == 0).any()
    gru = GRU(2, dropout=0.5, seed=1, trainable=False)
    assert not np.array_equal(gru(X, training=True), gru(X))


def test_a_frozen_stateful_layer_keeps_its_states():
    model = Sequential([GRU(3, stateful=True, input_shape=(6, 3), trainable=False), Dense(1)])
    model.compile("adam", "mse")
    fit(model, shuffle=False)
    assert model.layers[0].state.shape == (8, 3)


def test_truncated_backpropagation_does_not_change_frozen_layers():
    model = model_of()
    model.layers[0].trainable = False
    before = weights_by_layer(model)
    fit(model, bptt_steps=2)
    assert changed(model, before) == [False, True, True, True]


# ---- the flag itself -----------------------------------------------------------------------------

EVERY_LAYER = [
    GRU(2),
    Dense(2),
    Embedding(3, 2),
    LayerNormalization(),
    Dropout(0.1),
    Masking(),
    Bidirectional(GRU(2)),
    gru_c.Activation("relu"),
    gru_c.Flatten(),
    gru_c.RepeatVector(2),
]


@pytest.mark.parametrize("layer", EVERY_LAYER, ids=lambda layer: type(layer).__name__)
def test_every_layer_takes_trainable(layer):
    config = layer.get_config()
    assert config["trainable"] is True
    frozen = type(layer)(**{**config, "trainable": False})
    assert frozen.trainable is False
    assert frozen.get_config()["trainable"] is False
    assert type(layer)(**frozen.get_config()).trainable is False


@pytest.mark.parametrize("value", ["no", "False", None, [], 2, 0.0, np.array([True, False])])
def test_values_other_than_true_and_false_are_refused(value):
    model = model_of()
    message = "trainable must be True or False, got"
    for owner in (model, model.layers[0], Bidirectional(GRU(2))):
        with pytest.raises(TypeError, match=message):
            owner.trainable = value
        assert owner.trainable is True
    for make in (lambda: Dense(1, trainable=value), lambda: Sequential(trainable=value)):
        with pytest.raises(TypeError, match=message):
            make()


@pytest.mark.parametrize("value", [0, np.bool_(False)])
def test_numbers_that_are_plainly_false_are_taken(value):
    layer = Dense(1)
    layer.trainable = value
    assert layer.trainable is False
