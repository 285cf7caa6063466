"""Normalization and Rescaling."""

import numpy as np
import pytest
from tools import assert_gradients, assert_same_bits

import gru_c
from gru_c import GRU, Dense, Sequential
from gru_c.layers import Normalization, Rescaling

RNG = np.random.default_rng(33)
X = RNG.normal(3, 2, (20, 4, 5))


def adapted(data=X, **options):
    layer = Normalization(**{"dtype": "float64", **options})
    layer.adapt(data)
    return layer


@pytest.mark.parametrize(
    ("axis", "over"),
    [(-1, (0, 1)), (2, (0, 1)), (1, (0, 2)), ((1, 2), (0,)), ([2, 1], (0,)), (None, (0, 1, 2))],
)
@pytest.mark.parametrize("invert", [False, True])
def test_adapted_data_has_mean_zero_and_deviation_one(axis, over, invert):
    layer = adapted(axis=axis, invert=invert)
    mean, deviation = X.mean(over, keepdims=True), X.std(over, keepdims=True)
    expected = X * deviation + mean if invert else (X - mean) / deviation
    np.testing.assert_allclose(layer(X), expected, rtol=1e-12, atol=1e-12)
    sizes = tuple(X.shape[a] for a in range(3) if a not in over)
    assert [weight.shape for weight in layer.get_weights()] == [sizes, sizes, ()]


@pytest.mark.parametrize(
    "data",
    [
        [X[:7], X[7:8], X[8:]],
        ((X[i : i + 6], "ignored") for i in range(0, 20, 6)),
        X.tolist(),
    ],
    ids=["arrays", "tuples", "lists"],
)
def test_batches_give_the_mean_and_variance_of_all(data):
    weights = adapted(data).get_weights()
    np.testing.assert_allclose(weights[0], X.mean((0, 1)))
    np.testing.assert_allclose(weights[1], X.var((0, 1)))


def test_given_mean_and_variance_broadcast_to_the_axes():
    assert_same_bits(
        Normalization(mean=3, variance=4)(X[:, 0]), (np.float32(X[:, 0]) - 3) / np.float32(2)
    )
    layer = Normalization((1, 2), mean=np.arange(5.0), variance=np.arange(1, 6.0), dtype="float64")
    np.testing.assert_allclose(layer(X), (X - np.arange(5)) / np.sqrt(np.arange(1, 6)))
    assert layer.get_weights() == []
    with pytest.raises(ValueError, match="was given mean and variance"):
        layer.adapt(X)


def test_a_variance_of_zero_does_not_divide_by_zero():
    layer = adapted(np.ones((4, 2)))
    np.testing.assert_array_equal(layer(np.ones((1, 2))), [[0, 0]])
    np.testing.assert_allclose(layer([[1 + 1e-7, 1]]), [[1, 0]], rtol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        Normalization(mean=[1.0, 2, 3, 4, 5], variance=[2.0, 1, 3, 0.5, 1], dtype="float64"),
        Normalization(None, mean=1.0, variance=3.0, invert=True, dtype="float64"),
        Rescaling(0.3, 2.0, dtype="float64"),
        Rescaling([1.0, 2, 3, 4, 5], np.ones((4, 5)), dtype="float64"),
    ],
)
def test_gradients_agree_with_finite_differences(layer):
    layer.build(X.shape)
    assert_gradients(layer, X.copy())


def test_the_gradient_of_an_adapted_layer_is_divided_by_the_deviation():
    layer = adapted()
    layer(X, training=True)
    np.testing.assert_allclose(layer.backward(np.ones(X.shape)), np.ones(X.shape) / X.std((0, 1)))


def test_training_leaves_mean_and_variance_unchanged():
    model = Sequential([adapted(dtype="float32"), GRU(3), Dense(1)], seed=0)
    model.compile(gru_c.optimizers.SGD(0.1, weight_decay=0.1), "mse")
    model(X)
    before = model.get_weights()
    model.trainable = True
    model.fit(X, X[:, 0, 0], epochs=2, verbose=0)
    after = model.get_weights()
    for old, new in zip(before[:3], after[:3], strict=True):
        assert_same_bits(new, old)
    assert all((old != new).any() for old, new in zip(before[3:], after[3:], strict=True))
    assert model.trainable_weights[0].name == "kernel"
    assert model.count_params() - sum(w.array.size for w in model.trainable_weights) == 11


def test_a_model_for_any_number_of_time_steps():
    model = Sequential([adapted(dtype="float32"), GRU(3)])
    model(X)
    assert model.input_shape == (None, None, 5)
    assert model.predict(X[:, :2], verbose=0).shape == (20, 3)


@pytest.mark.parametrize("make", [adapted, lambda: Rescaling([1.0, 2, 3, 4, 5], 0.5)])
def test_saved_models_and_streams_have_the_layer(make, tmp_path):
    model = Sequential([make(), GRU(3)])
    y = model(X)
    model.save(tmp_path / "model.safetensors")
    loaded = gru_c.load_model(tmp_path / "model.safetensors")
    assert_same_bits(loaded(X), y)
    stream = model.stream(20)
    for t in range(4):
        state = stream.step(X[:, t])
    np.testing.assert_allclose(state, y, rtol=1e-6)


def test_one_number_is_saved_as_one_number(tmp_path):
    model = Sequential([adapted(axis=None), GRU(3)])
    y = model(X)
    model.save(tmp_path / "model.safetensors")
    assert_same_bits(gru_c.load_model(tmp_path / "model.safetensors")(X), y)


def test_means_for_each_time_step_cannot_be_streamed():
    assert not Normalization((1, 2)).stepwise
    assert not Rescaling(np.ones((4, 5))).stepwise
    assert Normalization().stepwise
    assert Rescaling(2.0).stepwise


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Normalization(mean=1.0), "mean and variance go together"),
        (lambda: Normalization(mean=[1.0], variance=1.0), "must have the same shape"),
        (lambda: Normalization(mean=[[1.0]], variance=[[1.0]]), "more axes than axis"),
        (lambda: Normalization(mean=0.0, variance=-1.0), "variance must not be negative"),
        (lambda: Normalization(axis=1.5), "axis must be an integer"),
        (lambda: Normalization(axis=3).adapt(X), r"axis=\(3,\), which input of shape"),
        (lambda: Normalization(axis=(1, -2)).adapt(X), "one axis twice"),
        (lambda: Normalization().adapt(X[:, 0, 0]), "the axis of the samples: give axis=None"),
        (lambda: Normalization().adapt([]), "has no numbers"),
        (lambda: adapted().adapt(X[..., :3]), r"means of shape \(5,\)"),
        (lambda: adapted()(X[..., :3]), "could not be broadcast|wants input of shape"),
        (lambda: Normalization().build((None, 3, None)), "known sizes of axis"),
        (lambda: Normalization(mean=[1.0, 2], variance=[1.0, 2])(X), "has mean and variance"),
        (lambda: Rescaling([1.0, 2.0])(X), r"ends with \(2,\)"),
        (lambda: Rescaling("a"), "scale must hold real numbers"),
    ],
)
def test_arguments_and_data_that_do_not_fit_are_refused(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_what_adapt_cannot_take_changes_nothing():
    layer = adapted()
    before = layer.get_weights()
    with pytest.raises(ValueError, match="means of shape"):
        layer.adapt([X, X[..., :3]])
    for old, new in zip(before, layer.get_weights(), strict=True):
        assert_same_bits(new, old)


def test_scale_and_offset_may_change():
    layer = Rescaling(2.0)
    layer(X)
    layer.scale = 3.0
    assert_same_bits(layer(X), np.float32(X) * np.float32(3))
