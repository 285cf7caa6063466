"""BatchNormalization: formulas, moving statistics, gradients, freezing, models, files."""

import copy
import pickle

import numpy as np
import pytest
from tools import assert_gradients, assert_same_bits

import gru_c
from gru_c import (
    GRU,
    BatchNormalization,
    Conv1D,
    Dense,
    GlobalAveragePooling1D,
    Input,
    Parameters,
    Sequential,
    callbacks,
)

RNG = np.random.default_rng(104)
X = RNG.standard_normal((4, 6, 3)) * 2 + 1
MASK = RNG.random((4, 6)) < 0.6
Y = X[:, -1, :1]


def layer_of(x=X, **options):
    """A float64 layer with weights and moving statistics of its own."""
    layer = BatchNormalization(**{"dtype": "float64", "momentum": 0.75, **options})
    layer.build(x.shape)
    layer.set_weights([RNG.uniform(0.5, 2, w.shape) for w in layer.get_weights()])
    return layer


def steps_of(x, axis, mask):
    """For each feature, the entries that count."""
    turned = np.moveaxis(x, axis, -1)
    counts = np.ones(x.shape, bool) if mask is None else np.broadcast_to(mask[..., None], x.shape)
    counts = np.moveaxis(counts, axis, -1)
    return [turned[..., i][counts[..., i]] for i in range(turned.shape[-1])]


@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "mask"])
@pytest.mark.parametrize("axis", [-1, 1, 2, -2])
def test_training_normalizes_by_the_batch_and_moves_the_statistics(axis, mask):
    layer = layer_of(axis=axis, epsilon=0.1)
    gamma, beta, mean, variance = layer.get_weights()
    y = layer(X, training=True, **({} if mask is None else {"mask": mask}))
    columns = steps_of(X, axis, mask)
    means = np.array([column.mean() for column in columns])
    variances = np.array([column.var() for column in columns])
    moved = np.moveaxis(X, axis, -1)
    expected = (moved - means) / np.sqrt(variances + 0.1) * gamma + beta
    np.testing.assert_allclose(y, np.moveaxis(expected, -1, axis), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.value("moving_mean"), 0.75 * mean + 0.25 * means, rtol=1e-12)
    moving = 0.75 * variance + 0.25 * variances
    np.testing.assert_allclose(layer.value("moving_variance"), moving, rtol=1e-12)


@pytest.mark.parametrize("frozen", [False, True])
def test_prediction_and_a_frozen_layer_take_the_moving_statistics(frozen):
    layer = layer_of(trainable=not frozen)
    before = layer.get_weights()
    gamma, beta, mean, variance = before
    expected = (X - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    np.testing.assert_allclose(layer(X, training=frozen), expected, rtol=1e-12)
    np.testing.assert_allclose(layer(X, training=frozen, mask=MASK), expected, rtol=1e-12)
    for weight, same in zip(layer.get_weights(), before, strict=True):
        assert_same_bits(weight, same)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("mask", [None, MASK], ids=["all", "mask"])
@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("used", [(True, True), (True, False), (False, True)])
def test_gradients_are_those_of_finite_differences(used, axis, mask, frozen):
    center, scale = used
    layer = layer_of(axis=axis, center=center, scale=scale)
    layer.trainable = not frozen
    statistics = [layer.value(name).copy() for name in ("moving_mean", "moving_variance")]
    x = X.copy()

    def call(training=True):
        for name, value in zip(("moving_mean", "moving_variance"), statistics, strict=True):
            layer.value(name)[...] = value
        return layer.forward(x, training=True, **({} if mask is None else {"mask": mask}))

    y = call()
    assert layer.backward(y).shape == x.shape
    assert_gradients(Trained(layer), x, call)


class Trained:
    """A layer as far as its trained weights go, for `assert_gradients`."""

    def __init__(self, layer):
        self.parameters = [item for item in layer.parameters if item.trainable]
        self.backward = layer.backward


def test_rows_without_a_time_axis_and_small_batches():
    layer = layer_of(X[:, 0])
    assert layer(X[:, 0], training=True).shape == (4, 3)
    gamma, beta = layer.get_weights()[:2]
    np.testing.assert_allclose(layer(X[:1, 0], training=True), beta[None], rtol=1e-12)
    assert layer(X[:0, 0], training=True).shape == (0, 3)
    assert layer.backward(X[:0, 0]).shape == (0, 3)
    assert np.isfinite(layer.get_weights()).all()
    with_mask = layer_of()
    y = with_mask(X, training=True, mask=np.zeros((4, 6), bool))  # as Keras: mean and variance 0
    assert np.isfinite(y).all()
    assert gamma.shape == (3,)


def test_gradients_accumulate():
    layer = layer_of()
    y = layer.forward(X, training=True)
    layer.backward(y)
    once = [item.gradient.copy() for item in layer.parameters]
    assert layer.backward(y, accumulate=True, input_gradient=False) is None
    for item, gradient in zip(layer.parameters, once, strict=True):
        np.testing.assert_allclose(item.gradient, 2 * gradient, rtol=1e-12)


def test_large_values_keep_their_digits():
    x = (X + 1e4).astype(np.float32)
    exact = BatchNormalization(dtype="float64")(x, training=True)
    np.testing.assert_allclose(BatchNormalization()(x, training=True), exact, atol=5e-3)


def test_weights_and_which_of_them_are_trained():
    layer = layer_of()
    names = [item.name for item in layer.parameters]
    assert names == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [item.name for item in layer.trainable_weights] == ["gamma", "beta"]
    assert [item.name for item in layer.non_trainable_weights] == names[2:]
    layer.trainable = False
    assert [item.name for item in layer.non_trainable_weights] == names
    bare = layer_of(center=False, scale=False)
    assert [item.name for item in bare.parameters] == names[2:]
    assert bare.count_params() == 6
    assert layer.stepwise
    assert not layer.mixes_time
    assert not layer_of(axis=1).stepwise
    assert layer_of(axis=2).stepwise


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"axis": "last"}, TypeError, "axis must be an integer"),
        ({"axis": (1, 2)}, TypeError, "axis must be an integer"),
        ({"momentum": 1.5}, ValueError, r"momentum must be a number in \[0, 1\], got 1.5"),
        ({"momentum": -0.1}, ValueError, r"momentum must be a number in \[0, 1\], got -0.1"),
        ({"epsilon": 0}, ValueError, "epsilon must be a finite number > 0"),
        ({"center": "no"}, TypeError, "center must be True or False"),
        ({"renorm": True}, TypeError, "Keras has it, gru_c does not"),
    ],
)
def test_arguments_are_checked(options, error, words):
    with pytest.raises(error, match=words):
        BatchNormalization(**options)


