"""Models that share layers: transfer learning as it is written in Keras."""

import copy
import gc
import pickle

import numpy as np
import pytest

from gru_c import (
    GRU,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    LayerNormalization,
    Parameters,
    Sequential,
    callbacks,
    load_model,
    optimizers,
)

RNG = np.random.default_rng(14)
X = RNG.standard_normal((24, 6, 3)).astype(np.float32)
Y = RNG.standard_normal((24, 1)).astype(np.float32)
Z = RNG.standard_normal((24, 2)).astype(np.float32)
MAKE = {
    "adam": lambda: optimizers.Adam(0.01, global_clipnorm=0.5),
    "sgd": lambda: optimizers.SGD(0.1, momentum=0.9, clipnorm=0.1, weight_decay=0.01),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
}


def fit(model, y, epochs=2):
    return model.fit(X, y, epochs=epochs, batch_size=8, verbose=0, shuffle=False)


def trained_model(optimizer="adam"):
    model = Sequential(
        [
            GRU(4, return_sequences=True, input_shape=(6, 3), kernel_regularizer="l2"),
            LayerNormalization(),
            Bidirectional(GRU(3, bias_constraint="non_neg")),
            Dense(1),
        ],
        seed=0,
    )
    model.compile(MAKE[optimizer](), "mse")
    fit(model, Y)
    return model


def on_top_of(layers, optimizer="adam"):
    model = Sequential([*layers, Dense(2)], seed=1)
    model.compile(MAKE[optimizer](), "mse")
    return model


def added_one_by_one(layers):
    model = Sequential(seed=1)
    for layer in layers:
        model.add(layer)
    model.add(Dense(2))
    model.compile(MAKE["adam"](), "mse")
    return model


def assert_same(weights, other):
    for a, b in zip(weights, other, strict=True):
        np.testing.assert_array_equal(a, b)


def loaded(model, tmp_path):
    model.save(tmp_path / "old.safetensors", include_optimizer=True)
    return load_model(tmp_path / "old.safetensors")


@pytest.mark.parametrize("make", [on_top_of, added_one_by_one], ids=lambda make: make.__name__)
@pytest.mark.parametrize("where", ["alive", "deleted", "loaded", "in a cycle"])
def test_a_new_head_is_trained_on_frozen_layers(where, make, tmp_path):
    old = trained_model()
    if where == "loaded":
        old = loaded(old, tmp_path)
    alone = make(copy.deepcopy(old.layers[:-1]))
    new = make(old.layers[:-1])
    if where == "in a cycle":
        old.layers[0].tape = [old]
    if where in ("deleted", "in a cycle"):
        del old
        gc.collect()
    before = [layer.get_weights() for layer in new.layers[:-1]]
    for model in (new, alone):
        for layer in model.layers[:-1]:
            layer.trainable = False
    assert fit(new, Z).history == fit(alone, Z).history
    assert_same(new.get_weights(), alone.get_weights())
    for layer, weights in zip(new.layers[:-1], before, strict=True):
        assert_same(layer.get_weights(), weights)


@pytest.mark.parametrize("optimizer", MAKE)
def test_models_that_share_layers_train_in_turn_as_models_that_hand_weights_over(optimizer):
    old = trained_model(optimizer)
    other_old = copy.deepcopy(old)
    other_new = on_top_of(copy.deepcopy(old.layers[:-1]), optimizer)
    new = on_top_of(old.layers[:-1], optimizer)

    def hand_over(source, target):
        for a, b in zip(source.layers[:-1], target.layers[:-1], strict=True):
            b.set_weights(a.get_weights())

    for _ in range(2):
        assert fit(new, Z).history == fit(other_new, Z).history
        hand_over(other_new, other_old)
        np.testing.assert_array_equal(
            old.predict(X, verbose=0), other_old.predict(X, verbose=0)
        )  # training the new model has changed the old one, too
        assert fit(old, Y).history == fit(other_old, Y).history
        hand_over(other_old, other_new)
    for model, other in ((old, other_old), (new, other_new)):
        assert_same(model.get_weights(), other.get_weights())
        for name, slot in model.optimizer.slots.items():
            np.testing.assert_array_equal(slot, other.optimizer.slots[name])


def test_shared_layers_train_batch_by_batch_in_turn():
    old = trained_model()
    new = on_top_of(old.layers[:-1])
    for _ in range(3):
        shared = old.layers[0].get_weights()
        old.train_on_batch(X, Y)
        new.train_on_batch(X, Z)
        assert not np.array_equal(old.layers[0].get_weights()[0], shared[0])
        assert_same(old.layers[0].get_weights(), new.layers[0].get_weights())


def test_a_model_may_be_trained_while_another_that_shares_its_layers_is():
    old, new = trained_model(), None
    new = on_top_of(old.layers[:-1])
    inside = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: new.train_on_batch(X, Z)
    )
    steps = old.optimizer.iterations
    old.fit(X, Y, batch_size=8, verbose=0, callbacks=[inside])
    assert (old.optimizer.iterations - steps, new.optimizer.iterations) == (3, 3)
    for model in (old, new):
        views = model.parameters.views(model.parameters.values)
        assert_same(views, model.get_weights())


