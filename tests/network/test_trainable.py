"""Frozen layers and models: what training leaves as it is, and where that is kept."""

import copy
import json
import pickle

import numpy as np
import pytest

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
    callbacks,
    constraints,
    initializers,
    load_model,
    optimizers,
)
from gru_c.parameters import Parameters
from gru_c.saving import files
from gru_c.training import checkpoint

RNG = np.random.default_rng(71)
X = RNG.standard_normal((24, 6, 3)).astype(np.float32)
Y = RNG.standard_normal((24, 1)).astype(np.float32)
MATRIX = RNG.standard_normal((9, 4)).astype(np.float32)
WORDS = RNG.integers(0, 9, (24, 6))


def model_of(optimizer="adam", units=5, **options):
    """Four layers with weights: gru, layer_normalization, gru_1, dense."""
    model = Sequential(
        [
            GRU(units, return_sequences=True, input_shape=(6, 3), **options),
            LayerNormalization(),
            GRU(units),
            Dense(1),
        ],
        seed=0,
    )
    model.compile(optimizer, "mse")
    return model


def fit(model, x=X, y=Y, epochs=2, **options):
    return model.fit(x, y, epochs=epochs, batch_size=8, verbose=0, **options)


def changed(model, before):
    """Which layers' weights are no longer what they were, to the bit."""
    after = [layer.get_weights() for layer in model.layers if layer.parameters]
    return [
        any(a.tobytes() != b.tobytes() for a, b in zip(new, old, strict=True))
        for new, old in zip(after, before, strict=True)
    ]


def weights_by_layer(model):
    return [layer.get_weights() for layer in model.layers if layer.parameters]


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


def test_what_is_trained_is_that_of_a_model_without_the_frozen_layer():
    """Above a frozen layer, training is that of the rest on the frozen layer's outputs."""
    model = model_of(optimizers.Adam(0.01, global_clipnorm=0.1))
    model.layers[0].trainable = False
    rest = model_of(optimizers.Adam(0.01, global_clipnorm=0.1))
    rest = Sequential([Input((6, 5)), *copy.deepcopy(rest.layers[1:])], seed=0)
    rest.compile(optimizers.Adam(0.01, global_clipnorm=0.1), "mse")
    features = Sequential(model.layers[:1]).predict(X, verbose=0)
    fit(model, shuffle=False)
    fit(rest, features, shuffle=False)
    for ours, theirs in zip(model.get_weights()[3:], rest.get_weights(), strict=True):
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
    model.layers[3].trainable = True  # the model's own goes before it, as in Keras
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


# ---- Bidirectional ------------------------------------------------------------------------------


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


# ---- regularizers, constraints, dropout ---------------------------------------------------------


def test_the_penalty_of_a_frozen_layer_is_no_part_of_the_loss():
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


def test_dropout_goes_on_in_frozen_layers():
    layer = Dropout(0.5, seed=1, trainable=False)
    assert (layer(np.ones((4, 9)), training=True) == 0).any()
    gru = GRU(2, dropout=0.5, seed=1, trainable=False)
    assert not np.array_equal(gru(X, training=True), gru(X))


def test_a_frozen_stateful_layer_goes_on_with_its_states():
    model = Sequential([GRU(3, stateful=True, input_shape=(6, 3), trainable=False), Dense(1)])
    model.compile("adam", "mse")
    fit(model, shuffle=False)
    assert model.layers[0].state.shape == (8, 3)


def test_pieces_of_time_steps_leave_frozen_layers_alone():
    model = model_of()
    model.layers[0].trainable = False
    before = weights_by_layer(model)
    fit(model, bptt_steps=2)
    assert changed(model, before) == [False, True, True, True]


# ---- embeddings that are given ------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {"weights": [MATRIX]},
        {"weights": MATRIX},
        {"weights": MATRIX.tolist()},
        {"weights": (MATRIX.astype(np.float64),)},
        {"embeddings_initializer": initializers.Constant(MATRIX)},
        {"embeddings_initializer": initializers.Constant(MATRIX.tolist())},
        {"embeddings_initializer": MATRIX},
    ],
    ids=lambda given: next(iter(given)),
)
def test_given_embeddings_stay_when_frozen(tmp_path, given):
    model = Sequential([Embedding(9, 4, trainable=False, **given), GRU(3), Dense(1)], seed=0)
    model.compile("adam", "mse")
    fit(model, WORDS)
    np.testing.assert_array_equal(model.layers[0].value("embeddings"), MATRIX)
    path = tmp_path / "model.safetensors"
    model.save(path)
    assert len(path.read_bytes()) < 8000
    again = load_model(path)
    np.testing.assert_array_equal(again.layers[0].value("embeddings"), MATRIX)
    assert not again.layers[0].trainable
    np.testing.assert_array_equal(again.predict(WORDS), model.predict(WORDS))