def test_input_that_does_not_fit_is_refused():
    for axis in (3, -4, 0, -3):
        with pytest.raises(ValueError, match=f"axis={axis} is not an axis behind the batch's"):
            BatchNormalization(axis=axis)(X)
    with pytest.raises(ValueError, match="with a known size on axis 1"):
        BatchNormalization(axis=1).build((None, None, 3))
    layer = layer_of()
    with pytest.raises(ValueError, match="is built for 3 features"):
        layer(X[:, :, :2])
    with pytest.raises(ValueError, match=r"mask must have shape \(4, 6\)"):
        layer(X, training=True, mask=MASK[:, :2])


# ---- in a model ---------------------------------------------------------------------------------


def model_of(optimizer="adam", dtype="float32", **options):
    chain = [
        Conv1D(4, 3, padding="same"),
        BatchNormalization(momentum=0.5, **options),
        GRU(5, return_sequences=True),
        BatchNormalization(momentum=0.5),
        GlobalAveragePooling1D(),
        Dense(1),
    ]
    model = Sequential([Input((None, 3)), *chain], seed=6, dtype=dtype)
    model.compile(optimizer, "mse")
    return model


@pytest.mark.parametrize(
    "optimizer",
    [
        gru_c.optimizers.SGD(0.1, momentum=0.9, weight_decay=0.1),
        gru_c.optimizers.RMSprop(0.01, global_clipnorm=0.1),
        gru_c.optimizers.AdamW(0.01, weight_decay=0.1),
    ],
    ids=lambda optimizer: type(optimizer).__name__,
)
def test_no_optimizer_touches_the_statistics(optimizer):
    model = model_of(optimizer, "float64")
    layer = model.layers[1]
    mean, variance = layer.get_weights()[2:]
    for _ in range(3):
        x = model.layers[0](X)
        mean = 0.5 * mean + 0.5 * x.mean(axis=(0, 1))
        variance = 0.5 * variance + 0.5 * x.var(axis=(0, 1))
        model.train_on_batch(X, Y)
        np.testing.assert_allclose(layer.value("moving_mean"), mean, rtol=1e-10)
        np.testing.assert_allclose(layer.value("moving_variance"), variance, rtol=1e-10)
    assert not np.array_equal(layer.value("gamma"), np.ones(4))


def test_summary_counts_the_statistics_as_not_trainable(capsys):
    model = model_of()
    model.summary()
    lines = capsys.readouterr().out
    assert f"Total params: {model.count_params():,}" in lines
    assert f"Trainable params: {model.count_params() - 18:,}" in lines
    assert "Non-trainable params: 18" in lines