def test_a_model_that_shares_layers_is_restored_to_the_beginning_of_its_epoch():
    old = trained_model()
    new = on_top_of(old.layers[:-1])
    fit(new, Z)
    before = old.get_weights()
    bad = Y.copy()
    bad[-1] = np.inf
    with pytest.raises(FloatingPointError):
        fit(old, bad)
    assert_same(old.get_weights(), before)
    assert_same(new.layers[0].get_weights(), before[:3])


def test_a_state_of_an_optimizer_waits_while_another_model_has_the_layers(tmp_path):
    old, same = trained_model(), trained_model()
    new = on_top_of(old.layers[:-1])
    for layer in old.layers[:-1]:
        layer.trainable = False
    fit(new, Z)
    for layer in old.layers[:-1]:
        layer.trainable = True
    again = loaded(old, tmp_path)
    for model in (old, again):
        assert fit(model, Y).history["loss"] != []
    fit(same, Y)
    assert_same(old.get_weights(), same.get_weights())
    assert_same(again.get_weights(), same.get_weights())


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda obj: pickle.loads(pickle.dumps(obj))])
def test_copies_of_models_that_share_layers_share_theirs(duplicate):
    old = trained_model()
    new = on_top_of(old.layers[:-1])
    fit(new, Z)
    for pair in (duplicate((old, new)), duplicate((new, old))[::-1]):
        assert pair[0].layers[0] is pair[1].layers[0] is not old.layers[0]
        fit(pair[1], Z)
        fit(pair[0], Y)
        for model in pair:
            assert_same(model.parameters.views(model.parameters.values), model.get_weights())
    alone = duplicate(old)  # its weights lay in the flat vectors of the new model
    fit(alone, Y)
    assert_same(new.parameters.views(new.parameters.values), new.get_weights())


def test_one_direction_of_a_layer_is_taken_by_hand_alone():
    old = trained_model()
    forward = old.layers[2].forward_layer
    with pytest.raises(ValueError, match="one direction of a Bidirectional"):
        Sequential([forward, Dense(2)])
    parameters = Parameters([forward])
    with pytest.raises(ValueError, match="already part of a model"):
        fit(old, Y)
    parameters.release()
    fit(old, Y)
    assert_same(old.parameters.views(old.parameters.values), old.get_weights())


def test_embeddings_and_layers_without_weights_are_handed_on():
    old = Sequential([Embedding(9, 4), Dropout(0.5), GRU(3), Dense(1)], seed=0)
    old.compile("adam", "mse")
    words = RNG.integers(0, 9, (24, 6))
    old.fit(words, Y, verbose=0)
    new = on_top_of(old.layers[:-1])
    old.layers[0].trainable = False
    table = old.layers[0].get_weights()
    new.fit(words, Z, verbose=0)
    old.fit(words, Y, verbose=0)
    assert_same(old.layers[0].get_weights(), table)


def test_parameters_made_by_hand_keep_their_layers():
    old = trained_model()
    parameters = Parameters(old.layers[:2])
    new = on_top_of(old.layers[:-1])
    for model, y in ((old, Y), (new, Z)):
        before = model.get_weights()
        with pytest.raises(ValueError, match=r"'gru' is already part of a model.*copy\.deepcopy"):
            fit(model, y)
        assert_same(model.get_weights(), before)
    parameters.values[:] = 0
    assert not old.layers[0].get_weights()[0].any()
    del parameters
    fit(new, Z)
    fit(old, Y)


def test_a_frozen_layer_that_is_shared_is_frozen_in_both():
    old = trained_model()
    new = on_top_of(old.layers[:-1])
    new.layers[0].trainable = False
    before = old.layers[0].get_weights(), old.layers[2].get_weights()
    fit(old, Y)
    assert_same(old.layers[0].get_weights(), before[0])
    assert not np.array_equal(old.layers[2].get_weights()[0], before[1][0])


def test_new_layers_before_trained_ones_get_free_names():
    old = trained_model()
    new = Sequential([GRU(4, return_sequences=True, input_shape=(6, 3)), *old.layers[1:2]], seed=1)
    assert [layer.name for layer in new.layers] == ["gru", "layer_normalization"]
    new = Sequential([LayerNormalization(input_shape=(6, 3)), *old.layers], seed=1)
    names = ["layer_normalization_1", "gru", "layer_normalization", "bidirectional", "dense"]
    assert [layer.name for layer in new.layers] == names
    new.compile("adam", "mse")
    fit(new, Y)
    fit(old, Y)
    with pytest.raises(ValueError, match="already a layer named 'gru': give one of them another"):
        new.add(GRU(3, name="gru"))


def test_the_head_of_a_trained_model_is_replaced():
    model = trained_model()
    other = on_top_of(copy.deepcopy(model.layers[:-1]))
    head = model.pop()
    assert (head.name, head.owner, len(model.layers)) == ("dense", None, 3)
    assert model.output_shape == (None, 6)
    model.add(copy.deepcopy(other.layers[-1]))
    with pytest.raises(ValueError, match="this one with other layers: make a new optimizer"):
        fit(model, Z)
    model.compile(MAKE["adam"](), "mse")
    assert fit(model, Z).history == fit(other, Z).history
    assert_same(model.get_weights(), other.get_weights())
    for _ in range(4):
        model.pop()
    with pytest.raises(ValueError, match="the model has no layers"):
        model.pop()