def test_embeddings_with_weights_have_them_at_once():
    layer = Embedding(9, 4, weights=[MATRIX])
    assert layer.built
    assert layer.trainable_weights == layer.parameters
    np.testing.assert_array_equal(layer.get_weights()[0], MATRIX)
    for indices in (WORDS, WORDS[0], WORDS[None]):  # of any shape
        np.testing.assert_array_equal(copy.deepcopy(layer)(indices), MATRIX[indices])
    assert "weights" not in layer.get_config()
    model = Sequential([layer, GRU(2)])
    model.build((None, 6))
    assert model.predict(WORDS).shape == (24, 2)
    assert Sequential(model.layers[:1]).predict(WORDS).shape == (24, 6, 4)
    shared = Sequential([Input((6,)), Embedding(9, 4, weights=MATRIX), GRU(2)]).layers[:1]
    assert Sequential(shared).predict(WORDS).shape == (24, 6, 4)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (MATRIX.T, r"must have shape \(9, 4\), for input_dim and output_dim, got \(4, 9\)"),
        ([MATRIX, MATRIX], r"got \(2, 9, 4\)"),
        ([], r"got \(0,\)"),
        (MATRIX[0], r"got \(4,\)"),
        ("glove", "must hold real numbers"),
        (MATRIX * np.nan, "weights of layer 'embedding' must be finite"),
        ([np.full((9, 4), np.inf)], "weights of layer 'embedding' must be finite"),
        (np.full((9, 4), 1e300), "with NaN or infinity in float32"),
    ],
)
def test_embeddings_of_another_shape_are_refused(weights, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Embedding(9, 4, weights=weights)


def test_embeddings_with_weights_take_the_dtype_of_the_model():
    exact = RNG.standard_normal((9, 4))
    layer = Embedding(9, 4, weights=[exact])
    layer.value("embeddings")[2] = 3
    model = Sequential([layer, GRU(2)], dtype="float64", seed=0)
    model.build((None, 6))
    exact[2] = 3
    assert (layer.dtype, layer.get_weights()[0].dtype) == ("float64", np.float64)
    np.testing.assert_array_equal(layer.get_weights()[0], exact)
    assert model.predict(WORDS).dtype == np.float64
    model.compile("adam", "mse")
    fit(model, WORDS, np.zeros((24, 2)))
    small = Embedding(9, 4, weights=[exact])
    assert Sequential([small], seed=0).dtype == small.dtype == "float32"
    for settled in (small, Embedding(9, 4, weights=[exact], dtype="float32")):
        with pytest.raises(ValueError, match="'embedding' is float32, the model is float64"):
            Sequential([settled], dtype="float64")


@pytest.mark.parametrize("kind", [GRU, Dense])
def test_other_layers_take_no_weights(kind):
    with pytest.raises(TypeError, match="weights"):
        kind(3, weights=[MATRIX])


def test_constants_may_be_arrays():
    def made(initializer, shape=(9, 4)):
        return initializers.get(initializer)(shape, "float32", np.random.default_rng(0))

    row = MATRIX[0]
    np.testing.assert_array_equal(made(initializers.Constant(row)), np.tile(row, (9, 1)))
    column = initializers.Constant(MATRIX[:, :1])
    np.testing.assert_array_equal(made(column), np.tile(MATRIX[:, :1], (1, 4)))
    again = initializers.get(initializers.serialize(initializers.Constant(MATRIX)))
    np.testing.assert_array_equal(made(again), MATRIX)
    for wrong in (initializers.Constant(MATRIX.T), row, MATRIX[None], np.array(3.0)):
        with pytest.raises(ValueError, match=r"given as the initial value of a weight of shape"):
            made(wrong)
    with pytest.raises(ValueError, match="must be finite"):
        initializers.Constant([1.0, np.nan])
    source = MATRIX.copy()
    kept = initializers.Constant(source)
    source[:] = 0
    np.testing.assert_array_equal(made(kept), MATRIX)


# ---- the flag itself ----------------------------------------------------------------------------

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
def test_what_is_neither_true_nor_false_is_refused(value):
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


# ---- where it is kept ---------------------------------------------------------------------------


def test_summary_counts_the_frozen_weights():
    model, lines = model_of(), []
    model.layers[0].trainable = False
    model.summary(lines.append)
    assert lines[-3:] == [
        "Total params: 346",
        "Trainable params: 196",
        "Non-trainable params: 150",
    ]
    lines.clear()
    model.trainable = False
    model.summary(lines.append)
    assert lines[-2:] == ["Trainable params: 0", "Non-trainable params: 346"]


def test_profile_goes_back_as_far_as_training_does():
    model = model_of()
    model.layers[0].trainable = False
    rows = [(row.layer, row.direction) for row in model.profile(X, training=True, repeats=1).rows]
    assert rows[:2] == [("gru", "forward"), ("layer_normalization", "forward")]
    assert ("gru", "backward") not in rows
    assert ("gru_1", "backward") in rows


@pytest.mark.parametrize("include_optimizer", [False, True])
def test_files_keep_what_is_frozen(tmp_path, include_optimizer):
    model = model_of()
    fit(model)
    model.layers[0].trainable = model.layers[3].trainable = False
    model.save(tmp_path / "model.safetensors", include_optimizer)
    again = load_model(tmp_path / "model.safetensors")
    assert [layer.trainable for layer in again.layers] == [False, True, True, False]
    if include_optimizer:
        for one in (model, again):
            fit(one, shuffle=False)
        assert pickle.dumps(model.get_weights()) == pickle.dumps(again.get_weights())
    model.trainable = False
    model.layers[3].trainable = True
    model.save(tmp_path / "model.safetensors")
    assert not load_model(tmp_path / "model.safetensors").trainable


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_keep_what_is_frozen(duplicate):
    model = model_of()
    model.layers[1].trainable = False
    again = duplicate(model)
    before = weights_by_layer(again)
    fit(again)
    assert changed(again, before) == [True, False, True, True]
    again.trainable = False
    assert model.trainable
    assert not duplicate(again).trainable


class Crash(Exception):  # noqa: N818
    """What ends a run somewhere."""


def crash_after(batches):
    seen = []

    def count(number, logs):
        seen.append(number)
        if len(seen) == batches:
            raise Crash

    return callbacks.LambdaCallback(on_train_batch_end=count)


def thaw(model, epoch):
    """A callback that lets a frozen layer be trained from an epoch on."""

    def begin(number, logs):
        if number == epoch:
            model.layers[0].trainable = True

    return callbacks.LambdaCallback(on_epoch_begin=begin)


@pytest.mark.parametrize("batches", [2, 5, 8])
@pytest.mark.parametrize("thawed", [False, True])
def test_a_resumed_run_has_the_same_bits(tmp_path, batches, thawed):
    def made():
        model = model_of(dropout=0.2)
        model.layers[0].trainable = False
        return model, [thaw(model, 1)] if thawed else []

    whole, hooks = made()
    fit(whole, epochs=4, callbacks=hooks)
    path = tmp_path / "run.safetensors"
    options = {"checkpoint": path, "checkpoint_interval": 0.0, "epochs": 4}
    model, hooks = made()
    with pytest.raises(Crash):
        fit(model, callbacks=[*hooks, crash_after(batches)], **options)
    again, hooks = made()
    fit(again, callbacks=[*hooks, crash_after(100)], resume=True, **options)
    assert pickle.dumps(again.get_weights()) == pickle.dumps(whole.get_weights())
    assert again.layers[0].trainable == thawed


def test_a_checkpoint_of_before_there_was_trainable_is_gone_on_with(tmp_path):
    """Where a file says nothing, all layers were trainable."""
    path = tmp_path / "run.safetensors"
    fit(model_of(), checkpoint=path)
    tensors, metadata = files.read_tensors(path)
    run = json.loads(metadata["run"])
    del run["about"]["trainable"]
    del run["state"]["model"]["trainable"]
    for layer in run["about"]["layers"]:
        del layer["config"]["trainable"]
    metadata["run"] = json.dumps(run)
    metadata["digest"] = checkpoint._digest(metadata, tensors)
    files.write_tensors(path, tensors, metadata)
    again = model_of()
    fit(again, epochs=3, checkpoint=path, resume=True)
    whole = model_of()
    fit(whole, epochs=3)
    assert pickle.dumps(again.get_weights()) == pickle.dumps(whole.get_weights())
    frozen = model_of()
    frozen.layers[0].trainable = False
    with pytest.raises(ValueError, match=r"layers.0.config.trainable was True, is False"):
        fit(frozen, epochs=3, checkpoint=path, resume=True)


def test_a_run_with_other_layers_frozen_is_another_run(tmp_path):
    path = tmp_path / "run.safetensors"
    fit(model_of(), checkpoint=path)
    model = model_of()
    model.layers[0].trainable = False
    before = weights_by_layer(model)
    with pytest.raises(ValueError, match=r"another run: layers.0.config.trainable was True, is F"):
        fit(model, epochs=3, checkpoint=path, resume=True)
    assert changed(model, before) == [False] * 4