def test_a_model_is_saved_copied_and_resumed_with_the_statistics(tmp_path):
    model = model_of()
    model.fit(X, Y, epochs=3, batch_size=2, verbose=0)
    expected = model.predict(X, verbose=0)
    model.save(tmp_path / "model.safetensors", include_optimizer=True)
    again = gru_c.load_model(tmp_path / "model.safetensors")
    others = [again, copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    model.fit(X, Y, epochs=1, batch_size=2, verbose=0, shuffle=False)
    for other in others:
        assert_same_bits(other.predict(X, verbose=0), expected)
        flags = [item.trainable for item in other.layers[1].parameters]
        assert flags == [True, True, False, False]
        other.fit(X, Y, epochs=1, batch_size=2, verbose=0, shuffle=False)
        for weight, same in zip(other.get_weights(), model.get_weights(), strict=True):
            assert_same_bits(weight, same)


def test_a_run_that_is_resumed_is_the_run_that_was_not_interrupted(tmp_path):
    whole, first, second = model_of(), model_of(), model_of()
    path = tmp_path / "run.safetensors"
    whole.fit(X, Y, epochs=4, batch_size=2, verbose=0)
    first.fit(X, Y, epochs=2, batch_size=2, verbose=0, checkpoint=path, resume=True)
    second.fit(X, Y, epochs=4, batch_size=2, verbose=0, checkpoint=path, resume=True)
    for weight, same in zip(second.get_weights(), whole.get_weights(), strict=True):
        assert_same_bits(weight, same)


@pytest.mark.parametrize("verb", ["train_on_batch", "fit", "profile", "evaluate"])
def test_the_statistics_go_back_with_the_weights(verb):
    model = model_of()
    before = model.get_weights()
    bad = X.copy()
    bad[2] = 1e30
    if verb == "profile":
        model.profile(X, training=True, repeats=1)
    elif verb == "evaluate":
        model.evaluate(X, Y, verbose=0)
    else:
        with pytest.raises(FloatingPointError):
            getattr(model, verb)(bad * 1e8, Y)
    for weight, same in zip(model.get_weights(), before, strict=True):
        assert_same_bits(weight, same)


def test_early_stopping_restores_the_statistics():
    model = model_of()
    stop = callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    model.fit(X, Y, epochs=5, batch_size=4, verbose=0, callbacks=[stop])
    best = model_of()
    best.fit(X, Y, epochs=1, batch_size=4, verbose=0)
    for weight, same in zip(model.get_weights(), best.get_weights(), strict=True):
        assert_same_bits(weight, same)


def test_a_frozen_layer_in_a_model_keeps_everything():
    model = model_of(trainable=False)
    before = model.layers[1].get_weights()
    model.fit(X, Y, epochs=2, verbose=0)
    for weight, same in zip(model.layers[1].get_weights(), before, strict=True):
        assert_same_bits(weight, same)
    assert not np.array_equal(model.layers[3].value("moving_mean"), np.zeros(5))


def test_parameters_by_hand_leave_the_statistics_alone():
    layer, head = layer_of(), Dense(1, dtype="float64")
    head.build((None, 6, 3), rng=0)
    parameters = Parameters([layer, head])
    assert not parameters.all_trainable
    assert [item.name for item in parameters.statistics] == ["moving_mean", "moving_variance"]
    assert len(parameters.trainable_runs()) == 2
    head.backward(np.ones_like(head.forward(layer.forward(X, training=True), training=True)))
    before = layer.get_weights()[2:]
    gru_c.optimizers.SGD(0.5).step(parameters)
    for weight, same in zip(layer.get_weights()[2:], before, strict=True):
        assert_same_bits(weight, same)


def test_masked_steps_of_a_first_layer_may_hold_anything():
    model = Sequential([Input((None, 3)), BatchNormalization(), GRU(2), Dense(1)], seed=7)
    lengths = np.array([6, 2, 1, 4])
    holed = X.copy()
    for row, length in zip(holed, lengths, strict=True):
        row[length:] = np.nan
    model.compile("sgd", "mse")
    model.fit(holed, Y, lengths=lengths, verbose=0)
    assert np.isfinite(model.predict(holed, lengths=lengths, verbose=0)).all()
    means = [X[i, :length] for i, length in enumerate(lengths)]
    expected = 0.01 * np.concatenate(means).mean(axis=0)
    np.testing.assert_allclose(model.layers[0].value("moving_mean"), expected, rtol=1e-5)


def test_streams_normalize_each_step():
    model = Sequential([Input((None, 3)), BatchNormalization(), GRU(4)], seed=8)
    model.compile("adam", "mse")
    model.fit(X, X[:, 0, [0, 1, 2, 2]], epochs=2, verbose=0)
    stream = model.stream()
    for step in range(X.shape[1]):
        y = stream.step(X[:1, step])
    np.testing.assert_allclose(y, model.predict(X[:1], verbose=0), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="needs all of them at once"):
        model.fit(X, X[:, 0, [0, 1, 2, 2]], bptt_steps=2, verbose=0)
